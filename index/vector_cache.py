"""Vectors that outlive a version, so that no text is encoded twice."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from index.types import Vector

CACHE_SLACK = 2.0
"""The cache of vectors is rewritten when it is over so many times what is in use."""


class VectorCache:
    """Vectors by fingerprint in an append-only file, so that a killed build goes on where it was.

    Each record is the fingerprint, the vector and a checksum of both; a torn record ends the file.
    """

    def __init__(
        self, index_folder: Path, encoder_sha256: str, dimension: int, *, fresh: bool = False
    ) -> None:
        self._path = index_folder / "vectors" / f"{encoder_sha256[:16]}.cache"
        self._record = np.dtype(
            [("fingerprint", "V32"), ("vector", "<f4", (dimension,)), ("checksum", "V8")]
        )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if fresh:
            self._path.unlink(missing_ok=True)
        self._vectors = self._load()
        self._file = self._path.open("ab")

    def _load(self) -> dict[bytes, Vector]:
        if not self._path.exists():
            return {}
        data = np.fromfile(self._path, self._record)
        whole = 0
        vectors: dict[bytes, Vector] = {}
        for record in data:
            fingerprint, vector = bytes(record["fingerprint"]), record["vector"]
            if bytes(record["checksum"]) != _checksum(fingerprint, vector):
                break
            vectors[fingerprint] = vector
            whole += 1
        if whole * self._record.itemsize != self._path.stat().st_size:
            os.truncate(self._path, whole * self._record.itemsize)
        return vectors

    def __contains__(self, fingerprint: bytes) -> bool:
        return fingerprint in self._vectors

    def __getitem__(self, fingerprint: bytes) -> Vector:
        return self._vectors[fingerprint]

    def add(self, fingerprints: Sequence[bytes], vectors: Iterable[Vector]) -> None:
        """Keep vectors, on disk as far as the system has written them."""
        for fingerprint, vector in zip(fingerprints, vectors, strict=True):
            self._vectors[fingerprint] = vector
            self._file.write(self._packed(fingerprint))
        self._file.flush()

    def _packed(self, fingerprint: bytes) -> bytes:
        vector = self._vectors[fingerprint]
        return fingerprint + vector.astype("<f4").tobytes() + _checksum(fingerprint, vector)

    def shrink(self, used: Iterable[bytes]) -> None:
        """Forget what isn't used once it is the greater part."""
        kept = dict.fromkeys(used)
        if len(self._vectors) <= CACHE_SLACK * len(kept):
            return
        temporary = self._path.with_suffix(".new")
        with temporary.open("wb") as file:
            for fingerprint in kept:
                file.write(self._packed(fingerprint))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        for other in self._path.parent.glob("*.cache"):
            if other != self._path:
                other.unlink()

    def close(self) -> None:
        self._file.close()


def _checksum(fingerprint: bytes, vector: Vector) -> bytes:
    return hashlib.blake2b(fingerprint + vector.astype("<f4").tobytes(), digest_size=8).digest()
