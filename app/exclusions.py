"""What a question sets aside ("besides the loans, what does the Bank give?").

Whatever is set aside is no answer, and passages that speak of it needn't speak of the rest of the
question; so it isn't searched for. The reader is asked the whole question, for documents say
"besides" too.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from app.content_words import content_terms
from app.lexicon import Lexicon
from app.types import Term
from index import Word, fold, words

_STOPS: Final = re.compile(r"[,;:?!.()\u2013\u2014]")


WORDS_MAX: Final = 3
"""Words that are taken as far as the end of the question; more have a verb among them."""


class Exclusion(NamedTuple):
    """A question without what it sets aside, and the terms of that."""

    rest: str
    terms: tuple[Term, ...]


def set_aside(question: str, lists: Lexicon) -> Exclusion:
    """Return a question without what it sets aside; the question itself, and no terms, where
    nothing is, or where nothing would be left.

    It follows a word like "besides" as far as a comma, an auxiliary or a question word. Where none
    of these ends it, it is the next word alone ("Что кроме денег даёт …"), with those that "and"
    joins to it; and in Kazakh the word before "басқа".
    """
    match = next((m for p in lists.exclusions if (m := p.search(fold(question)))), None)
    if match is None:
        return Exclusion(question, ())
    taken = (
        _before(question, match, lists)
        if lists.exclusions_follow
        else _after(question, match, lists)
    )
    if taken and not all(word.folded in lists.pronouns for word in taken):
        start, end = min(match.start(), taken[0].start), max(match.end(), taken[-1].end)
        rest = _without(question, start, end)
        terms = content_terms(f". {question[taken[0].start : taken[-1].end]}", lists)
        if terms and content_terms(rest, lists):
            return Exclusion(rest, terms)
    return Exclusion(question, ())


def _after(question: str, match: re.Match[str], lists: Lexicon) -> list[Word]:
    """Return the words after "besides" that it sets aside."""
    following = [word for word in words(question) if word.start >= match.end()]
    opens = not any(word.end <= match.start() for word in words(question))
    found: list[Word] = []
    end, is_ended = match.end(), False
    for word in following:
        is_ended = bool(found and _STOPS.search(question[end : word.start]))
        small = word.folded in lists.question_words or word.folded in lists.auxiliaries
        if is_ended or (small and not (opens and "," in question[word.start :])):
            is_ended = True
            break
        found.append(word)
        end = word.end
    follows_comma = question[: match.start()].rstrip().endswith(",")
    if is_ended or follows_comma:
        return found
    names = [question[word.start].isupper() for word in found]
    if lists.noun_askers and len(found) <= WORDS_MAX and not any(names[:1]):
        return found
    count = max(1, names.index(False) if False in names else len(names))
    while count + 1 < len(found) and found[count].folded in lists.conjunctions:
        count += 2
    return found[:count]


def _before(question: str, match: re.Match[str], lists: Lexicon) -> list[Word]:
    """Return the words before "басқа" that it sets aside."""
    found = [word for word in words(question) if word.end <= match.start()]
    count = 1
    while count + 2 <= len(found) and found[-count - 1].folded in lists.conjunctions:
        count += 2
    return found[-count:]


def _without(question: str, start: int, end: int) -> str:
    before, after = question[:start].rstrip(" ,"), question[end:].lstrip(" ,")
    rest = f"{before} {after}".strip()
    return re.sub(r"\s+([?!.,])", r"\1", rest[:1].upper() + rest[1:])
