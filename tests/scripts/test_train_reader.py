"""Claims about scripts/train_reader.py; what it calls has its tests in tests/app/training."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.settings import REPOSITORY
from tests.app.training.conftest import write_measuring_files


def train_reader(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts" / "train_reader.py"), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_report_that_is_printed_is_the_one_that_is_written(tmp_path: Path) -> None:
    write_measuring_files(tmp_path)
    run = train_reader(
        tmp_path, "measure", "--data", ".", "--sets", "nyt", "--sample", "3",
        "--threshold", "100", "--json", "report.json",
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert report == json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert set(report["sets"]) == {"nyt"}
    assert report["sets"]["nyt"]["questions"] == 3
    assert report["sets"]["nyt"]["at_threshold"]["answered_of_answerable"] == 0.0


@pytest.mark.parametrize(
    "arguments",
    [
        ("measure", "--threshold", "0"),
        ("train", "--start", "start", "--output", "output"),
        ("export", "--checkpoint", "checkpoint.pt", "--to", "to"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_without_its_data_nothing_is_done_and_the_file_that_is_missing_is_named(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    run = train_reader(tmp_path, *arguments, "--data", ".")
    assert run.returncode == 2
    assert "Nothing was done" in run.stderr
    assert ".jsonl.gz" in run.stderr
    assert run.stdout == ""
