"""Composes intake, embedding, dense, sparse and store into one build of an index."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from index.chunking import PASSAGE_TOKENS_MAX
from index.dense import FLAT_VECTORS_MAX, DenseIndex
from index.embedding import BATCH_TEXTS, embed_passages
from index.errors import (
    DocumentsUnnamed,
    IndexBroken,
    IndexMissing,
    NothingToIndex,
    VersionRefused,
)
from index.inference import Models
from index.intake import Chunked, Intake, Progress, take_in
from index.limits import ReadingLimits
from index.manifest import (
    FORMAT_VERSION,
    DocumentFacts,
    EncoderUsed,
    IndexSettings,
    Manifest,
    build_command,
    check_files,
    read_manifest,
    read_paths,
)
from index.parsers import default_workers
from index.retriever import Retriever
from index.sparse import SparseEntry, SparseIndex
from index.store import Store, write_store
from index.types import BuildReport, Vectors
from index.vector_cache import VectorCache
from index.versions import (
    DENSE_NAME,
    SPARSE_NAME,
    STORE_NAME,
    building,
    current_version,
    new_version,
    publish,
    seal,
    versions_by_use,
)
from index.vocabulary import (
    WordVectors,
    chosen_words,
    encode_words,
    word_fingerprint,
    write_words,
)

WRITING_STEPS = 4
"""Passages, dense, sparse, and the switch to the new version."""


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
    workers: int | None = None,
    limits: ReadingLimits | None = None,
    progress: Progress = lambda stage, done, total: None,
    gate: Callable[[Retriever], None] | None = None,
) -> BuildReport:
    """Make the index hold exactly what the paths hold, and say what changed.

    Unchanged documents keep their passages and vectors unless ``rebuild`` is given. When nothing
    changed, nothing is written. ``workers`` files are read at once, one a core unless given; what
    comes out is the same for any number. ``gate`` is given the new version before it is published,
    and may raise VersionRefused: then the old index stays, and the next build has the vectors.
    Raises ModelMissing, BuildInProgress, NothingToIndex, and IndexUnwritable or OSError where the
    disk is full (the old index stays).
    """
    began = time.monotonic()
    limits = limits or ReadingLimits()
    models = Models.open(models_folder)
    with building(index_folder), ExitStack() as stack:
        previous = _previous(index_folder)
        if previous:
            stack.callback(previous.store.close)
        before = {d.document_id: d for d in previous.manifest.documents} if previous else {}
        settings = _settings(0, limits)
        reusable = None if rebuild or not _fits(previous, settings, models) else previous
        store = reusable.store if reusable else None
        side_by_side = workers or default_workers()
        read = take_in(paths, index_folder, models, store, limits, side_by_side, progress)
        count = sum(len(document.passages) for document in read.documents)
        if not count:
            raise _nothing(paths, index_folder, read)
        settings = _settings(count, limits)
        encoder = models.manifest.facts(models.manifest.encoder)
        used = EncoderUsed(name=encoder.name, dimension=encoder.dimension, sha256=encoder.sha256)
        index_id = _index_id(settings, used, read.documents)
        recorded = _recorded(paths)
        if rebuild or not _is_current(previous, index_id, recorded, read.documents):
            manifest = Manifest(
                index_id=index_id,
                settings=settings,
                encoder=used,
                passages=count,
                documents=tuple(_facts(document) for document in read.documents),
                files=(),
                paths=recorded,
            )
            cache = VectorCache(index_folder, encoder.sha256, encoder.dimension, fresh=rebuild)
            with closing(cache):
                vectors = _vectors(cache, models, read.documents, progress)
                spelled, known = _words(cache, models, read.documents, progress)
                folder = new_version(index_folder, index_id)
                _write(folder, read, vectors, known, progress)
                sealed = seal(folder, manifest)
                if gate is not None:
                    _ask(gate, Retriever(index_folder, folder, sealed, models), previous)
                publish(index_folder, folder)
                used_now = (f for document in read.documents for f in document.fingerprints)
                cache.shrink([*used_now, *spelled])
                progress("writing", WRITING_STEPS, WRITING_STEPS)
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


def paths_of_before(index_folder: Path, shipped: Path) -> Sequence[Path]:
    """Return what an index was built from, or the shipped documents where there is none yet.

    Raises DocumentsUnnamed where that isn't recorded and other documents would be replaced.
    """
    versions = versions_by_use(index_folder)
    for version in versions:
        with suppress(IndexBroken):
            paths = read_paths(version)
            if paths is None and _holds_only(version, shipped):
                return (shipped,)
            if paths is None:
                break  # an older version may be of other documents
            return paths
    if not versions:
        return (shipped,)
    raise DocumentsUnnamed(
        f"it isn't recorded which documents the index at {index_folder} was built from",
        f"name them: `{build_command(index_folder, 'PATH')}`",
    )


def _holds_only(version: Path, folder: Path) -> bool:
    """Say whether each document of a version comes from under a folder; raise IndexBroken."""
    with closing(Store(version / STORE_NAME)) as store:
        places = [facts.source for facts in store.sources()]
    return all(place.is_relative_to(folder.resolve()) for place in places)


def _ask(
    gate: Callable[[Retriever], None], retriever: Retriever, previous: _Previous | None
) -> None:
    """Let the gate look at a version that has no name yet; one that it refuses is removed."""
    try:
        gate(retriever)
    except VersionRefused as error:
        shutil.rmtree(retriever.version)
        left = "the one before goes on answering" if previous else "and there is none before it"
        raise VersionRefused(
            f"the new version is not published, {left}; {error}", error.refusals
        ) from error
    finally:
        retriever.close()


def _previous(index_folder: Path) -> _Previous | None:
    """Return the current version if every byte of it is whole; a damaged one is built anew."""
    try:
        version = current_version(index_folder)
        manifest = read_manifest(version)
        check_files(version, manifest, in_full=True)
    except (IndexMissing, IndexBroken):
        return None
    return _Previous(manifest, Store(version / STORE_NAME))


def _settings(passages: int, limits: ReadingLimits) -> IndexSettings:
    return IndexSettings(
        format_version=FORMAT_VERSION,
        passage_tokens_max=PASSAGE_TOKENS_MAX,
        dense="flat" if passages <= FLAT_VECTORS_MAX else "sq8",
        reading=limits,
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
        and then.settings.reading == settings.reading
        and then.encoder.sha256 == models.manifest.facts(models.manifest.encoder).sha256
    )


def _nothing(paths: Sequence[Path], index_folder: Path, read: Intake) -> NothingToIndex:
    places = ", ".join(map(str, paths))
    counts = [
        f"{_files(len(read.unreadable))} could not be read" if read.unreadable else "",
        f"{_files(len(read.skipped))} left out" if read.skipped else "",
    ]
    why = ", ".join(count for count in counts if count)
    return NothingToIndex(
        f"there is nothing to index under {places}{f' ({why})' if why else ''}",
        "give a folder with documents (docs/manual/documents.md names the types): "
        f"`{build_command(index_folder, 'PATH')}`",
        unreadable=read.unreadable,
        skipped=read.skipped,
    )


def _files(count: int) -> str:
    return f"{count} file" if count == 1 else f"{count} files"


def _index_id(settings: IndexSettings, encoder: EncoderUsed, documents: Iterable[Chunked]) -> str:
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


def _recorded(paths: Sequence[Path]) -> tuple[str, ...] | None:
    """Return the paths as a manifest has them; None where one is no UTF-8."""
    recorded = tuple(str(path.absolute()) for path in paths)
    try:
        "".join(recorded).encode()
    except UnicodeEncodeError:
        return None
    return recorded


def _is_current(
    previous: _Previous | None,
    index_id: str,
    paths: tuple[str, ...] | None,
    documents: Sequence[Chunked],
) -> bool:
    """Say whether the current version holds the same, read from the same places."""
    if previous is None or (previous.manifest.index_id, previous.manifest.paths) != (
        index_id,
        paths,
    ):
        return False
    places = [source.source for source in previous.store.sources()]
    return places == [chunked.document.source for chunked in documents]


def _facts(chunked: Chunked) -> DocumentFacts:
    document = chunked.document
    return DocumentFacts(
        document_id=document.document_id,
        path=document.path,
        sha256=document.sha256,
        bytes=document.bytes,
        passages=len(chunked.passages),
    )


def _vectors(
    cache: VectorCache, models: Models, documents: Sequence[Chunked], progress: Progress
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


def _words(
    cache: VectorCache, models: Models, documents: Sequence[Chunked], progress: Progress
) -> tuple[list[bytes], WordVectors]:
    """Return the collection's words with their vectors, and what those are cached under."""
    chosen = chosen_words(text for chunked in documents for text in chunked.texts)
    encoder = models.encoder
    fingerprints = [word_fingerprint(encoder.sha256, spelled) for spelled in chosen.values()]
    by_fingerprint = zip(fingerprints, chosen.values(), strict=True)
    missing = {each: spelled for each, spelled in by_fingerprint if each not in cache}
    done = 0
    progress("words", done, len(missing))
    for few, encoded in encode_words(missing, lambda word: encoder.encode_queries([word])[0]):
        cache.add(few, encoded)
        done += len(few)
        progress("words", done, len(missing))
    rows = np.array([cache[each] for each in fingerprints], np.float32)
    vectors = rows.reshape(len(chosen), encoder.dimension)  # a collection may have no word
    return fingerprints, WordVectors(tuple(chosen), vectors)


def _write(
    folder: Path, read: Intake, vectors: Vectors, known: WordVectors, progress: Progress
) -> None:
    progress("writing", 0, WRITING_STEPS)
    write_store(folder / STORE_NAME, read.documents, read.problems)
    progress("writing", 1, WRITING_STEPS)
    DenseIndex.write(vectors, folder / DENSE_NAME)
    write_words(folder, known)
    progress("writing", 2, WRITING_STEPS)
    SparseIndex.write(
        (
            SparseEntry(passage.passage_id, ordinal, text)
            for ordinal, chunked in enumerate(read.documents)
            for passage, text in zip(chunked.passages, chunked.texts, strict=True)
        ),
        folder / SPARSE_NAME,
    )
    progress("writing", 3, WRITING_STEPS)
