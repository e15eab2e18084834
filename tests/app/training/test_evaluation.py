"""Claims about measuring, with the reader that is shipped."""

from __future__ import annotations

import json
from pathlib import Path

from app.settings import READER_FILE, Settings
from app.training.evaluation import measure, read_and_score
from app.training.metrics import score_reading
from app.training.reading import read_question
from index import SpanReader
from tests.app.training.conftest import MILL, PORT, asked, write_measuring_files

MODELS = Settings().models_folder
QUESTIONS = [
    asked("Who opened the port?", "Anna Reed"),
    asked("When was the mill built?", "1820", MILL),
    asked("What did the port cost?", "40 million crowns"),
    asked("Who painted the port?"),
    asked("Who closed the port?", "Boris Lund", PORT * 20),  # in pieces
    asked("How many tools are shown?", "300", MILL),
    asked("Кто закрыл порт?", "Boris Lund"),
]


def test_several_questions_at_once_score_as_one_after_another_and_in_order() -> None:
    reader = SpanReader.open(MODELS, READER_FILE)
    one_by_one = [score_reading(each, read_question(each, reader)) for each in QUESTIONS]
    assert read_and_score(QUESTIONS, reader) == one_by_one
    assert len({each.score for each in one_by_one}) == len(QUESTIONS)


def test_every_set_is_measured_at_the_threshold_that_calibration_chose(tmp_path: Path) -> None:
    write_measuring_files(tmp_path)
    report_file = tmp_path / "report.json"
    report = measure(
        MODELS,
        READER_FILE,
        tmp_path,
        threshold=None,
        only=(),
        sample=0,
        seed=1,
        report_file=report_file,
    )
    assert json.loads(report_file.read_text(encoding="utf-8")) == report
    assert set(report["sets"]) == {
        "squad2-calibrate", "squad2-heldout", "xquad-en", "xquad-ru", "xquad-ru-en", "nyt",
        "clapnq", "kazqad", "tatqa",
    }  # fmt: skip
    calibrated = report["sets"]["squad2-calibrate"]
    assert calibrated["at_threshold"] == calibrated["at_best_threshold"]
    used = {figures["at_threshold"]["threshold"] for figures in report["sets"].values()}
    assert used == {report["threshold"]}
    assert report["sets"]["nyt"]["questions"] == 4
    assert report["sets"]["xquad-ru-en"]["questions"] == 2
