"""From ranked passages to evidence: the reader's spans, and the sentences that hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from app.enumerations import enumerations
from app.figures import quantities
from app.language import detect_language, lexicon, numbers
from app.mentions import Mentions
from app.types import Evidence, Features, Language, Query
from index import Passage, RankedPassage, SpanReader, TokenLogits, fold, words

ANSWER_TOKENS_MAX: Final = 24
"""The longest span the reader was trained to give, in tokens."""
START_CANDIDATES: Final = 12
"""Starts and ends tried for the best span: all their pairs, a small part of all spans."""
RUNNER_UP_LOGITS_MAX: Final = 10.0
COVERAGE_SHARE_MIN: Final = 0.5
"""Sentences that cover less than this share of what the best one covers aren't quoted."""
FIGURES_WORTH: Final = 0.3
"""What a figure adds to a sentence's worth in an overview or a comparison."""
TABLE_COST: Final = 0.6
"""What a table row loses to a sentence that says the same."""
OPENING_SENTENCES: Final = 3
_PARAGRAPHS: Final = frozenset({"overview", "topic", "comparison", "list"})
"""Kinds of question whose answer is spread over the sentences of a paragraph."""


class _Span(NamedTuple):
    margin: float
    start: int
    end: int


def find_evidence(
    query: Query,
    ranked: Sequence[RankedPassage],
    *,
    reader: SpanReader,
    rarity: Callable[[tuple[str, ...]], float],
    languages: Mapping[str, Language],
    similarities: Callable[[str, Sequence[str]], Sequence[float]],
    probability: Callable[[Features], float],
) -> tuple[Evidence, ...]:
    """Return one piece of evidence for each passage, the most probable first.

    All passages are read in one call. ``rarity`` weighs a term's stems by how few passages have
    them, ``languages`` gives each document's language, ``similarities`` compares a question with
    texts, ``probability`` is the calibrated model.
    """
    if not ranked:
        return ()
    prefixes = [_prefix(candidate.passage) for candidate in ranked]
    logits = reader.read(
        query.standalone_question,
        [prefix + c.passage.text for prefix, c in zip(prefixes, ranked, strict=True)],
        [len(prefix) for prefix in prefixes],
    )
    spans = [_best_span(found, len(prefix)) for found, prefix in zip(logits, prefixes, strict=True)]
    margins = [span.margin for span in spans]
    texts = [
        fold(candidate.passage.text[span.start : span.end])
        for candidate, span in zip(ranked, spans, strict=True)
    ]
    placed = []
    for candidate, span in zip(ranked, spans, strict=True):
        start = _with_hedge(candidate.passage.text, span.start)
        place = candidate.passage.start
        in_document = (place + start, place + span.end)
        placed.append((in_document, quote_around(candidate.passage, in_document)))
    foreign = [languages[c.passage.document_id] != query.language for c in ranked]
    quotes = [_text_of(c.passage, quote) for c, (_, quote) in zip(ranked, placed, strict=True)]
    similar = _similar(query, quotes, foreign, similarities)
    evidence = []
    for at, (candidate, span) in enumerate(zip(ranked, spans, strict=True)):
        passage = candidate.passage
        span_in_document, quote = placed[at]
        others = [
            margin
            for margin, said in zip(margins, texts, strict=True)
            if not _same_answer(said, texts[at])
        ]
        features = _features(
            query,
            candidate,
            quote,
            span,
            max(others, default=-RUNNER_UP_LOGITS_MAX),
            similarity=similar[at],
            rarity=rarity,
            foreign=foreign[at],
        )
        evidence.append(
            Evidence(
                passage=passage,
                span=span_in_document,
                quote=quote,
                features=features,
                probability=probability(features),
            )
        )
    return tuple(sorted(evidence, key=lambda one: -one.probability))


def _similar(
    query: Query,
    quotes: Sequence[str],
    foreign: Sequence[bool],
    similarities: Callable[[str, Sequence[str]], Sequence[float]],
) -> list[float]:
    """Return the similarity of the question to each quote in a foreign language, 0 for others."""
    compared = [at for at, other in enumerate(foreign) if other]
    found = [0.0] * len(quotes)
    if compared:
        known = similarities(query.standalone_question, [quotes[at] for at in compared])
        for at, similarity in zip(compared, known, strict=True):
            found[at] = similarity
    return found


def _with_hedge(text: str, start: int) -> int:
    """Return where a span begins with the words that limit it ("up to", "more than"): leaving them
    out of the short answer would say more than the document does.
    """
    before = fold(text[:start]).rstrip()
    for hedge in lexicon(detect_language(text)).hedges:
        if before.endswith(hedge) and not before[: -len(hedge)][-1:].isalnum():
            return len(before) - len(hedge)
    return start


def _same_answer(one: str, other: str) -> bool:
    """Say whether two folded spans give one answer, so that they confirm rather than rival each
    other: the shorter stands in the longer.
    """
    short, long = sorted((one.strip(" .,;:|"), other.strip(" .,;:|")), key=len)
    return bool(short) and short in long


def _prefix(passage: Passage) -> str:
    """Return what the reader is told of a passage's place; no answer can lie in it."""
    lines = [passage.context_line, passage.table_header]
    return "".join(f"{line}\n" for line in lines if line)


def _best_span(logits: TokenLogits, first_character: int) -> _Span:
    """Return the best span of a passage, in code points of the passage's text."""
    if not len(logits.start):
        return _Span(-RUNNER_UP_LOGITS_MAX, 0, 1)
    starts = np.argsort(logits.start)[::-1][:START_CANDIDATES]
    ends = np.argsort(logits.end)[::-1][:START_CANDIDATES]
    scores = logits.start[starts][:, None] + logits.end[ends][None, :]
    lengths = ends[None, :] - starts[:, None]
    scores = np.where((lengths >= 0) & (lengths < ANSWER_TOKENS_MAX), scores, -np.inf)
    row, column = divmod(int(np.argmax(scores)), scores.shape[1])
    begin = int(starts[row])
    stop = int(ends[column]) if np.isfinite(scores[row, column]) else begin
    margin = float(logits.start[begin] + logits.end[stop] - logits.null)
    first = int(logits.offsets[begin, 0]) - first_character
    last = int(logits.offsets[stop, 1]) - first_character
    return _Span(margin, max(0, first), max(1, last))


def quote_around(passage: Passage, span: tuple[int, int]) -> tuple[int, int]:
    """Return the whole sentences of a passage that a span touches, as offsets into the document.

    A sentence that opens with a pronoun brings the one before it, so that a quote says what it is
    about. A table row is quoted without the bars at its ends.
    """
    text = passage.text
    touched = [
        at
        for at, sentence in enumerate(passage.sentences)
        if sentence.start < span[1] and span[0] < sentence.end
    ]
    first, last = (touched[0], touched[-1]) if touched else (0, len(passage.sentences) - 1)
    if (
        first > 0
        and passage.kind == "prose"
        and _opens_with_pronoun(text[passage.sentences[first].start - passage.start :])
    ):
        first -= 1
    start, end = passage.sentences[first].start, passage.sentences[last].end
    if passage.kind == "table":
        row = text[start - passage.start : end - passage.start]
        start += len(row) - len(row.lstrip(" |\t"))
        end -= len(row) - len(row.rstrip(" |\t\r\n"))
    return start, end


def _opens_with_pronoun(sentence: str) -> bool:
    opening = next(words(sentence[:40]), None)
    return opening is not None and opening.folded in lexicon(detect_language(sentence)).pronouns


def _features(
    query: Query,
    candidate: RankedPassage,
    quote: tuple[int, int],
    span: _Span,
    best_other: float,
    *,
    similarity: float,
    rarity: Callable[[tuple[str, ...]], float],
    foreign: bool,
) -> Features:
    passage = candidate.passage
    place = f"{passage.context_line} {passage.table_header}"
    in_passage = Mentions(f"{place} {passage.text}")
    in_quote = Mentions(_text_of(passage, quote))
    return Features(
        margin=span.margin,
        runner_up=max(-RUNNER_UP_LOGITS_MAX, min(RUNNER_UP_LOGITS_MAX, span.margin - best_other)),
        fused=candidate.score,
        dense=candidate.dense,
        coverage=in_passage.coverage(query.terms, rarity),
        sentence_coverage=in_quote.coverage(query.terms, rarity),
        first=float(candidate.rank == 1),
        similarity=similarity,
        foreign=float(foreign),
    )


def _text_of(passage: Passage, span: tuple[int, int]) -> str:
    return passage.text[span[0] - passage.start : span[1] - passage.start]


def find_sentences(
    query: Query,
    ranked: Sequence[RankedPassage],
    *,
    rarity: Callable[[tuple[str, ...]], float],
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
    found: list[_Candidate] = []
    for candidate in ranked:
        passage = candidate.passage
        foreign = languages[passage.document_id] != query.language
        place = Mentions(f"{passage.context_line} {passage.table_header}")
        for quote in _quotable(passage, whole=query.kind in _PARAGRAPHS):
            text = passage.text[quote[0] - passage.start : quote[1] - passage.start]
            said = Mentions(text)
            both = said.joined(place)
            features = Features.of_words(
                candidate,
                coverage=both.coverage(query.terms, rarity),
                sentence_coverage=said.coverage(query.terms, rarity),
                foreign=foreign,
            )
            evidence = Evidence(
                passage=passage, span=None, quote=quote, features=features, probability=0.0
            )
            covered = tuple(both.worth(term) for term in query.terms)
            figures = quantities(text)
            states = bool(query.numbers) and query.numbers <= figures
            found.append(_Candidate(evidence, said, covered, bool(figures), states))
    taken = _greedy(query, found, rarity, sentences_max)
    share = _share_covered(query, taken, rarity)
    return tuple(one.evidence.model_copy(update={"probability": share}) for one in taken)


def _quotable(passage: Passage, *, whole: bool) -> list[tuple[int, int]]:
    """Return what may be quoted of a passage where no span is the answer: each sentence, a list as
    one, for its items say nothing without its lead; or the ``whole`` of it, as what is said about a
    subject.
    """
    if whole and passage.kind == "prose":
        return [quote_around(passage, (passage.start, passage.end))]
    lists = [one.span for one in enumerations(passage)]
    places = ((one.start, one.end) for one in passage.sentences)
    alone = (one for one in places if not any(a <= one[0] < b for a, b in lists))
    return [*lists, *(quote_around(passage, one) for one in alone)]


class _Candidate(NamedTuple):
    evidence: Evidence
    said: Mentions
    covered: tuple[float, ...]
    """How far each of the question's terms is there, headings included, 0…1."""
    has_figure: bool
    states_numbers: bool
    """Whether all the numbers of the question are there, which it may have spelled."""


def _greedy(
    query: Query,
    found: Sequence[_Candidate],
    rarity: Callable[[tuple[str, ...]], float],
    sentences_max: int,
) -> list[_Candidate]:
    weights = [rarity(term.stems) for term in query.terms]
    wants_figures = query.kind in ("overview", "comparison")
    taken: list[_Candidate] = []
    places: set[tuple[str, tuple[str, ...]]] = set()  # each heading speaks once before any again
    had = np.zeros(len(weights))
    best = max((one.evidence.features.coverage for one in found), default=0.0)
    left = [one for one in found if one.evidence.features.coverage >= best * COVERAGE_SHARE_MIN]

    def worth(one: _Candidate) -> tuple[float, float]:
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
            if not other.said.repeats(one.said) and not _overlap(other.evidence, one.evidence)
        ]
    return taken


def _share_covered(
    query: Query, taken: Sequence[_Candidate], rarity: Callable[[tuple[str, ...]], float]
) -> float:
    if not taken:
        return 0.0
    weights = np.array([rarity(term.stems) for term in query.terms])
    if not weights.sum():
        return 1.0
    had = np.max([one.covered for one in taken], axis=0)
    return float(min(1.0, had @ weights / weights.sum()))


def _overlap(one: Evidence, other: Evidence) -> bool:
    return (
        one.passage.document_id == other.passage.document_id
        and one.quote[0] < other.quote[1]
        and other.quote[0] < one.quote[1]
    )


def find_leads(
    documents: Sequence[Sequence[Passage]], *, sentences_max: int
) -> tuple[Evidence, ...]:
    """Return what a collection says in brief, from the passages of each of its documents.

    Of each document's opening sentences, for reports open with what matters most (the lead baseline
    of summarisation), the one that shares most with its title and heading; then the sentences
    richest in figures; nothing twice. They are
    offered for no claim, so their probability is 1.
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
                text = passage.text[sentence.start - passage.start : sentence.end - passage.start]
                evidence = Evidence(
                    passage=passage,
                    span=None,
                    quote=(sentence.start, sentence.end),
                    features=_NO_FEATURES,
                    probability=1.0,
                )
                said = Mentions(text)
                if len(opening) < OPENING_SENTENCES and passage.kind == "prose":
                    opening.append((said.shared(title), evidence, said))
                figures.append((len(numbers(text)), evidence, said))
        if opening:
            _, evidence, said = max(opening, key=lambda one: one[0])
            leads.append((evidence, said))
    figures.sort(key=lambda one: -one[0])
    taken: list[tuple[Evidence, Mentions]] = []
    # Half for what the documents are about, the rest for figures.
    candidates = (
        leads[: max(1, sentences_max // 2)]
        + [(evidence, said) for count, evidence, said in figures if count]
        + leads
    )
    for evidence, said in candidates:
        if len(taken) == sentences_max:
            break
        if not any(said.repeats(other) or _overlap(evidence, one) for one, other in taken):
            taken.append((evidence, said))
    return tuple(evidence for evidence, _ in taken)


_NO_FEATURES: Final = Features(
    margin=0,
    runner_up=0,
    fused=0,
    dense=0,
    coverage=1,
    sentence_coverage=1,
    first=0,
    similarity=0,
    foreign=0,
)
