"""benchmark.py reckons rightly; what it measures is no matter for a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import benchmark


def test_a_percentile_is_a_value_that_was_measured() -> None:
    hundred = list(range(1, 101))
    assert benchmark.percentile(hundred, 0.95) == 95
    assert benchmark.percentile(hundred, 0.5) == 50
    assert benchmark.percentile([3.0, 1.0, 2.0], 1.0) == 3.0
    assert benchmark.percentile([7.0], 0.95) == 7.0


def test_the_part_that_is_set_aside_is_never_asked(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    lines = [
        {"question": "One?", "history": ["Before?"], "part": "development"},
        {"question": "Two?", "part": "set_aside"},
        {"question": "Three?"},
    ]
    file.write_text("\n".join(json.dumps(line) for line in lines) + "\n\n", encoding="utf-8")
    assert benchmark.read_questions(file) == [
        benchmark.Asked("One?", ("Before?",)),
        benchmark.Asked("Three?", ()),
    ]


def test_every_exceeded_budget_is_named_and_no_other() -> None:
    measured = {
        "ask": {"start_to_answer_ms": 1_001.0},
        "questions_on_one_thread": {"median_ms": 150.0, "95th_percentile_ms": 299.0},
        "server": {
            "start_to_page_ms": 2_000.0,
            "start_to_answer_ms": 3_500.0,
            "resident_mb": 599.0,
        },
    }
    named = [sentence.split()[0] for sentence in benchmark.over_budget(measured)]
    assert named == ["ask_start_to_answer_ms", "serve_start_to_answer_ms"]


def test_memory_is_that_of_the_process_in_megabytes() -> None:
    block = bytearray(os.urandom(1) * 50_000_000)
    with_block = benchmark.resident_mb(os.getpid())
    del block
    assert 50 < with_block < 100_000


def test_a_command_that_fails_is_no_measurement() -> None:
    with pytest.raises(benchmark.BenchmarkFailed, match="no such thing"):
        benchmark.time_process(
            [sys.executable, "-c", "import sys; sys.exit('no such thing')"], runs=1
        )


def test_too_few_questions_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text('{"question": "One?"}\n', encoding="utf-8")
    script = Path(benchmark.__file__)
    outcome = subprocess.run(
        [sys.executable, str(script), "--questions", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert outcome.returncode == 2
    assert "holds 1 questions" in outcome.stderr
