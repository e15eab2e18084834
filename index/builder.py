"""Composes reading, chunking, embedding, dense, sparse and store into one build of an index."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from index.chunking import PASSAGE_TOKENS_MAX, chunk, embedded_text
from index.dense import FLAT_VECTORS_MAX, DenseIndex
from index.embedding import BATCH_TEXTS, embed_passages
from index.errors import IndexBroken, IndexMissing, NothingToIndex
from index.inference import Models
from index.manifest import (
    FORMAT_VERSION,
    DocumentFacts,
    EncoderUsed,
    IndexSettings,
    Manifest,
    check_files,
    read_manifest,
)
from index.models import sha256_of
from index.reading import FoundFile, Parser, list_files
from index.sparse import SparseEntry, SparseIndex
from index.store import Store, write_store
from index.types import BuildReport, Document, Passage, SkippedFile, UnreadableFile, Vectors
from index.vector_cache import VectorCache
from index.versions import (
    DENSE_NAME,
    SPARSE_NAME,
    STORE_NAME,
    building,
    current_version,
    new_version,
    publish,
)

Stage: TypeAlias = Literal["reading", "encoding", "writing"]
Progress: TypeAlias = Callable[[Stage, int, int], None]
"""Told the stage, how much of it is done, and how much there is."""


class _Chunked(NamedTuple):
    """A document with its passages, what is embedded of each, and its fingerprint."""

    document: Document
    passages: tuple[Passage, ...]
    texts: tuple[str, ...]
    fingerprints: tuple[bytes, ...]


class _Read(NamedTuple):
    """What became of the files."""

    documents: tuple[_Chunked, ...]
    unreadable: tuple[UnreadableFile, ...]
    skipped: tuple[SkippedFile, ...]


class _Previous(NamedTuple):
    """The version that is current when a build begins."""

    manifest: Manifest
    store: Store


def build_index(
    paths: Sequence[Path],
    index_folder: Path,
    models_folder: Path,
    *,
    rebuild: bool = False,
    progress: Progress = lambda stage, done, total: None,
) -> BuildReport:
    """Make the index hold exactly what the paths hold, and say what changed.

    Unchanged documents keep their passages and vectors unless ``rebuild`` is given. When nothing
    changed, nothing is written. Raises ModelMissing, BuildInProgress, and NothingToIndex (the old
    index stays).
    """
    began = time.monotonic()
    models = Models.open(models_folder)
    with building(index_folder), ExitStack() as stack:
        previous = _previous(index_folder)
        if previous:
            stack.callback(previous.store.close)
        before = {d.document_id: d for d in previous.manifest.documents} if previous else {}
        settings = _settings(0)
        reusable = None if rebuild or not _fits(previous, settings, models) else previous
        read = _read(paths, models, reusable, progress)
        count = sum(len(document.passages) for document in read.documents)
        if not count:
            raise NothingToIndex(_nothing(paths, read))
        settings = _settings(count)
        encoder = models.manifest.facts(models.manifest.encoder)
        used = EncoderUsed(name=encoder.name, dimension=encoder.dimension, sha256=encoder.sha256)
        index_id = _index_id(settings, used, read.documents)
        if rebuild or not _is_current(previous, index_id, read.documents):
            manifest = Manifest(
                index_id=index_id,
                settings=settings,
                encoder=used,
                passages=count,
                documents=tuple(_facts(document) for document in read.documents),
                files=(),
            )
            cache = VectorCache(index_folder, encoder.sha256, encoder.dimension, fresh=rebuild)
            with closing(cache):
                vectors = _vectors(cache, models, read.documents, progress)
                folder = new_version(index_folder, index_id)
                progress("writing", 0, 1)
                _write(folder, read.documents, vectors)
                publish(index_folder, folder, manifest)
                cache.shrink(f for document in read.documents for f in document.fingerprints)
                progress("writing", 1, 1)
    after = {chunked.document.document_id: chunked.document for chunked in read.documents}
    return BuildReport(
        index_id=index_id,
        added=tuple(d.path for key, d in after.items() if key not in before),
        changed=tuple(
            d.path for key, d in after.items() if key in before and before[key].sha256 != d.sha256
        ),
        unchanged=sum(key in before and before[key].sha256 == d.sha256 for key, d in after.items()),
        removed=tuple(d.path for key, d in before.items() if key not in after),
        unreadable=read.unreadable,
        skipped=read.skipped,
        passages=count,
        seconds=round(time.monotonic() - began, 3),
    )


def _previous(index_folder: Path) -> _Previous | None:
    """Return the current version if every byte of it is whole; a damaged one is built anew."""
    try:
        version = current_version(index_folder)
        manifest = read_manifest(version)
        check_files(version, manifest, in_full=True)
    except (IndexMissing, IndexBroken):
        return None
    return _Previous(manifest, Store(version / STORE_NAME))


def _settings(passages: int) -> IndexSettings:
    return IndexSettings(
        format_version=FORMAT_VERSION,
        passage_tokens_max=PASSAGE_TOKENS_MAX,
        dense="flat" if passages <= FLAT_VECTORS_MAX else "sq8",
    )


def _fits(previous: _Previous | None, settings: IndexSettings, models: Models) -> bool:
    """Say whether the previous passages would come out the same today.

    Another encoder has another tokenizer, and passages are measured in its tokens.
    """
    if previous is None:
        return False
    then = previous.manifest
    return (
        then.settings.passage_tokens_max == settings.passage_tokens_max
        and then.encoder.sha256 == models.manifest.facts(models.manifest.encoder).sha256
    )


def _read(
    paths: Sequence[Path], models: Models, previous: _Previous | None, progress: Progress
) -> _Read:
    """Read and chunk every file, or take it from the previous version when its bytes are there."""
    listed = list(list_files(paths))
    known = {s.document_id: s for s in previous.store.sources()} if previous else {}
    documents: list[_Chunked] = []
    unreadable: list[UnreadableFile] = []
    skipped: list[SkippedFile] = []
    first_id = 0
    with Parser() as parser:
        for number, found in enumerate(listed):
            progress("reading", number, len(listed))
            if isinstance(found, SkippedFile):
                skipped.append(found)
                continue
            facts = known.get(found.document_id)
            if previous and facts and _has_bytes(found, facts.bytes, facts.sha256):
                chunked = _taken(previous.store, found, first_id, models)
            else:
                outcome = parser.read(found)
                if isinstance(outcome, UnreadableFile):
                    unreadable.append(outcome)
                    continue
                passages = chunk(outcome, models.encoder.count_tokens, first_id=first_id)
                chunked = _chunked(outcome, passages, models)
            documents.append(chunked)
            first_id += len(chunked.passages)
    progress("reading", len(listed), len(listed))
    return _Read(tuple(documents), tuple(unreadable), tuple(skipped))


def _has_bytes(found: FoundFile, size: int, sha256: str) -> bool:
    try:
        return found.source.file.stat().st_size == size and sha256_of(found.source.file) == sha256
    except OSError:
        return False


def _taken(store: Store, found: FoundFile, first_id: int, models: Models) -> _Chunked:
    """Take a document from the previous version, with the place its file has now."""
    stored = store.document(found.document_id)
    assert stored is not None
    document = stored.model_copy(
        update={
            "source": found.source.file.resolve(),
            "modified_ns": found.source.file.stat().st_mtime_ns,
        }
    )
    passages = tuple(
        passage.model_copy(update={"passage_id": first_id + number})
        for number, passage in enumerate(store.passages_of(found.document_id))
    )
    return _chunked(document, passages, models)


def _chunked(document: Document, passages: tuple[Passage, ...], models: Models) -> _Chunked:
    encoder = models.manifest.facts(models.manifest.encoder)
    texts = tuple(embedded_text(document, passage) for passage in passages)
    fingerprints = tuple(
        hashlib.sha256(f"{encoder.sha256}\n{text}".encode()).digest() for text in texts
    )
    return _Chunked(document, passages, texts, fingerprints)


def _nothing(paths: Sequence[Path], read: _Read) -> str:
    places = ", ".join(map(str, paths))
    counts = [
        f"{len(read.unreadable)} could not be read" if read.unreadable else "",
        f"{len(read.skipped)} are of other kinds" if read.skipped else "",
    ]
    why = ", ".join(count for count in counts if count)
    return (
        f"there is nothing to index under {places}{f' ({why})' if why else ''}; give a folder with "
        ".md, .txt or .html files: `python scripts/build_index.py PATH`"
    )


def _index_id(settings: IndexSettings, encoder: EncoderUsed, documents: Iterable[_Chunked]) -> str:
    """Hash what the index says: settings, encoder, documents and passages, not when or where."""
    digest = hashlib.sha256()
    digest.update(settings.model_dump_json().encode())
    digest.update(encoder.model_dump_json().encode())
    for document, passages, _, fingerprints in documents:
        digest.update(
            json.dumps(
                [
                    document.document_id, document.path, document.title, document.date,
                    document.language, document.sha256,
                    [[p.start, p.end, [[s.start, s.end] for s in p.sentences]] for p in passages],
                ]
            ).encode()
        )  # fmt: skip
        digest.update(b"".join(fingerprints))
    return digest.hexdigest()[:16]


def _is_current(previous: _Previous | None, index_id: str, documents: Sequence[_Chunked]) -> bool:
    """Say whether the current version holds the same, read from the same places."""
    if previous is None or previous.manifest.index_id != index_id:
        return False
    places = [source.source for source in previous.store.sources()]
    return places == [chunked.document.source for chunked in documents]


def _facts(chunked: _Chunked) -> DocumentFacts:
    document = chunked.document
    return DocumentFacts(
        document_id=document.document_id,
        path=document.path,
        sha256=document.sha256,
        bytes=document.bytes,
        passages=len(chunked.passages),
    )


def _vectors(
    cache: VectorCache, models: Models, documents: Sequence[_Chunked], progress: Progress
) -> Vectors:
    """Return every passage's vector, encoding those that the cache doesn't hold."""
    wanted = {
        fingerprint: text
        for chunked in documents
        for fingerprint, text in zip(chunked.fingerprints, chunked.texts, strict=True)
    }
    missing = [fingerprint for fingerprint in wanted if fingerprint not in cache]
    progress("encoding", 0, len(missing))
    if missing:
        batches = embed_passages(models.encoder, [wanted[f] for f in missing])
        for number, vectors in enumerate(batches):
            first = number * BATCH_TEXTS
            cache.add(missing[first : first + len(vectors)], vectors)
            progress("encoding", first + len(vectors), len(missing))
    rows = [cache[fingerprint] for chunked in documents for fingerprint in chunked.fingerprints]
    return np.stack(rows).astype(np.float32)


def _write(folder: Path, documents: Sequence[_Chunked], vectors: Vectors) -> None:
    write_store(folder / STORE_NAME, documents)
    DenseIndex.write(vectors, folder / DENSE_NAME)
    SparseIndex.write(
        (
            SparseEntry(passage.passage_id, ordinal, text)
            for ordinal, chunked in enumerate(documents)
            for passage, text in zip(chunked.passages, chunked.texts, strict=True)
        ),
        folder / SPARSE_NAME,
    )
