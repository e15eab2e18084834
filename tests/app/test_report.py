"""The report: figures a person can count, groups that come back, nothing of another period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from app.grouping import Vectors
from app.report import (
    Report,
    encoding,
    make_report,
    mark_complaint,
    mark_group,
    percentile,
)
from app.report_csv import COLUMNS, as_csv, harmless
from app.storing import Storage
from app.types import Reply
from tests.replies import abstention, answer, took
from tests.running import briefing_assistant

NOW = datetime(2026, 5, 17, 12, tzinfo=UTC)
SUBJECTS = ("salary", "ferry", "mayor")


def by_subject(questions: Sequence[str]) -> Vectors:
    """A vector for each of three subjects, so that it is plain what belongs together."""
    return np.array(
        [[float(subject in question.lower()) for subject in SUBJECTS] for question in questions],
        np.float32,
    ).reshape(len(questions), len(SUBJECTS))


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    storage = Storage(tmp_path / "desk.sqlite", retention_days=90)
    yield storage
    storage.close()


def record(storage: Storage, reply: Reply, days_ago: float) -> Reply:
    storage.record(reply, NOW - timedelta(days=days_ago))
    return reply


def report(storage: Storage, days: int = 10, now: datetime = NOW) -> Report:
    return make_report(storage, by_subject, days=days, now=now)


def mark(storage: Storage, made: Report, group_id: str, at: datetime | None) -> bool:
    return mark_group(
        storage, by_subject, group_id, days=made.days, made_at=made.made_at, resolved_at=at
    )


def test_figures_are_of_the_period_and_of_the_one_before(storage: Storage) -> None:
    record(storage, answer("What is it?", milliseconds=took(10)), 1)
    record(storage, answer("Что это?", language="ru", milliseconds=took(30)), 2)
    record(storage, abstention("The mayor?", milliseconds=took(20)), 3)
    record(storage, abstention("A ferry?", milliseconds=took(99)), 11)
    record(storage, answer("Too old", milliseconds=took(5)), 21)
    made = report(storage)
    assert (made.now.asked.questions, made.now.asked.answered) == (3, 2)
    assert made.now.asked.answered_share == 2 / 3
    assert made.now.by_language["en"].answered_share == 1 / 2
    assert made.now.by_language["ru"].answered_share == 1.0
    assert made.now.milliseconds == {"50": 20, "95": 30, "99": 30, "100": 30}
    assert (made.before.asked.questions, made.before.asked.answered) == (1, 0)
    assert made.before.milliseconds == {"50": 99, "95": 99, "99": 99, "100": 99}
    assert made.stored_since == NOW - timedelta(days=21)
    assert made.earlier_is_whole


def test_a_storage_without_replies_gives_a_report_without_figures(storage: Storage) -> None:
    made = report(storage)
    assert made.now.asked.answered_share is None
    assert made.now.milliseconds is None
    assert (made.unanswered, made.complaints, made.cited) == ((), (), ())
    assert not made.earlier_is_whole


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, percent) for percent in (50, 95, 99)] == [50, 95, 99]
    assert percentile([7.0], 95) == 7.0


def test_unanswered_questions_of_one_subject_are_one_group_with_counts_and_trend(
    storage: Storage,
) -> None:
    for question, days_ago in (
        ("What is the salary?", 1), ("WHAT IS THE SALARY?", 2), ("Salary of a teacher", 3),
        ("What is the salary?", 12),
        ("Who is the mayor?", 4), ("Who is the mayor?", 15), ("Name of the mayor", 16),
    ):  # fmt: skip
        terms = ["salary", "teacher"] if "teacher" in question else []
        record(storage, abstention(question, missing_terms=terms), days_ago)
    record(storage, abstention("Какая salary?", language="ru", reason="near_miss"), 5)
    record(storage, abstention("When does the ferry go?"), 14)
    salary, mayor = report(storage).unanswered
    assert (salary.question, salary.count, salary.before) == ("What is the salary?", 4, 1)
    assert salary.trend == "more"
    assert salary.languages == {"en": 3, "ru": 1}
    assert salary.reasons == {"not_stated": 3, "near_miss": 1}
    assert salary.missing_terms == ("salary", "teacher")
    assert [(each.question, each.count) for each in salary.wordings] == [
        ("What is the salary?", 2), ("Salary of a teacher", 1), ("Какая salary?", 1),
    ]  # fmt: skip
    assert salary.last_asked_at == NOW - timedelta(days=1)
    assert (mayor.count, mayor.before, mayor.trend) == (1, 2, "fewer")


def test_a_group_that_nobody_asked_before_is_new(storage: Storage) -> None:
    record(storage, abstention("Who is the mayor?"), 1)
    (group,) = report(storage).unanswered
    assert (group.before, group.trend) == (0, "new")


def test_what_is_resolved_goes_and_comes_back_when_it_is_asked_again(storage: Storage) -> None:
    record(storage, abstention("What is the salary?"), 1)
    record(storage, abstention("Salary of a teacher"), 2)
    record(storage, abstention("What is the salary?"), 40)  # before both periods
    made = report(storage)
    assert mark(storage, made, made.unanswered[0].id, NOW)
    settled = report(storage, days=40)
    assert settled.unanswered == ()
    (group,) = settled.resolved
    assert (group.count, group.open_count, group.resolved_at) == (3, 0, NOW)
    record(storage, abstention("the salary, please"), -1)
    later = report(storage, now=NOW + timedelta(days=2))
    (again,) = later.unanswered
    assert (again.count, again.open_count, again.resolved_at) == (3, 1, NOW)
    assert later.resolved == ()


def test_what_was_asked_after_the_report_was_made_stays_open(storage: Storage) -> None:
    record(storage, abstention("What is the salary?"), 1)
    made = report(storage)
    record(storage, abstention("What is the salary?"), -0.1)
    assert mark(storage, made, made.unanswered[0].id, NOW + timedelta(days=1))
    (group,) = report(storage, now=NOW + timedelta(days=1)).unanswered
    assert (group.count, group.open_count) == (2, 1)


def test_what_is_opened_again_is_as_it_was(storage: Storage) -> None:
    record(storage, abstention("What is the salary?"), 1)
    before = report(storage)
    mark(storage, before, before.unanswered[0].id, NOW)
    settled = report(storage)
    mark(storage, settled, settled.resolved[0].id, None)
    assert report(storage) == before


def test_an_id_that_no_group_has_marks_nothing(storage: Storage) -> None:
    record(storage, abstention("What is the salary?"), 1)
    before = report(storage)
    assert not mark(storage, before, "0" * 32, NOW)
    assert report(storage) == before


def test_what_readers_found_wrong_is_listed_by_question_with_what_was_quoted(
    storage: Storage,
) -> None:
    reply = record(storage, answer("What is it?", "One.", "Two."), 2)
    for verdict, comment in (("wrong_evidence", "Why?"), ("wrong_evidence", None), ("right", None)):
        storage.take_feedback(reply.answer_id, verdict, comment, NOW - timedelta(days=1))  # type: ignore[arg-type]
    other = record(storage, answer("And that?"), 2)
    storage.take_feedback(other.answer_id, "missing", None, NOW - timedelta(days=1))
    storage.take_feedback(other.answer_id, "missing", None, NOW - timedelta(days=11))
    made = report(storage)
    first, second = made.complaints
    assert (first.verdict, first.question, first.count) == ("wrong_evidence", "What is it?", 2)
    assert first.comments == ("Why?",)
    assert [each.quote for each in first.quotes] == ["One.", "Two."]
    assert (second.verdict, second.count) == ("missing", 1)
    assert made.now.verdicts == {"missing": 1, "right": 1, "wrong_evidence": 2}


def test_a_report_of_readers_is_resolved_until_it_comes_again(storage: Storage) -> None:
    reply = record(storage, answer("What is it?"), 2)
    storage.take_feedback(reply.answer_id, "wrong_answer", None, NOW - timedelta(days=1))
    made = report(storage)
    (complaint,) = made.complaints
    assert mark_complaint(
        storage, complaint.id, days=made.days, made_at=made.made_at, resolved_at=NOW
    )
    settled = report(storage)
    assert settled.complaints == ()
    assert settled.resolved_complaints[0].resolved_at == NOW
    storage.take_feedback(reply.answer_id, "wrong_answer", "Still.", NOW + timedelta(hours=1))
    later = report(storage, now=NOW + timedelta(hours=2))
    assert [each.comments for each in later.complaints] == [("Still.",)]
    assert not mark_complaint(
        storage, 10_000, days=made.days, made_at=made.made_at, resolved_at=NOW
    )


def test_the_quotes_given_most_often_come_first(storage: Storage) -> None:
    for number, quotes in enumerate((("One.", "Two."), ("Two.",), ("Three.",))):
        record(storage, answer(f"Question {number}", *quotes), 1)
    record(storage, answer("Long ago", "Three."), 11)
    record(storage, abstention("Not an answer"), 1)
    cited = report(storage).cited
    assert [(each.quote, each.count) for each in cited] == [("Two.", 2), ("One.", 1), ("Three.", 1)]


def test_replies_with_keys_of_another_version_can_be_read(storage: Storage) -> None:
    record(storage, answer("What is it?", "One."), 1)
    storage._connection.execute(
        "UPDATE replies SET reply = json_set(json_set(json_set(reply, '$.new', 1), "
        "'$.citations[0].new', 2), '$.nearest', json('null'))"
    )
    assert report(storage).cited[0].quote == "One."


# ── vectors ──────────────────────────────────────────────────────────────────────────────────────


def test_vectors_of_stored_questions_are_encoded_once(storage: Storage) -> None:
    encoder = briefing_assistant().retriever.encoder
    record(storage, abstention("Who is the mayor?"), 1)
    questions = ["Who is the mayor?", "Never stored"]
    first = encoding(storage, encoder)(questions)
    assert np.array_equal(first, encoder.encode_alike(questions))
    assert set(storage.vectors(encoder.sha256, questions)) == {"Who is the mayor?"}
    storage.keep_vectors(encoder.sha256, {"Who is the mayor?": first[1].tobytes()})
    assert np.array_equal(encoding(storage, encoder)(questions)[0], first[1])
    assert storage.vectors("another encoder", questions) == {}


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("opening", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_cell_becomes_a_formula(storage: Storage, opening: str) -> None:
    asked = f'{opening}HYPERLINK("x") mayor'
    record(storage, abstention(asked), 1)
    reply = record(storage, answer("What is it?", f"{opening}quoted"), 1)
    storage.take_feedback(reply.answer_id, "missing", f"{opening}said", NOW)
    written = as_csv(report(storage))
    import csv
    import io

    rows = list(csv.reader(io.StringIO(written, newline="")))
    assert tuple(rows[0]) == COLUMNS
    cells = [cell for row in rows[1:] for cell in row]
    assert f"'{asked}" in cells
    assert f"'{opening}quoted" in cells
    assert f"'{opening}said" in cells
    assert not [cell for cell in cells if cell.startswith(opening)]


def test_other_cells_stay_as_they_are() -> None:
    assert [harmless(cell) for cell in ("a=1", "", None, 7, "'x")] == ["a=1", "", "", 7, "'x"]
