"""Pinned questions: what is written can be read, and a broken pin says what was and what is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.errors import QuestionRefused
from app.pins import Pin, PinsUnusable, add_pins, check_pins, pin_of, read_pins
from app.stored import Given, reading
from app.storing import Storage, Verdict
from app.types import Reply
from tests.replies import abstention, answer

NOW = datetime(2026, 5, 17, 12, tzinfo=UTC)
PATHS = frozenset({"a.md", "b.md"})
BY_HAND = (
    '{"question": "Who?", "language": "en", "expected": [{"path": "a.md", "quote": "The mayor"}]}'
)


def liked(folder: Path, *said: tuple[Reply, Verdict]) -> list[Given]:
    storage = Storage(folder / "desk.sqlite", retention_days=90)
    for reply, verdict in said:
        if not storage._connection.execute(
            "SELECT 1 FROM replies WHERE id = ?", (reply.id,)
        ).fetchone():
            storage.record(reply, NOW)
        storage.take_feedback(reply.answer_id, verdict, None, NOW)
    storage.close()
    with reading(storage.file) as stored:
        return list(stored.liked())


def broken(pin: Pin, reply: Reply) -> str | None:
    found = check_pins([pin], lambda asked: reply, PATHS)
    return found[0].why if found else None


def pinned(line: str = BY_HAND) -> Pin:
    return Pin.model_validate_json(line)


def test_a_thumbs_up_becomes_a_pin_unless_somebody_thought_otherwise_later(tmp_path: Path) -> None:
    right, doubted = answer("One?", "One.", short_answer="One"), answer("Two?")
    refused = abstention("No?")
    found = liked(
        tmp_path,
        (doubted, "right"), (right, "wrong_answer"), (right, "right"), (doubted, "wrong_answer"),
        (refused, "right"),
    )  # fmt: skip
    file = tmp_path / "pins.jsonl"
    assert add_pins(file, map(pin_of, found)) == (1, 0)
    (pin,) = read_pins(file)
    assert (pin.question, pin.short_answer) == ("One?", "One")
    assert [(each.path, each.quote) for each in pin.expected] == [("a.md", "One.")]
    assert broken(pin, right) is None


def test_what_stands_in_the_file_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "pins.jsonl"
    by_hand = f'{BY_HAND}\n\n{BY_HAND.replace("Who?", "One?")[:-1]}, "enabled": false}}'
    file.write_text(by_hand, encoding="utf-8")
    found = liked(tmp_path, (answer("ONE?"), "right"), (answer("Two?"), "right"))
    assert add_pins(file, map(pin_of, found)) == (1, 2)
    text = file.read_text(encoding="utf-8")
    assert text.startswith(f"{by_hand}\n")
    assert [pin.question for pin in read_pins(file)] == ["Who?", "One?", "Two?"]
    assert add_pins(file, map(pin_of, found)) == (0, 3)
    assert file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (answer("Who?", "The mayor is\n Dana."), None),
        (answer("Who?", "Another.", "It is The  mayor."), None),
        (answer("Who?", "The  mayor."), None),
        (answer("Who?", "The miller."), "changed"),
        (answer("Who?", "The mayor", path="b.md"), "changed"),
        (abstention("Who?"), "refused"),
    ],
)
def test_what_has_to_be_quoted(reply: Reply, why: str | None) -> None:
    assert broken(pinned(), reply) == why


def test_the_short_answer_counts_where_it_is_given() -> None:
    pin = pinned(BY_HAND[:-1] + ', "short_answer": "Dana"}')
    same = answer("Who?", "The mayor is Dana.", short_answer="Dana")
    other = answer("Who?", "The mayor is Dana.", short_answer="mayor")
    assert (broken(pin, same), broken(pin, other)) == (None, "changed")


def test_a_pin_whose_document_is_gone_has_lost_its_source() -> None:
    pin = pinned(BY_HAND.replace("a.md", "gone.md"))
    assert broken(pin, abstention("Who?")) == "source_gone"

    def refuse(asked: Pin) -> Reply:
        raise QuestionRefused("unknown_document", "No document has the id 'x'.")

    (found,) = check_pins([pin], refuse, PATHS)
    assert (found.why, found.reason) == ("source_gone", "No document has the id 'x'.")


def test_a_pin_that_is_off_is_not_asked() -> None:
    assert broken(pinned(BY_HAND[:-1] + ', "enabled": false}'), abstention("Who?")) is None


@pytest.mark.parametrize(
    "line",
    ["not json", "[]", '{"question": "Who?"}', BY_HAND.replace('"en"', '"de"'),
     BY_HAND.replace('"quote"', '"words"'), BY_HAND.replace("Who?", ""),
     '{"question": "Who?", "language": "en", "expected": []}'],
)  # fmt: skip
def test_a_line_that_is_no_pin_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "pins.jsonl"
    file.write_text(f"{BY_HAND}\n{line}\n", encoding="utf-8")
    with pytest.raises(PinsUnusable, match=r"pins\.jsonl, line 2 "):
        read_pins(file)


def test_a_byte_that_is_no_utf8_is_named_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "pins.jsonl"
    file.write_bytes(f"\ufeff{BY_HAND}\n".encode() + BY_HAND.encode().replace(b"W", b"\xe9"))
    for read in (read_pins, lambda where: add_pins(where, [])):
        with pytest.raises(PinsUnusable, match=r"pins\.jsonl, line 2 is no UTF-8"):
            read(file)


def test_a_separator_of_lines_within_a_question_ends_no_line(tmp_path: Path) -> None:
    file = tmp_path / "pins.jsonl"
    file.write_text(BY_HAND.replace("Who?", "Who,\u2028and why?"), encoding="utf-8")
    assert [pin.question for pin in read_pins(file)] == ["Who,\u2028and why?"]


def test_a_file_without_a_pin_is_refused_where_it_is_asked_and_may_be_added_to(
    tmp_path: Path,
) -> None:
    file = tmp_path / "pins.jsonl"
    file.write_text("\n\n", encoding="utf-8")
    with pytest.raises(PinsUnusable, match="holds no pinned question"):
        read_pins(file)
    assert add_pins(file, [pinned()]) == (1, 0)
    assert read_pins(file) == (pinned(),)


def test_a_file_that_cant_be_read_is_one_sentence(tmp_path: Path) -> None:
    for file in (tmp_path / "nothing.jsonl", tmp_path):
        with pytest.raises(PinsUnusable, match=r"report\.py --pin"):
            read_pins(file)
