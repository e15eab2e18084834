"""Question sets in SQuAD's form (a question, its context, spans of it) put to the whole program.

Every context of a set becomes a paragraph of a collection, so that a question has to be found
before it can be answered: harder than reading the one paragraph, and what happens in use.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from app.language import detect_language
from app.measuring import Judged, token_f1
from app.types import Language, Reply

PARAGRAPHS_A_DOCUMENT = 20


class Place(NamedTuple):
    """A stretch of a source file, in code points."""

    path: str
    start: int
    end: int


class Posed(NamedTuple):
    """A question with the answers that its set gives, and where they stand in the sources."""

    id: str
    question: str
    language: Language
    context: str
    answers: tuple[str, ...]
    golds: tuple[Place, ...]


def read_rows(file: Path, asked_in: str | None = None) -> list[dict[str, Any]]:
    """Read JSON lines, plain or gzipped.

    With ``asked_in``, a language, the rows of other languages are kept, each with the question of
    the row in that language that has its id.
    """
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    if asked_in is None:
        return rows
    questions = {row["id"]: row["question"] for row in rows if row["language"] == asked_in}
    return [
        {**row, "question": questions[row["id"]]}
        for row in rows
        if row["language"] != asked_in and row["id"] in questions
    ]


def write_sources(rows: Sequence[Mapping[str, Any]], folder: Path) -> list[Posed]:
    """Write every context into source files of one language each; return the questions."""
    folder.mkdir(parents=True)
    places: dict[str, tuple[str, int]] = {}
    contexts = sorted(dict.fromkeys(row["context"] for row in rows), key=detect_language)
    for language, group in groupby(contexts, key=detect_language):
        whole = list(group)
        for first in range(0, len(whole), PARAGRAPHS_A_DOCUMENT):
            name, text = f"{language}-{first:05}.txt", f"{first // PARAGRAPHS_A_DOCUMENT + 1}\n\n"
            for context in whole[first : first + PARAGRAPHS_A_DOCUMENT]:
                places[context] = (name, len(text))
                text += context + "\n\n"
            (folder / name).write_text(text, encoding="utf-8", newline="")
    posed = []
    for row in rows:
        name, offset = places[row["context"]]
        spans = [(a["start"], a["start"] + len(a["text"])) for a in row["answers"]]
        posed.append(
            Posed(
                id=str(row["id"]),
                question=row["question"],
                language=detect_language(row["question"]),
                context=row["context"],
                answers=tuple(answer["text"] for answer in row["answers"]),
                golds=tuple(Place(name, offset + start, offset + end) for start, end in spans),
            )
        )
    return posed


def judge_posed(posed: Posed, reply: Reply) -> Judged:
    """Return whether a reply is right: a citation holds an answer of the set where it stands, or,
    where the set has none, the reply is an abstention.

    A citation of another paragraph that happens to say the same counts as wrong.
    """
    hits = [
        any(
            citation.path == gold.path and citation.start <= gold.start and gold.end <= citation.end
            for gold in posed.golds
        )
        for citation in reply.citations
    ]
    answered, answerable = reply.kind == "answer", bool(posed.golds)
    exact = f1 = None
    if answered and answerable:
        short = reply.short_answer or ""
        f1 = max(token_f1(short, answer) for answer in posed.answers)
        exact = float(f1 == 1.0)
    return Judged(
        id=posed.id,
        language=posed.language,
        kind="fact",
        answerable=answerable,
        answered=answered,
        right=any(hits) if answerable else reply.kind == "abstention",
        exact=exact,
        f1=f1,
        citations=len(hits),
        citations_right=sum(hits),
        confidence=reply.confidence or 0.0,
        milliseconds=reply.milliseconds["total"],
    )
