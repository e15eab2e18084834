"""Measures building and asking an index of 5,000 passages, beside LangChain + FAISS and txtai.

All read the same passages with the same encoder in one run. The peers get them ready made; reading
files and parting them into passages is in our figures alone. A figure of one machine says little on
another; a ratio of one run says more.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from index import Models

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from scripts.benchmark import (  # noqa: E402  needs the path set above
    ONE_THREAD,
    QUESTIONS,
    BenchmarkFailed,
    machine,
    percentile,
    read_questions,
)

PEERS = {
    "langchain_faiss": "LangChain + FAISS",
    "txtai_hybrid": "txtai",
}
PEER_PROGRAMS = REPOSITORY / "docs" / "results" / "peers"
TEXTS = ("docs/sources/*.md", "tests/collections/*/*.md", "docs/manual/*.md", "README.md")
SECTIONS_A_DOCUMENT = 10
SENTENCES_A_PASSAGE = 4
SENTENCE_CHARACTERS = (40, 200)
EMBEDDED = 640
"""Passages that the speed of embedding is measured on."""
WARM_UP = 5
SEED = 5


class Cost(NamedTuple):
    """What a process took from its start to its end, with the processes that it started."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    printed: str


# ── the passages ─────────────────────────────────────────────────────────────────────────────────


def owned_sentences() -> list[str]:
    """Return the sentences of the texts that come with this repository."""
    from index import split_sentences

    found: dict[str, None] = {}
    for pattern in TEXTS:
        for file in sorted(REPOSITORY.glob(pattern)):
            for paragraph in re.split(r"\n\s*\n", file.read_text("utf-8")):
                if re.match(r"[#|>`!<\-]", paragraph.strip()):
                    continue
                words = " ".join(paragraph.split())
                for sentence in split_sentences(words, 0, len(words)):
                    text = words[sentence.start : sentence.end]
                    if SENTENCE_CHARACTERS[0] <= len(text) <= SENTENCE_CHARACTERS[1]:
                        found[text] = None
    return list(found)


def write_corpus(folder: Path, passages: int, models: Models) -> None:
    """Write documents of so many passages, rounded up to whole documents, the same each time.

    A section is a heading and a few sentences drawn from our own texts, their digits drawn anew, so
    that hardly any two are the same, and no more of them than one passage holds.
    """
    from index.chunking import PASSAGE_TOKENS_MAX

    dice = random.Random(SEED)
    sentences = owned_sentences()
    folder.mkdir(parents=True)
    for number in range(-(-passages // SECTIONS_A_DOCUMENT)):
        parts = [f"# Report {number:04}\n"]
        for section in range(SECTIONS_A_DOCUMENT):
            drawn = [
                re.sub(r"\d", lambda _: str(dice.randint(1, 9)), sentence)
                for sentence in dice.sample(sentences, SENTENCES_A_PASSAGE)
            ]
            while sum(models.encoder.count_tokens(drawn)) > PASSAGE_TOKENS_MAX:
                drawn.pop()
            parts.append(f"## Section {section + 1} of {number:04}\n\n{' '.join(drawn)}\n")
        (folder / f"report-{number:04}.md").write_text("\n".join(parts), "utf-8")


def change_one_file(folder: Path) -> str:
    """Add a sentence to a section of one document; return the document's path."""
    file = sorted(folder.iterdir())[len(list(folder.iterdir())) // 2]
    first, rest = file.read_text("utf-8").split("\n## ", maxsplit=1)
    file.write_text(f"{first}\n## {rest.rstrip()} It was changed.\n", "utf-8")
    return file.name


def write_passages(index_folder: Path, models_folder: Path, file: Path) -> int:
    """Write what the index embeds of each passage, for the peers; return how many there are."""
    from index import Retriever
    from index.chunking import embedded_text

    retriever = Retriever.open(index_folder, models_folder)
    lines = []
    for summary in retriever.documents():
        document = retriever.document(summary.document_id)
        for number, passage in enumerate(retriever.passages_of(summary.document_id)):
            text = embedded_text(document, passage)
            identity = f"{document.path}#{number}"
            lines.append(json.dumps({"id": identity, "path": document.path, "text": text}))
    retriever.close()
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return len(lines)


# ── processes, measured from outside ─────────────────────────────────────────────────────────────


def run(command: Sequence[object], environment: dict[str, str] | None = None) -> Cost:
    """Run a command to its end; raise BenchmarkFailed when it fails."""
    arguments = [str(each) for each in command]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            arguments, stdout=out, stderr=err, env={**os.environ, **(environment or {})}
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            err.seek(0)
            said = err.read().strip().splitlines() or ["no message"]
            raise BenchmarkFailed(f"{Path(arguments[1]).name} failed: {said[-1]}")
        out.seek(0)
        printed = out.read().strip().splitlines()
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(
        seconds=seconds,
        cpu_seconds=used.ru_utime + used.ru_stime,
        peak_mb=used.ru_maxrss * unit / 1e6,
        printed=printed[-1] if printed else "",
    )


def figures(costs: dict[str, Cost], embed: Cost, many: Cost) -> dict[str, float]:
    """Return the figures of one program, from what its steps took."""
    speed = json.loads(embed.printed)
    milliseconds = json.loads(many.printed)["milliseconds"][WARM_UP:]
    found = {
        "embedded_per_cpu_second": speed["passages"] / speed["cpu_seconds"],
        "question_median_ms": percentile(milliseconds, 0.5),
        "question_95th_percentile_ms": percentile(milliseconds, 0.95),
        "peak_mb_building": max(costs[step].peak_mb for step in ("first_build", "one_changed")),
        "peak_mb_asking": many.peak_mb,
    }
    for step, cost in costs.items():
        found[f"{step}_seconds"] = cost.seconds
        found[f"{step}_cpu_seconds"] = cost.cpu_seconds
    return found


class Bench(NamedTuple):
    """Where the things lie that are measured."""

    work: Path
    models: Path
    encoder: Path
    questions: Path

    def measure_ours(self, changed: Path) -> dict[str, float]:
        """Measure the scripts of this repository; ``changed`` are the documents with a change."""
        script = REPOSITORY / "scripts" / "build_index.py"
        index = self.work / "ours"
        options = ["--index", index, "--models", self.models, "--json"]
        build = [sys.executable, script, self.work / "corpus", *options]
        costs = {}
        for step in ("first_build", "unchanged_rerun"):
            _say(f"ours: {step}")
            costs[step] = run(build)
        write_passages(index, self.models, self.work / "passages.jsonl")
        some = (self.work / "passages.jsonl").read_text("utf-8").splitlines()[:EMBEDDED]
        (self.work / "some.jsonl").write_text("\n".join(some) + "\n", "utf-8")
        _say("ours: one_changed")
        (self.work / "corpus").rename(self.work / "corpus-before")
        shutil.copytree(changed, self.work / "corpus", copy_function=shutil.copy2)
        costs["one_changed"] = run(build)
        write_passages(index, self.models, self.work / "passages-changed.jsonl")
        _say("ours: asking")
        question = self.questions.read_text("utf-8").splitlines()[0]
        ask = [sys.executable, REPOSITORY / "scripts" / "ask.py", question, "--index", index]
        models = {"BRIEFING_DESK_MODELS_FOLDER": str(self.models)}
        run(ask, models)
        costs["cold_start_to_answer"] = run(ask, models)
        _say("ours: embedding")
        part = [sys.executable, Path(__file__).resolve(), "--models", self.models, "--part"]
        embed = run([*part, "embed", "--given", self.work / "some.jsonl"], ONE_THREAD)
        many = run([*part, "search", "--given", self.questions, "--index", index], ONE_THREAD)
        found = figures(costs, embed, many)
        answers = run([*part, "answer", "--given", self.questions, "--index", index], ONE_THREAD)
        milliseconds = json.loads(answers.printed)["milliseconds"][WARM_UP:]
        found["whole_answer_median_ms"] = percentile(milliseconds, 0.5)
        found["whole_answer_peak_mb"] = answers.peak_mb
        return found

    def measure_peer(self, peer: str, python: Path, changed_path: str) -> dict[str, float]:
        """Measure a peer's program in its own environment."""

        def step(name: str, passages: str, last: object = "") -> Cost:
            _say(f"{PEERS[peer]}: {name}")
            program = PEER_PROGRAMS / f"{peer}.py"
            return run(
                [
                    python, program, name, self.encoder, self.work / passages, self.work / peer,
                    last,
                ],
                {"HF_HUB_OFFLINE": "1", **(ONE_THREAD if name in ("embed", "ask") else {})},
            )  # fmt: skip

        costs = {
            "first_build": step("build", "passages.jsonl"),
            "unchanged_rerun": step("build", "passages.jsonl"),
        }
        if peer == "txtai_hybrid":
            costs["one_changed"] = step("change", "passages-changed.jsonl", changed_path)
        else:
            costs["one_changed"] = step("build", "passages-changed.jsonl")
        step("ask-one", "passages.jsonl", self.questions)
        costs["cold_start_to_answer"] = step("ask-one", "passages.jsonl", self.questions)
        return figures(
            costs, step("embed", "some.jsonl"), step("ask", "passages.jsonl", self.questions)
        )


def measure(passages: int, models: Path, python: Path | None) -> dict[str, Any]:
    """Measure ours and, with a Python that has them, the peers; return what is written."""
    from index import Models

    opened = Models.open(models)
    manifest = opened.manifest
    with tempfile.TemporaryDirectory(prefix="briefing-desk-benchmark-") as folder:
        work = Path(folder)
        bench = Bench(
            work, models, models / manifest.facts(manifest.encoder).folder, work / "questions.txt"
        )
        asked = [one.question for one in read_questions(QUESTIONS) if not one.history]
        bench.questions.write_text("\n".join(asked) + "\n", "utf-8")
        write_corpus(work / "corpus", passages, opened)
        changed = Path(shutil.copytree(work / "corpus", work / "changed"))
        changed_path = change_one_file(changed)
        before = machine()
        measured = {"briefing_desk": bench.measure_ours(changed)}
        for peer in PEERS if python else ():
            assert python is not None
            measured[peer] = bench.measure_peer(peer, python, changed_path)
        count = len((work / "passages.jsonl").read_text("utf-8").splitlines())
    return {"machine": before, "passages": count, "questions": len(asked) - WARM_UP, **measured}


# ── the parts, each in a process of its own ──────────────────────────────────────────────────────


def embed(models_folder: Path, file: Path) -> dict[str, float]:
    """Encode passages as a build does; return the processor's time for them, warm."""
    from index import Models
    from index.embedding import embed_passages

    texts = [json.loads(line)["text"] for line in file.read_text("utf-8").splitlines()]
    encoder = Models.open(models_folder).encoder
    list(embed_passages(encoder, texts[:32]))
    began = time.process_time()
    list(embed_passages(encoder, texts))
    return {"passages": len(texts), "cpu_seconds": time.process_time() - began}


def time_questions(index_folder: Path, models_folder: Path, file: Path, part: str) -> object:
    """Search for each question, or answer it whole; return the milliseconds of each."""
    from app.assistant import Assistant
    from app.settings import Settings
    from index import Models, Retriever

    questions = file.read_text("utf-8").splitlines()
    milliseconds = []
    if part == "search":
        retriever = Retriever.open(index_folder, Models.open(models_folder))
        for question in questions:
            began = time.perf_counter()
            retriever.search(question, 1)
            milliseconds.append((time.perf_counter() - began) * 1000)
    else:
        settings = Settings(index_folder=index_folder, models_folder=models_folder)
        assistant = Assistant.open(settings)
        for question in questions:
            began = time.perf_counter()
            assistant.ask(question)
            milliseconds.append((time.perf_counter() - began) * 1000)
    return {"milliseconds": milliseconds}


# ── what comes of it ─────────────────────────────────────────────────────────────────────────────

HIGHER_IS_BETTER = {"embedded_per_cpu_second"}
COMPARED = (
    "embedded_per_cpu_second", "first_build_seconds", "first_build_cpu_seconds",
    "unchanged_rerun_seconds", "one_changed_seconds", "cold_start_to_answer_seconds",
    "question_median_ms", "peak_mb_building", "peak_mb_asking",
)  # fmt: skip


def behind(measured: dict[str, Any]) -> list[str]:
    """Return a sentence for each figure in which a peer is ahead."""
    ours = measured["briefing_desk"]
    sentences = []
    for peer, name in PEERS.items():
        for figure in COMPARED if peer in measured else ():
            mine, theirs = ours[figure], measured[peer][figure]
            if (mine < theirs) if figure in HIGHER_IS_BETTER else (mine > theirs):
                sentences.append(f"{figure} is {mine:.1f}, that of {name} {theirs:.1f}")
    return sentences


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3 if abs(value) < 10 else 1)
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return value


def _say(part: str) -> None:
    print(f"measuring {part}", file=sys.stderr, flush=True)


def _print_table(measured: dict[str, Any]) -> None:
    columns = [name for name in ("briefing_desk", *PEERS) if name in measured]
    print("| figure | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for figure in measured["briefing_desk"]:
        row = (str(measured[column].get(figure, "")) for column in columns)
        print(f"| {figure} | " + " | ".join(row) + " |")


def main(arguments: list[str] | None = None) -> int:
    """Measure; return 0, 1 when a peer is ahead in a figure, 2 when nothing could be measured."""
    parser = argparse.ArgumentParser(
        description="Measure building and asking an index beside LangChain + FAISS and txtai."
    )
    parser.add_argument("--passages", metavar="N", type=int, default=5_000)
    parser.add_argument("--models", metavar="DIR", type=Path, default=REPOSITORY / "var" / "models")
    parser.add_argument(
        "--peers", metavar="PYTHON", type=Path, help="a Python that has the peers installed"
    )
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the figures there")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON line")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--given", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--index", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.part == "embed":
        print(json.dumps(embed(options.models, options.given)))
        return 0
    if options.part:
        print(
            json.dumps(time_questions(options.index, options.models, options.given, options.part))
        )
        return 0
    if options.passages < SECTIONS_A_DOCUMENT:
        parser.error(f"--passages has to be at least {SECTIONS_A_DOCUMENT}")
    try:
        measured = measure(options.passages, options.models, options.peers)
    except (BenchmarkFailed, OSError, ValueError) as error:
        print(f"benchmark_index: {error}", file=sys.stderr)
        return 2
    peers_ahead = behind(measured)
    given = sys.argv[1:] if arguments is None else arguments
    document = {
        "command": shlex.join(["python", "scripts/benchmark_index.py", *given]),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        **rounded(measured),
        "peers_ahead": peers_ahead,
    }
    if options.output:
        options.output.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    if options.json:
        print(json.dumps(document))
    else:
        _print_table(document)
    for sentence in peers_ahead:
        print(f"benchmark_index: {sentence}", file=sys.stderr)
    return 1 if peers_ahead else 0


if __name__ == "__main__":
    sys.exit(main())
