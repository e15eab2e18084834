"""Measures start-up, time a question and memory on this machine, all in one run.

What is compared with something is compared within the run: a plain loop of sentence-transformers
and FAISS over the same passages with the same encoder is measured beside the program. A figure of
one machine says little on another; a ratio of one run says more.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

QUESTIONS = REPOSITORY / "tests" / "questions" / "briefing.jsonl"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
WARM_UP = 5
START_SECONDS_MAX = 120

BUDGETS = {
    "ask_start_to_answer_ms": 1_000.0,
    "question_median_ms": 150.0,
    "question_95th_percentile_ms": 300.0,
    "serve_start_to_page_ms": 3_000.0,
    "serve_start_to_answer_ms": 3_000.0,
    "serve_resident_mb": 600.0,
}
"""What the design promises, on two cores."""


class BenchmarkFailed(Exception):
    """A part of the program that is measured did not work."""


@dataclass(frozen=True)
class Asked:
    """A question with the earlier ones of its conversation."""

    question: str
    history: tuple[str, ...]


def read_questions(file: Path) -> list[Asked]:
    """Read the questions of a JSON-lines file, without the part that is set aside."""
    questions = []
    for line in file.read_text(encoding="utf-8").splitlines():
        given = json.loads(line) if line.strip() else {"part": "set_aside"}
        if given.get("part") != "set_aside":
            questions.append(Asked(given["question"], tuple(given.get("history", ()))))
    return questions


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile: the least value that ``share`` of them don't exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def machine() -> dict[str, object]:
    """Describe this machine, without its name."""
    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        match = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        processor = match.group(1) if match else processor
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "load_average_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def resident_mb(process: int) -> float:
    """Return the resident memory of a process in MB (10⁶ bytes)."""
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
        match = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
        if match:
            return int(match.group(1)) * 1024 / 1e6
    ps = shutil.which("ps")
    if ps is None:
        raise BenchmarkFailed("neither /proc nor ps tells the memory of a process")
    told = subprocess.run(
        [ps, "-o", "rss=", "-p", str(process)], capture_output=True, text=True, check=True
    )
    return int(told.stdout) * 1024 / 1e6


def in_child(part: str, *arguments: str) -> dict[str, Any]:
    """Run a part of this script in a process of its own, on one thread; return what it printed."""
    command = [sys.executable, str(Path(__file__).resolve()), "--part", part, *arguments]
    outcome = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **ONE_THREAD}, check=False
    )
    if outcome.returncode:
        said = outcome.stderr.strip().splitlines() or ["no message"]
        raise BenchmarkFailed(f"{part} failed: {said[-1]}")
    printed: dict[str, Any] = json.loads(outcome.stdout.splitlines()[-1])
    return printed


# ── the parts, each in a process of its own ──────────────────────────────────────────────────────


def measure_questions(index_folder: Path, questions: Sequence[Asked]) -> dict[str, object]:
    """Ask every question once and time each."""
    from app.assistant import Assistant
    from app.settings import Settings

    assistant = Assistant.open(Settings(index_folder=index_folder))
    for asked in questions[:WARM_UP]:
        assistant.ask(asked.question, history=asked.history)
    milliseconds = []
    kinds: dict[str, int] = {}
    for asked in questions[WARM_UP:]:
        started = time.perf_counter()
        reply = assistant.ask(asked.question, history=asked.history)
        milliseconds.append((time.perf_counter() - started) * 1000)
        kinds[reply.kind] = kinds.get(reply.kind, 0) + 1
    summaries = assistant.retriever.documents()
    return {
        "collection": {
            "index_id": assistant.retriever.index_id,
            "documents": len(summaries),
            "passages": sum(summary.passages for summary in summaries),
        },
        "questions": len(milliseconds),
        "kinds": kinds,
        "median_ms": statistics.median(milliseconds),
        "95th_percentile_ms": percentile(milliseconds, 0.95),
        "greatest_ms": max(milliseconds),
        "resident_mb": resident_mb(os.getpid()),
        "torch_is_loaded": "torch" in sys.modules,
    }


def measure_plain_loop(index_folder: Path, questions: Sequence[Asked]) -> dict[str, object]:
    """Search the same passages with sentence-transformers and FAISS alone, nothing read or checked.

    This is retrieval only: less than the program does for a question, by the usual means.
    """
    import faiss
    from sentence_transformers import SentenceTransformer

    from app.settings import Settings
    from index import Retriever

    settings = Settings(index_folder=index_folder)
    retriever = Retriever.open(index_folder, settings.models_folder)
    passages = [
        passage.text
        for summary in retriever.documents()
        for passage in retriever.passages_of(summary.document_id)
    ]
    facts = retriever.models.manifest.facts(retriever.models.manifest.encoder)
    model = SentenceTransformer(str(settings.models_folder / facts.folder), device="cpu")
    vectors = model.encode(
        [facts.passage_prefix + text for text in passages], normalize_embeddings=True
    )
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    milliseconds = []
    for asked in questions:
        started = time.perf_counter()
        query = model.encode([facts.query_prefix + asked.question], normalize_embeddings=True)
        flat.search(query, 10)
        milliseconds.append((time.perf_counter() - started) * 1000)
    timed = milliseconds[WARM_UP:]
    return {
        "questions": len(timed),
        "median_ms": statistics.median(timed),
        "95th_percentile_ms": percentile(timed, 0.95),
        "resident_mb": resident_mb(os.getpid()),
    }


def measure_plain_start(models_folder: Path, encoder_folder: str, question: str) -> int:
    """Make one vector with sentence-transformers; the caller times the whole process."""
    from sentence_transformers import SentenceTransformer

    SentenceTransformer(str(models_folder / encoder_folder), device="cpu").encode([question])
    return 0


# ── whole processes, timed from outside ──────────────────────────────────────────────────────────


def time_process(command: Sequence[str], runs: int) -> list[float]:
    """Return the milliseconds that a command takes from start to end, one untimed run before."""
    milliseconds = []
    for run in range(runs + 1):
        started = time.perf_counter()
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
        if outcome.returncode:
            said = outcome.stderr.strip().splitlines() or ["no message"]
            raise BenchmarkFailed(f"{Path(command[1]).name} failed: {said[-1]}")
        if run:
            milliseconds.append((time.perf_counter() - started) * 1000)
    return milliseconds


@contextlib.contextmanager
def running_server(index_folder: Path) -> Iterator[tuple[int, str, float]]:
    """Start serve.py on a free port; yield process, address, and the moment of the start."""
    command = [sys.executable, str(REPOSITORY / "scripts" / "serve.py"), "--port", "0"]
    started = time.perf_counter()
    with subprocess.Popen(
        [*command, "--index", str(index_folder)], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            said = ""
            for line in process.stderr:
                said = line.strip() or said
                address = re.search(r"http://\S+?(?=/(?:\s|$))", line)
                if address:
                    # What it logs has to be taken away, or it waits once the pipe is full.
                    threading.Thread(target=deque, args=(process.stderr, 0), daemon=True).start()
                    yield process.pid, address.group(), started
                    return
            raise BenchmarkFailed(f"serve.py did not start: {said}")
        finally:
            process.terminate()


def fetch(url: str, asked: Asked | None = None) -> bytes:
    """Return what a URL of the server gives; with a question, ask it."""
    body = None
    if asked is not None:
        body = json.dumps({"question": asked.question, "history": asked.history}).encode()
    request = urllib.request.Request(  # noqa: S310  the address is our own server's
        url, body, {"Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=START_SECONDS_MAX) as response:
        content: bytes = response.read()
    return content


def measure_server(
    index_folder: Path, questions: Sequence[Asked], asked_in_all: int, runs: int
) -> dict[str, object]:
    """Start the server several times; in the last one ask many questions and watch its memory."""
    pages, answers = [], []
    memory: dict[str, float] = {}
    for run in range(runs + 1):
        with running_server(index_folder) as (process, address, started):
            fetch(f"{address}/en/")
            page = time.perf_counter()
            fetch(f"{address}/api/ask", questions[0])
            answer = time.perf_counter()
            if run:
                pages.append((page - started) * 1000)
                answers.append((answer - started) * 1000)
            if run == runs:
                quarter = max(1, asked_in_all // 4)
                for number in range(asked_in_all):
                    fetch(f"{address}/api/ask", questions[number % len(questions)])
                    if number + 1 == quarter:
                        memory["resident_mb_after_a_quarter"] = resident_mb(process)
                memory["resident_mb"] = resident_mb(process)
    return {
        "runs": runs,
        "start_to_page_ms": statistics.median(pages),
        "start_to_answer_ms": statistics.median(answers),
        "questions_asked": asked_in_all,
        **memory,
    }


def measure(index_folder: Path, file: Path, asked_in_all: int, runs: int) -> dict[str, Any]:
    """Measure everything; return the document that is written."""
    from app.settings import Settings
    from index.models import read_manifest

    questions = read_questions(file)
    if len(questions) <= WARM_UP:
        raise BenchmarkFailed(f"{file} holds {len(questions)} questions; {WARM_UP + 1} are needed")
    _say(f"ask.py, {runs} starts")
    ask = [sys.executable, str(REPOSITORY / "scripts" / "ask.py"), questions[0].question, "--json"]
    ask_ms = time_process([*ask, "--index", str(index_folder)], runs)
    _say(f"{len(questions)} questions on one thread")
    here = ["--index", str(index_folder), "--questions", str(file)]
    asked = in_child("questions", *here)
    _say(f"serve.py, {runs} starts and {asked_in_all} questions")
    server = measure_server(index_folder, questions, asked_in_all, runs)
    _say("sentence-transformers and FAISS alone")
    manifest = read_manifest(Settings().models_folder)
    plain_start = [sys.executable, str(Path(__file__).resolve()), "--part", "plain-start"]
    plain_start += ["--encoder-folder", manifest.facts(manifest.encoder).folder]
    plain_ms = time_process(plain_start, max(1, runs // 2))
    plain = in_child("plain-loop", *here)
    return {
        "machine": machine(),
        "collection": asked.pop("collection"),
        "ask": {"runs": runs, "start_to_answer_ms": statistics.median(ask_ms)},
        "questions_on_one_thread": asked,
        "server": server,
        "plain_loop": {"start_to_first_vector_ms": statistics.median(plain_ms), **plain},
        "ratios": {
            "ask_start_to_plain_start": statistics.median(ask_ms) / statistics.median(plain_ms),
            "question_to_plain_search": asked["median_ms"] / plain["median_ms"],
            "question_memory_to_plain_memory": asked["resident_mb"] / plain["resident_mb"],
        },
    }


def over_budget(measured: dict[str, Any]) -> list[str]:
    """Return a sentence for every budget that is exceeded."""
    found = {
        "ask_start_to_answer_ms": measured["ask"]["start_to_answer_ms"],
        "question_median_ms": measured["questions_on_one_thread"]["median_ms"],
        "question_95th_percentile_ms": measured["questions_on_one_thread"]["95th_percentile_ms"],
        "serve_start_to_page_ms": measured["server"]["start_to_page_ms"],
        "serve_start_to_answer_ms": measured["server"]["start_to_answer_ms"],
        "serve_resident_mb": measured["server"]["resident_mb"],
    }
    return [
        f"{name} is {found[name]:.0f}, the budget {budget:.0f}"
        for name, budget in BUDGETS.items()
        if found[name] > budget
    ]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 2 if abs(value) < 10 else 1)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return value


def _say(part: str) -> None:
    print(f"measuring {part}", file=sys.stderr, flush=True)


def _print_table(measured: dict[str, Any]) -> None:
    for part, values in measured.items():
        if isinstance(values, dict):
            print(part)
            for name, value in values.items():
                print(f"  {name:<34} {value}")


def main(arguments: list[str] | None = None) -> int:
    """Measure; return 0, 1 when a budget is exceeded, 2 when something could not be measured."""
    parser = argparse.ArgumentParser(
        description="Measure start-up, time a question and memory, beside a plain loop of "
        "sentence-transformers and FAISS over the same passages."
    )
    var = REPOSITORY / "var"
    parser.add_argument("--index", metavar="DIR", type=Path, default=var / "index")
    parser.add_argument("--questions", metavar="FILE", type=Path, default=QUESTIONS)
    parser.add_argument("--asked", metavar="N", type=int, default=2_000, help="of the server")
    parser.add_argument("--runs", metavar="N", type=int, default=5, help="starts of each program")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the figures there")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON line")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--encoder-folder", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.part:
        return _run_part(options)
    if options.runs < 1 or options.asked < 1:
        parser.error("--runs and --asked have to be at least 1")
    given = sys.argv[1:] if arguments is None else arguments
    try:
        measured = measure(options.index, options.questions, options.asked, options.runs)
    except (BenchmarkFailed, OSError, ValueError) as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 2
    exceeded = over_budget(measured)
    document = {
        "command": shlex.join(["python", "scripts/benchmark.py", *given]),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        **_rounded(measured),
        "budgets": BUDGETS,
        "over_budget": exceeded,
    }
    if options.output:
        options.output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if options.json:
        print(json.dumps(document))
    else:
        _print_table(document)
    for sentence in exceeded:
        print(f"benchmark: {sentence}", file=sys.stderr)
    return 1 if exceeded else 0


def _run_part(options: argparse.Namespace) -> int:
    from app.settings import Settings

    if options.part == "plain-start":
        return measure_plain_start(Settings().models_folder, options.encoder_folder, "A question?")
    questions = read_questions(options.questions)
    if options.part == "questions":
        print(json.dumps(measure_questions(options.index, questions)))
    else:
        print(json.dumps(measure_plain_loop(options.index, questions)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
