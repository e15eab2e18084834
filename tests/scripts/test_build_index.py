"""The indexing script keeps its contract: exit codes, one JSON line, one sentence with the fix."""

from __future__ import annotations

import fcntl
import importlib
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from index import BuildReport
from tests.disks import full_disk

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
        if paths is None:
            paths = [] if "--rollback" in arguments else [self.docs]
        places = [str(path) for path in paths]
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


def test_an_index_inside_the_documents_is_no_document(run: Run) -> None:
    (run.docs / "a.md").write_text("Words of a.", "utf-8")
    run.index = run.docs / "index"
    code, first = run.json()
    assert (code, first["added"]) == (0, ["a.md"])
    assert first["skipped"] == [{"path": "index", "reason": "index"}]
    assert (run.index / "versions" / f"000001-{first['index_id']}" / "words.txt").exists()
    for arguments in ([], ["--rebuild"]):
        assert run.json(*arguments)[1]["index_id"] == first["index_id"]
    run.index = run.docs / "another"
    assert run.json()[1]["skipped"] == [
        {"path": "another", "reason": "index"},
        {"path": "index", "reason": "index"},
    ]


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


def test_where_no_file_can_be_read_each_is_named_with_the_reason(run: Run) -> None:
    (run.docs / "a.md").write_text("", "utf-8")
    (run.docs / "b.md").write_text("", "utf-8")
    (run.docs / "c.exe").write_text("x", "utf-8")
    code, said = run.json()
    assert (code, said["error"]["code"]) == (2, "nothing_to_index")
    assert "(2 files could not be read, 1 file left out); give" in said["error"]["message"]
    assert said["unreadable"][0] == {
        "path": "a.md",
        "reason": "empty",
        "message": "a.md: the file is empty; remove it, or fill it",
    }
    assert [each["path"] for each in said["unreadable"]] == ["a.md", "b.md"]
    assert said["skipped"] == [{"path": "c.exe", "reason": "unsupported_type"}]
    code, out, err = run()
    assert (code, out) == (2, "")
    assert "  unreadable (empty): b.md: the file is empty; remove it, or fill it\n" in err
    assert "  skipped (unsupported_type): c.exe; convert it" in err


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


def test_a_disk_that_is_full_is_said_and_keeps_the_old_index(run: Run) -> None:
    (run.docs / "a.md").write_text("Words of a.", "utf-8")
    assert run.json()[0] == 0
    before = (run.index / "current").read_bytes()
    (run.docs / "a.md").write_text("Other words.", "utf-8")
    with full_disk(12_000):
        code, said = run.json()
    assert (code, said["error"]["code"]) == (2, "not_writable")
    assert "passages.sqlite can't be written (" in said["error"]["message"]
    assert "--index" in said["error"]["message"]
    assert (run.index / "current").read_bytes() == before
    assert run.json()[1]["changed"] == ["a.md"]


def test_rollback_says_where_it_led_goes_further_back_and_says_when_it_can_not(run: Run) -> None:
    reports = []
    for words in ("Words of a.", "Other words.", "Words at last."):
        (run.docs / "a.md").write_text(words, "utf-8")
        reports.append(run.json()[1])
    first, second, third = (report["index_id"] for report in reports)
    code, said = run.json("--rollback")
    assert (code, said) == (
        0,
        {
            "index_id": second,
            "version": f"000002-{second}",
            "version_left": f"000003-{third}",
            "documents": 1,
            "passages": 1,
        },
    )
    code, out, _ = run("--rollback")
    assert code == 0
    assert f"back from 000002-{second} to 000001-{first}, built on 20" in out
    code, said = run.json("--rollback")
    assert (code, said["error"]["code"]) == (2, "index_missing")
    assert "no version to go back to" in said["error"]["message"]
    assert run.json()[1]["index_id"] == third


def test_rollback_without_an_index_is_said(run: Run) -> None:
    code, said = run.json("--rollback")
    assert (code, said["error"]["code"]) == (2, "index_missing")


def test_a_build_that_is_interrupted_says_so_and_keeps_the_old_index(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from index import builder

    def interrupted(_encoder: Any, _texts: Any) -> Any:
        raise KeyboardInterrupt

    (run.docs / "a.md").write_text("Words of a.", "utf-8")
    run.json()
    before = (run.index / "current").read_bytes()
    (run.docs / "a.md").write_text("Other words.", "utf-8")
    monkeypatch.setattr(builder, "embed_passages", interrupted)
    code, out, err = run()
    assert (code, out) == (2, "")
    assert "stopped; the index is whole" in err
    assert (run.index / "current").read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["--workers", "0"],
        ["--watch", "--rollback"],
        ["--workers", "many"],
        ["--rollback", "--rebuild"],
        ["--rollback", "--workers", "2"],
        ["--rollback", "docs"],
    ],
)
def test_arguments_that_make_no_sense_are_refused(run: Run, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize("empty", [[""], ["docs", ""], ["--index", ""], ["--gate", ""]])
def test_an_empty_path_is_refused_and_is_not_the_working_directory(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: list[str]
) -> None:
    (run.docs / "a.md").write_text("Words of a.", "utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        run(*empty, paths=[])
    assert ended.value.code == 2
    assert "it is empty" in run.capsys.readouterr().err
    assert not run.index.exists()


class Watching:
    """`build_index.py --watch --json` in a process of its own; its lines, as they come."""

    def __init__(self, docs: Path, index: Path, *more: str) -> None:
        script = str(REPOSITORY / "scripts" / "build_index.py")
        self.process = subprocess.Popen(
            [sys.executable, script, str(docs), "--index", str(index), "--watch", "--json", *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def said(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def stop(self, with_signal: signal.Signals) -> tuple[int, str]:
        self.process.send_signal(with_signal)
        _, err = self.process.communicate(timeout=120)
        return self.process.returncode, err


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
def test_watching_builds_after_each_change_survives_failures_and_stops_cleanly(
    tmp_path: Path, with_signal: signal.Signals
) -> None:
    docs, index = tmp_path / "docs", tmp_path / "index"
    docs.mkdir()
    (docs / "a.md").write_text("Words of a.", "utf-8")
    watching = Watching(docs, index)
    try:
        assert watching.said()["added"] == ["a.md"]
        (docs / "b.md").write_text("Words of b.", "utf-8")
        report = watching.said()
        assert (report["added"], report["unchanged"]) == (["b.md"], 1)
        before = (index / "current").read_bytes()
        for file in docs.iterdir():
            file.unlink()
        assert watching.said()["error"]["code"] == "nothing_to_index"
        assert (index / "current").read_bytes() == before
        (docs / "c.md").write_text("Words of c.", "utf-8")
        assert watching.said()["removed"] == ["a.md", "b.md"]
    finally:
        code, err = watching.stop(with_signal)
    assert code == 0
    assert err.count("\n") == 1
    assert "stopped watching; the index is whole" in err


def test_the_manual_has_every_option_error_and_key_of_the_report(run: Run) -> None:
    manual = (REPOSITORY / "docs" / "manual" / "indexing.md").read_text("utf-8")
    run.capsys.readouterr()
    with pytest.raises(SystemExit):
        run.module.main(["--help"])
    options = set(re.findall(r"--[a-z-]+", run.capsys.readouterr().out)) - {"--help"}
    assert {"--watch", "--rollback", "--workers"} <= options
    assert [option for option in options if f"| `{option}" not in manual] == []
    codes = {*run.module.ERROR_CODES.values(), "bad_setting", "not_writable", "indexing_failed"}
    source = Path(str(run.module.__file__)).read_text("utf-8")
    assert all(f'"{code}"' in source for code in codes)
    assert [code for code in codes if f"| `{code}` |" not in manual] == []
    assert [key for key in BuildReport.model_fields if f'"{key}"' not in manual] == []


def test_the_script_runs_from_any_folder(tmp_path: Path) -> None:
    command = [sys.executable, str(REPOSITORY / "scripts" / "build_index.py"), "--help"]
    outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "--rebuild" in outcome.stdout
    wrong = subprocess.run(
        [*command[:2], "--nonsense"], cwd=tmp_path, capture_output=True, check=False
    )
    assert wrong.returncode == 2
