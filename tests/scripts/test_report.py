"""The reporting script keeps its contract: exit codes, one JSON line, what it writes."""

from __future__ import annotations

import importlib
import json
import re
import sqlite3
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app.pins import Pin, read_pins
from app.report import Report
from app.storing import Storage
from tests.replies import abstention, answer
from tests.running import briefing_assistant
from tests.serving import SOURCES, briefing_index

REPOSITORY = Path(__file__).resolve().parent.parent.parent
MANUAL = REPOSITORY / "docs" / "manual" / "reports.md"
ANSWERED = "How much annual financing could the new framework provide?"
CallScript = Callable[..., tuple[int, str, str]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A storage with one answer that is still given, one that isn't, and two abstentions."""
    file = tmp_path / "desk.sqlite"
    storage = Storage(file, retention_days=90)
    now = datetime.now(UTC)
    right = briefing_assistant().ask(ANSWERED)
    assert right.kind == "answer"
    storage.record(right, now)
    storage.take_feedback(right.answer_id, "right", None, now)
    wrong = answer("What is the salary of a teacher?", "Much.")
    storage.record(wrong, now)
    storage.take_feedback(wrong.answer_id, "wrong_evidence", "No.\x1b[31m", now)
    for days in (1, 2):
        asked = abstention("Are dogs allowed on the ferry?")
        storage.record(asked, now - timedelta(days=days))
    storage.close()
    return file


@pytest.fixture
def call(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CallScript:
    """Run the script in this process; what stands on stdout and stderr."""
    module: ModuleType = importlib.import_module("scripts.report")

    def run(*arguments: str, storage: Path | None = file) -> tuple[int, str, str]:
        named = [] if storage is None else ["--storage", str(storage)]
        monkeypatch.setattr(
            sys, "argv", ["report.py", *named, "--index", str(briefing_index()), *arguments]
        )
        capsys.readouterr()
        code = module.main()
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def as_json(call: CallScript, *arguments: str) -> tuple[int, Any]:
    code, out, _ = call("--json", *arguments)
    assert out.count("\n") == 1
    return code, json.loads(out)


def test_the_report_is_one_line_of_json_or_a_page(call: CallScript) -> None:
    code, report = as_json(call)
    assert code == 0
    assert (report["now"]["asked"], report["days"]) == ({"questions": 4, "answered": 2}, 30)
    assert [(group["count"], group["trend"]) for group in report["unanswered"]] == [(2, "new")]
    code, page, _ = call()
    assert code == 0
    for words in ("Are dogs allowed", "wrong_evidence: What is the salary", "Cited most", "50%"):
        assert words in page
    assert "\x1b" not in page


def test_the_lists_are_written_as_a_table(call: CallScript, tmp_path: Path) -> None:
    table = tmp_path / "report.csv"
    assert call("--csv", str(table))[0] == 0
    assert table.read_bytes().startswith(b'\xef\xbb\xbf"what"')
    assert '"Are dogs allowed on the ferry?",2,0' in table.read_text("utf-8")


def test_a_group_and_a_report_of_a_reader_are_resolved_and_reopened(call: CallScript) -> None:
    _, report = as_json(call)
    for identity, name in (
        (report["unanswered"][0]["id"], "unanswered"),
        (str(report["complaints"][0]["id"]), "complaints"),
    ):
        assert call("--resolve", identity)[0] == 0
        assert as_json(call)[1][name] == []
        assert call("--reopen", identity)[0] == 0
        assert as_json(call)[1][name] == report[name]
    code, _, err = call("--resolve", "0" * 32)
    assert code == 1
    assert "has the id" in err


def test_a_replay_says_what_was_lost_and_what_stays(call: CallScript) -> None:
    code, replay = as_json(call, "--replay")
    assert code == 1
    assert replay["counts"] == {"lost": 1, "changed": 0, "now_answered": 0, "unchanged": 2}
    assert [each["question"] for each in replay["outcomes"]] == ["What is the salary of a teacher?"]
    code, page, _ = call("--replay")
    assert code == 1
    assert "lost: What is the salary of a teacher?" in page


def test_right_answers_are_pinned_and_hold(call: CallScript, tmp_path: Path) -> None:
    pins = tmp_path / "pins.jsonl"
    assert call("--pin", str(pins))[:2] == (0, f"{pins}: 1 pinned questions added, 0 kept\n")
    assert json.loads(pins.read_text("utf-8"))["question"] == ANSWERED
    assert as_json(call, "--check", str(pins)) == (0, {"pins": 1, "broken": []})
    pins.write_text(pins.read_text("utf-8").replace("$1 billion", "$2 billion"), "utf-8")
    code, said = as_json(call, "--check", str(pins))
    assert (code, said["broken"][0]["why"]) == (1, "changed")
    code, page, _ = call("--check", str(pins))
    assert code == 1
    assert "0 of 1 pinned questions" in page


def test_answers_that_the_operator_chose_are_pinned_without_any_storage(
    call: CallScript, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = "framework-2026-2031.md"
    line = (SOURCES / document).read_text("utf-8").splitlines()[-1]
    chosen = [
        {"questions": ["Whom do I ring?", "Кому звонить?"],
         "answer": [{"document": document, "quote": line}]},
        {"questions": ["Who paints the bridge?"],
         "answer": [{"document": document, "quote": "Nobody wrote this."}]},
    ]  # fmt: skip
    file, pins = tmp_path / "curated.yaml", tmp_path / "pins.jsonl"
    file.write_text(json.dumps(chosen), "utf-8")
    monkeypatch.setenv("BRIEFING_DESK_CURATED_FILE", str(file))
    code, out, _ = call("--pin", str(pins), storage=None)
    assert (code, out) == (0, f"{pins}: 2 pinned questions added, 0 kept\n")
    assert [(pin.question, pin.language) for pin in read_pins(pins)] == [
        ("Whom do I ring?", "en"),
        ("Кому звонить?", "ru"),
    ]
    assert {each.quote for pin in read_pins(pins) for each in pin.expected} == {line}
    assert call("--check", str(pins), storage=None)[0] == 0
    assert "1 pinned questions added, 2 kept" in call("--pin", str(pins))[1]
    assert len(read_pins(pins)) == 3  # with the one that a reader found right
    monkeypatch.delenv("BRIEFING_DESK_CURATED_FILE")
    assert as_json(call, "--check", str(pins))[0] == 1


def test_without_a_storage_it_says_what_to_set_and_makes_none(
    call: CallScript, tmp_path: Path
) -> None:
    code, out, err = call(storage=None)
    assert (code, out) == (2, "")
    assert "BRIEFING_DESK_STORAGE_FILE" in err
    code, _, err = call(storage=tmp_path / "none.sqlite")
    assert code == 2
    assert "doesn't exist" in err
    assert not (tmp_path / "none.sqlite").exists()
    broken = tmp_path / "broken.sqlite"
    broken.write_text("Dear diary, " * 500, "utf-8")
    assert call(storage=broken)[0] == 2


def test_a_file_that_cant_be_used_is_told_in_words(call: CallScript, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "none" / "file")
    for arguments, said in (
        (("--csv", nowhere), f"{nowhere} can't be used: No such file or directory"),
        (("--pin", nowhere), f"{nowhere} can't be written: No such file or directory"),
        (("--pin", str(tmp_path)), f"{tmp_path} can't be read as pinned questions: Is a directory"),
        (("--check", nowhere), f"{nowhere} can't be read as pinned questions: No such file"),
    ):
        code, _, err = call(*arguments)
        assert code == 2
        assert err.startswith(said)
        assert "Errno" not in err
    code, _, err = call(storage=tmp_path)
    assert (code, err) == (2, f"{tmp_path} is a folder: name the file in it.\n")


@pytest.mark.parametrize("days", ["0", "-3", "x", "4000"])
def test_a_period_that_cant_be_is_wrong_usage(call: CallScript, days: str) -> None:
    with pytest.raises(SystemExit) as raised:
        call("--days", days)
    assert raised.value.code == 2


def test_reading_deletes_nothing_however_old_it_is(call: CallScript, file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("UPDATE replies SET asked_at = '2020-01-01T00:00:00.000+00:00'")
    connection.commit()
    connection.close()
    assert as_json(call)[1]["now"]["asked"]["questions"] == 0
    assert as_json(call, "--replay")[1]["asked"] == 3


def test_the_manual_has_every_option_and_key(call: CallScript) -> None:
    manual = MANUAL.read_text("utf-8")
    with pytest.raises(SystemExit):
        call("--help")
    source = (REPOSITORY / "scripts" / "report.py").read_text("utf-8")
    options = set(re.findall(r'"(--[a-z]+)"', source))
    assert {"--replay", "--pin", "--check", "--csv", "--resolve"} <= options
    assert [option for option in options if f"| `{option}" not in manual] == []
    keys = {*Report.model_fields, *Pin.model_fields}
    assert [key for key in keys if f"`{key}`" not in manual] == []
