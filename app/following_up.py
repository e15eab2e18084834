"""Follow-ups: a question that needs the earlier one, put together with it.

Often there is more than one way ("And for an X-ray?" after "How much is a blood test for the
uninsured?"); all are returned, the likeliest first, and the evidence decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, Self

from app.content_words import bare_text, content_terms
from app.lexicon import LANGUAGES, Lexicon, lexicon
from app.places import YEAR, content_runs, in_place, is_small, phrases_of, runs_of, spoken_of
from app.types import QuestionKind
from index import Word, fold, words

FOLLOWUP_TERMS_MAX: Final = 4
"""A question with more content words than this stands on its own unless it has a pronoun."""
MAY_REFER_TERMS_MAX: Final = 2
"""A question with more content words, none a pronoun, says by itself what it is about."""
READINGS_MAX: Final = 3
"""Each reading is searched and read for, which is what a question costs."""
_BREAK = re.compile(r"\s*[,\u2013\u2014-]\s*\D")


class Reading(NamedTuple):
    """A question that stands on its own, and the one whose words say what kind it is."""

    standalone: str
    says_kind: str
    is_alone: bool = False
    """Whether it is the question as typed: what it may have been, where it can't follow up."""


class FollowUp(NamedTuple):
    """The readings of a question, the likeliest first; one that stands alone has itself."""

    readings: tuple[Reading, ...]
    refers_back: bool = False
    names_another: bool = False
    may_refer: bool = False
    """Whether it says what it asks, and may go on about what was spoken of all the same."""

    @classmethod
    def alone(cls, read: str) -> Self:
        """Return a question that needs no other."""
        return cls((Reading(read, read),))

    def about(self, antecedent: str, read: str, lists: Lexicon) -> FollowUp:
        """Return the follow-up with its first pronoun replaced by what it stands for, or, where it
        has none, said of that.
        """
        pronoun = _pronoun(read, lists)
        of_figures = _is_kind("how_much", read, lists) or _is_kind("when", read, lists)
        if not of_figures and _is_figure(antecedent):
            return self  # nobody chairs "three"
        # "Since when?" after a question whose answer is a name, "What is this firm called?"
        if pronoun is None or _points_at(read, pronoun, lists):
            if not of_figures and _opens_with_figure(antecedent):
                return self
            return self._replace(
                readings=(Reading(f"{antecedent}: {read}", self.readings[0].says_kind),)
            )
        standalone = _said_of(antecedent, read, pronoun, lists)
        return self._replace(readings=(Reading(standalone, self.readings[0].says_kind),))


def resolve(read: str, history: Sequence[str], lists: Lexicon) -> FollowUp:
    """Return the ways in which a question stands on its own.

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
    pronoun = _pronoun(read, lists)
    has_pronoun = pronoun is not None
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
        if has_name or not asks or len(terms) > MAY_REFER_TERMS_MAX:
            return FollowUp.alone(read)
        joined = _joined(resolve(history[-1], history[:-1], lists).readings[0].standalone, read)
        return FollowUp((Reading(read, read), Reading(joined, read)), may_refer=True)
    earlier = resolve(history[-1], history[:-1], lists).readings[0]
    before = earlier.standalone
    joined = _joined(before, read)
    together = Reading(joined, read if asks or _asks_for_list(read, lists) else earlier.says_kind)
    # "How many startups?", "Irrigation" may be about something else.
    refers_only = has_pronoun or of_the_rest or dated
    may_be_alone = bool(terms) and not refers_only and (not opened or opens)
    alone = [Reading(read, read, is_alone=True)] if may_be_alone else []
    moved = dated and bool(YEAR.search(before))
    if not moved and (not elliptic or has_pronoun):
        others: list[Reading] = []
        is_person = pronoun is not None and pronoun.folded in lists.person_pronouns
        subject = _subject(before, lists, is_person=is_person)
        if _is_kind("reason", read, lists) and not terms:
            subject = ""  # "Why is it so?" asks about all that was said
        if not lists.person_pronouns and subject[:1].isupper() and _is_kind("who", before, lists):
            subject = ""  # "он" is whom the answer names, not where he is
        if pronoun is not None and subject and not _points_at(read, pronoun, lists):
            said = _said_of(subject, read, pronoun, lists)
            others.append(Reading(said, said))
        if bare_question and not has_pronoun and not terms:
            others.extend(Reading(one, read) for one in _asked_of(before, read, lists))
        elif pronoun is not None and len(terms) > 1 and pronoun.folded in lists.plural_pronouns:
            alone = [Reading(read, read, is_alone=True)]  # "what fruit do they grow?"
        return FollowUp(
            (*(together, *others)[: READINGS_MAX - len(alone)], *alone),
            refers_back=has_pronoun or of_the_rest or bare_question,
            names_another=opens and bool(others or alone or (has_pronoun and subject)),
        )
    named = read[_opening_characters(read, opening or "") :].strip(" ,?.!")
    replaced = dict.fromkeys(in_place(before, named, lists))
    if is_fragment and found[0] not in {word.folded for word in words(before)}:
        # "How much off do students get" "at any time of the day"?
        added = {f"{before.rstrip(' ?.!')} {named}?": None}
        replaced = added | (replaced if one_thing else {})
    readings = (*(Reading(one, one) for one in replaced), together)[: READINGS_MAX - len(alone)]
    return FollowUp((*readings, *alone), names_another=bool(named))


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


def _points_at(read: str, pronoun: Word, lists: Lexicon) -> bool:
    """Say whether a demonstrative stands before what it points at ("this firm"), so that nothing
    can take its place. A verb follows it after "does" ("does that compare with"), and what is
    said of it after "is", at the end ("is that free").
    """
    after = _next_to(read, pronoun)
    if after is None or pronoun.folded not in lists.demonstratives:
        return False
    if after.folded in lists.placeholders or is_small(after.folded, lists):
        return False
    before = [word.folded for word in words(read[: pronoun.start])][-1:]
    later = _next_to(read, after)
    last = later is None or later.folded in lists.prepositions or later.folded.endswith("ly")
    is_predicate = last and not (lists.auxiliaries.isdisjoint(before) or after.folded.endswith("s"))
    return not (is_predicate or not lists.doing.isdisjoint(before))


def _next_to(read: str, word: Word) -> Word | None:
    """Return the word that follows another with nothing but space between."""
    after = next(words(read[word.end :]), None)
    if after is None or read[word.end :][: after.start].strip():
        return None
    return Word(after.folded, word.end + after.start, word.end + after.end)


def _opens_with_figure(answer: str) -> bool:
    first = next(words(answer), None)
    return first is not None and _is_number(first.folded)


def _is_figure(answer: str) -> bool:
    return all(_is_number(word.folded) for word in words(answer))


def _is_number(folded: str) -> bool:
    known = (lexicon(language).number_words for language in LANGUAGES)
    return folded[:1].isdigit() or any(folded in one for one in known)


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


def _asked_of(earlier: str, read: str, lists: Lexicon) -> Iterator[str]:
    """Yield a question that is nothing but its question words ("By whom?"), asked of what the
    earlier one says without its own ("By whom was the museum founded?").
    """
    asking = [word for word in words(earlier) if word.folded in lists.question_words]
    if len(asking) == 1:
        rest = earlier[: asking[0].start] + earlier[asking[0].end :]
        yield f"{read.strip(' ,?.!')} {' '.join(rest.split())}"


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
