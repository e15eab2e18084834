"""FAISS finds what looking at every vector finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import IndexBroken
from index.dense import DenseIndex
from index.errors import IndexUnwritable
from index.types import Vectors
from tests.disks import full_disk


def unit_vectors(count: int, dimension: int, seed: int) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 60),
    wanted=st.integers(1, 70),
    seed=st.integers(0, 1000),
    bounds=st.none() | st.lists(st.integers(0, 60), min_size=2, max_size=6),
)
def test_dense_equals_brute_force(
    tmp_path_factory: pytest.TempPathFactory,
    count: int,
    wanted: int,
    seed: int,
    bounds: list[int] | None,
) -> None:
    vectors = unit_vectors(count, 16, seed)
    query = unit_vectors(1, 16, seed + 5000)[0]
    path = tmp_path_factory.mktemp("dense") / "dense.faiss"
    DenseIndex.write(vectors, path)
    within = None
    allowed = np.arange(count)
    if bounds is not None:
        edges = sorted(min(bound, count) for bound in bounds)
        within = list(zip(edges[::2], edges[1::2], strict=False))
        allowed = np.unique(np.concatenate([np.arange(a, b) for a, b in within]))
    rows, scores = DenseIndex.open(path).search(query, wanted, within=within)
    expected = allowed[np.argsort(-(vectors @ query)[allowed], kind="stable")][:wanted]
    assert rows.tolist() == expected.tolist()
    assert np.allclose(scores, (vectors @ query)[expected], atol=1e-6)


def test_many_vectors_are_kept_in_eight_bits_and_found_all_the_same(tmp_path: Path) -> None:
    vectors = unit_vectors(600, 384, 1)
    DenseIndex.write(vectors, tmp_path / "flat")
    DenseIndex.write(vectors, tmp_path / "small", flat_max=100)
    assert (tmp_path / "small").stat().st_size < (tmp_path / "flat").stat().st_size / 3
    small = DenseIndex.open(tmp_path / "small")
    found = [small.search(vector, 1)[0][0] for vector in vectors]
    assert found == list(range(600))


def test_scores_are_inner_products_with_the_rows_asked_for(tmp_path: Path) -> None:
    vectors = unit_vectors(10, 16, 2)
    DenseIndex.write(vectors, tmp_path / "dense")
    opened = DenseIndex.open(tmp_path / "dense")
    rows = np.array([7, 2])
    assert np.allclose(opened.scores(vectors[0], rows), vectors[rows] @ vectors[0], atol=1e-6)
    assert opened.scores(vectors[0], np.array([], np.int64)).shape == (0,)


def test_a_file_that_is_no_index_is_named(tmp_path: Path) -> None:
    (tmp_path / "dense").write_bytes(b"nonsense" * 100)
    with pytest.raises(IndexBroken, match="dense can't be read"):
        DenseIndex.open(tmp_path / "dense")


@pytest.mark.parametrize("count", [100, 10_000])
def test_a_disk_that_is_full_is_said(count: int, tmp_path: Path) -> None:
    vectors = np.ones((count, 8), np.float32)
    with full_disk(32 * count), pytest.raises(IndexUnwritable, match=r"a\.faiss can't be written"):
        DenseIndex.write(vectors, tmp_path / "a.faiss")
