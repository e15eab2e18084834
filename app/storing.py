"""Questions, replies and feedback in one SQLite file, where the operator turns that on.

Who asked is stored nowhere: no address, no login, no cookie.

replies     one row a reply, with its question, the milliseconds it took and the Reply as JSON
feedback    what readers said of a reply; goes when the reply goes

Times are UTC, ISO 8601, to the millisecond, so that they sort as text. ``PRAGMA user_version``
counts the migrations; a later version of the program adds to the end of ``MIGRATIONS``, and opening
the file brings it up to date.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
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
            raise StorageUnusable(
                f"{file} can't be used as storage ({error}); name another file in "
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

    def record(self, reply: Reply, asked_at: datetime) -> None:
        """Store a reply with its question; raises sqlite3.Error."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO replies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    reply.id,
                    _written(asked_at),
                    reply.question,
                    reply.standalone_question,
                    reply.language,
                    reply.kind,
                    reply.reason,
                    reply.answer_id,
                    reply.index_id,
                    reply.milliseconds["total"],
                    reply.model_dump_json(),
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
                (_written(given_at), verdict, comment, answer_id),
            )
            if stored.rowcount == 0:
                raise FeedbackRefused(
                    "unknown_answer",
                    "No answer with this id is stored: it was never given here, or it is too old.",
                )

    def purge(self, now: datetime) -> int:
        """Delete what is older than the operator keeps; return the number of replies."""
        with self._transaction() as connection:
            deleted = connection.execute(
                "DELETE FROM replies WHERE asked_at < ?", (_written(now - self._retention),)
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


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
