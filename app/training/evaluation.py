"""Reads the sets that only measure, with a released reader, and reports its figures and speed."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from tqdm import tqdm

from app.training.metrics import Scored, Summary, best_threshold, score_reading, summarise
from app.training.questions import CALIBRATING_FILE, Question, read_questions
from app.training.reading import read_question
from index import SpanReader

QUESTIONS_AT_ONCE: Final = 2
"""The reader runs two contexts at a time, each on a core. All but 2 % of the time is spent there,
outside Python's lock."""


def measuring_sets(data: Path) -> dict[str, list[Question]]:
    """Read the sets that only measure; "xquad-ru-en" asks in Russian of the English paragraph."""
    english, russian = (
        read_questions(data / "xquad.heldout.jsonl.gz", language) for language in ("en", "ru")
    )
    asked = {question.id: question.question for question in russian}
    return {
        "squad2-heldout": read_questions(data / "squad2-dev.heldout-half.jsonl.gz"),
        "xquad-en": english,
        "xquad-ru": russian,
        "xquad-ru-en": [replace(each, question=asked[each.id]) for each in english],
        "nyt": read_questions(data / "measure-nyt-3000.jsonl.gz"),
        "clapnq": read_questions(data / "clapnq.jsonl.gz"),
        "kazqad": read_questions(data / "kazqad.jsonl.gz"),
        "tatqa": read_questions(data / "tatqa.jsonl.gz"),
    }


def read_and_score(questions: Sequence[Question], reader: SpanReader) -> list[Scored]:
    """Read every question's context, several at once; the results are in the questions' order."""

    def scored(question: Question) -> Scored:
        return score_reading(question, read_question(question, reader))

    with ThreadPoolExecutor(QUESTIONS_AT_ONCE) as threads:
        done = threads.map(scored, questions)
        return list(tqdm(done, total=len(questions), disable=None))


def reading_milliseconds(reader: SpanReader, repeats: int = 20) -> dict[str, float]:
    """Time a question on five passages of 120 tokens, question included, as it is asked."""
    passage = " ".join(["The committee of the port met on Monday and agreed a new plan ."] * 12)
    (logits,) = reader.read(["Who met on Monday?"], [passage], [0])
    passage = passage[: int(logits.offsets[111, 1])]  # 112 tokens, and 8 of question and marks
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        reader.read(["Who met on Monday?"] * 5, [passage] * 5, [0] * 5)
        times.append(1000 * (time.perf_counter() - started))
    return {"median": round(float(np.median(times)), 1), "least": round(min(times), 1)}


def measure(
    models_folder: Path,
    reader_file: Path,
    data: Path,
    *,
    threshold: float | None,
    only: Sequence[str],
    sample: int,
    seed: int,
    report_file: Path | None,
) -> Summary:
    """Measure a reader on every set at one threshold, which the calibration set chooses.

    A ``threshold`` that is given stands in its place. ``only`` names the sets to measure, () all;
    ``sample`` is how many questions of each, 0 all.
    """
    reader = SpanReader.open(models_folder, reader_file)
    sets: dict[str, Summary] = {}
    if threshold is None:
        calibration = read_and_score(read_questions(data / CALIBRATING_FILE), reader)
        threshold = round(best_threshold(calibration), 4)
        sets["squad2-calibrate"] = summarise(calibration, threshold)
    report: Summary = {
        "reader_sha256": hashlib.sha256(reader_file.read_bytes()).hexdigest(),
        "threshold": threshold,
        "five_passages_of_120_tokens_milliseconds": reading_milliseconds(reader),
        "sets": sets,
    }
    for name, questions in measuring_sets(data).items():
        if only and name not in only:
            continue
        count = min(sample or len(questions), len(questions))
        drawn = random.Random(seed).sample(questions, count)
        sets[name] = summarise(read_and_score(drawn, reader), threshold)
        if report_file:  # written after each set: all of them take a quarter of an hour
            report_file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report
