"""Composes reading, chunking, embedding, dense, sparse and store into one build of an index."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from index.chunking import PASSAGE_TOKENS_MAX, chunk, embedded_text
from index.dense import FLAT_VECTORS_MAX, DenseIndex
from index.embedding import BATCH_TEXTS, embed_passages
from index.errors import IndexBroken, IndexMissing, NothingToIndex
from index.files import FoundFile, list_files
from index.inference import Models
from index.limits import ReadingLimits
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
from index.parsers import Parsers, default_workers
from index.reading import FileOutcome, Parser, Problem
from index.sparse import SparseEntry, SparseIndex
from index.store import SourceFacts, Store, write_store
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
from index.vocabulary import (
    WordVectors,
    chosen_words,
    encode_words,
    word_fingerprint,
    write_words,
)

Stage: TypeAlias = Literal["reading", "encoding", "writing"]
Progress: TypeAlias = Callable[[Stage, int, int], None]
"""Told the stage, how much of it is done, and how much there is."""

WRITING_STEPS = 4
"""Passages, dense, sparse, and the switch to the new version."""


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
    problems: Mapping[str, tuple[Problem, ...]]


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
) -> BuildReport:
    """Make the index hold exactly what the paths hold, and say what changed.

    Unchanged documents keep their passages and vectors unless ``rebuild`` is given. When nothing
    changed, nothing is written. ``workers`` files are read at once, one a core unless given; what
    comes out is the same for any number. Raises ModelMissing, BuildInProgress, and NothingToIndex
    (the old index stays).
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
        read = _read(paths, models, reusable, limits, workers or default_workers(), progress)
        count = sum(len(document.passages) for document in read.documents)
        if not count:
            raise NothingToIndex(_nothing(paths, read))
        settings = _settings(count, limits)
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
                _write(folder, read, vectors, progress)
                spelled = _write_words(folder, cache, models, read.documents)
                publish(index_folder, folder, manifest)
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


def _read(
    paths: Sequence[Path],
    models: Models,
    previous: _Previous | None,
    limits: ReadingLimits,
    workers: int,
    progress: Progress,
) -> _Read:
    """Read and chunk every file, or take it from the previous version when its bytes are there.

    Files are read side by side; passages are numbered in the order of the files all the same.
    """
    listed = list(list_files(paths))
    known: dict[str, list[SourceFacts]] = {}
    for facts in previous.store.sources() if previous else ():
        known.setdefault(facts.file_id, []).append(facts)
    known_problems = previous.store.problems() if previous else {}

    def read(parser: Parser, found: FoundFile | SkippedFile) -> FileOutcome | None:
        """Read a file; return None for one that is left out or as it was."""
        if isinstance(found, SkippedFile):
            return None
        before = known.get(found.document_id)
        if before and _has_bytes(found, before[0].bytes, before[0].sha256):
            return None
        return parser.read(found)

    documents: list[_Chunked] = []
    skipped: list[SkippedFile] = []
    problems: dict[str, tuple[Problem, ...]] = {}
    first_id = 0
    with Parsers(workers, limits) as parsers:
        for number, (found, outcome) in enumerate(
            zip(listed, parsers.each(read, listed), strict=True)
        ):
            progress("reading", number, len(listed))
            if isinstance(found, SkippedFile):
                skipped.append(found)
            elif outcome is None:
                assert previous is not None
                problems[found.document_id] = known_problems.get(found.document_id, ())
                for facts in known[found.document_id]:
                    documents.append(
                        _taken(previous.store, facts.document_id, found, first_id, models)
                    )
                    first_id += len(documents[-1].passages)
            else:
                problems[found.document_id] = outcome.problems
                for document in outcome.documents:
                    passages = chunk(document, models.encoder.count_tokens, first_id=first_id)
                    documents.append(_chunked(document, passages, models))
                    first_id += len(passages)
    progress("reading", len(listed), len(listed))
    everything = [*skipped, *(problem for found in problems.values() for problem in found)]
    return _Read(
        tuple(documents),
        tuple(each for each in everything if isinstance(each, UnreadableFile)),
        tuple(each for each in everything if isinstance(each, SkippedFile)),
        problems,
    )


def _has_bytes(found: FoundFile, size: int, sha256: str) -> bool:
    try:
        return found.source.file.stat().st_size == size and sha256_of(found.source.file) == sha256
    except OSError:
        return False


def _taken(
    store: Store, document_id: str, found: FoundFile, first_id: int, models: Models
) -> _Chunked:
    """Take a document from the previous version, with the place its file has now."""
    stored = store.document(document_id)
    assert stored is not None
    document = stored.model_copy(
        update={
            "source": found.source.file.resolve(),
            "modified_ns": found.source.file.stat().st_mtime_ns,
            "places": store.places_of(document_id),
        }
    )
    passages = tuple(
        passage.model_copy(update={"passage_id": first_id + number})
        for number, passage in enumerate(store.passages_of(document_id))
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
        "documents (docs/manual/documents.md names the types): `python scripts/build_index.py PATH`"
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


def _write(folder: Path, read: _Read, vectors: Vectors, progress: Progress) -> None:
    progress("writing", 0, WRITING_STEPS)
    write_store(folder / STORE_NAME, read.documents, read.problems)
    progress("writing", 1, WRITING_STEPS)
    DenseIndex.write(vectors, folder / DENSE_NAME)
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


def _write_words(
    folder: Path, cache: VectorCache, models: Models, documents: Sequence[_Chunked]
) -> list[bytes]:
    """Write the collection's words with their vectors; return what those are cached under."""
    chosen = chosen_words(text for chunked in documents for text in chunked.texts)
    encoder = models.encoder
    fingerprints = [word_fingerprint(encoder.sha256, spelled) for spelled in chosen.values()]
    by_fingerprint = zip(fingerprints, chosen.values(), strict=True)
    missing = {each: spelled for each, spelled in by_fingerprint if each not in cache}
    for few, encoded in encode_words(missing, lambda word: encoder.encode_queries([word])[0]):
        cache.add(few, encoded)
    rows = np.array([cache[each] for each in fingerprints], np.float32)
    vectors = rows.reshape(len(chosen), encoder.dimension)  # a collection may have no word
    write_words(folder, WordVectors(tuple(chosen), vectors))
    return fingerprints
