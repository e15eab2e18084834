"""Compares 8-bit vectors with exact ones: what of the exact ten is found, size, time."""

from __future__ import annotations

import argparse
import datetime
import json
import random
import shlex
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from index import IndexingError, Models  # noqa: E402  needs the path set above
from index.dense import DenseIndex  # noqa: E402
from index.types import Vectors  # noqa: E402
from scripts.benchmark import QUESTIONS, machine, percentile, read_questions  # noqa: E402
from scripts.benchmark_index import (  # noqa: E402
    SENTENCES_A_PASSAGE,
    owned_sentences,
    rounded,
)

PASSAGES_ENCODED = 2_000
"""Real vectors, of which the others are mixed."""
SEED = 5


def mixed_vectors(models: Models, count: int) -> Vectors:
    """Return so many unit vectors, each a mixture of those of two passages.

    Independent random vectors would lie nothing like real ones do.
    """
    dice = random.Random(SEED)
    sentences = owned_sentences()
    texts = [" ".join(dice.sample(sentences, SENTENCES_A_PASSAGE)) for _ in range(PASSAGES_ENCODED)]
    real = models.encoder.encode_passages(texts)
    numbers = np.random.default_rng(SEED)
    first, second = numbers.integers(0, len(real), (2, count))
    share = numbers.uniform(0.0, 0.5, (count, 1)).astype(np.float32)
    vectors = (1 - share) * real[first] + share * real[second]
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def measure_kind(
    vectors: Vectors, queries: Vectors, *, flat_max: int
) -> tuple[dict[str, float], list[set[int]]]:
    """Write, open and search an index; return the figures and the ten rows of each query."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "dense.faiss"
        began = time.perf_counter()
        DenseIndex.write(vectors, file, flat_max=flat_max)
        written = time.perf_counter() - began
        began = time.perf_counter()
        index = DenseIndex.open(file)
        opened = time.perf_counter() - began
        began = time.perf_counter()
        index.search(queries[0], 10)
        first_search = time.perf_counter() - began
        milliseconds, found = [], []
        for query in queries:
            began = time.perf_counter()
            rows, _ = index.search(query, 10)
            milliseconds.append((time.perf_counter() - began) * 1000)
            found.append(set(rows.tolist()))
        figures = {
            "mb": file.stat().st_size / 1e6,
            "write_seconds": written,
            "open_ms": opened * 1000,
            "first_search_ms": first_search * 1000,
            "search_median_ms": percentile(milliseconds, 0.5),
        }
    return figures, found


def measure(models_folder: Path, count: int) -> dict[str, Any]:
    """Compare both kinds over the same vectors and questions."""
    models = Models.open(models_folder)
    asked = [one.question for one in read_questions(QUESTIONS) if not one.history]
    vectors, queries = mixed_vectors(models, count), models.encoder.encode_queries(asked)
    exact, exact_rows = measure_kind(vectors, queries, flat_max=count)
    quantised, quantised_rows = measure_kind(vectors, queries, flat_max=0)
    shares = [
        len(right & found) / len(right)
        for right, found in zip(exact_rows, quantised_rows, strict=True)
    ]
    return {
        "vectors": count,
        "questions": len(asked),
        "exact": exact,
        "quantised": quantised,
        "recall_at_10": sum(shares) / len(shares),
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure; return 0, or 2 when nothing could be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", metavar="N", type=int, default=100_000)
    parser.add_argument("--models", metavar="DIR", type=Path, default=REPOSITORY / "var" / "models")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the figures there")
    options = parser.parse_args(arguments)
    if options.vectors < 100:
        parser.error("--vectors has to be at least 100")
    try:
        measured = measure(options.models, options.vectors)
    except (IndexingError, OSError) as error:
        print(f"benchmark_vectors: {error}", file=sys.stderr)
        return 2
    given = sys.argv[1:] if arguments is None else arguments
    document = {
        "command": shlex.join(["python", "scripts/benchmark_vectors.py", *given]),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": machine(),
        **rounded(measured),
    }
    if options.output:
        options.output.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    print(json.dumps(document))
    return 0


if __name__ == "__main__":
    sys.exit(main())
