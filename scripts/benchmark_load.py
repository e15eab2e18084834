"""Measures a real server under many askers at once: questions a second, waiting, "busy", memory.

    python scripts/benchmark_load.py --output docs/results/load.json

Three parts, on one server: so many askers for so many seconds; then on until the server has
answered so many questions in all, its memory noted on the way; then more askers than the queue has
places. Askers share the cores with the server. Each waits as long as a "busy" reply says. With
``--output`` a page for people is written beside the figures.

Exit codes: 0 done, 1 an error other than "busy" came or memory grew, 2 nothing was measured.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import http.client
import itertools
import json
import shlex
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from scripts.benchmark import (  # noqa: E402  needs the path set above
    QUESTIONS,
    START_SECONDS_MAX,
    Asked,
    BenchmarkFailed,
    fetch,
    machine,
    percentile,
    read_questions,
    resident_mb,
    running_server,
)

MEMORY_STEP = 250
"""Memory is noted after every so many answers."""

SETTLED = 500
"""Answers after which memory has to stay: the caches of words are full by then."""

GROWTH_MB_MAX = 10.0
"""How much it may grow from there to the end."""

CROWD = 128
CROWD_SECONDS = 10.0
"""Twice the places of the queue: some have to be told "busy"."""

BUSY = 503


class Outcome(NamedTuple):
    """One request: how long its asker waited, and what came; ``code`` is empty for a reply."""

    seconds: float
    status: int
    code: str


class Askers:
    """Asks a server from many threads, each on a connection of its own, until it is enough."""

    def __init__(self, address: str, questions: Sequence[Asked]) -> None:
        self.outcomes: list[Outcome] = []
        self.failures: list[str] = []
        self._place = urlsplit(address)
        self._questions = itertools.cycle(questions)
        self._lock = threading.Lock()

    @property
    def answered(self) -> int:
        return sum(outcome.status == http.client.OK for outcome in self.outcomes)

    def ask(self, askers: int, is_enough: Callable[[], bool]) -> float:
        """Ask until ``is_enough`` says so; return the seconds that it took."""
        threads = [
            threading.Thread(target=self._ask_on, args=(is_enough,), daemon=True)
            for _ in range(askers)
        ]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - started

    def _ask_on(self, is_enough: Callable[[], bool]) -> None:
        connection = http.client.HTTPConnection(
            self._place.hostname or "", self._place.port, timeout=START_SECONDS_MAX
        )
        try:
            while not is_enough():
                with self._lock:
                    asked = next(self._questions)
                self._ask_once(connection, asked, is_enough)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.failures.append(f"{type(error).__name__}: {error}")
        finally:
            connection.close()

    def _ask_once(
        self, connection: http.client.HTTPConnection, asked: Asked, is_enough: Callable[[], bool]
    ) -> None:
        body = json.dumps({"question": asked.question, "history": asked.history})
        started = time.perf_counter()
        connection.request("POST", "/api/ask", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
        seconds = time.perf_counter() - started
        code = ""
        if response.status != http.client.OK:
            code = json.loads(content)["error"]["code"]
        self.outcomes.append(Outcome(seconds, response.status, code))
        if response.status == BUSY:
            again = time.perf_counter() + int(response.headers["Retry-After"])
            while time.perf_counter() < again and not is_enough():
                time.sleep(0.1)


def summary(outcomes: Sequence[Outcome], seconds: float) -> dict[str, Any]:
    """Return the figures of a part: requests by what came, answers a second, waiting times."""
    waited = [one.seconds * 1000 for one in outcomes if one.status == http.client.OK]
    if not waited:
        raise BenchmarkFailed("not one question was answered")
    refused = collections.Counter(one.code for one in outcomes if one.code)
    return {
        "seconds": round(seconds, 1),
        "requests": len(outcomes),
        "answered": len(waited),
        "refused": dict(refused),
        "share_busy": round(refused["busy"] / len(outcomes), 4),
        "answers_per_second": round(len(waited) / seconds, 1),
        "waited_ms": {
            name: round(percentile(waited, share))
            for name, share in (("median", 0.5), ("95th", 0.95), ("99th", 0.99), ("longest", 1.0))
        },
    }


def measure_load(
    index_folder: Path, questions: Sequence[Asked], *, askers: int, seconds: float, asked: int
) -> dict[str, Any]:
    """Measure the three parts on one server; raises BenchmarkFailed where it doesn't answer."""
    with running_server(index_folder) as (process, address, _):
        fetch(f"{address}/api/ask", questions[0])
        memory = [(0, round(resident_mb(process), 1))]
        load = Askers(address, questions)

        lock = threading.Lock()

        def note() -> None:
            """Note the memory each time another step is reached."""
            reached = load.answered // MEMORY_STEP * MEMORY_STEP
            with lock:
                if reached > memory[-1][0]:
                    memory.append((reached, round(resident_mb(process), 1)))

        ends = time.perf_counter() + seconds

        def is_over() -> bool:
            note()
            return time.perf_counter() >= ends

        def is_answered() -> bool:
            note()
            return load.answered >= asked

        took = load.ask(askers, is_over)
        minute = summary(load.outcomes, took)
        load.ask(askers, is_answered)
        answered = load.answered
        crowd = Askers(address, questions)
        ends = time.perf_counter() + CROWD_SECONDS
        took = crowd.ask(CROWD, lambda: time.perf_counter() >= ends)
        health = json.loads(fetch(f"{address}/healthz"))
        return {
            "load": {"askers": askers, **minute},
            "memory": {"answered": answered, "resident_mb_after": memory},
            "crowd": {"askers": CROWD, **summary(crowd.outcomes, took)},
            "failures": sorted({*load.failures, *crowd.failures}),
            "answers_afterwards": health == {"status": "ok"},
        }


def shortcomings(measured: dict[str, Any]) -> list[str]:
    """Return a sentence for everything that the design doesn't allow."""
    found = [f"a request failed: {failure}" for failure in measured["failures"]]
    for part in ("load", "crowd"):
        refused = measured[part]["refused"]
        found += [f"{n} × {code} ({part})" for code, n in refused.items() if code != "busy"]
    settled = [mb for answers, mb in measured["memory"]["resident_mb_after"] if answers >= SETTLED]
    grown = max(settled) - settled[0] if settled else 0.0
    if grown > GROWTH_MB_MAX:
        found.append(f"memory grew by {grown:.0f} MB after {SETTLED} answers")
    if not measured["answers_afterwards"]:
        found.append("the server didn't answer afterwards")
    return found


def page_of(document: dict[str, Any]) -> str:
    """Return the figures as a page for people."""
    load, crowd, memory = document["load"], document["crowd"], document["memory"]
    rows = [
        ("askers at once", "askers", ""),
        ("seconds", "seconds", ""),
        ("answers", "answered", ""),
        ("answers a second", "answers_per_second", ""),
    ]
    lines = [f"| {name} | {load[key]}{unit} | {crowd[key]}{unit} |" for name, key, unit in rows]
    lines += [
        f"| waited: {name} | {load['waited_ms'][name]:,} ms | {crowd['waited_ms'][name]:,} ms |"
        for name in load["waited_ms"]
    ]
    lines.append(f'| told "busy" | {load["share_busy"]:.1%} | {crowd["share_busy"]:.1%} |')
    others = [
        str(sum(n for code, n in part["refused"].items() if code != "busy"))
        for part in (load, crowd)
    ]
    lines.append(f"| other errors | {others[0]} | {others[1]} |")
    noted = memory["resident_mb_after"]
    steps = "".join(f"| {answers:,} " for answers, _ in noted)
    values = "".join(f"| {mb:.0f} " for _, mb in noted)
    where = document["machine"]
    failed = document["shortcomings"] or ["Nothing fell short."]
    machine_line = (
        f"Written by the command, on {document['date']}: {where['cores']} cores "
        f"({where['processor']}), Python {where['python']}, load average "
        f"{where['load_average_before']} before: well under the number of cores the machine was "
        "free, above it others took their share of the speed. Askers and server share the "
        "cores; no reply is taken from a cache."
    )
    memory_line = (
        f"Resident memory of the server in MB, after so many of {memory['answered']:,} answers:"
    )
    return "\n".join(
        (
            "# Under load",
            "",
            machine_line,
            "",
            f"    {document['command']}",
            "",
            "| | load | more than the queue holds |",
            "|---|---|---|",
            *lines,
            "",
            'Whoever is told "busy" waits the seconds that the reply names, and asks again.',
            "",
            memory_line,
            "",
            f"{steps}|",
            "|---" * len(noted) + "|",
            f"{values}|",
            "",
            *failed,
            "",
        )
    )


def main(arguments: list[str] | None = None) -> int:
    """Measure; return 0, 1 where something fell short, 2 when nothing could be measured."""
    parser = argparse.ArgumentParser(
        description="Measure a server under many askers: answers a second, waiting, memory."
    )
    parser.add_argument("--index", metavar="DIR", type=Path, default=REPOSITORY / "var" / "index")
    parser.add_argument("--questions", metavar="FILE", type=Path, default=QUESTIONS)
    parser.add_argument("--askers", metavar="N", type=int, default=32, help="at once")
    parser.add_argument("--seconds", metavar="S", type=float, default=60.0)
    parser.add_argument("--asked", metavar="N", type=int, default=2_000, help="answers in all")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the figures there")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON line")
    options = parser.parse_args(arguments)
    if options.askers < 1 or options.asked < 1 or options.seconds <= 0:
        parser.error("--askers, --seconds and --asked have to be more than 0")
    given = sys.argv[1:] if arguments is None else arguments
    try:
        questions = read_questions(options.questions)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if not questions:
        parser.error(f"{options.questions} holds no question")
    try:
        here = machine()
        measured = measure_load(
            options.index,
            questions,
            askers=options.askers,
            seconds=options.seconds,
            asked=options.asked,
        )
    except (BenchmarkFailed, OSError, ValueError) as error:
        print(f"benchmark_load: {error}", file=sys.stderr)
        return 2
    failed = shortcomings(measured)
    document = {
        "command": shlex.join(["python", "scripts/benchmark_load.py", *given]),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": here,
        **measured,
        "shortcomings": failed,
    }
    if options.output:
        options.output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        options.output.with_suffix(".md").write_text(page_of(document), encoding="utf-8")
    print(json.dumps(document) if options.json else page_of(document))
    for sentence in failed:
        print(f"benchmark_load: {sentence}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
