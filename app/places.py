"""Where a follow-up's words go in the question before: what takes the place of what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from rapidfuzz.distance import Postfix

from app.content_words import content_terms
from app.lexicon import Lexicon
from index import fold, words

YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b(?:[-\u2013](?:1[0-9]|20)\d\d\b)?")
"""A year, or two with a dash between."""


def in_place(earlier: str, named: str, lists: Lexicon) -> Iterator[str]:
    """Yield the earlier question asked about ``named`` instead, the likeliest place first.

    A year takes a year's place, and so does "the year before"; a name takes a name's. Anything else
    takes the place of a phrase that opens with the same word ("for the uninsured"), or, without the
    word it opens with, that of any phrase; of several the last comes first.
    """
    opening = next(words(named), None)
    if opening is None:
        return
    years = list(YEAR.finditer(earlier))
    year = YEAR.search(named)
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
        for start, end in reversed(runs_of(earlier, lambda word: word in names)):
            before = list(words(earlier[:start]))[-1:]
            with_it = [one for one in before if {one.folded, opening.folded} <= small]
            # "to Hest" → "from Skarv"
            yield _exchanged(earlier, (with_it[0].start if with_it else start, end), named)
        return
    phrases = list(phrases_of(earlier, lists))
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
        if not any(not is_small(word.folded, lists) for word in words(rest)):
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
    runs = content_runs(earlier, lists)
    subject = spoken_of(earlier, runs, sum(1 for _ in words(thing)), lists)
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


def spoken_of(
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
            if not any(is_small(word, lists) for word in rest):
                return found[at].start, found[-2].end
    return None


def phrases_of(text: str, lists: Lexicon) -> Iterator[tuple[str, tuple[int, int]]]:
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


def content_runs(text: str, lists: Lexicon) -> list[tuple[int, int]]:
    """Return the spans of neighbouring words that carry what is asked, numbers left out."""
    return runs_of(text, lambda word: not (is_small(word, lists) or word[:1].isdigit()))


def _moved(years: str, step: int) -> str:
    """Return a year, or two with a dash between, so many years later."""
    return re.sub(r"\d{4}", lambda one: str(int(one[0]) + step), years)


def is_small(folded: str, lists: Lexicon) -> bool:
    """Say whether a folded word carries nothing by itself."""
    return folded in lists.function_words or folded in lists.question_words


def _shared_ending(one: str, other: str) -> int:
    """Return how many letters two texts share at their ends."""
    return Postfix.similarity(fold(one), fold(other))


def _exchanged(text: str, span: tuple[int, int], other: str) -> str:
    return text[: span[0]] + other + text[span[1] :]


def runs_of(text: str, wanted: Callable[[str], bool]) -> list[tuple[int, int]]:
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
