from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.calibration import load_calibration
from app.settings import REPOSITORY
from app.turns import FOLLOW_UPS_FILE
from app.types import TurnFeatures

CITIES = ("Aldra", "Brina", "Corvo", "Delmar")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two collections about two bridges each, with follow-ups, a third of them without an answer;
    the last changes the subject and says so.
    """
    made = []
    for name, cities in (("north", CITIES[:2]), ("south", CITIES[2:])):
        (tmp_path / name).mkdir()
        lines = []
        for at, city in enumerate(cities):
            span, year = f"{700 + at} metres", f"{1950 + at}"
            text = f"The bridge of {city} is {span} long. It was opened in {year}.\n"
            (tmp_path / name / f"{city}.md").write_text(f"# {city}\n\n{text}", encoding="utf-8")
            for question, evidence in (
                ("When was it opened?", [f"opened in {year}"]),
                ("who painted it", []),
                (f"How long is the bridge of {cities[at - 1]}?", ["metres long"]),
            ):
                line = {"id": question, "question": question, "language": "en", "kind": "fact"}
                asked = {"answerable": bool(evidence), "evidence": evidence}
                lines.append({**line, **asked, "history": [f"How long is the bridge of {city}?"]})
        made.append(tmp_path / f"{name}.jsonl")
        made[-1].write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return made


def calibrate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    script = REPOSITORY / "scripts" / "calibrate_follow_ups.py"
    return subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_fitted_on_a_few_follow_ups_can_be_loaded_and_says_what_it_is(
    tmp_path: Path, files: list[Path]
) -> None:
    output = tmp_path / "follow_ups.json"
    run = calibrate(*files, "--documents", tmp_path, "--output", output)
    assert run.returncode == 0, run.stderr
    fitted = load_calibration(output)
    assert fitted.command == "python scripts/calibrate_follow_ups.py north.jsonl south.jsonl"
    assert tuple(fitted.weights) == tuple(TurnFeatures.model_fields)
    assert fitted.questions == 8  # what names a city stands alone
    assert "risk 0.36: threshold" in run.stdout


def test_one_file_can_not_be_judged_by_others(tmp_path: Path, files: list[Path]) -> None:
    output = tmp_path / "follow_ups.json"
    run = calibrate(files[0], "--documents", tmp_path, "--output", output)
    assert run.returncode == 2
    assert "give two files" in run.stderr
    assert not output.exists()


def test_what_is_shipped_weighs_every_feature() -> None:
    shipped = load_calibration(FOLLOW_UPS_FILE)
    assert tuple(shipped.weights) == tuple(TurnFeatures.model_fields)
    assert 0.0 < shipped.threshold(0.36) < 1.0
    assert shipped.threshold(0.2) > shipped.threshold(0.36)
