"""What may be quoted where no span is the answer, and how far a question's words are covered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.enumerations import enumerations
from app.figures import counts, quantities
from app.mentions import Mentions
from app.quotes import quote_around, text_of
from app.types import Evidence, Features, Language, Query, Term
from index import Passage, RankedPassage, item_start


class Candidate(NamedTuple):
    """A quote, and what of the question it covers."""

    evidence: Evidence
    coverage: float
    """The share of the question's terms, weighted by rarity, that are there, headings included."""
    said: Mentions
    """What the quote mentions, of a table's row its header too."""
    place: Mentions
    covered: tuple[float, ...]
    """How far each of the question's terms is there, headings included, 0…1."""
    has_figure: bool
    states_numbers: bool
    """Whether all the numbers of the question are there, which it may have spelled."""


def candidates(
    query: Query,
    ranked: Sequence[RankedPassage],
    *,
    rarity: Callable[[Term], float],
    languages: Mapping[str, Language],
    whole: bool,
) -> list[Candidate]:
    """Return what may be quoted of passages, with how far it covers the question."""
    found: list[Candidate] = []
    for candidate in ranked:
        passage = candidate.passage
        foreign = languages[passage.document_id] != query.language
        place, header = Mentions(passage.context_line), Mentions(passage.table_header)
        for quote in quotable(passage, whole=whole):
            text = text_of(passage, quote)
            said = Mentions(text)
            both = said.joined(header).joined(place)
            features = Features.of_words(
                query,
                candidate,
                sentence_coverage=said.coverage(query.terms, rarity),
                foreign=foreign,
            )
            evidence = Evidence(
                passage=passage, span=None, quote=quote, features=features, probability=0.0
            )
            covered = tuple(both.worth(term) for term in query.terms)
            states = bool(query.numbers) and query.numbers <= quantities(text)
            has_figure = not counts(text) <= query.numbers
            coverage = both.coverage(query.terms, rarity)
            said = said.joined(header)
            found.append(Candidate(evidence, coverage, said, place, covered, has_figure, states))
    return found


def quotable(passage: Passage, *, whole: bool) -> list[tuple[int, int]]:
    """Return what may be quoted of a passage where no span is the answer: each sentence, a list as
    one, for its items say nothing without its lead; or the ``whole`` of it, as what is said about a
    subject.
    """
    if whole and passage.kind == "prose":
        return [quote_around(passage, (passage.start, passage.end))]
    lists = [one.span for one in enumerations(passage)]
    places = ((one.start, one.end) for one in passage.sentences)
    alone = (one for one in places if not any(a <= one[0] < b for a, b in lists))
    quotes = [*lists, *(quote_around(passage, one) for one in alone)]
    return [one for one in quotes if not _is_headline(passage, one)] or quotes


def _is_headline(passage: Passage, quote: tuple[int, int]) -> bool:
    """Say whether a quote is a whole line that is neither a sentence nor an item ("Minutes of May
    2").
    """
    start, end = (place - passage.start for place in quote)
    line = passage.text.rfind("\n", 0, start) + 1
    return (
        start == line
        and passage.text[end - 1 : end].isalnum()
        and passage.text[end : end + 1] in ("", "\n")
        and not item_start(passage.text, line)
    )


def share_covered(weights: NDArray[np.float64], taken: Sequence[Candidate]) -> float:
    """Return the share of the terms, by weight, that quotes cover together, headings included."""
    if not taken:
        return 0.0
    if not weights.sum():
        return 1.0
    had = np.max([one.covered for one in taken], axis=0)
    return float(min(1.0, had @ weights / weights.sum()))


def overlap(one: Evidence, other: Evidence) -> bool:
    """Say whether two quotes share a stretch of a document."""
    return (
        one.passage.document_id == other.passage.document_id
        and one.quote[0] < other.quote[1]
        and other.quote[0] < one.quote[1]
    )
