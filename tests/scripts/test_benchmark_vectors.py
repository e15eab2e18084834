"""benchmark_vectors.py measures indexes of vectors that lie as real ones do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from index import Models
from scripts import benchmark_vectors

MODELS = Path(__file__).resolve().parent.parent.parent / "var" / "models"


@pytest.fixture
def few_passages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark_vectors, "PASSAGES_ENCODED", 20)


@pytest.mark.usefixtures("few_passages")
def test_mixed_vectors_are_unit_vectors_and_the_same_each_time() -> None:
    models = Models.open(MODELS)
    one, other = (benchmark_vectors.mixed_vectors(models, 200) for _ in range(2))
    assert one.dtype == np.float32
    assert one.shape == (200, models.encoder.dimension)
    assert np.allclose(np.linalg.norm(one, axis=1), 1.0, atol=1e-5)
    assert (one == other).all()


def test_each_kind_finds_the_rows_that_are_nearest() -> None:
    dice = np.random.default_rng(1)
    vectors = dice.normal(size=(500, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    queries = vectors[:10]
    nearest = [set(rows) for rows in np.argsort(-(queries @ vectors.T), axis=1)[:, :10].tolist()]
    exact, found = benchmark_vectors.measure_kind(vectors, queries, flat_max=500)
    assert found == nearest
    quantised, roughly = benchmark_vectors.measure_kind(vectors, queries, flat_max=0)
    assert quantised["mb"] < exact["mb"] / 3
    shared = [len(right & rough) for right, rough in zip(nearest, roughly, strict=True)]
    assert sum(shared) >= 90


def test_too_few_vectors_are_refused() -> None:
    with pytest.raises(SystemExit) as ended:
        benchmark_vectors.main(["--vectors", "9"])
    assert ended.value.code == 2
