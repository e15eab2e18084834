"""Follow-ups: a question that needs the earlier one, put together with it.

There is more than one way ("Who leads it?" asks about what the question before is about, or about
its answer); which is meant is told by what is found for each (``app/turns.py``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple, Self

from app.content_words import bare_text, content_terms
from app.lexicon import Lexicon
from app.places import YEAR, content_runs, in_place, is_small, phrases_of, runs_of, spoken_of
from app.types import QuestionKind, Way
from index import Word, fold, words

FOLLOWUP_TERMS_MAX: Final = 4
"""A question with more content words than this stands on its own unless it has a pronoun."""
MAY_REFER_TERMS_MAX: Final = 3
"""A question with more content words, or with a name, says by itself what it is about."""
PLACES_MAX: Final = 2
"""Each reading is searched and read for, which is what a question costs."""
ANTECEDENT_CHARACTERS: Final = 60
"""A longer answer to the question before isn't what "it" stands for."""
_BREAK = re.compile(r"\s*[,\u2013\u2014-]\s*\D")


class Reading(NamedTuple):
    """A question that stands on its own, the one whose words say what kind it is, and how the first
    came from what was typed.
    """

    standalone: str
    says_kind: str
    way: Way


class Spoken(NamedTuple):
    """What the turn before was about: its question as it was read, its short answer, and the
    heading over what it was answered from.
    """

    question: str
    answer: str | None
    heading: str | None


class FollowUp(NamedTuple):
    """The likeliest reading of a question by its words alone, other places for what it names in the
    question before, and what its words tell of it: ``is_certain`` where they leave no other way.
    """

    reading: Reading
    elsewhere: tuple[Reading, ...] = ()
    is_certain: bool = False
    refers_back: bool = False
    names_another: bool = False
    may_refer: bool = False

    @classmethod
    def alone(cls, read: str, *, may_refer: bool = False) -> Self:
        """Return a question that is taken as typed."""
        return cls(Reading(read, read, "typed"), may_refer=may_refer)


def other_readings(
    read: str, follow_up: FollowUp, spoken: Spoken, lists: Lexicon
) -> tuple[Reading, ...]:
    """Return the other ways to read a question that may go on about the turn before: with what it
    names in another place of the question before; as typed; and with its first pronoun replaced,
    or said, where it has none, of the answer before, of what the question before is about, or of
    what stands under the same heading.
    """
    if follow_up.is_certain:
        return ()
    pronoun = _pronoun(read, lists)

    def said_of(thing: str) -> str:
        return f"{thing}: {read}" if pronoun is None else _said_of(thing, read, pronoun, lists)

    others = [*follow_up.elsewhere, Reading(read, read, "typed")]
    if spoken.answer and len(spoken.answer) <= ANTECEDENT_CHARACTERS:
        others.append(Reading(said_of(spoken.answer), read, "answer"))
    for is_person in (False, True):
        subject = _subject(spoken.question, lists, is_person=is_person)
        if subject:
            others.append(Reading(said_of(subject), read, "subject"))
    if spoken.heading:
        others.append(Reading(f"{spoken.heading}: {read}", read, "heading"))
    return tuple(others)


def resolve(read: str, history: Sequence[str], lists: Lexicon) -> FollowUp:
    """Return how a question stands on its own, as far as its words tell.

    A follow-up that only names another thing ("And the bridge?") takes the place of a thing of the
    same form in the earlier question; where there is none, and where a pronoun refers back ("how
    long is it?"), both questions are put together and read as one. Any other question is left
    alone, so that a change of subject isn't dragged along.
    """
    if not history:
        return FollowUp.alone(read)
    closing = list(words(read))[-1:]
    closes = bool(closing) and closing[0].folded in lists.followup_closings
    if closes:  # "қатты желде ше?" names another thing
        read = read[: closing[0].start].rstrip()
    folded = bare_text(read)
    terms = content_terms(read, lists)
    found = [word.folded for word in words(read)]
    opening = max(
        (o for o in lists.followup_openings if folded == o or folded.startswith(o + " ")),
        key=len,
        default=None,
    )
    if opening in lists.negations and not _BREAK.match(read, len(opening)):
        opening = None  # "no parking zones?"
    if opening is None and _asks_anew(read, lists):
        return FollowUp.alone(read)
    if opening is not None and opening.split()[-1] not in lists.question_words:
        found = found[len(opening.split()) :]  # "what about" asks nothing itself
    asks = any(word in lists.question_words for word in found)
    has_pronoun = _pronoun(read, lists) is not None
    has_name = any(term.is_name for term in terms)
    short = len(terms) <= FOLLOWUP_TERMS_MAX
    one_thing = len(terms) <= 1 or all(term.is_number for term in terms)
    is_fragment = opening is None and _is_fragment(read, lists)
    opened = opening is not None or closes or is_fragment
    elliptic = short and not asks and (opened or one_thing)
    refers = short and has_pronoun and not has_name
    of_the_rest = short and not has_name and _is_of_the_rest(read, lists)
    bare_question = asks and len(terms) <= 1 and not has_name
    opens = short and asks and opened and not has_name
    dated = short and not has_name and _is_dated(read, lists)
    if not (elliptic or dated or refers or of_the_rest or bare_question or opens):
        may_refer = not has_name and len(terms) <= MAY_REFER_TERMS_MAX
        return FollowUp.alone(read, may_refer=may_refer)
    earlier = resolve(history[-1], history[:-1], lists).reading
    before = earlier.standalone
    says_kind = read if asks or _asks_for_list(read, lists) else earlier.says_kind
    together = Reading(_joined(before, read), says_kind, "joined")
    moved = dated and bool(YEAR.search(before))
    if not moved and (not elliptic or has_pronoun):
        return FollowUp(
            together,
            refers_back=has_pronoun or of_the_rest or bare_question,
            names_another=opens,
            may_refer=True,
        )
    named = read[_opening_characters(read, opening or "") :].strip(" ,?.!")
    placed = dict.fromkeys(in_place(before, named, lists))
    if is_fragment and found[0] not in {word.folded for word in words(before)}:
        # "How much off do students get" "at any time of the day"?
        placed = {f"{before.rstrip(' ?.!')} {named}?": None} | placed
    readings = [Reading(one, one, "in_place") for one in placed][:PLACES_MAX]
    likeliest, *elsewhere = [*readings, together]
    is_certain = moved or (bool(YEAR.search(named)) and bool(YEAR.search(before)))
    return FollowUp(
        likeliest,
        tuple(elsewhere),
        is_certain=is_certain and likeliest.way == "in_place",
        names_another=bool(named),
        may_refer=True,
    )


def _joined(before: str, read: str) -> str:
    return f"{before} {read}" if before.endswith(("?", ".", "!")) else f"{before}? {read}"


def _asks_anew(read: str, lists: Lexicon) -> bool:
    """Say whether a question is about the documents as a whole ("What are these documents about?"),
    or requests what is said about a subject that it names ("Tell me about the canals").
    """
    whole = any(one.search(bare_text(read)) for one in lists.whole_collection)
    if whole and _is_kind("overview", read, lists):
        return True
    return (
        _is_kind("topic", read, lists)
        and _pronoun(read, lists) is None
        and bool(content_terms(read, lists))
    )


def _next_to(read: str, word: Word) -> Word | None:
    """Return the word that follows another with nothing but space between."""
    after = next(words(read[word.end :]), None)
    if after is None or read[word.end :][: after.start].strip():
        return None
    return Word(after.folded, word.end + after.start, word.end + after.end)


def _said_of(antecedent: str, read: str, pronoun: Word, lists: Lexicon) -> str:
    """Return a question with a pronoun of it replaced by what that stands for."""
    possessive = "'s" if pronoun.folded in lists.possessives else ""
    after = _next_to(read, pronoun)
    with_it = after is not None and after.folded in lists.placeholders  # "that one"
    end = after.end if after is not None and with_it else pronoun.end
    return f"{read[: pronoun.start]}{antecedent}{possessive}{read[end:]}"


def _subject(earlier: str, lists: Lexicon, *, is_person: bool) -> str:
    """Return what an earlier question is about, or nothing: the last name in it, the last phrase
    with an article, or, of what is no person, what its auxiliary shows or the last word that
    carries it.
    """
    names = {term.folded for term in content_terms(earlier, lists) if term.is_name}
    spans = runs_of(earlier, lambda word: word in names) or [
        span for at, span in phrases_of(earlier, lists) if at in lists.determiners
    ]
    if not spans and not is_person:
        said = spoken_of(earlier, content_runs(earlier, lists), 0, lists)
        spans = ([said] if said else []) or [
            (w.start, w.end) for w in words(earlier) if not is_small(w.folded, lists)
        ]
    return earlier[slice(*spans[-1])] if spans else ""


def _is_kind(kind: QuestionKind, text: str, lists: Lexicon) -> bool:
    plain = bare_text(text)
    return any(pattern.search(plain) for pattern in lists.kinds.get(kind, ()))


def _is_of_the_rest(read: str, lists: Lexicon) -> bool:
    """Say whether a word for what is left stands as a noun ("the rest", "others"), and isn't a verb
    ("can I rest") or said of another ("the previous name").
    """
    found = list(words(read))
    for at, word in enumerate(found):
        if word.folded not in lists.remainders:
            continue
        after = _next_to(read, word)
        has_article = at > 0 and found[at - 1].folded in lists.determiners
        is_noun = has_article or not lists.determiners or word.folded.endswith("s")
        if is_noun and (after is None or is_small(after.folded, lists)):
            return True
    return False


def _is_fragment(read: str, lists: Lexicon) -> bool:
    """Say whether a text asks nothing by itself and opens with a preposition
    ("for students?", "at any time of the day?").
    """
    found = [word.folded for word in words(read)]
    return (
        len(found) > 1
        and found[0] in lists.prepositions
        and lists.question_words.isdisjoint(found)
        and not any(_is_kind(kind, read, lists) for kind in lists.kinds)
    )


def _is_dated(read: str, lists: Lexicon) -> bool:
    """Say whether a follow-up asks, or compares, nothing but the year before or after."""
    folded = fold(read)
    for pattern in (lists.year_before, lists.year_after):
        if pattern.search(folded):
            rest = content_terms(pattern.sub(" ", folded), lists)
            asking = lists.question_words - lists.than  # "лучше чем"
            compared = all(lists.comparatives.fullmatch(term.folded) for term in rest)
            return compared and asking.isdisjoint(word.folded for word in words(read))
    return False


def _asks_for_list(read: str, lists: Lexicon) -> bool:
    """Say whether a follow-up asks for a list whatever was asked before ("Can you list them?")."""
    return _is_kind("list", read, lists)


def _pronoun(read: str, lists: Lexicon) -> Word | None:
    """Return the first pronoun of a question that stands for something: "that" does after an
    auxiliary, at the end or before "one" ("does that compare", "before that").
    """
    folded = fold(read)
    no_pronouns = [
        match.span()
        for pattern in (*lists.impersonal, *lists.whole_collection)
        for match in pattern.finditer(folded)
    ]
    found = list(words(read))
    for at, word in enumerate(found):
        after = found[at + 1].folded if at + 1 < len(found) else None
        points = word.folded in lists.demonstratives and (
            after is None
            or after in lists.placeholders
            or (at > 0 and found[at - 1].folded in lists.auxiliaries)
        )
        is_none = any(start <= word.start < end for start, end in no_pronouns)
        if (points or word.folded in lists.pronouns) and not is_none:
            return word
    return None


def _opening_characters(read: str, opening: str) -> int:
    """Return how many characters of a follow-up its opening ("And what about") takes."""
    count = len(opening.split())
    found = list(words(read))
    return found[count - 1].end if 0 < count <= len(found) else 0
