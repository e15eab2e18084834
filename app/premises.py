"""What a question takes for granted, and a quote says otherwise.

Each check looks at one kind of trap that a span with a high score falls into: the opposite ("why
did fares rise", where they fell), a denial ("when was it closed", where it never was), another year
or month, another currency. They find nothing unless the words show it: a refusal for a wrong reason
loses an answer. Relations turned round ("who replaced Reke") are ``app.relations``'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from app.catalogue import YEAR
from app.figures import dated_months
from app.language import detect_language, is_cyrillic, stems
from app.lexicon import LANGUAGES, lexicon, opposites
from app.types import Query, Term
from index import fold, words

DENIED_KINDS: Final = frozenset({"reason", "when", "where", "who"})
"""Kinds of question that take for granted that something happened."""
NEGATION_REACH: Final = 3
"""Words after "not" of which the one denied is one ("was not formally approved")."""
STEM_LETTERS_MIN: Final = 4
BOUND_REACH: Final = 2
"""Words before a year, or after it in Kazakh, that make it a bound ("since 2019")."""
_HOURS: Final = re.compile(
    r"\b\d{1,2}(?:[:.]\d\d\s?|\s?[ap]\.?\s?m\b\.?\s?)(?:to|till|until|[-\u2013\u2014])\s?\d{1,2}\b"
    r"|\b\u0441 \d{1,2}\b[^.,;]{0,8} \u0434\u043e \d{1,2}\b(?! \d{4})"
    r"|\b\d{1,2}[:.]\d\d-?\s?[\u0434\u0442\u043d][\u0430\u0435]\u043d\b"
)
"""Hours, from one to another ("7 a.m. to 9 p.m.", "с 7 утра до 9", "8:30-дан"), folded."""
_KAZAKH_NEGATION: Final = re.compile(r"[мбп][ае](?:й|ды|ди|ган|ген|са|се|с$|у|стан|стен|йды|йди)")
"""How what follows a Kazakh verb's stem denies it ("қабылдан-бады"), folded."""


def contradicts(query: Query, quote: str) -> bool:
    """Say whether the question takes for granted the opposite of what the quote says: it has a
    word of one side of a pair ("rise"), the quote only words of the other ("reduced"). Asked
    whether it is so, the opposite is the answer; and hours of opening say when something closes.
    """
    if query.kind == "yes_no":
        return False
    asked = [word.folded for word in words(query.standalone_question)]
    said = [word.folded for word in words(quote)]
    return any(
        any(map(one, asked))
        and not any(map(other, asked))
        and any(map(other, said))
        and not any(map(one, said))
        and not (name == "open" and (one, other) == pair[::-1] and _HOURS.search(fold(quote)))
        for name, pair in opposites().items()
        for one, other in (pair, pair[::-1])
    )


def is_denied(query: Query, quote: str) -> bool:
    """Say whether the quote denies what a question of why, when, where or who takes for granted:
    a word of the question stands there with "not", and nowhere without.

    "Didn't open until May" says when; a question with "not" in it asks for what didn't happen.
    """
    if query.kind not in DENIED_KINDS:
        return False
    known = [lexicon(language) for language in LANGUAGES]
    negations = frozenset().union(*(lists.negations for lists in known))
    limits = frozenset().union(*(lists.negation_limits for lists in known))
    said = [word.folded for word in words(quote)]
    asked = [word.folded for word in words(query.standalone_question)]
    if not negations.isdisjoint(asked) or not limits.isdisjoint(said):
        return False
    for term in query.terms:
        if term.is_number or term.is_name:
            continue
        same = term.translations or ()
        found = [at for at, word in enumerate(said) if word in same or _same_stem(term, word)]
        if found and all(_is_negated(said, at, negations) for at in found):
            return True
        if is_cyrillic(term.folded) and not found and _denies_in_kazakh(term.folded, said):
            return True
    return False


def _same_stem(term: Term, word: str) -> bool:
    return not set(term.stems).isdisjoint(stems(word))


def _is_negated(said: Sequence[str], at: int, negations: frozenset[str]) -> bool:
    reach = 1 if is_cyrillic(said[at]) else NEGATION_REACH
    before = said[max(0, at - reach) : at]
    return any(word in negations or word.endswith("n't") for word in before)


def _denies_in_kazakh(asked: str, said: Iterable[str]) -> bool:
    """Say whether a word has the stem of another and the suffix of "not" after it."""
    for word in said:
        common = 0
        while common < min(len(asked), len(word)) and asked[common] == word[common]:
            common += 1
        if (
            common >= STEM_LETTERS_MIN
            and _KAZAKH_NEGATION.match(word[common:])
            and not _KAZAKH_NEGATION.match(asked[common:])
        ):
            return True
    return False


def in_another_year(query: Query, quote: str, around: frozenset[str]) -> bool:
    """Say whether a question asks about a year, and the quote can't be told to be about it: the
    year stands neither there nor ``around`` it, and no years of the quote enclose it ("from 2020 to
    2025") or are the bound of a time that it may lie in ("since 2019").
    """
    asked = {number for number in query.numbers if YEAR.fullmatch(number)}
    found = list(words(quote))
    said = {word.folded for word in found if YEAR.fullmatch(word.folded)}
    if not asked or asked & (said | around):
        return False
    if len(said) > 1 and any(min(said) < year < max(said) for year in asked):
        return False
    bounds = lexicon(detect_language(quote)).year_bounds
    return not any(
        one.folded in bounds
        for at, word in enumerate(found)
        if word.folded in said
        for one in found[max(0, at - BOUND_REACH) : at + BOUND_REACH + 1]
    )


def in_another_month(query: Query, quote: str, around: str) -> bool:
    """Say whether a question names a date, and the quote has the date of another month only, as
    has what stands ``around`` it.
    """
    asked = dated_months(query.standalone_question)
    said = dated_months(quote)
    return bool(asked and said) and asked.isdisjoint(said | dated_months(around))


def in_another_currency(query: Query, quote: str, around: str) -> bool:
    """Say whether a question asks for an amount in one currency, and the quote gives others only,
    as does what stands ``around`` it.
    """
    asked = _currencies(query.standalone_question)
    said = _currencies(quote)
    return bool(asked and said) and asked.isdisjoint(said | _currencies(around))


def _currencies(text: str) -> frozenset[str]:
    folded = fold(text)
    return frozenset(
        name
        for language in LANGUAGES
        for name, pattern in lexicon(language).currencies.items()
        if pattern.search(folded)
    )
