"""The indexing script keeps its contract: exit codes, one JSON line, one sentence with the fix."""

from __future__ import annotations

import fcntl
import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
MODELS = REPOSITORY / "var" / "models"


class Run:
    """The script, run in this process on a folder of its own."""

    def __init__(
        self, module: ModuleType, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.module = module
        self.docs = folder / "docs"
        self.index = folder / "index"
        self.capsys = capsys
        self.docs.mkdir()

    def __call__(self, *arguments: str, paths: list[Path] | None = None) -> tuple[int, str, str]:
        places = [str(path) for path in ([self.docs] if paths is None else paths)]
        options = ["--index", str(self.index), "--models", str(MODELS)]
        self.capsys.readouterr()
        code = self.module.main([*places, *options, *arguments])
        printed = self.capsys.readouterr()
        return code, printed.out, printed.err

    def json(self, *arguments: str, paths: list[Path] | None = None) -> tuple[int, Any]:
        code, out, _ = self("--json", *arguments, paths=paths)
        assert out.count("\n") == 1
        return code, json.loads(out)


@pytest.fixture
def run(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    from index import builder

    monkeypatch.setattr(
        builder, "embed_passages", lambda encoder, texts: iter([encoder.encode_passages(texts)])
    )
    return Run(importlib.import_module("scripts.build_index"), tmp_path, capsys)


def test_the_report_is_one_line_of_json_with_every_key(run: Run) -> None:
    (run.docs / "a.md").write_text("Words of a.", "utf-8")
    (run.docs / ".hidden.md").write_text("x", "utf-8")
    code, report = run.json()
    assert code == 0
    assert list(report) == [
        "index_id", "added", "changed", "unchanged", "removed", "unreadable", "skipped", "passages",
        "seconds",
    ]  # fmt: skip
    assert (report["added"], report["unchanged"], report["passages"]) == (["a.md"], 0, 1)
    assert report["skipped"] == [{"path": ".hidden.md", "reason": "hidden"}]
    code, again = run.json()
    assert (code, again["index_id"], again["unchanged"]) == (0, report["index_id"], 1)


def test_an_unreadable_file_is_listed_and_gives_one(run: Run) -> None:
    (run.docs / "a.md").write_text("Words of a.", "utf-8")
    (run.docs / "b.md").write_text("", "utf-8")
    code, report = run.json()
    assert code == 1
    ((entry),) = report["unreadable"]
    assert entry == {
        "path": "b.md",
        "reason": "empty",
        "message": "b.md: the file is empty; remove it, or fill it",
    }
    code, out, err = run()
    assert code == 1
    assert "unreadable (empty): b.md" in out
    assert "reading" in err


@pytest.mark.parametrize("as_json", [False, True])
def test_nothing_to_index_is_one_sentence_and_keeps_the_old_index(
    run: Run, tmp_path: Path, *, as_json: bool
) -> None:
    (run.docs / "a.md").write_text("Words of a.", "utf-8")
    run.json()
    before = (run.index / "current").read_bytes()
    (tmp_path / "empty").mkdir()
    for place, words in ((tmp_path / "empty", "nothing"), (tmp_path / "gone", "does not exist")):
        if as_json:
            code, said = run.json(paths=[place])
            assert said["error"]["code"] == "nothing_to_index"
            message = said["error"]["message"]
        else:
            code, out, message = run(paths=[place])
            assert out == ""
        assert code == 2
        assert words in message
        assert "python scripts/build_index.py" in message
    assert (run.index / "current").read_bytes() == before


def test_a_second_builder_is_turned_away(run: Run) -> None:
    (run.docs / "a.md").write_text("Words of a.", "utf-8")
    run.json()
    with (run.index / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, said = run.json()
    assert (code, said["error"]["code"]) == (2, "build_in_progress")


def test_missing_models_are_said_with_the_command(run: Run, tmp_path: Path) -> None:
    (run.docs / "a.md").write_text("Words of a.", "utf-8")
    run.capsys.readouterr()
    code = run.module.main([str(run.docs), "--models", str(tmp_path), "--index", str(run.index)])
    assert code == 2
    assert "python scripts/prepare_models.py" in run.capsys.readouterr().err


def test_a_folder_that_can_not_be_written_is_said(run: Run, tmp_path: Path) -> None:
    (run.docs / "a.md").write_text("Words of a.", "utf-8")
    (tmp_path / "file").write_text("x", "utf-8")
    run.index = tmp_path / "file" / "index"
    code, said = run.json()
    assert (code, said["error"]["code"]) == (2, "not_writable")


def test_rollback_goes_back_and_says_when_it_can_not(run: Run) -> None:
    (run.docs / "a.md").write_text("Words of a.", "utf-8")
    _, first = run.json()
    (run.docs / "a.md").write_text("Other words.", "utf-8")
    run.json()
    code, said = run.json("--rollback")
    assert (code, said["index_id"]) == (0, first["index_id"])
    code, said = run.json("--rollback")
    assert (code, said["error"]["code"]) == (2, "index_missing")


def test_the_script_runs_from_any_folder(tmp_path: Path) -> None:
    command = [sys.executable, str(REPOSITORY / "scripts" / "build_index.py"), "--help"]
    outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "--rebuild" in outcome.stdout
    wrong = subprocess.run(
        [*command[:2], "--nonsense"], cwd=tmp_path, capture_output=True, check=False
    )
    assert wrong.returncode == 2
