"""Sentences, lists and paragraphs chosen by their words, for questions that no span answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from app.candidates import Candidate, candidates, overlap, quotable, share_covered
from app.figures import counts
from app.language import numbers
from app.mentions import Mentions
from app.quotes import text_of
from app.types import Evidence, Features, Language, Query, Term
from index import Passage, RankedPassage, words

COVERAGE_SHARE_MIN: Final = 0.5
"""Sentences that cover less than this share of what the best one covers aren't quoted."""
FIGURES_WORTH: Final = 0.3
"""What a figure adds to a sentence's worth in an overview or a comparison."""
TABLE_COST: Final = 0.6
"""What a table row loses to a sentence that says the same."""
OPENING_SENTENCES: Final = 3
HEADING_COVERAGE_MIN: Final = 0.8
"""Share of a question's words, by weight, that the headings over a section must have for the
question to be about it."""
WORDS_MIN: Final = 4
"""A heading that is written as an item ("1. Budget") is no sentence."""
FIGURES_COUNTED_MAX: Final = 3
TERM_WORTH_MIN: Final = 0.5
"""How far a text must have a word for it to speak of it, 0…1."""
_PARAGRAPHS: Final = frozenset({"topic", "comparison", "list"})
"""Kinds of question whose answer is spread over the sentences of a paragraph."""


def find_sentences(
    query: Query,
    ranked: Sequence[RankedPassage],
    *,
    rarity: Callable[[Term], float],
    languages: Mapping[str, Language],
    sentences_max: int,
) -> tuple[Evidence, ...]:
    """Return the sentences, lists or paragraphs that together say most about the question's terms,
    the best first.

    For questions that no span answers: "what do the documents say about …", yes or no, a
    comparison. Greedy: each sentence taken adds most of the terms' weight that is not covered yet;
    then those that repeat none. Each one's probability is the share of the terms that all those
    taken cover, headings included.
    """
    whole = query.kind in _PARAGRAPHS
    found = candidates(query, ranked, rarity=rarity, languages=languages, whole=whole)
    taken = _greedy(query, found, rarity, sentences_max)
    share = share_covered(np.array([rarity(term) for term in query.terms]), taken)
    return tuple(one.evidence.model_copy(update={"probability": share}) for one in taken)


def _greedy(
    query: Query,
    found: Sequence[Candidate],
    rarity: Callable[[Term], float],
    sentences_max: int,
) -> list[Candidate]:
    weights = [rarity(term) for term in query.terms]
    wants_figures = query.kind in ("overview", "comparison")
    taken: list[Candidate] = []
    places: set[tuple[str, tuple[str, ...]]] = set()  # each heading speaks once before any again
    had = np.zeros(len(weights))
    best = max((one.coverage for one in found), default=0.0)
    left = [one for one in found if one.coverage >= best * COVERAGE_SHARE_MIN]

    def worth(one: Candidate) -> tuple[float, float]:
        features = one.evidence.features
        figures = FIGURES_WORTH * one.has_figure if wants_figures else 0.0
        passage = one.evidence.passage
        table = TABLE_COST if passage.kind == "table" else 0.0
        again = wants_figures and (passage.document_id, passage.heading_path) in places
        return (
            float(np.maximum(np.array(one.covered) - had, 0.0) @ np.array(weights)),
            features.sentence_coverage
            + features.fused
            + figures
            + one.states_numbers
            - table
            - again,
        )

    while left and len(taken) < sentences_max:
        one = max(left, key=worth)
        taken.append(one)
        places.add((one.evidence.passage.document_id, one.evidence.passage.heading_path))
        had = np.maximum(had, one.covered)
        left = [
            other
            for other in left
            if not other.said.repeats(one.said) and not overlap(other.evidence, one.evidence)
        ]
    return taken


def find_section(
    query: Query,
    ranked: Sequence[RankedPassage],
    *,
    announced: Callable[[str], str],
    passages_of: Callable[[str], Sequence[Passage]],
    rarity: Callable[[Term], float],
    languages: Mapping[str, Language],
    sentences_max: int,
) -> tuple[Evidence, ...] | None:
    """Return what the document or section that a question is about says in brief, in its order, or
    None where none of the headings over the passages covers the question.

    ``announced`` is what a document says of itself beside its headings: its first lines and its
    date. What has none of the words that they lack ("… about parking") is left out, and nothing is
    left where one of these is nowhere inside. Of each part the sentence with most figures, or with
    words of its heading, is taken before any second. The probability is the share of the terms
    that the headings cover.
    """
    if not query.terms:
        return None
    best: tuple[float, str, tuple[str, ...], list[Term]] | None = None
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for candidate in ranked:
        one, path = candidate.passage.document_id, candidate.passage.heading_path
        for depth in range(1, len(path) + 1):  # the whole document before its sections
            if (one, path[:depth]) in seen:
                continue
            seen.add((one, path[:depth]))
            said = Mentions(f"{' '.join(path[:depth])} {announced(one)}")
            coverage = said.coverage(query.terms, rarity)
            left = [term for term in query.terms if said.worth(term) < TERM_WORTH_MIN]
            if languages[one] != query.language and _is_told_in_another_language(query, said):
                coverage, left = max(coverage, HEADING_COVERAGE_MIN), []
            if coverage >= HEADING_COVERAGE_MIN and (best is None or coverage > best[0]):
                best = coverage, one, path[:depth], left
    if best is None:
        return None
    coverage, document, place, left = best
    inside = [
        passage
        for passage in passages_of(document)
        if passage.heading_path[: len(place)] == place and passage.kind != "table"
    ]
    quotes = _in_brief(inside, sentences_max, left)
    probability = min(1.0, coverage)
    return tuple(one.model_copy(update={"probability": probability}) for one in quotes)


def _is_told_in_another_language(query: Query, said: Mentions) -> bool:
    """Say whether headings in another language than the question's cover it as far as can be told:
    all its numbers and names stand there, one at least, and a word near each other word.
    """
    sure = [term for term in query.terms if term.is_number or term.is_name]
    return bool(sure) and all(
        said.has(term) if term in sure else said.worth(term) > 0.0 for term in query.terms
    )


def _in_brief(passages: Sequence[Passage], count: int, about: Sequence[Term]) -> list[Evidence]:
    """Return quotes of passages, each heading's best before any's second, in their order; only
    those with one of the terms where there are any, and nothing where one of these is nowhere.

    Under a single heading each passage speaks as one.
    """
    inside = [Mentions(f"{one.context_line} {one.text}") for one in passages]
    if not all(any(one.worth(term) >= TERM_WORTH_MIN for one in inside) for term in about):
        return []
    by_heading = len({passage.heading_path for passage in passages}) > 1
    found: dict[object, list[tuple[int, Evidence, Mentions]]] = {}
    for passage in passages:
        heading = Mentions(passage.heading_path[-1] if passage.heading_path else "")
        speaker = passage.heading_path if by_heading else passage.start
        for quote in quotable(passage, whole=False):
            text = text_of(passage, quote)
            if sum(1 for _ in words(text)) < WORDS_MIN:
                continue
            said = Mentions(text)
            place = said.joined(Mentions(passage.context_line))
            if about and not any(place.worth(term) >= TERM_WORTH_MIN for term in about):
                continue
            worth = min(FIGURES_COUNTED_MAX, len(counts(text))) + bool(said.shared(heading))
            evidence = _offered(passage, quote)
            found.setdefault(speaker, []).append((worth, evidence, said))
    rounds: list[tuple[int, int, Evidence, Mentions]] = []
    for each in found.values():
        each.sort(key=lambda one: -one[0])
        rounds.extend((at, *one) for at, one in enumerate(each))
    rounds.sort(key=lambda one: (one[0], -one[1]))
    taken = _once([(evidence, said) for _, _, evidence, said in rounds], count)
    return sorted(taken, key=lambda one: one.quote)


def _once(found: Iterable[tuple[Evidence, Mentions]], count: int) -> list[Evidence]:
    """Return the first so many that repeat none before them."""
    taken: list[tuple[Evidence, Mentions]] = []
    for evidence, said in found:
        if len(taken) == count:
            break
        if not any(said.repeats(other) or overlap(evidence, one) for one, other in taken):
            taken.append((evidence, said))
    return [evidence for evidence, _ in taken]


def find_leads(
    documents: Sequence[Sequence[Passage]], *, sentences_max: int
) -> tuple[Evidence, ...]:
    """Return what a collection says in brief, from the passages of each of its documents.

    Of each document's opening sentences, for reports open with what matters most (the lead baseline
    of summarisation), the one that shares most with its title and heading; then the sentences
    richest in figures; nothing twice. They are offered for no claim, so their probability is 1.
    """
    leads: list[tuple[Evidence, Mentions]] = []
    figures: list[tuple[int, Evidence, Mentions]] = []
    for passages in documents:
        opening: list[tuple[int, Evidence, Mentions]] = []
        for passage in passages:
            if passage.kind == "table":
                continue
            title = Mentions(passage.context_line)
            for sentence in passage.sentences:
                evidence = _offered(passage, (sentence.start, sentence.end))
                text = text_of(passage, evidence.quote)
                said = Mentions(text)
                if len(opening) < OPENING_SENTENCES and passage.kind == "prose":
                    opening.append((said.shared(title), evidence, said))
                figures.append((len(numbers(text)), evidence, said))
        if opening:
            _, evidence, said = max(opening, key=lambda one: one[0])
            leads.append((evidence, said))
    figures.sort(key=lambda one: -one[0])
    # Half for what the documents are about, the rest for figures.
    in_order = (
        leads[: max(1, sentences_max // 2)]
        + [(evidence, said) for count, evidence, said in figures if count]
        + leads
    )
    return tuple(_once(in_order, sentences_max))


def _offered(passage: Passage, quote: tuple[int, int]) -> Evidence:
    """Return a quote that is offered for no claim."""
    return Evidence(passage=passage, span=None, quote=quote, features=_NO_FEATURES, probability=1.0)


_NO_FEATURES: Final = Features(
    support=0,
    margin=0,
    fused=0,
    dense=0,
    sentence_coverage=1,
    terms=0,
    opens=0,
    similarity=0,
    foreign=0,
    untaught=0,
    unsaid=0,
)
