"""Nearest vectors by inner product: the only module that knows FAISS.

Exact (Flat) up to 200,000 vectors, 8 bits a number (SQ8) above; either is memory-mapped and never
added to once written.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import faiss
import numpy as np
from numpy.typing import NDArray

from index.errors import IndexBroken, IndexUnwritable
from index.manifest import rebuild_fix
from index.types import Vector, Vectors

FLAT_VECTORS_MAX = 200_000
"""Above it a search of exact vectors takes over 10 ms on one core, and SQ8 keeps recall .99."""

TRAINING_VECTORS = 100_000

Hits: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Row numbers and inner products, best first."""

Rows: TypeAlias = Iterable[tuple[int, int]]
"""Half-open ranges of row numbers."""


class DenseIndex:
    """Vectors by row number; safe to search from several threads."""

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    @classmethod
    def write(cls, vectors: Vectors, path: Path, *, flat_max: int = FLAT_VECTORS_MAX) -> None:
        """Write the vectors to a file, row by row in their order; raise IndexUnwritable."""
        count, dimension = vectors.shape
        if count <= flat_max:
            index: faiss.Index = faiss.IndexFlatIP(dimension)
        else:
            index = faiss.IndexScalarQuantizer(
                dimension, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
            )
            step = -(-count // TRAINING_VECTORS)
            index.train(np.ascontiguousarray(vectors[::step]))
        index.add(np.ascontiguousarray(vectors))
        # faiss itself only prints that a file could not be closed, and leaves it cut short.
        try:
            with path.open("wb") as file:
                writer = faiss.PyCallbackIOWriter(file.write)  # type: ignore[attr-defined]
                faiss.write_index(index, writer)
        except (OSError, RuntimeError) as error:
            raise IndexUnwritable(path, error) from error

    @classmethod
    def open(cls, path: Path) -> DenseIndex:
        """Map the file into memory; raise IndexBroken when it is no index."""
        faiss.omp_set_num_threads(1)
        try:
            return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC))
        except RuntimeError as error:
            raise IndexBroken(f"{path} can't be read", rebuild_fix(path.parent)) from error

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, query: Vector, count: int, *, within: Rows | None = None) -> Hits:
        """Return the ``count`` rows nearest to the query, among those ``within`` if given."""
        parameters = None
        if within is not None:
            allowed = np.zeros(-(-len(self) // 8) * 8, np.uint8)
            for first, last in within:
                allowed[first:last] = 1
            bits = np.packbits(allowed, bitorder="little")
            library: Any = faiss  # its types don't know the wrappers that take an array
            parameters = library.SearchParameters(sel=library.IDSelectorBitmap(bits))
        scores, rows = self._index.search(query[None], min(count, len(self)), params=parameters)
        found = rows[0] >= 0
        return rows[0][found], scores[0][found]

    def scores(self, query: Vector, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the inner products of the query with these rows."""
        if not len(rows):
            return np.empty(0, np.float32)
        vectors = self._index.reconstruct_batch(rows)
        return np.asarray(vectors @ query, np.float32)
