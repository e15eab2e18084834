"""Questions, replies and feedback in one SQLite file, where the operator turns that on.

Who asked is stored nowhere: no address, no login, no cookie.

replies           one row a reply, with its question, the documents it was restricted to, the
                  milliseconds it took, the Reply as JSON, and when an operator marked it resolved
feedback          what readers said of a reply; goes when the reply goes
question_vectors  vectors of stored questions, so that a report needs no second encoding; go when
                  the last reply to their question goes

Times are UTC, ISO 8601, to the millisecond, so that they sort as text. ``PRAGMA user_version``
counts the migrations; a later version of the program adds to the end of ``MIGRATIONS``, and opening
the file brings it up to date.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, TypeAlias

from app.errors import AnsweringError, FeedbackRefused
from app.types import Reply

Verdict: TypeAlias = Literal["right", "wrong_answer", "wrong_evidence", "missing"]
"""What a reader says of a reply: it is right; its answer is wrong; what it quotes doesn't prove it;
the documents do say what it says they don't, or something is left out."""

MIGRATIONS: Final = (
    """
    CREATE TABLE replies (
        id                  TEXT PRIMARY KEY,
        asked_at            TEXT NOT NULL,
        question            TEXT NOT NULL,
        standalone_question TEXT NOT NULL,
        language            TEXT NOT NULL,
        kind                TEXT NOT NULL,
        reason              TEXT,
        answer_id           TEXT NOT NULL,
        index_id            TEXT NOT NULL,
        milliseconds        REAL NOT NULL,
        reply               TEXT NOT NULL
    ) STRICT;
    CREATE INDEX replies_by_time ON replies (asked_at);
    CREATE INDEX replies_by_answer ON replies (answer_id, asked_at);
    CREATE TABLE feedback (
        id       INTEGER PRIMARY KEY,
        given_at TEXT NOT NULL,
        reply_id TEXT NOT NULL REFERENCES replies (id) ON DELETE CASCADE,
        verdict  TEXT NOT NULL
                 CHECK (verdict IN ('right', 'wrong_answer', 'wrong_evidence', 'missing')),
        comment  TEXT
    ) STRICT;
    CREATE INDEX feedback_by_reply ON feedback (reply_id);
    """,
    """
    ALTER TABLE replies ADD COLUMN documents TEXT;
    ALTER TABLE replies ADD COLUMN resolved_at TEXT;
    ALTER TABLE feedback ADD COLUMN resolved_at TEXT;
    CREATE INDEX replies_by_question ON replies (standalone_question);
    CREATE TABLE question_vectors (
        question TEXT NOT NULL,
        encoder  TEXT NOT NULL,
        vector   BLOB NOT NULL,
        PRIMARY KEY (question, encoder)
    ) STRICT, WITHOUT ROWID;
    """,
)

BUSY_SECONDS: Final = 5.0
"""How long a write waits for another program that holds the file."""


class StorageUnusable(AnsweringError):
    """The file can't be opened, or a later version of the program made it."""


class Storage:
    """One SQLite file in WAL mode; safe to share between threads."""

    def __init__(self, file: Path, retention_days: int) -> None:
        """Open the file, or make it, readable for its owner alone; raises StorageUnusable."""
        self.file = file
        self._retention = timedelta(days=retention_days)
        self._lock = threading.Lock()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(
                file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.execute("PRAGMA secure_delete = ON")
            self._migrate()
        except (OSError, sqlite3.Error) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise StorageUnusable(
                f"{file} can't be used as storage ({why}); name another file in "
                "BRIEFING_DESK_STORAGE_FILE, or leave it out to store nothing."
            ) from error

    def _migrate(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise StorageUnusable(
                f"{self.file} was made by a later version of the program; name another file in "
                "BRIEFING_DESK_STORAGE_FILE."
            )
        for number, migration in enumerate(MIGRATIONS[version:], version + 1):
            self._connection.executescript(
                f"BEGIN IMMEDIATE; {migration} PRAGMA user_version = {number}; COMMIT;"
            )

    def record(
        self, reply: Reply, asked_at: datetime, documents: Sequence[str] | None = None
    ) -> None:
        """Store a reply with its question and the ids of the documents it was restricted to, if it
        was; raises sqlite3.Error.
        """
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO replies (id, asked_at, question, standalone_question, language, kind, "
                "reason, answer_id, index_id, milliseconds, reply, documents) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    reply.id,
                    written(asked_at),
                    reply.question,
                    reply.standalone_question,
                    reply.language,
                    reply.kind,
                    reply.reason,
                    reply.answer_id,
                    reply.index_id,
                    reply.milliseconds["total"],
                    reply.model_dump_json(),
                    None if documents is None else json.dumps(sorted(documents)),
                ),
            )

    def take_feedback(
        self, answer_id: str, verdict: Verdict, comment: str | None, given_at: datetime
    ) -> None:
        """Store what a reader says of the last reply with an answer id.

        Raises FeedbackRefused where no reply with this id is stored, and sqlite3.Error.
        """
        with self._transaction() as connection:
            stored = connection.execute(
                "INSERT INTO feedback (given_at, reply_id, verdict, comment) SELECT ?, id, ?, ? "
                "FROM replies WHERE answer_id = ? ORDER BY asked_at DESC LIMIT 1",
                (written(given_at), verdict, comment, answer_id),
            )
            if stored.rowcount == 0:
                raise FeedbackRefused(
                    "unknown_answer",
                    "No answer with this id is stored: it was never given here, or it is too old.",
                )

    def mark_questions(
        self, questions: Iterable[str], *, until: datetime, resolved_at: datetime | None
    ) -> None:
        """Mark the abstentions on these questions, asked no later than ``until``, as resolved; with
        None as open again. One that is given later isn't marked. Raises sqlite3.Error.
        """
        mark = None if resolved_at is None else written(resolved_at)
        with self._transaction() as connection:
            connection.executemany(
                "UPDATE replies SET resolved_at = ? WHERE kind = 'abstention' "
                "AND standalone_question = ? AND asked_at <= ? "
                "AND (resolved_at IS NULL) = (? IS NOT NULL)",
                [(mark, question, written(until), mark) for question in questions],
            )

    def mark_feedback(self, ids: Iterable[int], *, resolved_at: datetime | None) -> None:
        """Mark feedback as resolved, or with None as open again; raises sqlite3.Error."""
        mark = None if resolved_at is None else written(resolved_at)
        with self._transaction() as connection:
            connection.executemany(
                "UPDATE feedback SET resolved_at = ? WHERE id = ?", [(mark, one) for one in ids]
            )

    def vectors(self, encoder: str, questions: Iterable[str]) -> dict[str, bytes]:
        """Return what is kept of these questions' vectors, by the SHA-256 of their encoder."""
        with self._lock:
            found = (
                self._connection.execute(
                    "SELECT question, vector FROM question_vectors "
                    "WHERE question = ? AND encoder = ?",
                    (question, encoder),
                ).fetchone()
                for question in questions
            )
            return dict(row for row in found if row is not None)

    def keep_vectors(self, encoder: str, vectors: Mapping[str, bytes]) -> None:
        """Keep vectors of questions that are stored; raises sqlite3.Error."""
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO question_vectors SELECT ?, ?, ? "
                "WHERE EXISTS (SELECT 1 FROM replies WHERE standalone_question = ?)",
                [(question, encoder, vector, question) for question, vector in vectors.items()],
            )

    def purge(self, now: datetime) -> int:
        """Delete what is older than the operator keeps; return the number of replies."""
        with self._transaction() as connection:
            deleted = connection.execute(
                "DELETE FROM replies WHERE asked_at < ?", (written(now - self._retention),)
            )
            connection.execute(
                "DELETE FROM question_vectors "
                "WHERE question NOT IN (SELECT standalone_question FROM replies)"
            )
        return deleted.rowcount

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection


def written(moment: datetime) -> str:
    """Return a time as the file has it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
