from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.settings import REPOSITORY, Settings
from index import build_index

QUESTIONS = REPOSITORY / "tests" / "questions"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate") / "index"
    build_index([REPOSITORY / "docs" / "sources"], folder, Settings().models_folder)
    return folder


def evaluate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts" / "evaluate.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_development_questions_keep_their_floors(index: Path) -> None:
    run = evaluate(
        str(QUESTIONS / "briefing.jsonl"),
        *("--index", str(index), "--part", "development", "--json"),
        *("--floors", str(QUESTIONS / "floors.json")),
    )
    assert run.returncode == 0, run.stderr
    measures = json.loads(run.stdout)
    assert run.stdout.count("\n") == 1
    assert measures["questions"] == 125


def test_a_measure_under_its_floor_is_named_and_exits_1(index: Path, tmp_path: Path) -> None:
    few = tmp_path / "few.jsonl"
    lines = (QUESTIONS / "briefing.jsonl").read_text(encoding="utf-8").splitlines()
    few.write_text("\n".join(lines[:3]) + "\n", encoding="utf-8")
    floors = tmp_path / "floors.json"
    floors.write_text('{"answerable_right": 1.01}', encoding="utf-8")
    run = evaluate(str(few), "--index", str(index), "--floors", str(floors))
    assert run.returncode == 1
    assert "answerable_right" in run.stderr


@pytest.mark.parametrize("content", ["", "no json\n", '{"id": "a"}\n'])
def test_without_usable_questions_nothing_is_measured(
    index: Path, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(content, encoding="utf-8")
    run = evaluate(str(file), "--index", str(index))
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
