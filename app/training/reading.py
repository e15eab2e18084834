"""Reads a whole context with the application's reader and picks its best span."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.training.questions import Question, sentence_spans
from index import SpanReader

Floats: TypeAlias = NDArray[np.float32]

ANSWER_TOKENS_MAX = 24
PIECE_CHARACTERS = 1600
"""The measuring sets hold contexts of up to 4,000 characters; the reader takes 512 tokens."""


@dataclass(frozen=True)
class Reading:
    """The best span of a context and how sure the reader is of it.

    ``score`` is the sum of the span's two logits less the score of "the context doesn't say".
    """

    text: str
    start: int
    score: float


def best_span(
    start_logits: Floats, end_logits: Floats, answer_tokens_max: int = ANSWER_TOKENS_MAX
) -> tuple[int, int, float]:
    """Return the span with the highest sum of two logits: its first token, its last, the sum."""
    best = (0, 0, -math.inf)
    for longer in range(min(answer_tokens_max, len(start_logits))):
        sums = start_logits[: len(start_logits) - longer] + end_logits[longer:]
        place = int(np.argmax(sums))
        if sums[place] > best[2]:
            best = (place, place + longer, float(sums[place]))
    return best


def pieces_of(context: str, characters: int = PIECE_CHARACTERS) -> list[tuple[int, int]]:
    """Cut a context that the reader can't hold into pieces of whole sentences, half overlapping."""
    if len(context) <= characters:
        return [(0, len(context))]
    sentences = sentence_spans(context)
    pieces: list[tuple[int, int]] = []
    first = 0
    while first < len(sentences):
        last = first
        while last + 1 < len(sentences) and (
            sentences[last + 1][1] - sentences[first][0] <= characters
        ):
            last += 1
        pieces.append((sentences[first][0], sentences[last][1]))
        if last + 1 == len(sentences):
            break
        first = max(first + 1, (first + last + 1) // 2)
    return pieces


def read_question(question: Question, reader: SpanReader) -> Reading:
    """Read a question's context with the application's reader; the surest piece counts."""
    readings = []
    for start, end in pieces_of(question.context):
        text = question.context[start:end]
        (logits,) = reader.read([question.question], [text], [0])
        if not len(logits.start):
            continue
        first, last, total = best_span(logits.start, logits.end)
        span = slice(int(logits.offsets[first, 0]), int(logits.offsets[last, 1]))
        readings.append(Reading(text[span], start + span.start, total - logits.null))
    return max(readings, key=lambda reading: reading.score, default=Reading("", 0, -math.inf))
