"""Composes encoder, dense, sparse and store: a question in, ranked passages out."""

from __future__ import annotations

import os
import weakref
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from index.dense import DenseIndex
from index.duplicates import without_repeats
from index.errors import IndexBroken
from index.inference import Encoder, Models
from index.manifest import Manifest, check_files, read_manifest, rebuild_fix
from index.models import PREPARE_COMMAND, sha256_of
from index.models import read_manifest as read_models_manifest
from index.sparse import SparseIndex
from index.store import SourceFacts, Store
from index.types import Document, DocumentSummary, Passage, Place, RankedPassage
from index.versions import DENSE_NAME, SPARSE_NAME, STORE_NAME, current_version, hold
from index.vocabulary import WordVectors, open_words

CANDIDATES = 50
"""How many passages each of dense and sparse proposes."""

REPEATS_SEEN = 2
"""So many times the passages asked for are looked at for ones that say the same."""

DENSE_WEIGHT = 0.7
"""The share of the dense score in the fused one.

R@1 / R@5 of `python -m index.measuring FILE` with dense alone, sparse alone, and fused at .7:
SQuAD held-out half (500 questions) .732/.924, .772/.946, .816/.956; XQuAD English .922/.998,
.915/.986, .951/1.0; KazQAD .382/.675, .370/.670, .462/.788; XQuAD Russian question, English passage
.786/.969, .141/.245, .795/.969. Each best weight lies between .6 and .8.
"""


class Retriever:
    """An open version of an index; safe to ask from several threads."""

    def __init__(
        self, index_folder: Path, version: Path, manifest: Manifest, models: Models
    ) -> None:
        self._index_folder = index_folder
        self._version = version
        self._release = weakref.finalize(self, os.close, hold(version))
        self.manifest = manifest
        self.models = models
        self._store = Store(version / STORE_NAME)
        self._dense = DenseIndex.open(version / DENSE_NAME)
        self._sparse = SparseIndex.open(version / SPARSE_NAME)

    @classmethod
    def open(cls, index_folder: Path, models: Models | Path) -> Retriever:
        """Open the current version on opened models, or on those of a folder.

        Raises IndexMissing, IndexBroken or ModelMissing.
        """
        version = current_version(index_folder)
        manifest = read_manifest(version)
        check_files(version, manifest)
        if isinstance(models, Path):
            models = Models.open(models)
        facts = models.manifest.facts(models.manifest.encoder)
        if facts.sha256 != manifest.encoder.sha256:
            raise IndexBroken(
                f"the index at {index_folder} was built with the encoder {manifest.encoder.name}, "
                f"the models hold {facts.name} or another make of it",
                f"{rebuild_fix(version)}, or `{PREPARE_COMMAND} --encoder {manifest.encoder.name}`",
            )
        models.warm_up()
        return cls(index_folder, version, manifest, models)

    def newer_version_exists(self) -> bool:
        """Say whether a build has switched to another version since this one was opened."""
        try:
            return current_version(self._index_folder) != self._version
        except (IndexBroken, OSError):
            return False

    def reopened(self) -> Retriever:
        """Open what is current now; this one goes on answering until closed.

        The models stay open too, unless they were made anew.
        """
        folder = self.models.folder
        same = read_models_manifest(folder) == self.models.manifest
        return Retriever.open(self._index_folder, self.models if same else folder)

    def close(self) -> None:
        """Close the store's connections; later builds may remove the version."""
        self._store.close()
        self._release()

    @property
    def version(self) -> Path:
        """The folder of the version that is open."""
        return self._version

    @property
    def index_id(self) -> str:
        return self.manifest.index_id

    @property
    def encoder(self) -> Encoder:
        return self.models.encoder

    def documents(self) -> tuple[DocumentSummary, ...]:
        """Return every document without its text."""
        return self._summaries

    def document(self, document_id: str) -> Document:
        """Return a document with its text; raise KeyError for an id that there is none of."""
        document = self._store.document(document_id)
        if document is None:
            raise KeyError(document_id)
        return document

    def place(self, document_id: str, offset: int) -> Place | None:
        """Return where in its original a character of a document stands: page, sheet, row."""
        return self._store.place(document_id, offset)

    def passages_of(self, document_id: str) -> tuple[Passage, ...]:
        """Return a document's passages in the order they stand."""
        return self._store.passages_of(document_id)

    def opening(self, document_id: str, count: int) -> tuple[Passage, ...]:
        """Return a document's first passages, so many at most."""
        _, first, passages = self._rows[document_id]
        return self._store.passages(range(first, first + min(count, passages)))

    def passage(self, passage_id: int) -> Passage:
        """Return one passage; raise KeyError for an id that there is none of."""
        found = self._store.passages([passage_id])
        if not found:
            raise KeyError(passage_id)
        return found[0]

    def terms(self) -> Mapping[str, int]:
        """Return every folded word of the collection with the number of passages it stands in."""
        return self._terms

    def word_vectors(self) -> WordVectors:
        """Return the collection's more frequent words with their vectors."""
        return self._word_vectors

    def source_state(self, document_id: str) -> Literal["unchanged", "changed", "missing"]:
        """Say what became of a document's file since it was indexed; its bytes decide."""
        facts = self._sources[document_id]
        try:
            state = facts.source.stat()
            if (state.st_size, state.st_mtime_ns) == (facts.bytes, facts.modified_ns):
                return "unchanged"
            same = state.st_size == facts.bytes and sha256_of(facts.source) == facts.sha256
        except OSError:
            return "missing"
        return "unchanged" if same else "changed"

    def search(
        self,
        query: str,
        count: int,
        *,
        documents: frozenset[str] | None = None,
        others: Mapping[str, Collection[str]] | None = None,
    ) -> tuple[RankedPassage, ...]:
        """Return the passages that fit a question best, among ``documents`` if given.

        What stands in several places is returned once, with the other places. ``others`` are
        folded words of the collection that will do for a folded word of the question.
        """
        rows = sorted(self._rows[d] for d in documents or () if d in self._rows)
        if documents is not None and not rows:
            return ()
        vector = self.encoder.encode_queries([query])[0]
        within = [(first, first + size) for _, first, size in rows] if rows else None
        ordinals = [ordinal for ordinal, _, _ in rows] if rows else None
        near, _ = self._dense.search(vector, CANDIDATES, within=within)
        matching, sparse_found = self._sparse.search(
            query, CANDIDATES, documents=ordinals, others=others
        )
        candidates = np.union1d(near, matching)
        dense = self._dense.scores(vector, candidates)
        sparse = np.zeros(len(candidates), np.float32)
        sparse[np.searchsorted(candidates, matching)] = sparse_found
        scores = fuse(dense, sparse)
        best = np.lexsort((candidates, -scores))[: REPEATS_SEEN * count]
        passages = self._store.passages([int(row) for row in candidates[best]])
        ranked = (
            RankedPassage(
                passage=passage,
                rank=rank,
                score=float(scores[place]),
                dense=float(dense[place]),
                sparse=float(sparse[place]),
            )
            for rank, (place, passage) in enumerate(zip(best, passages, strict=True), start=1)
        )
        return without_repeats(ranked, count)

    @cached_property
    def _summaries(self) -> tuple[DocumentSummary, ...]:
        return self._store.summaries()

    @cached_property
    def _rows(self) -> Mapping[str, tuple[int, int, int]]:
        return self._store.document_rows()

    @cached_property
    def _sources(self) -> Mapping[str, SourceFacts]:
        return {facts.document_id: facts for facts in self._store.sources()}

    @cached_property
    def _word_vectors(self) -> WordVectors:
        return open_words(self._version)

    @cached_property
    def _terms(self) -> Mapping[str, int]:
        return self._store.terms()


def fuse(
    dense: NDArray[np.float32], sparse: NDArray[np.float32], *, weight: float = DENSE_WEIGHT
) -> NDArray[np.float32]:
    """Return the fused score of each candidate, in 0…1.

    Dense scores lie in a narrow band that shifts with the question, so they are spread between the
    least and the greatest; sparse ones are taken as shares of the greatest.
    """
    if not len(dense):
        return dense
    low, high = float(dense.min()), float(dense.max())
    spread = (dense - low) / (high - low) if high > low else np.ones_like(dense)
    top = float(sparse.max())
    share = sparse / top if top > 0 else sparse
    return np.clip(weight * spread + (1 - weight) * share, 0.0, 1.0).astype(np.float32)
