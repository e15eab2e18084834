from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from app.calibration import load_calibrations
from app.settings import REPOSITORY


def test_a_calibration_fitted_on_a_few_questions_can_be_loaded_and_says_what_it_is(
    tmp_path: Path,
) -> None:
    cities = ["Aldra", "Brina", "Corvo", "Delmar", "Estval", "Fenwick"]
    rows = []
    for at, city in enumerate(cities):
        text = f"The bridge of {city} is {700 + at} metres long. It was opened in {1950 + at}."
        span = f"{700 + at} metres"
        rows += [
            {
                "question": f"How long is the bridge of {city}?",
                "context": text,
                "answers": [{"text": span, "start": text.index(span)}],
                "is_impossible": False,
            },
            {
                "question": f"Who painted the bridge of {city}?",
                "context": text,
                "answers": [],
                "is_impossible": True,
            },
            {
                "question": f"Какова длина моста {city}?",
                "context": text,
                "answers": [{"text": span, "start": text.index(span)}],
                "is_impossible": False,
            },
            {
                "question": f"Кто покрасил мост {city}?",
                "context": text,
                "answers": [],
                "is_impossible": True,
            },
        ]
    questions = tmp_path / "questions.jsonl"
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    output = tmp_path / "calibration.json"
    run = subprocess.run(
        [
            sys.executable,
            str(REPOSITORY / "scripts" / "calibrate.py"),
            str(questions),
            "--output",
            str(output),
            "--folds",
            "2",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    fitted = load_calibrations(output)
    # half of the questions are in the language of their passage, half in another
    assert fitted.spans.questions == fitted.foreign_spans.questions == len(rows) // 2
    # a wider margin over "no answer" never makes an answer less probable
    assert fitted.spans.weights["margin"].weight > 0
