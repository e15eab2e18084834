from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.calibration import load_calibrations
from app.settings import REPOSITORY
from app.training.written import read_passages
from tests.app.training.conftest import row, write_rows


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    """Questions in two languages about six bridges, half of which their text doesn't answer."""
    made = []
    for at, city in enumerate(["Aldra", "Brina", "Corvo", "Delmar", "Estval", "Fenwick"]):
        text = f"The bridge of {city} is {700 + at} metres long. It was opened in {1950 + at}."
        span = f"{700 + at} metres"
        made += [
            row(f"{city} 1", f"How long is the bridge of {city}?", span, text),
            row(f"{city} 2", f"Who painted the bridge of {city}?", None, text),
            row(f"{city} 3", f"Какова длина моста {city}?", span, text),
            row(f"{city} 4", f"Кто покрасил мост {city}?", None, text),
        ]
    return made


def calibrate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts" / "calibrate.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_calibration_fitted_on_a_few_questions_can_be_loaded_and_says_what_it_is(
    tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    questions, output = tmp_path / "questions.jsonl", tmp_path / "calibration.json"
    write_rows(questions, rows)
    run = calibrate(questions, "--output", output, "--folds", "2")
    assert run.returncode == 0, run.stderr
    fitted = load_calibrations(output)
    assert fitted.spans.command == "python scripts/calibrate.py questions.jsonl"
    # half of the questions are in the language of their passage, half in another
    assert fitted.spans.questions == fitted.foreign_spans.questions == len(rows) // 2
    # a wider margin over "no answer" never makes an answer less probable
    assert fitted.spans.weights["margin"].weight > 0


def test_a_folder_of_data_gives_its_calibration_set_and_the_written_questions_set_aside(
    tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    write_rows(tmp_path / "squad2-dev.calibrate.jsonl.gz", rows)
    passages = [each for each in read_passages() if each.part == "calibrate"]
    for name in {each.file for each in passages if each.file}:
        ids = sorted({number for each in passages if each.file == name for number in each.ids})
        text = "On this day the council met again and spoke of the harbour and its boats. " * 20
        texts = dict.fromkeys(("en", "ru", "kk", "context"), text)
        write_rows(tmp_path / f"{name}.jsonl.gz", [{"id": number, **texts} for number in ids])
    output = tmp_path / "calibration.json"
    run = calibrate("--data", tmp_path, "--limit", "24", "--output", output, "--folds", "2")
    assert run.returncode == 0, run.stderr
    fitted = load_calibrations(output)
    # The limit holds for each of three: SQuAD's, and ours about its passages and about our own.
    assert fitted.spans.questions + fitted.foreign_spans.questions == len(rows) + 2 * 24
    assert fitted.spans.command == "python scripts/calibrate.py --data DIR"


@pytest.mark.parametrize("arguments", [(), ("--data", "nowhere"), ("nowhere.jsonl",)])
def test_without_questions_nothing_is_written(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    output = tmp_path / "calibration.json"
    run = calibrate(*arguments, "--output", output)
    assert run.returncode == 2
    assert not output.exists()
