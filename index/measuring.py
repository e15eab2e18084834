"""Measures retrieval: questions with the passage each is about in, recall by fusion weight out.

    python -m index.measuring FILE.jsonl.gz [--questions 1000] [--language ru --passages en]

Each line of the file is ``{"id", "question", "context", "is_impossible", "language"}``. With
``--language`` and ``--passages`` the question is taken from one language and its passage, by the
same id, from another.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.dense import DenseIndex
from index.inference import Models
from index.retriever import CANDIDATES, fuse
from index.sparse import SparseEntry, SparseIndex

WEIGHTS = tuple(step / 10 for step in range(11))
SEED = 1


class Case(NamedTuple):
    """A question and the passage that answers it, by its place among the passages."""

    question: str
    passage: int


class Recall(NamedTuple):
    """How often the right passage came first, among five, and its mean reciprocal rank."""

    first: float
    first_five: float
    reciprocal: float


def load(
    path: Path, questions_max: int, language: str | None, passages_language: str | None
) -> tuple[list[Case], list[str]]:
    """Return a sample of the answerable questions, and every passage of the file once."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    if passages_language:
        contexts = {r["id"]: r["context"] for r in lines if r["language"] == passages_language}
        asked = [r for r in lines if r["language"] == language and r["id"] in contexts]
        pairs = [(row["question"], contexts[row["id"]]) for row in asked]
        texts = list(dict.fromkeys(contexts.values()))
    else:
        pairs = [(r["question"], r["context"]) for r in lines if not r["is_impossible"]]
        texts = list(dict.fromkeys(row["context"] for row in lines))
    places = {text: number for number, text in enumerate(texts)}
    cases = [Case(question, places[context]) for question, context in pairs]
    random.Random(SEED).shuffle(cases)  # noqa: S311  a sample, not a secret
    return cases[:questions_max], texts


def measure(models: Models, cases: Sequence[Case], texts: Sequence[str]) -> dict[float, Recall]:
    """Search for every question and return the recall at each weight of the dense score."""
    ranks: dict[float, list[int]] = {weight: [] for weight in WEIGHTS}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        DenseIndex.write(models.encoder.encode_passages(texts), folder / "dense")
        entries = (SparseEntry(number, 0, text) for number, text in enumerate(texts))
        SparseIndex.write(entries, folder / "sparse")
        dense_index = DenseIndex.open(folder / "dense")
        sparse_index = SparseIndex.open(folder / "sparse")
        for case in cases:
            vector = models.encoder.encode_queries([case.question])[0]
            near, _ = dense_index.search(vector, CANDIDATES)
            matching, found = sparse_index.search(case.question, CANDIDATES)
            candidates = np.union1d(near, matching)
            dense = dense_index.scores(vector, candidates)
            sparse = np.zeros(len(candidates), np.float32)
            sparse[np.searchsorted(candidates, matching)] = found
            for weight in WEIGHTS:
                ranks[weight].append(_rank(candidates, fuse(dense, sparse, weight=weight), case))
    return {weight: _recall(found_at) for weight, found_at in ranks.items()}


def _rank(candidates: NDArray[np.int64], scores: NDArray[np.float32], case: Case) -> int:
    order = candidates[np.lexsort((candidates, -scores))]
    places = np.flatnonzero(order == case.passage)
    return int(places[0]) + 1 if len(places) else 0


def _recall(ranks: Sequence[int]) -> Recall:
    return Recall(
        first=sum(rank == 1 for rank in ranks) / len(ranks),
        first_five=sum(1 <= rank <= 5 for rank in ranks) / len(ranks),
        reciprocal=sum(1 / rank for rank in ranks if rank) / len(ranks),
    )


def main() -> None:
    """Print a line for each weight."""
    parser = argparse.ArgumentParser(description="Measure retrieval by fusion weight.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--language", help="take the questions of this language only")
    parser.add_argument("--passages", help="take the passages of this language, by the same id")
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    options = parser.parse_args()
    cases, texts = load(options.file, options.questions, options.language, options.passages)
    print(f"{len(cases)} questions, {len(texts)} passages")  # noqa: T201  what it is for
    for weight, recall in measure(Models.open(options.models), cases, texts).items():
        print(  # noqa: T201
            f"dense weight {weight:.1f}: R@1 {recall.first:.3f} R@5 {recall.first_five:.3f} "
            f"MRR {recall.reciprocal:.3f}"
        )


if __name__ == "__main__":
    main()
