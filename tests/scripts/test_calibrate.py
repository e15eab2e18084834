from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.calibration import load_calibration
from app.settings import REPOSITORY

CITIES = ("Aldra", "Brina", "Corvo", "Delmar", "Estval", "Fenwick")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two collections about three bridges each, with questions in two languages, half of which
    the documents don't answer.
    """
    made = []
    for name, cities in (("north", CITIES[:3]), ("south", CITIES[3:])):
        (tmp_path / name).mkdir()
        lines = []
        for at, city in enumerate(cities):
            span = f"{700 + at} metres"
            text = f"The bridge of {city} is {span} long. It was opened in {1950 + at}.\n"
            (tmp_path / name / f"{city}.md").write_text(f"# {city}\n\n{text}", encoding="utf-8")
            for question, language, answerable in (
                (f"How long is the bridge of {city}?", "en", True),
                (f"Who painted the bridge of {city}?", "en", False),
                (f"Какова длина моста {city}?", "ru", True),
                (f"Кто покрасил мост {city}?", "ru", False),
            ):
                line = {"id": question, "question": question, "language": language, "kind": "fact"}
                evidence = [f"{span} long"] if answerable else []
                lines.append({**line, "answerable": answerable, "evidence": evidence})
        made.append(tmp_path / f"{name}.jsonl")
        made[-1].write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return made


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Two passages of our own, with a question that each answers and one that it doesn't."""
    lines = []
    for city in ("Gorse", "Holm"):
        text = f"Town guide: {city} > Bridge\nThe bridge of {city} is 640 metres long."
        start = text.index("640")
        shared = {"language": "en", "kind": "how_much"}
        questions = [
            {**shared, "question": "How long is the bridge?", "start": start, "end": start + 10},
            {**shared, "question": "How many cars use it?", "start": None, "end": None},
        ]
        line = {"own": text, "language": "en", "part": "train", "questions": questions}
        lines.append(json.dumps(line))
    file = tmp_path / "written.jsonl"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def calibrate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts" / "calibrate.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_calibration_fitted_on_a_few_questions_can_be_loaded_and_says_what_it_is(
    tmp_path: Path, files: list[Path], written: Path
) -> None:
    output = tmp_path / "calibration.json"
    given = ("--documents", tmp_path, "--written", written, "--output", output)
    run = calibrate(*files, *given)
    assert run.returncode == 0, run.stderr
    fitted = load_calibration(output)
    assert fitted.command == (
        "python scripts/calibrate.py north.jsonl south.jsonl --written written.jsonl"
    )
    assert fitted.questions == 24
    # more support over "no answer" never makes an answer less probable
    assert fitted.weights["support"].weight > 0
    assert len(fitted.hidden) == 768
    assert any(fitted.hidden)
    assert 0.0 < fitted.curve[-1].coverage <= 1.0


@pytest.mark.parametrize("arguments", [("nowhere.jsonl", "nothing.jsonl"), ("nowhere.jsonl",)])
def test_without_questions_nothing_is_written(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    output = tmp_path / "calibration.json"
    run = calibrate(*arguments, "--output", output)
    assert run.returncode == 2
    assert "Nothing was written" in run.stderr
    assert not output.exists()
