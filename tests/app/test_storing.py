"""Questions, replies and feedback: stored only where that is on, and nothing of who asked."""

from __future__ import annotations

import logging
import sqlite3
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.api_models import REPLY_EXAMPLE
from app.errors import FeedbackRefused
from app.storing import MIGRATIONS, Storage, StorageUnusable
from app.types import REPLY, Reply
from tests.running import App

QUESTION = {"question": "How much annual financing could the new framework provide?"}
NOW = datetime(2026, 5, 17, 12, tzinfo=UTC)


def reply(number: int = 1) -> Reply:
    return REPLY.validate_python({**REPLY_EXAMPLE, "id": f"reply-{number}"}, strict=False)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    storage = Storage(tmp_path / "stored" / "desk.sqlite", retention_days=30)
    yield storage
    storage.close()


def rows(file: Path, question: str) -> list[Any]:
    """What another program reads from the file."""
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        return connection.execute(question).fetchall()
    finally:
        connection.close()


def test_a_reply_is_stored_with_its_question_and_time(storage: Storage) -> None:
    storage.record(reply(), NOW)
    ((asked_at, question, kind, milliseconds, stored),) = rows(
        storage.file, "SELECT asked_at, question, kind, milliseconds, reply FROM replies"
    )
    assert asked_at == "2026-05-17T12:00:00.000+00:00"
    assert (question, kind) == (REPLY_EXAMPLE["question"], "answer")
    assert milliseconds == REPLY_EXAMPLE["milliseconds"]["total"]
    assert REPLY.validate_json(stored) == reply()


def test_nothing_is_stored_of_who_asked(storage: Storage) -> None:
    columns = {
        column
        for table in ("replies", "feedback")
        for _, column, *_ in rows(storage.file, f"PRAGMA table_info({table})")
    }
    assert columns == {
        "id", "asked_at", "question", "standalone_question", "language", "kind", "reason",
        "answer_id", "index_id", "milliseconds", "reply", "given_at", "reply_id", "verdict",
        "comment", "documents", "resolved_at",
    }  # fmt: skip


def test_feedback_is_of_the_last_reply_with_its_answer_id(storage: Storage) -> None:
    for number in (1, 2):
        storage.record(reply(number), NOW + timedelta(minutes=number))
    storage.take_feedback(reply().answer_id, "right", None, NOW)
    storage.take_feedback(reply().answer_id, "missing", "No date.", NOW)
    assert rows(storage.file, "SELECT reply_id, verdict, comment FROM feedback ORDER BY id") == [
        ("reply-2", "right", None),
        ("reply-2", "missing", "No date."),
    ]


def test_feedback_on_an_answer_that_was_never_given_is_refused(storage: Storage) -> None:
    with pytest.raises(FeedbackRefused) as raised:
        storage.take_feedback("0123456789abcdef", "right", None, NOW)
    assert raised.value.code == "unknown_answer"


def test_what_is_too_old_goes_with_its_feedback_and_leaves_no_trace(storage: Storage) -> None:
    storage.record(reply(1), NOW - timedelta(days=31))
    storage.take_feedback(reply().answer_id, "missing", "An old comment.", NOW)
    storage.record(reply(2), NOW - timedelta(days=29))
    storage.keep_vectors("an encoder", {reply().standalone_question: b"vector"})
    assert storage.purge(NOW) == 1
    assert rows(storage.file, "SELECT id FROM replies") == [("reply-2",)]
    assert rows(storage.file, "SELECT vector FROM question_vectors") == [(b"vector",)]
    assert rows(storage.file, "SELECT * FROM feedback") == []
    assert storage.purge(NOW + timedelta(days=2)) == 1
    assert rows(storage.file, "SELECT * FROM question_vectors") == []
    storage.close()  # which folds the log into the file
    assert b"An old comment." not in storage.file.read_bytes()


def test_the_file_is_its_owners_alone(storage: Storage) -> None:
    storage.record(reply(), NOW)
    for file in storage.file.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_opening_again_keeps_what_is_there(storage: Storage) -> None:
    storage.record(reply(), NOW)
    again = Storage(storage.file, retention_days=30)
    again.record(reply(2), NOW)
    again.close()
    assert rows(storage.file, "SELECT count(*) FROM replies") == [(2,)]
    assert rows(storage.file, "PRAGMA user_version") == [(len(MIGRATIONS),)]
    assert rows(storage.file, "PRAGMA journal_mode") == [("wal",)]


def test_a_file_of_an_earlier_version_is_brought_up_to_date(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.record(reply(), NOW)
    later = (*MIGRATIONS, "ALTER TABLE feedback ADD COLUMN seen_at TEXT;")
    monkeypatch.setattr("app.storing.MIGRATIONS", later)
    Storage(storage.file, retention_days=30).close()
    assert rows(storage.file, "SELECT seen_at FROM feedback") == []
    assert rows(storage.file, "SELECT count(*) FROM replies") == [(1,)]


@pytest.mark.parametrize("kind", ["a later version", "no database", "a folder"])
def test_what_cant_be_used_is_one_sentence(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "desk.sqlite"
    if kind == "a later version":
        connection = sqlite3.connect(file)
        connection.execute("PRAGMA user_version = 99")
        connection.close()
    elif kind == "no database":
        file.write_text("Dear diary, " * 500)
    else:
        file.mkdir()
    with pytest.raises(StorageUnusable, match="BRIEFING_DESK_STORAGE_FILE"):
        Storage(file, retention_days=30)


# ── in the server ────────────────────────────────────────────────────────────────────────────────


def test_without_storage_feedback_is_refused_and_nothing_is_written() -> None:
    given = {"answer_id": "0123456789abcdef", "verdict": "right"}
    with App() as app, app.client() as client:
        answered = client.post("/api/ask", json=QUESTION).json()
        response = client.post("/api/feedback", json={**given, "answer_id": answered["answer_id"]})
    assert (response.status_code, response.json()["error"]["code"]) == (403, "storage_off")


def test_with_storage_every_face_is_stored_and_feedback_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "desk.sqlite"
    with App(storage_file=file) as app, app.client() as client:
        answered = client.post("/api/ask", json=QUESTION).json()
        client.post(
            "/v1/chat/completions",
            json={"model": "briefing-desk", "messages": [{"role": "user", "content": "Hello!"}]},
        )
        assert rows(file, "SELECT kind FROM replies ORDER BY asked_at") == [
            ("answer",),
            ("courtesy",),
        ]
        given = {"answer_id": answered["answer_id"], "verdict": "wrong_evidence", "comment": "Why?"}
        response = client.post("/api/feedback", json=given)
        assert (response.status_code, response.json()) == (200, {"status": "stored"})
        unknown = client.post("/api/feedback", json={**given, "answer_id": "unheard of"})
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "unknown_answer")
        for wrong in (
            {**given, "verdict": "excellent"},
            {**given, "comment": "x" * 2_001},
            {**given, "question": "What did I ask?"},
            {"verdict": "right"},
        ):
            assert client.post("/api/feedback", json=wrong).status_code == 400
        assert 'desk_feedback_total{verdict="wrong_evidence"} 1.0' in client.get("/metrics").text
    assert rows(
        file,
        "SELECT verdict, comment, question FROM feedback JOIN replies ON reply_id = replies.id",
    ) == [("wrong_evidence", "Why?", QUESTION["question"])]


def test_a_storage_that_breaks_keeps_nobody_from_an_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "desk.sqlite"
    with App(storage_file=file) as app, app.client() as client:
        blocker = sqlite3.connect(file, isolation_level=None)
        blocker.execute("DROP TABLE feedback")
        blocker.execute("DROP TABLE replies")
        blocker.close()
        with caplog.at_level(logging.ERROR):
            assert client.post("/api/ask", json=QUESTION).json()["kind"] == "answer"
    assert "could not be stored" in caplog.text
    assert QUESTION["question"] not in caplog.text
