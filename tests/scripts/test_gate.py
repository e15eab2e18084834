"""The gate: a version in which a pinned answer changed or lost its source is not published."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from index import builder
from tests.scripts.test_build_index import Run, Watching, run

__all__ = ["run"]  # the fixture

QUESTION = "Who is the harbour master of Aktau?"
MASTER = "The harbour master of Aktau is Dana Serikbay."
FERRY = "The ferry to Baku carries 52 railway wagons."


def pin(question: str = QUESTION, quote: str = MASTER, path: str = "a.md", **more: Any) -> str:
    expected = [{"path": path, "quote": quote}]
    return json.dumps({"question": question, "language": "en", "expected": expected, **more})


@pytest.fixture
def pins(run: Run, tmp_path: Path) -> Path:
    """An index of two documents, and a file that pins a question about the first."""
    (run.docs / "a.md").write_text(f"# The harbour\n\n{MASTER}\n", "utf-8")
    (run.docs / "b.md").write_text(f"# The ferry\n\n{FERRY}\n", "utf-8")
    file = tmp_path / "pins.jsonl"
    file.write_text(pin() + "\n", "utf-8")
    code, _ = run.json("--gate", str(file))
    assert code == 0
    return file


def state(run: Run) -> tuple[bytes, list[str]]:
    """What a server sees of the index."""
    versions = sorted(path.name for path in (run.index / "versions").iterdir())
    return (run.index / "current").read_bytes(), versions


def test_a_version_with_another_answer_is_refused_and_the_one_before_stays(
    run: Run, pins: Path
) -> None:
    before = state(run)
    (run.docs / "a.md").write_text(
        "# The harbour\n\nThe harbour master of Aktau is Anvar Sadykov.\n", "utf-8"
    )
    code, said = run.json("--gate", str(pins))
    assert (code, said["error"]["code"]) == (2, "version_refused")
    assert "not published, the one before goes on answering; 1 of 1" in said["error"]["message"]
    (broken,) = said["pins"]
    assert (broken["question"], broken["why"]) == (QUESTION, "changed")
    assert broken["expected"] == [{"path": "a.md", "quote": MASTER}]
    assert "Anvar Sadykov" in broken["quotes"][0]["quote"]
    assert state(run) == before
    code, out, err = run("--gate", str(pins))
    assert (code, out) == (2, "")
    assert f"was: a.md: {MASTER}" in err
    assert "is:  a.md: The harbour master of Aktau is Anvar Sadykov." in err
    assert state(run) == before


def test_a_version_without_the_source_is_refused(run: Run, pins: Path) -> None:
    before = state(run)
    (run.docs / "a.md").unlink()
    code, said = run.json("--gate", str(pins))
    assert code == 2
    assert said["pins"][0]["why"] == "source_gone"
    assert state(run) == before


def test_a_version_that_no_longer_answers_is_refused(run: Run, pins: Path) -> None:
    (run.docs / "a.md").write_text("# The harbour\n\nIt freezes in winter.\n", "utf-8")
    code, said = run.json("--gate", str(pins))
    assert code == 2
    assert said["pins"][0]["why"] in {"refused", "changed"}


def test_a_version_that_answers_as_before_is_published(run: Run, pins: Path) -> None:
    before = state(run)
    (run.docs / "c.md").write_text("# The library\n\nThe library holds 12,400 books.\n", "utf-8")
    code, report = run.json("--gate", str(pins))
    assert (code, report["added"]) == (0, ["c.md"])
    assert state(run)[0] != before[0]


def test_what_was_refused_is_encoded_no_second_time(
    run: Run, pins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run.docs / "a.md").write_text("# The harbour\n\nAnother master, at last.\n", "utf-8")
    assert run.json("--gate", str(pins))[0] == 2

    def refuse(encoder: object, texts: Iterable[str]) -> Any:
        raise AssertionError(f"encoded again: {list(texts)}")

    monkeypatch.setattr(builder, "embed_passages", refuse)
    code, report = run.json()
    assert (code, report["changed"]) == (0, ["a.md"])


def test_the_first_version_has_to_pass_as_well(run: Run, tmp_path: Path) -> None:
    (run.docs / "b.md").write_text(f"# The ferry\n\n{FERRY}\n", "utf-8")
    file = tmp_path / "pins.jsonl"
    file.write_text(pin() + "\n", "utf-8")
    code, said = run.json("--gate", str(file))
    assert code == 2
    assert "not published, and there is none before it; 1 of 1" in said["error"]["message"]
    assert not (run.index / "current").exists()


def test_a_file_that_holds_no_pins_stops_the_build_before_it_begins(
    run: Run, pins: Path, tmp_path: Path
) -> None:
    before = state(run)
    (run.docs / "c.md").write_text("Words of c.", "utf-8")
    pins.write_text("nonsense\n", "utf-8")
    for file, words in ((pins, "line 1"), (tmp_path / "gone.jsonl", "report.py --pin")):
        code, said = run.json("--gate", str(file))
        assert (code, said["error"]["code"]) == (2, "gate_unusable")
        assert words in said["error"]["message"]
    assert state(run) == before


def test_answers_that_the_operator_chose_are_given_at_the_gate_too(
    run: Run, pins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = "Whom does a visitor ask first?"
    chosen = tmp_path / "curated.yaml"
    answer = {"document": "a.md", "quote": MASTER}
    chosen.write_text(json.dumps([{"questions": [question], "answer": [answer]}]), "utf-8")
    pins.write_text(pin(question) + "\n", "utf-8")
    (run.docs / "c.md").write_text("# The library\n\nThe library holds 12,400 books.\n", "utf-8")
    assert run.json("--gate", str(pins))[1]["error"]["code"] == "version_refused"
    monkeypatch.setenv("BRIEFING_DESK_CURATED_FILE", str(chosen))
    assert run.json("--gate", str(pins))[0] == 0
    (run.docs / "a.md").write_text("# The harbour\n\nIt has another master.\n", "utf-8")
    code, said = run.json("--gate", str(pins))
    assert (code, said["pins"][0]["question"]) == (2, question)


def test_going_back_has_no_gate(run: Run, pins: Path) -> None:
    with pytest.raises(SystemExit) as raised:
        run("--rollback", "--gate", str(pins))
    assert raised.value.code == 2


def test_watching_keeps_the_gate_and_follows_the_pins(tmp_path: Path) -> None:
    docs, index, file = tmp_path / "docs", tmp_path / "index", tmp_path / "pins.jsonl"
    docs.mkdir()
    (docs / "a.md").write_text(f"# The harbour\n\n{MASTER}\n", "utf-8")
    file.write_text(pin() + "\n", "utf-8")
    watching = Watching(docs, index, "--gate", str(file))
    try:
        assert watching.said()["added"] == ["a.md"]
        before = (index / "current").read_bytes()
        (docs / "a.md").write_text(f"# The ferry\n\n{FERRY}\n", "utf-8")
        assert watching.said()["pins"][0]["question"] == QUESTION
        assert (index / "current").read_bytes() == before
        file.write_text(pin(enabled=False) + "\n", "utf-8")
        assert watching.said()["changed"] == ["a.md"]
        assert (index / "current").read_bytes() != before
    finally:
        code, _ = watching.stop(signal.SIGTERM)
    assert code == 0
