"""The documents and passages of a version, with their sentences and terms, in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from index.errors import IndexBroken, IndexUnwritable
from index.manifest import rebuild_fix
from index.types import (
    Document,
    DocumentSummary,
    Passage,
    Place,
    Section,
    Sentence,
    SkippedFile,
    UnreadableFile,
)
from index.words import words

_TABLES = """
CREATE TABLE documents (
    ordinal INTEGER PRIMARY KEY, document_id TEXT NOT NULL UNIQUE, file_id TEXT NOT NULL,
    path TEXT NOT NULL,
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
CREATE TABLE places (
    document INTEGER NOT NULL REFERENCES documents (ordinal), start INTEGER NOT NULL,
    page INTEGER, sheet TEXT, "row" INTEGER, PRIMARY KEY (document, start)) WITHOUT ROWID;
CREATE TABLE problems (
    file_id TEXT NOT NULL, path TEXT NOT NULL, reason TEXT NOT NULL, message TEXT);
CREATE TABLE terms (term TEXT PRIMARY KEY, passages INTEGER NOT NULL) WITHOUT ROWID;
"""


class SourceFacts(NamedTuple):
    """What is known of a document's source file, to see whether it has changed."""

    document_id: str
    file_id: str
    source: Path
    sha256: str
    bytes: int
    modified_ns: int


def write_store(
    path: Path,
    documents: Iterable[tuple[Document, Sequence[Passage], Sequence[str], Sequence[bytes]]],
    problems: Mapping[str, Sequence[UnreadableFile | SkippedFile]],
) -> None:
    """Write documents, their passages, sentences and terms into a new SQLite file.

    Each document comes with its passages, the texts that were embedded and their fingerprints;
    ``problems`` are the parts of their files that could not be read, by the file's id.
    Raises IndexUnwritable.
    """
    terms: Counter[str] = Counter()
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _TABLES)
        connection.execute("BEGIN")
        for ordinal, (document, passages, texts, fingerprints) in enumerate(documents):
            first = passages[0].passage_id if passages else 0
            connection.execute(
                "INSERT INTO documents VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    ordinal, document.document_id, document.file_id, document.path,
                    str(document.source), document.title, document.date, document.language,
                    document.sha256, document.bytes, document.modified_ns, document.text,
                    len(document.text),
                    json.dumps([[s.start, s.end, list(s.heading_path)] for s in document.sections]),
                    first, len(passages),
                ),
            )  # fmt: skip
            connection.executemany(
                "INSERT INTO places VALUES (?,?,?,?,?)",
                [(ordinal, p.start, p.page, p.sheet, p.row) for p in document.places],
            )
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
        connection.executemany(
            "INSERT INTO problems VALUES (?,?,?,?)",
            [
                (file_id, each.path, each.reason, getattr(each, "message", None))
                for file_id, found in problems.items()
                for each in found
            ],
        )
        connection.execute("CREATE INDEX passages_of_document ON passages (document)")
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise IndexUnwritable(path, error) from error
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
                f"{self._path} can't be read ({error})", rebuild_fix(self._path.parent)
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
            "SELECT document_id, file_id, source, sha256, bytes, modified_ns FROM documents "
            "ORDER BY ordinal"
        )
        return tuple(SourceFacts(row[0], row[1], Path(row[2]), *row[3:]) for row in rows)

    def problems(self) -> Mapping[str, tuple[UnreadableFile | SkippedFile, ...]]:
        """Return what could not be read of the documents' files, by the file's id."""
        found: dict[str, tuple[UnreadableFile | SkippedFile, ...]] = {}
        for file_id, path, reason, message in self._query(
            "SELECT file_id, path, reason, message FROM problems ORDER BY rowid"
        ):
            problem = (
                SkippedFile(path=path, reason=reason)
                if message is None
                else UnreadableFile(path=path, reason=reason, message=message)
            )
            found[file_id] = (*found.get(file_id, ()), problem)
        return found

    def document(self, document_id: str) -> Document | None:
        """Return a document with its text, None when there is none of that id."""
        rows = self._query(
            "SELECT document_id, path, source, title, date, language, sha256, bytes, modified_ns, "
            "text, sections, file_id FROM documents WHERE document_id = ?",
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
            sections=sections, file_id=row[11],
        )  # fmt: skip

    def place(self, document_id: str, offset: int) -> Place | None:
        """Return where in its original the character at an offset stands, as far as is known."""
        rows = self._query(
            'SELECT p.start, p.page, p.sheet, p."row" FROM places p JOIN documents d '
            "ON d.ordinal = p.document WHERE d.document_id = ? AND p.start <= ? "
            "ORDER BY p.start DESC LIMIT 1",
            (document_id, offset),
        )
        return _place(rows[0]) if rows else None

    def places_of(self, document_id: str) -> tuple[Place, ...]:
        """Return the places of a document in the order of its text."""
        rows = self._query(
            'SELECT p.start, p.page, p.sheet, p."row" FROM places p JOIN documents d '
            "ON d.ordinal = p.document WHERE d.document_id = ? ORDER BY p.start",
            (document_id,),
        )
        return tuple(map(_place, rows))

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


def _place(row: tuple[Any, ...]) -> Place:
    return Place(start=row[0], page=row[1], sheet=row[2], row=row[3])


def _quoted(path: Path) -> str:
    return str(path.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
