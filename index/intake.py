"""Files in, documents with their passages out: read side by side, or taken from the version before.

Composes listing, reading and chunking; ``builder`` composes the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from index.chunking import chunk, embedded_text
from index.files import FoundFile, list_files
from index.inference import Models
from index.limits import ReadingLimits
from index.models import sha256_of
from index.parsers import Parsers
from index.reading import FileOutcome, Parser, Problem
from index.store import SourceFacts, Store
from index.types import Document, Passage, SkippedFile, UnreadableFile

Stage: TypeAlias = Literal["reading", "encoding", "words", "writing"]
Progress: TypeAlias = Callable[[Stage, int, int], None]
"""Told the stage, how much of it is done, and how much there is."""


class Chunked(NamedTuple):
    """A document with its passages, what is embedded of each, and its fingerprint."""

    document: Document
    passages: tuple[Passage, ...]
    texts: tuple[str, ...]
    fingerprints: tuple[bytes, ...]


class Intake(NamedTuple):
    """What became of the files.

    ``problems`` are those of files that gave documents all the same, by the file's id: such a file
    is not read again while its bytes stay, and what could not be read of it is still told.
    """

    documents: tuple[Chunked, ...]
    unreadable: tuple[UnreadableFile, ...]
    skipped: tuple[SkippedFile, ...]
    problems: Mapping[str, tuple[Problem, ...]]


def take_in(
    paths: Sequence[Path],
    index_folder: Path,
    models: Models,
    store: Store | None,
    limits: ReadingLimits,
    workers: int,
    progress: Progress,
) -> Intake:
    """Read and chunk every file, or take it from the previous version when its bytes are there.

    Files are read side by side; passages are numbered in the order of the files all the same.
    """
    listed = list(list_files(paths, index_folder))
    known: dict[str, list[SourceFacts]] = {}
    for facts in store.sources() if store else ():
        known.setdefault(facts.file_id, []).append(facts)
    known_problems = store.problems() if store else {}

    def read(parser: Parser, found: FoundFile | SkippedFile) -> FileOutcome | None:
        """Read a file; return None for one that is left out or as it was."""
        if isinstance(found, SkippedFile):
            return None
        before = known.get(found.document_id)
        if before and _has_bytes(found, before[0].bytes, before[0].sha256):
            return None
        return parser.read(found)

    documents: list[Chunked] = []
    skipped: list[SkippedFile] = []
    found_problems: dict[str, tuple[Problem, ...]] = {}
    first_id = 0
    with Parsers(workers, limits) as parsers:
        for number, (found, outcome) in enumerate(
            zip(listed, parsers.each(read, listed), strict=True)
        ):
            progress("reading", number, len(listed))
            if isinstance(found, SkippedFile):
                skipped.append(found)
            elif outcome is None:
                assert store is not None
                found_problems[found.document_id] = known_problems.get(found.document_id, ())
                for facts in known[found.document_id]:
                    documents.append(_taken(store, facts.document_id, found, first_id, models))
                    first_id += len(documents[-1].passages)
            else:
                found_problems[found.document_id] = outcome.problems
                for document in outcome.documents:
                    passages = chunk(document, models.encoder.count_tokens, first_id=first_id)
                    documents.append(_chunked(document, passages, models))
                    first_id += len(passages)
    progress("reading", len(listed), len(listed))
    everything = [*skipped, *(problem for each in found_problems.values() for problem in each)]
    with_documents = {chunked.document.file_id for chunked in documents}
    return Intake(
        tuple(documents),
        tuple(each for each in everything if isinstance(each, UnreadableFile)),
        tuple(each for each in everything if isinstance(each, SkippedFile)),
        {key: each for key, each in found_problems.items() if key in with_documents},
    )


def _has_bytes(found: FoundFile, size: int, sha256: str) -> bool:
    try:
        return found.source.file.stat().st_size == size and sha256_of(found.source.file) == sha256
    except OSError:
        return False


def _taken(
    store: Store, document_id: str, found: FoundFile, first_id: int, models: Models
) -> Chunked:
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


def _chunked(document: Document, passages: tuple[Passage, ...], models: Models) -> Chunked:
    encoder = models.manifest.facts(models.manifest.encoder)
    texts = tuple(embedded_text(document, passage) for passage in passages)
    fingerprints = tuple(
        hashlib.sha256(f"{encoder.sha256}\n{text}".encode()).digest() for text in texts
    )
    return Chunked(document, passages, texts, fingerprints)
