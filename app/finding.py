"""From ranked passages to evidence: the reader's spans, and the sentences that hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from app.language import detect_language
from app.lexicon import lexicon
from app.mentions import Mentions
from app.quotes import quote_around, text_of
from app.types import Evidence, Features, Language, Query
from index import Passage, RankedPassage, SpanReader, TokenLogits, fold

ANSWER_TOKENS_MAX: Final = 24
"""The longest span the reader was trained to give, in tokens."""
START_CANDIDATES: Final = 12
"""Starts and ends tried for the best span: all their pairs, a small part of all spans."""
RUNNER_UP_LOGITS_MAX: Final = 10.0
FOREIGN_SIMILARITY: Final = 0.77
"""The mean cosine of a question and a quote in another language, over what is read for the
questions that calibrate; were it not taken off, the feature would only say which is foreign.
"""


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
    quotes = [text_of(c.passage, quote) for c, (_, quote) in zip(ranked, placed, strict=True)]
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
    """Return how much more than usual the question is like each quote in a foreign language, 0 for
    others.
    """
    compared = [at for at, other in enumerate(foreign) if other]
    found = [0.0] * len(quotes)
    if compared:
        known = similarities(query.standalone_question, [quotes[at] for at in compared])
        for at, similarity in zip(compared, known, strict=True):
            found[at] = similarity - FOREIGN_SIMILARITY
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
    in_quote = Mentions(text_of(passage, quote))
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
