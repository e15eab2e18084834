"""From what a reader typed to what is searched for.

Recognised here: the language, courtesies, orders that aren't questions, follow-ups (resolved
against the earlier questions), misspellings (forgiven against the collection's own words), the
kind of question, and the words that carry it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple, cast, get_args

from app.content_words import bare_text, content_terms
from app.errors import QuestionRefused
from app.exclusions import set_aside
from app.figures import quantities
from app.following_up import FollowUp, resolve
from app.language import detect_language, is_cyrillic, spelled_numbers
from app.lexicon import LANGUAGES, Lexicon, has_gap, lexicon
from app.misspelt import mend_asking_words, respell
from app.sides import asks_which, two_sides
from app.speller import Speller
from app.types import CourtesyKind, Language, Query, QuestionKind, Term
from index import fold, words

OPENING_WORDS: Final = 2
"""A question word stands among so many first words of a question ("In which year …")."""
COURTESY_WORDS_MORE: Final = 3
_COURTESIES: Final[Sequence[CourtesyKind]] = ("ability", "goodbye", "thanks", "greeting")
"""Of several in one text, the first of these is answered."""
_ASKED_OUTRIGHT: Final = frozenset({"who", "when", "where", "how_much"})
"""Kinds with question words of their own."""
_BLANK: Final = "\u00b7"
"""Unlike a space it leaves no name at the beginning of what is left."""
_SENTENCE_END: Final = re.compile(
    r"(?<=[!?])\s+|(?<=[a-z\u0430-\u045f\u0493-\u04e9]{4}\.)\s+(?=\D)"
)
"""Not after an abbreviation ("Jan.", "Capt.")."""


def understand(
    question: str,
    *,
    history: Sequence[str],
    language: Language | None,
    vocabulary: Speller,
    characters_max: int,
    antecedent: str | None = None,
    reading: int = 0,
) -> Query:
    """Return what a question asks for.

    ``history`` is the earlier questions as ``heard_before`` returns them; ``vocabulary`` is the
    collection's; ``antecedent``, if given, is what the question's pronoun stands for; ``reading``
    chooses among the ways in which a follow-up can be put together with what it follows.

    Raises QuestionRefused where the question is empty or has more than ``characters_max``
    characters.
    """
    heard = hear(question, history, language, vocabulary, characters_max)
    read, lists = heard.read, lexicon(heard.language)
    follow_up = FollowUp.alone(read)
    if heard.is_question:
        follow_up = resolve(read, history, lists)
    if antecedent is not None and follow_up.refers_back:
        follow_up = follow_up.about(antecedent, read, lists)
    chosen = follow_up.readings[min(reading, len(follow_up.readings) - 1)]
    standalone, says_kind = chosen.standalone, chosen.says_kind
    sought, terms_aside = set_aside(standalone, lists)
    says_kind = _asking(set_aside(says_kind, lists).rest, lists)
    asking = content_terms(says_kind, lists)
    kind = _kind(bare_text(says_kind), asking, lists)
    if kind not in ("overview", "reason") and asks_which(says_kind, asking, lists):
        kind = "comparison"
    terms = content_terms(_subject(sought, kind, lists), lists)
    if kind == "yes_no":
        terms = tuple(one for one in terms if one.folded not in lists.verdict_words) or terms
    return Query(
        question=question,
        standalone_question=standalone,
        sought=sought,
        asking=says_kind,
        set_aside=terms_aside,
        language=heard.language,
        kind=kind,
        courtesy=heard.courtesy,
        is_order=heard.is_order,
        refers_back=follow_up.refers_back,
        names_another=follow_up.names_another,
        may_refer=follow_up.may_refer,
        readings=len(follow_up.readings),
        stands_alone=chosen.is_alone,
        corrections=heard.corrections,
        terms=terms,
        numbers=quantities(sought) | spelled_numbers(words(sought), lists),
        sides=two_sides(sought, terms, lists) if kind == "comparison" else None,
    )


class Heard(NamedTuple):
    """A turn of a conversation, put right: without greeting and preamble, misspellings mended."""

    read: str
    language: Language
    courtesy: CourtesyKind | None
    is_order: bool
    corrections: tuple[tuple[str, str], ...]

    @property
    def is_question(self) -> bool:
        """Whether it asks something of the documents."""
        return self.courtesy is None and not self.is_order


def hear(
    question: str,
    history: Sequence[str],
    language: Language | None,
    vocabulary: Speller,
    characters_max: int,
) -> Heard:
    """Return a turn put right; raise QuestionRefused where it is empty or too long."""
    asked = " ".join(question.split())
    if not any(character.isalnum() for character in asked):
        raise QuestionRefused("empty_question", "The question is empty: type a few words.")
    if len(asked) > characters_max:
        raise QuestionRefused(
            "question_too_long",
            f"The question has {len(asked)} characters; the limit is {characters_max}. Shorten it.",
        )
    spoken = language or _language_of(asked, history)
    courtesy = None
    for tried in (spoken, *LANGUAGES):
        courtesy = _courtesy(asked, lexicon(tried), vocabulary)
        if courtesy is not None:
            spoken = language or tried
            break
    lists = lexicon(spoken)
    if courtesy == "ability" and history and any(w.folded in lists.pronouns for w in words(asked)):
        courtesy = None  # in a conversation "how does it work?" asks about what was spoken of
    mended: list[tuple[str, str]] = []
    if courtesy is None:
        asked, mended = mend_asking_words(asked, lists, vocabulary)
        asked = _without_preamble(_without_greeting(asked, lists), lists)
    is_order = courtesy is None and any(p.search(fold(asked)) for p in lists.orders)
    read, corrections = respell(asked, lists, vocabulary)
    return Heard(read, spoken, courtesy, is_order, (*mended, *corrections))


def heard_before(
    history: Sequence[str], vocabulary: Speller, characters_max: int
) -> tuple[str, ...]:
    """Return the earlier questions that a follow-up can be about, put right, the oldest first:
    courtesies and orders, and what is empty or too long, are left out.
    """
    before: list[str] = []
    for turn in history:
        try:
            heard = hear(turn, before, None, vocabulary, characters_max)
        except QuestionRefused:
            continue
        if heard.is_question:
            before.append(heard.read)
    return tuple(before)


def _language_of(asked: str, history: Sequence[str]) -> Language:
    """Return a question's language; that of the question before where nothing but names, numbers
    or words of the other Cyrillic language says it ("IFC?", "2020–2025?").
    """
    own = detect_language(asked)
    small = {word.folded for word in words(asked)}
    if not history or any(
        not small.isdisjoint(lists.function_words | lists.question_words)
        for lists in map(lexicon, LANGUAGES)
    ):
        return own
    before = detect_language(history[-1])
    if is_cyrillic(asked):
        return own if before == "en" else before
    return own if any(word.islower() for word in asked.split()) else before


def _courtesy(asked: str, lists: Lexicon, vocabulary: Speller) -> CourtesyKind | None:
    """Return what a text that is nothing but courtesies is ("ok thanks bye"), or None.

    A few words more that mean nothing to the collection ("thanks, was helpful") are let pass.
    """
    rest, said, approves = bare_text(asked), set[CourtesyKind](), False
    while rest:
        ends = {
            match.end(): kind
            for kind, patterns in lists.courtesies.items()
            for pattern in patterns
            if (match := pattern.match(rest))
        }
        approval = max((m.end() for one in lists.approvals if (m := one.match(rest))), default=0)
        end = max(approval, *ends, 0)
        if not end:
            break
        approves |= end not in ends
        said.update([ends[end]] if end in ends else [])
        rest = rest[end:].strip()
    more = [word.folded for word in words(rest)]
    if more and (
        said.isdisjoint({"thanks", "goodbye"})
        or len(more) > COURTESY_WORDS_MORE
        or "?" in asked
        or any(word in lists.question_words for word in more)
        or any(word in vocabulary.counts for word in more if word not in lists.function_words)
    ):
        return None
    return next((kind for kind in _COURTESIES if kind in said), "thanks" if approves else None)


def _without_greeting(asked: str, lists: Lexicon) -> str:
    """Drop a greeting or thanks that precedes the question proper ("Hello! How many …?"), without
    a stop between them only where a question word follows.
    """
    folded = fold(asked)
    for pattern in (
        *lists.courtesies["greeting"],
        *lists.courtesies["thanks"],
        *lists.approvals,
    ):
        opening = pattern.match(folded)
        if not opening or not opening.end():
            continue
        rest = asked[opening.end() :].lstrip(" ,!.-")
        stops = folded[opening.end() :].startswith((",", "!", ".", "-", " -"))
        if rest and (stops or _opens_with_question_word(rest, lists, 1)):
            return rest
    return asked


def _without_preamble(asked: str, lists: Lexicon) -> str:
    """Drop what precedes the question proper ("Could you tell me how many …") where what is left
    opens as a question does, or as one put as a request ("Can you list …").
    """
    rest = asked
    while True:
        folded = fold(rest)
        ends = (one.end() for pattern in lists.preambles if (one := pattern.match(folded)))
        end = max(ends, default=0)
        if not end:
            break
        rest = rest[end:].lstrip(" ,:;.!-\u2013\u2014")
        if _opens_with_question_word(rest, lists, OPENING_WORDS) or _opens_as_request(rest, lists):
            asked = rest
    return asked


def _opens_with_question_word(text: str, lists: Lexicon, count: int) -> bool:
    first = [word.folded for word in words(text)][:count]
    return any(word in lists.question_words for word in first)


def _opens_as_request(text: str, lists: Lexicon) -> bool:
    plain = bare_text(text)
    return any(
        pattern.pattern.startswith("^") and pattern.match(plain)
        for patterns in lists.kinds.values()
        for pattern in patterns
    )


def _asking(text: str, lists: Lexicon) -> str:
    """Return the sentence of a text that asks for something ("Do you know?" doesn't), the last of
    several, or the text: "I joined last year. May I vote?" is no question of when.
    """
    parts = _SENTENCE_END.split(text)
    asking = [part for part in parts if part.endswith("?") and content_terms(part, lists)]
    return asking[-1] if len(parts) > 1 and asking else text


def _kind(plain: str, terms: Sequence[Term], lists: Lexicon) -> QuestionKind:
    kinds = [
        cast(QuestionKind, kind)
        for kind in get_args(QuestionKind)
        if any(pattern.search(plain) for pattern in lists.kinds.get(kind, ()))
    ]
    if kinds and kinds[0] in ("overview", "reason"):  # "Who wrote the summary?" asks for none
        kinds.sort(key=lambda kind: not (kind in _ASKED_OUTRIGHT and _frames(kind, plain, lists)))
    if kinds[:1] == ["comparison"] and "reason" in kinds:
        return "reason"  # "Why is the bridge longer than the tunnel?"
    if kinds:
        return kinds[0]
    asks = any(word.folded in lists.question_words for word in words(plain))
    # Keywords only ("irrigation canals"): whatever is said about them is wanted.
    return "fact" if asks or not terms else "topic"


def _frames(kind: QuestionKind, plain: str, lists: Lexicon) -> bool:
    """Say whether the words that ask for a kind open a question, or stand before its last word,
    as in Kazakh ("Шолуды кім жазды?").
    """
    return any(
        not match.start() or len(plain[match.end() :].split()) == 1
        for pattern in lists.kinds.get(kind, ())
        for match in pattern.finditer(plain)
    )


def _subject(text: str, kind: QuestionKind, lists: Lexicon) -> str:
    """Return a question with the words that only say what kind it is ("summary", "how many years",
    "the reason"), or that an overview is of all documents ("these documents"), blanked out.

    A pattern with a gap for other words in it reaches over the subject and is left out.
    """
    named = lists.whole_collection if kind == "overview" else ()
    for pattern in (*lists.kinds.get(kind, ()), *named):
        if has_gap(pattern.pattern):
            continue
        for match in pattern.finditer(fold(text)):
            text = text[: match.start()] + _BLANK * len(match[0]) + text[match.end() :]
    return text
