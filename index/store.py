"""The index folder: versions beside each other, one of them current, and what a version holds.

``DIR/versions/<version>/{manifest.json, passages.sqlite, dense.faiss, sparse/}`` and the file
``DIR/current``, which names the version in use and is replaced in one rename. A version is never
changed once it has its name, so a kill at any moment leaves the old one answering.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import ValidationError

from index.errors import BuildInProgress, IndexBroken, IndexMissing
from index.types import Document, DocumentSummary, Frozen, Passage, Section, Sentence, Vector
from index.words import words

FORMAT_VERSION = 1
"""Raised whenever reading, chunking or the files change, so that an older index is rebuilt."""

VERSIONS_KEPT = 3
SAMPLE_BYTES = 64 * 1024
CACHE_SLACK = 2.0
"""The cache of vectors is rewritten when it is over so many times what is in use."""

BUILD_COMMAND = "python scripts/build_index.py"
REBUILD_COMMAND = f"{BUILD_COMMAND} --rebuild"
STORE_NAME = "passages.sqlite"
DENSE_NAME = "dense.faiss"
SPARSE_NAME = "sparse"

_TABLES = """
CREATE TABLE documents (
    ordinal INTEGER PRIMARY KEY, document_id TEXT NOT NULL UNIQUE, path TEXT NOT NULL,
    source TEXT NOT NULL, title TEXT NOT NULL, date TEXT, language TEXT, sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL, modified_ns INTEGER NOT NULL, text TEXT NOT NULL,
    characters INTEGER NOT NULL, sections TEXT NOT NULL,
    first_passage INTEGER NOT NULL, passages INTEGER NOT NULL);
CREATE TABLE passages (
    passage_id INTEGER PRIMARY KEY, document INTEGER NOT NULL REFERENCES documents (ordinal),
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, text TEXT NOT NULL, heading_path TEXT NOT NULL,
    kind TEXT NOT NULL, table_header TEXT NOT NULL, lead_in TEXT NOT NULL,
    fingerprint BLOB NOT NULL);
CREATE TABLE sentences (
    passage_id INTEGER NOT NULL REFERENCES passages (passage_id), number INTEGER NOT NULL,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    PRIMARY KEY (passage_id, number)) WITHOUT ROWID;
CREATE TABLE terms (term TEXT PRIMARY KEY, passages INTEGER NOT NULL) WITHOUT ROWID;
"""


class FileFacts(Frozen):
    """A file of a version, with what it takes to see that it is whole."""

    path: str
    bytes: int
    sha256: str
    sample_sha256: str


class DocumentFacts(Frozen):
    """A document's fingerprint in the manifest."""

    document_id: str
    path: str
    sha256: str
    bytes: int
    passages: int


class IndexSettings(Frozen):
    """The settings an index was built with."""

    format_version: int
    passage_tokens_max: int
    dense: Literal["flat", "sq8"]


class EncoderUsed(Frozen):
    """The encoder that made the vectors."""

    name: str
    dimension: int
    sha256: str


class Manifest(Frozen):
    """What a version holds; ``manifest_sha256`` is of the manifest without it."""

    index_id: str
    settings: IndexSettings
    encoder: EncoderUsed
    passages: int
    documents: tuple[DocumentFacts, ...]
    files: tuple[FileFacts, ...]
    manifest_sha256: str = ""

    def sealed(self) -> Manifest:
        """Return the manifest with its own hash."""
        return self.model_copy(update={"manifest_sha256": self._own_sha256()})

    def is_whole(self) -> bool:
        return self.manifest_sha256 == self._own_sha256()

    def _own_sha256(self) -> str:
        bare = self.model_dump(mode="json", exclude={"manifest_sha256"})
        return hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()


class SourceFacts(NamedTuple):
    """What is known of a document's source file, to see whether it has changed."""

    document_id: str
    source: Path
    sha256: str
    bytes: int
    modified_ns: int


# --- the folder ---------------------------------------------------------------------------------


def current_version(index_folder: Path) -> Path:
    """Return the folder of the version in use; raise IndexMissing or IndexBroken."""
    pointer = index_folder / "current"
    try:
        name = pointer.read_text("utf-8").strip()
    except FileNotFoundError:
        raise IndexMissing(f"there is no index at {index_folder}; run `{BUILD_COMMAND}`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise IndexBroken(f"{pointer} can't be read; run `{REBUILD_COMMAND}`") from error
    folder = index_folder / "versions" / name
    if not re.fullmatch(r"\d+-[0-9a-f]+", name) or not folder.is_dir():
        raise IndexBroken(
            f"{pointer} names no version; run `{BUILD_COMMAND} --rollback` or `{REBUILD_COMMAND}`"
        )
    return folder


def read_manifest(version: Path) -> Manifest:
    """Read a version's manifest and check its own hash and format; raise IndexBroken."""
    path = version / "manifest.json"
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise IndexBroken(f"{path} can't be read; run `{REBUILD_COMMAND}`") from error
    if not manifest.is_whole():
        raise IndexBroken(f"{path} does not match its own hash; run `{REBUILD_COMMAND}`")
    if manifest.settings.format_version != FORMAT_VERSION:
        raise IndexBroken(
            f"{path} was written by another version of this program; run `{REBUILD_COMMAND}`"
        )
    return manifest


def check_files(version: Path, manifest: Manifest, *, in_full: bool = False) -> None:
    """Raise IndexBroken, naming the file, when one differs from the manifest.

    Looks at sizes and a sample of each file; ``in_full`` hashes every byte.
    """
    for facts in manifest.files:
        path = version / facts.path
        try:
            whole = path.stat().st_size == facts.bytes and (
                _sha256(path) == facts.sha256 if in_full else _sample(path) == facts.sample_sha256
            )
        except OSError:
            whole = False
        if not whole:
            raise IndexBroken(
                f"{path} is damaged or missing; run `{REBUILD_COMMAND}`, or "
                f"`{BUILD_COMMAND} --rollback` to go back to the version before"
            )


def verify_index(index_folder: Path) -> Manifest:
    """Check every byte of the current version; return its manifest or raise IndexBroken."""
    version = current_version(index_folder)
    manifest = read_manifest(version)
    check_files(version, manifest, in_full=True)
    return manifest


@contextlib.contextmanager
def building(index_folder: Path) -> Iterator[None]:
    """Let one builder in; raise BuildInProgress for a second. Clears what a killed one left."""
    (index_folder / "versions").mkdir(parents=True, exist_ok=True)
    with (index_folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BuildInProgress(
                f"another build is writing to {index_folder}; wait for it to end, or give another "
                f"folder: `{BUILD_COMMAND} --index DIR`"
            ) from None
        for left in (index_folder / "versions").glob(".building-*"):
            shutil.rmtree(left)
        yield


def new_version(index_folder: Path, index_id: str) -> Path:
    """Make an empty folder to write a version into; ``publish`` gives it its name."""
    numbers = [int(path.name.split("-")[0]) for path in _versions(index_folder)]
    folder = index_folder / "versions" / f".building-{max(numbers, default=0) + 1:06d}-{index_id}"
    folder.mkdir()
    return folder


def publish(index_folder: Path, folder: Path, manifest: Manifest) -> Path:
    """Seal a finished folder, put it on disk, name it, and make it the current version."""
    files = tuple(
        FileFacts(
            path=path.relative_to(folder).as_posix(),
            bytes=path.stat().st_size,
            sha256=_sha256(path),
            sample_sha256=_sample(path),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    )
    sealed = manifest.model_copy(update={"files": files}).sealed()
    (folder / "manifest.json").write_text(sealed.model_dump_json(indent=1) + "\n", "utf-8")
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)
    version = folder.with_name(folder.name.removeprefix(".building-"))
    folder.rename(version)
    _sync(version.parent)
    make_current(index_folder, version)
    for old in _versions(index_folder)[:-VERSIONS_KEPT]:
        if old != version:
            shutil.rmtree(old, ignore_errors=True)
    return version


def make_current(index_folder: Path, version: Path) -> None:
    """Switch to a version in one rename."""
    temporary = index_folder / ".current.new"
    temporary.write_text(version.name + "\n", "utf-8")
    _sync(temporary)
    temporary.replace(index_folder / "current")
    _sync(index_folder)


def rollback(index_folder: Path) -> Manifest:
    """Go back to the newest whole version before the current one; raise IndexMissing without."""
    with building(index_folder):
        versions = _versions(index_folder)
        with contextlib.suppress(IndexBroken):
            current = current_version(index_folder)
            versions = [version for version in versions if version.name < current.name]
        for version in reversed(versions):
            with contextlib.suppress(IndexBroken):
                manifest = read_manifest(version)
                check_files(version, manifest, in_full=True)
                make_current(index_folder, version)
                return manifest
    raise IndexMissing(f"{index_folder} holds no version to go back to; run `{BUILD_COMMAND}`")


def _versions(index_folder: Path) -> list[Path]:
    folders = (index_folder / "versions").glob("[0-9]*-*")
    return sorted(folders, key=lambda path: int(path.name.split("-")[0]))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sample(path: Path) -> str:
    """Hash the beginning, the middle and the end of a file."""
    size = path.stat().st_size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for place in sorted({0, max(0, (size - SAMPLE_BYTES) // 2), max(0, size - SAMPLE_BYTES)}):
            file.seek(place)
            digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- vectors that outlive a version -------------------------------------------------------------


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


# --- the documents and passages of a version ----------------------------------------------------


def write_store(
    path: Path,
    documents: Iterable[tuple[Document, Sequence[Passage], Sequence[str], Sequence[bytes]]],
) -> None:
    """Write documents, their passages, sentences and terms into a new SQLite file.

    Each document comes with its passages, the texts that were embedded and their fingerprints.
    """
    terms: Counter[str] = Counter()
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _TABLES)
        connection.execute("BEGIN")
        for ordinal, (document, passages, texts, fingerprints) in enumerate(documents):
            first = passages[0].passage_id if passages else 0
            connection.execute(
                "INSERT INTO documents VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    ordinal, document.document_id, document.path, str(document.source),
                    document.title, document.date, document.language, document.sha256,
                    document.bytes, document.modified_ns, document.text, len(document.text),
                    json.dumps([[s.start, s.end, list(s.heading_path)] for s in document.sections]),
                    first, len(passages),
                ),
            )  # fmt: skip
            for passage, text, fingerprint in zip(passages, texts, fingerprints, strict=True):
                terms.update({word.folded for word in words(text)})
                connection.execute(
                    "INSERT INTO passages VALUES (?,?,?,?,?,?,?,?,?,?)",
                    (
                        passage.passage_id, ordinal, passage.start, passage.end, passage.text,
                        json.dumps(passage.heading_path), passage.kind, passage.table_header,
                        passage.lead_in, fingerprint,
                    ),
                )  # fmt: skip
                connection.executemany(
                    "INSERT INTO sentences VALUES (?,?,?,?)",
                    [
                        (passage.passage_id, number, sentence.start, sentence.end)
                        for number, sentence in enumerate(passage.sentences)
                    ],
                )
        connection.executemany("INSERT INTO terms VALUES (?,?)", sorted(terms.items()))
        connection.execute("CREATE INDEX passages_of_document ON passages (document)")
        connection.execute("COMMIT")
    finally:
        connection.close()


class Store:
    """Reads a version's documents and passages, on one connection a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()

    def _query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        connection = getattr(self._local, "connection", None)
        try:
            if connection is None:
                uri = f"file:{_quoted(self._path)}?mode=ro&immutable=1"
                connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
                connection.execute("PRAGMA mmap_size = 1073741824")
                self._local.connection = connection
                with self._lock:
                    self._connections.append(connection)
            return list(connection.execute(statement, values))
        except sqlite3.DatabaseError as error:
            raise IndexBroken(
                f"{self._path} can't be read ({error}); run `{REBUILD_COMMAND}`"
            ) from error

    def summaries(self) -> tuple[DocumentSummary, ...]:
        """Return every document without its text, in order."""
        rows = self._query(
            "SELECT document_id, path, title, date, language, sha256, characters, passages "
            "FROM documents ORDER BY ordinal"
        )
        names = (
            "document_id", "path", "title", "date", "language", "sha256", "characters", "passages",
        )  # fmt: skip
        return tuple(DocumentSummary(**dict(zip(names, row, strict=True))) for row in rows)

    def document_rows(self) -> Mapping[str, tuple[int, int, int]]:
        """Return each document's ordinal, first passage and number of passages, by its id."""
        rows = self._query("SELECT document_id, ordinal, first_passage, passages FROM documents")
        return {document_id: (ordinal, first, count) for document_id, ordinal, first, count in rows}

    def sources(self) -> tuple[SourceFacts, ...]:
        """Return where each document came from, in order."""
        rows = self._query(
            "SELECT document_id, source, sha256, bytes, modified_ns FROM documents ORDER BY ordinal"
        )
        return tuple(SourceFacts(row[0], Path(row[1]), *row[2:]) for row in rows)

    def document(self, document_id: str) -> Document | None:
        """Return a document with its text, None when there is none of that id."""
        rows = self._query(
            "SELECT document_id, path, source, title, date, language, sha256, bytes, modified_ns, "
            "text, sections FROM documents WHERE document_id = ?",
            (document_id,),
        )
        if not rows:
            return None
        (row,) = rows
        sections = tuple(
            Section(start=start, end=end, heading_path=tuple(path))
            for start, end, path in json.loads(row[10])
        )
        return Document(
            document_id=row[0], path=row[1], source=Path(row[2]), title=row[3], date=row[4],
            language=row[5], sha256=row[6], bytes=row[7], modified_ns=row[8], text=row[9],
            sections=sections,
        )  # fmt: skip

    def passages(self, passage_ids: Iterable[int]) -> tuple[Passage, ...]:
        """Return passages by id, in the order asked; ids that there are none of are left out."""
        wanted = list(dict.fromkeys(int(passage_id) for passage_id in passage_ids))
        spans: dict[int, list[Sentence]] = {}
        for passage_id, start, end in self._query(
            'SELECT passage_id, start, "end" FROM sentences '
            "WHERE passage_id IN (SELECT value FROM json_each(?)) ORDER BY passage_id, number",
            [json.dumps(wanted)],
        ):
            spans.setdefault(passage_id, []).append(Sentence(start=start, end=end))
        rows = self._query(
            'SELECT p.passage_id, d.document_id, p.start, p."end", p.text, p.heading_path, p.kind, '
            "p.table_header, p.lead_in FROM passages p JOIN documents d ON d.ordinal = p.document "
            "WHERE p.passage_id IN (SELECT value FROM json_each(?))",
            [json.dumps(wanted)],
        )
        found = {
            row[0]: Passage(
                passage_id=row[0], document_id=row[1], start=row[2], end=row[3], text=row[4],
                heading_path=tuple(json.loads(row[5])), kind=row[6], table_header=row[7],
                lead_in=row[8], sentences=tuple(spans[row[0]]),
            )
            for row in rows
        }  # fmt: skip
        return tuple(found[passage_id] for passage_id in wanted if passage_id in found)

    def passages_of(self, document_id: str) -> tuple[Passage, ...]:
        """Return a document's passages in order."""
        rows = self._query(
            "SELECT first_passage, passages FROM documents WHERE document_id = ?", (document_id,)
        )
        return self.passages(range(rows[0][0], rows[0][0] + rows[0][1])) if rows else ()

    def terms(self) -> dict[str, int]:
        """Return every folded word of the collection with the number of passages it stands in."""
        return dict(self._query("SELECT term, passages FROM terms"))


def _quoted(path: Path) -> str:
    return str(path.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
