"""Questions on a context each, as the files of question sets hold them."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CALIBRATING_FILE: Final = "squad2-dev.calibrate.jsonl.gz"
"""In the folder of question files: it only chooses thresholds, and neither trains nor measures."""

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”')\]]*\s+(?=[\"“'(\[]?[A-Z0-9А-ЯЁ])|\n+")


@dataclass(frozen=True)
class Span:
    """A piece of text and where it starts, in code points."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset after the last character."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class Question:
    """One question on one context; no answers means that the context does not say.

    ``kind`` is what the program takes a question that was written for this reader for ("when"),
    ``language`` is the context's.
    """

    id: str
    question: str
    context: str
    answers: tuple[Span, ...]
    title: str = ""
    kind: str = ""
    language: str = "en"


def read_questions(path: Path, language: str | None = None) -> list[Question]:
    """Read a gzipped file of questions, one a line, or those of one language."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    if language:
        rows = [row for row in rows if row["language"] == language]
    return [
        Question(
            id=str(row["id"]),
            question=row["question"].strip(),
            context=row["context"],
            answers=tuple(Span(answer["text"], answer["start"]) for answer in row["answers"]),
            title=str(row.get("title") or "").replace("_", " "),
        )
        for row in rows
    ]


def preferred_answer(answers: Sequence[Span]) -> Span:
    """Pick the answer most annotators gave, the shortest among equals.

    The first annotator of the development sets often marks a whole clause; learning that costs
    exact matches.
    """
    votes = Counter(answer.text for answer in answers)
    return min(answers, key=lambda answer: (-votes[answer.text], len(answer.text)))


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Cut a text into sentences; each span starts at the sentence's first character."""
    starts = [0, *(match.end() for match in _SENTENCE_END.finditer(text))]
    spans = [(start, end) for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return [(start, end) for start, end in spans if text[start:end].strip()]
