"""benchmark_index.py gives everybody the same passages and reckons rightly who is ahead."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from index import Models
from scripts import benchmark_index
from scripts.benchmark import BenchmarkFailed

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def models() -> Models:
    return Models.open(REPOSITORY / "var" / "models")


def read(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_the_corpus_is_the_same_each_time_and_of_our_own_sentences(
    tmp_path: Path, models: Models
) -> None:
    benchmark_index.write_corpus(tmp_path / "one", 40, models)
    benchmark_index.write_corpus(tmp_path / "other", 40, models)
    assert read(tmp_path / "one") == read(tmp_path / "other")
    assert len(read(tmp_path / "one")) == 4
    sentences = benchmark_index.owned_sentences()
    assert len(sentences) > 100
    texts = " ".join(
        " ".join(file.read_text("utf-8").split())
        for pattern in benchmark_index.TEXTS
        for file in REPOSITORY.glob(pattern)
    )
    assert all(sentence in texts for sentence in sentences)


def test_a_section_is_one_passage_and_no_two_passages_are_the_same(
    tmp_path: Path, models: Models
) -> None:
    benchmark_index.write_corpus(tmp_path / "corpus", 40, models)
    script = REPOSITORY / "scripts" / "build_index.py"
    built = benchmark_index.run(
        [sys.executable, script, tmp_path / "corpus", "--index", tmp_path / "index", "--json"]
    )
    assert json.loads(built.printed)["passages"] == 40
    file = tmp_path / "passages.jsonl"
    count = benchmark_index.write_passages(tmp_path / "index", models.folder, file)
    lines = file.read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert count == len(rows) == len({row["text"] for row in rows}) == 40
    assert len({row["id"] for row in rows}) == 40


def test_one_file_is_changed_and_keeps_its_passages(tmp_path: Path, models: Models) -> None:
    benchmark_index.write_corpus(tmp_path / "corpus", 40, models)
    before = read(tmp_path / "corpus")
    name = benchmark_index.change_one_file(tmp_path / "corpus")
    after = read(tmp_path / "corpus")
    assert [each for each in after if after[each] != before[each]] == [name]
    assert after[name].count(b"## ") == before[name].count(b"## ")


def test_a_process_is_measured_with_those_it_starts(tmp_path: Path) -> None:
    burn = "sum(range(10**7)); x = bytearray(200_000_000)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}]); print(7)"
    cost = benchmark_index.run([sys.executable, "-c", program])
    assert cost.printed == "7"
    assert cost.seconds > 0
    assert cost.cpu_seconds > 0.1
    assert cost.peak_mb > 5
    with pytest.raises(BenchmarkFailed, match="no such thing"):
        benchmark_index.run([sys.executable, "-c", "import sys; sys.exit('no such thing')"])


def test_every_figure_in_which_a_peer_is_ahead_is_named_and_no_other() -> None:
    def program(**figures: float) -> dict[str, Any]:
        return dict.fromkeys(benchmark_index.COMPARED, 10.0) | figures

    measured = {
        "briefing_desk": program(embedded_per_cpu_second=20.0, question_median_ms=12.0),
        "langchain_faiss": program(embedded_per_cpu_second=25.0, question_median_ms=13.0),
        "txtai_hybrid": program(embedded_per_cpu_second=15.0, question_median_ms=11.0),
    }
    assert benchmark_index.behind(measured) == [
        "embedded_per_cpu_second is 20.0, that of LangChain + FAISS 25.0",
        "question_median_ms is 12.0, that of txtai 11.0",
    ]
    del measured["txtai_hybrid"], measured["langchain_faiss"]
    assert benchmark_index.behind(measured) == []


@pytest.mark.parametrize("peer", benchmark_index.PEERS)
def test_every_peer_has_a_program(peer: str) -> None:
    program = benchmark_index.PEER_PROGRAMS / f"{peer}.py"
    compile(program.read_text("utf-8"), program.name, "exec")


def test_too_few_passages_are_refused() -> None:
    script = REPOSITORY / "scripts" / "benchmark_index.py"
    outcome = subprocess.run(
        [sys.executable, str(script), "--passages", "9"], capture_output=True, check=False
    )
    assert outcome.returncode == 2
