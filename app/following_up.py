"""Follow-ups: a question that needs the earlier one, put together with it.

Often there is more than one way ("And for an X-ray?" after "How much is a blood test for the
uninsured?"); all are returned, the likeliest first, and the evidence decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, Self

from rapidfuzz.distance import Postfix

from app.content_words import bare_text, content_terms
from app.lexicon import LANGUAGES, Lexicon, lexicon
from app.types import QuestionKind
from index import Word, fold, words

FOLLOWUP_TERMS_MAX: Final = 4
"""A question with more content words than this stands on its own unless it has a pronoun."""
MAY_REFER_TERMS_MAX: Final = 2
"""A question with more content words, none a pronoun, says by itself what it is about."""
READINGS_MAX: Final = 3
"""Each reading is searched and read for, which is what a question costs."""
_BREAK = re.compile(r"\s*[,\u2013\u2014-]\s*\D")
_YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b(?:[-\u2013](?:1[0-9]|20)\d\d\b)?")


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
    moved = dated and bool(_YEAR.search(before))
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
    replaced = dict.fromkeys(_in_place(before, named, lists))
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
    if after.folded in lists.placeholders or _is_small(after.folded, lists):
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
    spans = _runs(earlier, lambda word: word in names) or [
        span for at, span in _phrases(earlier, lists) if at in lists.determiners
    ]
    if not spans and not is_person:
        spoken_of = _spoken_of(earlier, _content_runs(earlier, lists), 0, lists)
        spans = ([spoken_of] if spoken_of else []) or [
            (w.start, w.end) for w in words(earlier) if not _is_small(w.folded, lists)
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
        if is_noun and (after is None or _is_small(after.folded, lists)):
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


def _in_place(earlier: str, named: str, lists: Lexicon) -> Iterator[str]:
    """Yield the earlier question asked about ``named`` instead, the likeliest place first.

    A year takes a year's place, and so does "the year before"; a name takes a name's. Anything else
    takes the place of a phrase that opens with the same word ("for the uninsured"), or, without the
    word it opens with, that of any phrase; of several the last comes first.
    """
    opening = next(words(named), None)
    if opening is None:
        return
    years = list(_YEAR.finditer(earlier))
    year = _YEAR.search(named)
    if year is not None:
        if years:
            yield _exchanged(earlier, years[-1].span(), year[0])
        return
    for pattern, step in ((lists.year_before, -1), (lists.year_after, 1)):
        if years and pattern.search(fold(named)):
            yield _exchanged(earlier, years[-1].span(), _moved(years[-1][0], step))
            return
    new_terms = content_terms(f". {named}", lists)
    if new_terms and all(term.is_name for term in new_terms):
        names = {term.folded for term in content_terms(earlier, lists) if term.is_name}
        small = lists.function_words - lists.determiners
        for start, end in reversed(_runs(earlier, lambda word: word in names)):
            before = list(words(earlier[:start]))[-1:]
            with_it = [one for one in before if {one.folded, opening.folded} <= small]
            # "to Hest" → "from Skarv"
            yield _exchanged(earlier, (with_it[0].start if with_it else start, end), named)
        return
    phrases = list(_phrases(earlier, lists))
    for at, span in reversed(phrases):
        if opening.folded == at and at not in lists.determiners:
            yield _exchanged(earlier, span, named)
    thing = named
    if opening.folded in lists.function_words and opening.folded not in lists.determiners:
        thing = named[opening.end :].strip()
    has_article = [span for at, span in phrases if at in lists.determiners]
    doing = _doer(earlier, lists) if thing == named else None
    if doing is not None:
        yield _exchanged(earlier, doing, thing)
        return
    for start, end in reversed(has_article):
        rest = _exchanged(earlier, (start, end), "")
        if not any(not _is_small(word.folded, lists) for word in words(rest)):
            # Nothing says any more what is asked: "When was the museum founded?" → "the shipyard".
            count = sum(1 for _ in words(thing))
            kept = list(words(earlier[start:end]))[count:]
            yield _exchanged(earlier, (start, end), thing)
            if kept:
                yield _exchanged(earlier, (start, start + kept[0].start - 1), thing)
        else:
            yield _exchanged(earlier, (start, end), thing)
    if has_article:
        return
    # Where no article says where a phrase begins: the words in a row that carry the question, or
    # the last of them; its ending says what part it plays.
    runs = _content_runs(earlier, lists)
    subject = _spoken_of(earlier, runs, sum(1 for _ in words(thing)), lists)
    if subject is not None:
        yield _exchanged(earlier, subject, thing)
    runs.sort(key=lambda span: (_shared_ending(earlier[slice(*span)], thing), span))
    for start, end in reversed(runs):
        *others, last = words(earlier[start:end])
        for word in others:  # "длина дока" → "ширина дока"
            if _shared_ending(word.folded, thing) > max(1, _shared_ending(last.folded, thing)):
                yield _exchanged(earlier, (start + word.start, start + word.end), thing)
        yield _exchanged(earlier, (start + last.start, end), thing)
        yield _exchanged(earlier, (start, end), thing)


def _spoken_of(
    earlier: str, runs: Sequence[tuple[int, int]], count: int, lists: Lexicon
) -> tuple[int, int] | None:
    """Return where an English question names what it speaks of, by the place of its auxiliary:
    between that and the verb ("were transport costs reduced"), or right after the word that asks
    for it ("how many small firms were given"), there ``count`` words long where no auxiliary ends
    it; None where neither shows it, and in other languages, whose verbs stand anywhere.
    """
    if not runs or not lists.noun_askers:
        return None
    start, end = runs[0]
    inside = [(start + word.start, start + word.end) for word in words(earlier[start:end])]
    before = [word.folded for word in words(earlier[:start])][-1:]
    after = next(words(earlier[end:]), None)
    if after is None and len(inside) > 1 and not lists.auxiliaries.isdisjoint(before):
        last = fold(earlier[slice(*inside[-1])])
        is_verb = len(inside) == 2 if before[0] in lists.doing else lists.participle.fullmatch(last)
        return (start, inside[-2][1]) if is_verb else None
    if not lists.noun_askers.isdisjoint(before):
        if after is not None and after.folded in lists.auxiliaries:
            return start, end
        return (start, inside[min(count, len(inside)) - 1][1]) if count else None
    return None


def _doer(earlier: str, lists: Lexicon) -> tuple[int, int] | None:
    """Return where an English question names what does what is asked about, with its article: it
    stands between "does" and a verb that ends the question ("does the climate study cost").
    """
    found = list(words(earlier))
    while found and (found[-1].folded in lists.time_words or found[-1].folded.endswith("ly")):
        found.pop()
    for at in range(1, len(found) - 2):
        if found[at].folded in lists.determiners and found[at - 1].folded in lists.doing:
            rest = [word.folded for word in found[at + 1 :]]
            if not any(_is_small(word, lists) for word in rest):
                return found[at].start, found[-2].end
    return None


def _phrases(text: str, lists: Lexicon) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield each stretch of function words with the content words after it, from each of those
    function words on, with the word it opens with.
    """
    found = list(words(text))
    for at, word in enumerate(found):
        if word.folded not in lists.function_words:
            continue
        stop = at + 1
        while stop < len(found) and found[stop].folded in lists.function_words:
            stop += 1
        while stop < len(found) and found[stop].folded not in lists.function_words:
            stop += 1
        if found[stop - 1].folded not in lists.function_words:
            yield word.folded, (word.start, found[stop - 1].end)


def _content_runs(text: str, lists: Lexicon) -> list[tuple[int, int]]:
    return _runs(text, lambda word: not (_is_small(word, lists) or word[:1].isdigit()))


def _moved(years: str, step: int) -> str:
    """Return a year, or two with a dash between, so many years later."""
    return re.sub(r"\d{4}", lambda one: str(int(one[0]) + step), years)


def _is_small(folded: str, lists: Lexicon) -> bool:
    return folded in lists.function_words or folded in lists.question_words


def _shared_ending(one: str, other: str) -> int:
    """Return how many letters two texts share at their ends."""
    return Postfix.similarity(fold(one), fold(other))


def _exchanged(text: str, span: tuple[int, int], other: str) -> str:
    return text[: span[0]] + other + text[span[1] :]


def _runs(text: str, wanted: Callable[[str], bool]) -> list[tuple[int, int]]:
    """Return the spans of the longest runs of neighbouring words that are wanted."""
    spans: list[tuple[int, int]] = []
    for word in words(text):
        if not wanted(word.folded.removesuffix("'s")):
            continue
        if spans and not text[spans[-1][1] : word.start].strip(" -\u2013"):
            spans[-1] = (spans[-1][0], word.end)
        else:
            spans.append((word.start, word.end))
    return spans
