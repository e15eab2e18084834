from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app.training.errors import WrongInput
from app.training.questions import Span
from app.training.written import WrittenPassage, read_passages, read_written
from tests.app.training.conftest import (
    MILL,
    WRITTEN,
    assert_answers_are_in_the_text,
    write_rows,
)


def test_an_answer_is_what_stands_at_its_offsets_in_the_passage_that_is_named(data: Path) -> None:
    burned, stood, whose = read_written(data, "train", data / "written.jsonl")
    assert burned.context == "Ольсен построил мельницу. Она сгорела в 1911 году."
    assert burned.answers == (Span("1911", 40),)
    assert stood.context == burned.context
    assert stood.answers == ()
    assert whose.context == MILL
    assert whose.answers == (Span("Olsen", 12),)
    for question in (burned, stood, whose):
        assert_answers_are_in_the_text(question)


def test_questions_of_the_other_part_are_left_out(data: Path) -> None:
    (calibrating,) = read_written(data, "calibrate", data / "written.jsonl")
    assert calibrating.question == "Кто построил мельницу?"
    assert calibrating.context == "Olsen built the mill. It burned in 1911."
    assert calibrating.answers == (Span("Olsen", 0),)


def test_questions_of_all_passages_have_ids_of_their_own(data: Path) -> None:
    ids = [each.id for each in read_written(data, "train", data / "written.jsonl")]
    assert len(set(ids)) == len(ids)


def test_a_passage_of_our_own_carries_its_text(data: Path) -> None:
    text = "Mill rules > Fees\nGrinding costs 3 crowns a sack."
    start = text.index("3 crowns")
    price = {
        "language": "ru",
        "kind": "how_much",
        "question": "Сколько?",
        "start": start,
        "end": start + 8,
    }
    own = {"own": text, "language": "en", "part": "train", "questions": [price]}
    write_rows(data / "written.jsonl", [own])
    (asked,) = read_written(data, "train", data / "written.jsonl")
    assert asked.context == text
    assert asked.answers == (Span("3 crowns", start),)


@pytest.mark.parametrize(
    "named",
    [
        {"own": "A text.", "file": "ntrex", "ids": [4]},
        {"own": "A text.", "ids": [4]},
        {"file": "ntrex"},
        {"ids": [4]},
        {},
    ],
)
def test_a_passage_is_named_or_written_and_not_both(named: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WrittenPassage.model_validate({**named, "language": "en", "part": "train", "questions": []})


def test_data_that_lacks_a_passage_is_refused_by_its_id(data: Path) -> None:
    write_rows(data / "written.jsonl", [{**WRITTEN[0], "ids": [4, 77]}])
    with pytest.raises(WrongInput, match=r"ntrex\.jsonl\.gz has no id '77'"):
        read_written(data, "train", data / "written.jsonl")


def test_data_whose_passage_ends_before_the_answer_is_refused(data: Path) -> None:
    write_rows(data / "written.jsonl", [{**WRITTEN[0], "ids": [4]}])
    with pytest.raises(WrongInput, match="When did the mill burn"):
        read_written(data, "train", data / "written.jsonl")


@pytest.mark.parametrize(
    "answer",
    [{"start": 3, "end": None}, {"start": None, "end": 3}, {"start": 3, "end": 3}, {"start": 3}],
)
def test_half_an_answer_is_refused(answer: dict[str, Any]) -> None:
    question = {"language": "en", "question": "Whose mill was it?", **answer}
    with pytest.raises(ValidationError):
        WrittenPassage.model_validate({**WRITTEN[0], "questions": [question]})


def test_the_questions_that_are_shipped_train_and_calibrate_on_different_texts() -> None:
    passages = read_passages()
    used = {
        part: {
            (each.file, one)
            for each in passages
            if each.part == part
            for one in (each.ids or [each.own])
        }
        for part in ("train", "calibrate")
    }
    assert used["train"]
    assert used["calibrate"]
    assert not used["train"] & used["calibrate"]


def test_no_question_is_shipped_twice_on_a_passage() -> None:
    for passage in read_passages():
        questions = [each.question for each in passage.questions]
        assert len(set(questions)) == len(questions), passage


def test_questions_are_shipped_in_three_languages_answerable_and_not() -> None:
    kinds = {
        (each.language, each.start is None) for passage in read_passages()
        for each in passage.questions
    }  # fmt: skip
    assert kinds == {(name, empty) for name in ("en", "ru", "kk") for empty in (True, False)}
