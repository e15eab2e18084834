"""benchmark_load.py asks a real server, and reckons rightly."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts import benchmark_load
from scripts.benchmark import Asked, BenchmarkFailed
from scripts.benchmark_load import Askers, Outcome, page_of, shortcomings, summary
from tests.running import App
from tests.serving import REPOSITORY


def measured(**parts: Any) -> dict[str, Any]:
    part = {"refused": {"busy": 3}}
    memory = {"resident_mb_after": [(0, 300.0), (500, 310.0), (2_000, 312.0)]}
    return {"load": part, "crowd": part, "memory": memory, "failures": [],
            "answers_afterwards": True, **parts}  # fmt: skip


def test_answers_are_counted_apart_from_refusals() -> None:
    outcomes = [Outcome(0.1, 200, ""), Outcome(0.3, 200, ""), Outcome(0.2, 200, ""),
                Outcome(0.001, 503, "busy")]  # fmt: skip
    found = summary(outcomes, seconds=2.0)
    assert found["answered"] == 3
    assert found["answers_per_second"] == 3 / 2.0
    assert found["share_busy"] == 1 / 4
    assert found["refused"] == {"busy": 1}
    assert found["waited_ms"] == {"median": 200, "95th": 300, "99th": 300, "longest": 300}


def test_no_answer_at_all_is_no_measurement() -> None:
    with pytest.raises(BenchmarkFailed, match="not one question"):
        summary([Outcome(0.1, 503, "busy")], seconds=1.0)


def test_busy_is_no_shortcoming_and_everything_else_is() -> None:
    assert shortcomings(measured()) == []
    refused = {"refused": {"busy": 3, "internal_error": 2}}
    assert "internal_error" in shortcomings(measured(crowd=refused))[0]
    grown = {"resident_mb_after": [(0, 300.0), (500, 310.0), (2_000, 331.0)]}
    assert "grew by 21 MB" in shortcomings(measured(memory=grown))[0]
    assert len(shortcomings(measured(failures=["OSError: gone"], answers_afterwards=False))) == 2


def test_a_real_server_is_asked_by_several_at_once_until_it_is_enough() -> None:
    with App() as app:
        askers = Askers(app.url, [Asked("Hello!", ()), Asked("Thank you!", ())])
        assert askers.ask(4, lambda: askers.answered >= 20) > 0
    assert askers.failures == []
    assert 20 <= askers.answered < 20 + 4


def test_a_server_that_is_gone_is_a_failure_and_no_figure() -> None:
    with App() as app:
        url = app.url
    askers = Askers(url, [Asked("Hello!", ())])
    askers.ask(2, lambda: False)
    assert askers.answered == 0
    assert len(askers.failures) == 2


def test_the_page_that_is_shipped_is_that_of_the_figures() -> None:
    results = REPOSITORY / "docs" / "results"
    figures = json.loads((results / "load.json").read_text(encoding="utf-8"))
    assert page_of(figures) == (results / "load.md").read_text(encoding="utf-8")
    assert figures["shortcomings"] == shortcomings(figures) == []
    assert figures["load"]["askers"] == 32
    assert figures["load"]["seconds"] >= 60
    assert figures["memory"]["answered"] >= 2_000


def test_without_questions_nothing_is_measured(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text("", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(Path(benchmark_load.__file__)), "--questions", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "holds no question" in done.stderr
