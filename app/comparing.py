"""What is said of both sides of a comparison, in the same respect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.candidates import Candidate, candidates, overlap, share_covered
from app.lexicon import Measure, lexicon
from app.measures import gives_measure, measure_compared
from app.mentions import Mentions
from app.quotes import text_of
from app.types import Evidence, Language, Query, Term
from index import RankedPassage

SIDE_WORTH_MIN: Final = 0.5
"""How far what speaks of one side must have the words for it, 0…1."""
SIDE_CANDIDATES: Final = 6
FIGURE_WORTH: Final = 0.3
SENTENCE_WORTH: Final = 0.3
MEANING_WORTH: Final = 4.0
"""What a cosine of the encoder, which differs by a tenth or so, is multiplied by."""
PARALLEL_WORTH: Final = 0.5
LIKENESS_IN_ONE: Final = 0.5
"""How alike two sides are taken to be spoken of by one sentence about both."""


def find_sides(
    query: Query,
    ranked: Sequence[RankedPassage],
    *,
    rarity: Callable[[Term], float],
    languages: Mapping[str, Language],
    similarities: Callable[[str, Sequence[str]], Sequence[float]],
) -> tuple[Evidence, ...]:
    """Return what is said of each side of a comparison in the same respect, one quote where it
    holds both; nothing where a side isn't spoken of.

    Each one's probability is the share of the terms for a side and for the respect that the side's
    quote covers, headings included, of the side of which it covers less.
    """
    if query.sides is None:
        return ()
    compared = measure_compared(query.standalone_question, query.language)
    measure, measure_words = compared or (None, frozenset[str]())
    found = [
        one
        for one in candidates(query, ranked, rarity=rarity, languages=languages, whole=False)
        if measure is None or _gives(one.evidence, measure)
    ]
    weights = np.array([rarity(term) for term in query.terms])
    of_either = {one.folded for side in query.sides for one in side}
    pools: list[list[tuple[float, Candidate]]] = []
    for side, other in (query.sides, query.sides[::-1]):
        own = {one.folded for one in side}
        asked = [term.folded in own or term.folded not in of_either for term in query.terms]
        heads, whole = (_head(side), _head(other)), _said_together(side, found)
        speaking = [
            (_worth_of_side(one, weights * asked), one)
            for one in found
            if _speaks_of(one, *heads, whole)
        ]
        speaking.sort(key=lambda one: -one[0])
        pools.append(_by_meaning(query, speaking[:SIDE_CANDIDATES], similarities))
    pairs = (
        (one + other + PARALLEL_WORTH * _likeness(first, second), first, second)
        for one, first in pools[0]
        for other, second in pools[1]
    )
    best = max(pairs, key=lambda one: one[0], default=None)
    if best is None:
        return ()
    taken = list(best[1:])
    if overlap(taken[0].evidence, taken[1].evidence):
        taken = taken[:1]
    share = min(
        share_covered(weights * asked, [one])
        for asked, one in zip(_asked_of(query, measure_words), best[1:], strict=True)
    )
    return tuple(one.evidence.model_copy(update={"probability": share}) for one in taken)


def _asked_of(query: Query, measure_words: frozenset[str]) -> list[list[bool]]:
    """Return, for each side, which of the question's terms what is said of it must have: its own,
    and those for the respect. How the sides differ ("busier") is for the reader to see, unless
    nothing else tells the respect; that the measure is given has been seen to.
    """
    assert query.sides is not None
    comparatives = lexicon(query.language).comparatives
    of_either = {one.folded for side in query.sides for one in side}
    respect = [term.folded for term in query.terms if term.folded not in of_either]
    told = [one for one in respect if not comparatives.fullmatch(one) and one not in measure_words]
    wanted = told if told or measure_words else respect
    return [
        [
            term.folded in wanted or term.folded in {one.folded for one in side}
            for term in query.terms
        ]
        for side in query.sides
    ]


def _likeness(one: Candidate, other: Candidate) -> float:
    """Return how alike two sides are spoken of; a sentence that speaks of both may do it anyhow."""
    if overlap(one.evidence, other.evidence):
        return LIKENESS_IN_ONE
    return one.said.likeness(other.said)


def _gives(evidence: Evidence, measure: Measure) -> bool:
    """Say whether a quote, or its table's header, gives a measure."""
    texts = (text_of(evidence.passage, evidence.quote), evidence.passage.table_header)
    return any(gives_measure(measure, text, (0, len(text))) for text in texts)


def _head(side: Sequence[Term]) -> list[Term]:
    """Return the words without which nothing is said of a side: its names, or the word beside the
    joint.
    """
    return [term for term in side if term.is_name] or list(side[:1])


def _has(said: Mentions, terms: Sequence[Term]) -> bool:
    return all(said.worth(term) >= SIDE_WORTH_MIN for term in terms)


def _said_together(side: Sequence[Term], found: Sequence[Candidate]) -> list[Term]:
    """Return the words for a side that any sentence has together with its head."""
    head = _head(side)
    return [one for one in side if any(_has(each.said, [*head, one]) for each in found)]


def _speaks_of(
    one: Candidate, head: Sequence[Term], other: Sequence[Term], whole: Sequence[Term]
) -> bool:
    """Say whether a sentence is about one side: it has its head, or, where it has the other's ("the
    old hospital"), the ``whole`` of it. A heading over both sides is about neither.
    """
    if _has(one.said, other):
        return bool(whole) and _has(one.said, whole)
    by_heading = not _has(one.place, other)
    return all(_has(one.said, [term]) or (by_heading and _has(one.place, [term])) for term in head)


def _by_meaning(
    query: Query,
    found: Sequence[tuple[float, Candidate]],
    similarities: Callable[[str, Sequence[str]], Sequence[float]],
) -> list[tuple[float, Candidate]]:
    """Return candidates with what their likeness to the question in meaning adds to their worth."""
    quotes = [text_of(one.evidence.passage, one.evidence.quote) for _, one in found]
    likeness = similarities(query.standalone_question, quotes) if quotes else ()
    return [
        (worth + MEANING_WORTH * cosine, one)
        for (worth, one), cosine in zip(found, likeness, strict=True)
    ]


def _worth_of_side(one: Candidate, weights: NDArray[np.float64]) -> float:
    features = one.evidence.features
    return (
        float(np.array(one.covered) @ weights / weights.sum())
        + SENTENCE_WORTH * (features.sentence_coverage + features.fused)
        + FIGURE_WORTH * one.has_figure
    )
