"""Asked again: what is answered now, answered otherwise, lost, and as before."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app import replaying
from app.errors import QuestionRefused
from app.replaying import as_replay, replay_one, to_replay
from app.stored import Given, reading
from app.storing import Storage
from app.types import Reply
from tests.replies import abstention, answer

NOW = datetime(2026, 5, 17, 12, tzinfo=UTC)


def stored(folder: Path, *replies: Reply, documents: tuple[str, ...] | None = None) -> list[Given]:
    """These replies, the first asked first, as they are read from a storage."""
    storage = Storage(folder / "desk.sqlite", retention_days=90)
    for minute, reply in enumerate(replies):
        storage.record(reply, NOW.replace(minute=minute), documents)
    storage.close()
    with reading(storage.file) as opened:
        return list(opened.given())


@pytest.mark.parametrize(
    ("before", "after", "became"),
    [
        (abstention("Q"), answer("Q"), "now_answered"),
        (abstention("Q"), abstention("Q", reason="near_miss"), "unchanged"),
        (answer("Q", "One."), abstention("Q"), "lost"),
        (answer("Q", "One."), answer("Q", "One."), "unchanged"),
        (answer("Q", "One.", "Two."), answer("Q", "Two.", "One."), "unchanged"),
        (answer("Q", "One."), answer("Q", "Two."), "changed"),
        (answer("Q", "One."), answer("Q", "One.", "Two."), "changed"),
        (answer("Q", "One."), answer("Q", "One.", path="b.md"), "changed"),
        (answer("Q", "One.", short_answer="On"), answer("Q", "One."), "changed"),
    ],
)
def test_what_became_of_a_question(
    tmp_path: Path, before: Reply, after: Reply, became: str
) -> None:
    (given,) = stored(tmp_path, before)
    outcome = replay_one(given, lambda asked: after)
    assert outcome.became == became
    assert [each.quote for each in outcome.quotes] == [each.quote for each in after.citations]
    assert [each.quote for each in outcome.quotes_before] == [
        each.quote for each in before.citations
    ]


def test_a_question_about_documents_that_are_gone_is_lost(tmp_path: Path) -> None:
    (given,) = stored(tmp_path, answer("Q"), documents=("b", "a"))
    assert given.documents == ("a", "b")

    def refuse(asked: Given) -> Reply:
        raise QuestionRefused("unknown_document", "No document has this id.")

    outcome = replay_one(given, refuse)
    assert (outcome.became, outcome.reason) == ("lost", "unknown_document")


def test_each_question_is_asked_once_and_compared_with_its_last_reply(tmp_path: Path) -> None:
    given = stored(
        tmp_path, answer("One?"), abstention("ONE?"), answer("One?", language="ru"), answer("Two?")
    )
    chosen, left_out = to_replay(given, "another index")
    assert [(each.question, each.kind) for each in chosen] == [
        ("Two?", "answer"), ("One?", "answer"), ("ONE?", "abstention"),
    ]  # fmt: skip
    assert left_out == 0


def test_it_is_compared_with_what_the_index_before_said(tmp_path: Path) -> None:
    given = stored(
        tmp_path,
        answer("One?", "Old.", index_id="before"),
        answer("One?", "New.", index_id="now"),
        answer("Two?", "New.", index_id="now"),
    )
    chosen, _ = to_replay(given, "now")
    assert {each.question: each.index_id for each in chosen} == {"One?": "before", "Two?": "now"}


def test_questions_beyond_the_bound_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "REPLAYED_MAX", 2)
    given = stored(tmp_path, *(answer(f"Question {number}?") for number in range(5)))
    chosen, left_out = to_replay(given, "now")
    assert [each.question for each in chosen] == ["Question 4?", "Question 3?"]
    assert left_out == 3


def test_a_replay_counts_all_and_lists_what_changed_the_lost_first(tmp_path: Path) -> None:
    given = stored(tmp_path, abstention("A"), answer("B"), answer("C"), answer("D", "One."))
    now = {"A": answer("A"), "B": abstention("B"), "C": answer("C"), "D": answer("D", "Two.")}
    outcomes = [replay_one(each, lambda asked: now[asked.question]) for each in given]
    replay = as_replay(outcomes, "now", 0)
    assert replay.counts == {"lost": 1, "changed": 1, "now_answered": 1, "unchanged": 1}
    assert [each.question for each in replay.outcomes] == ["B", "D", "A"]
    assert replay.asked == 4
