"""Builds killed at random moments of every phase: what is left opens and cites rightly.

    python -m tests.killing --kills 200 --output docs/results/builder-kills.json

A collection changes at random (files added, changed, removed, renamed), a real build of it gets
SIGKILL at a drawn moment, and then everything is looked at: the index opens with every byte as its
manifest says, holds exactly the files of before or of after, every passage is its document's text
at its offsets, every vector is that of its passage, a question's citations are proved on the
source files. Then a build goes on from what the killed one left, and all is looked at again.

A build runs in a process of its own, forked from one that has imported the heavy libraries, so that
a kill falls into the work and not into five seconds of imports.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import multiprocessing
import random
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from app.assistant import Assistant
from app.settings import Settings
from index import (
    IndexingError,
    IndexMissing,
    Models,
    ReadingLimits,
    Retriever,
    build_index,
    verify_index,
)
from index.chunking import embedded_text
from index.dense import DenseIndex
from index.sparse import SparseIndex
from index.types import Vector
from index.versions import DENSE_NAME, SPARSE_NAME, current_version
from scripts.verify import GivenReply, verify

REPOSITORY = Path(__file__).resolve().parent.parent
HARBOUR = REPOSITORY / "tests" / "collections" / "harbour"
QUESTIONS = REPOSITORY / "tests" / "questions" / "harbour.jsonl"

PHASES = (
    "opening", "reading", "encoding", "words", "writing passages", "writing dense",
    "writing sparse", "switching", "ending",
)  # fmt: skip
FIRST_BUILD_SHARE = 0.1
REBUILD_SHARE = 0.3
MARK = re.compile(r"\bzq[bcdfghjk]{8}\b")
"""A word that a change brings in and that is in no language, so that what holds it can be told."""
SAME_VECTOR = 0.9999
"""The least inner product of a unit vector with itself, as it was written and read."""


class Wrong(AssertionError):
    """A killed build left something that isn't right."""


@dataclass
class Outcome:
    """What the kills left behind; ``failures`` says what was not right, and after which kill."""

    seed: int
    kills: dict[str, int] = field(default_factory=dict)
    ended_before_the_kill: int = 0
    left: dict[str, int] = field(default_factory=dict)
    rebuilds_after: int = 0
    versions_looked_at: int = 0
    documents: int = 0
    passages: int = 0
    replies: int = 0
    citations_proved: int = 0
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0


# ── a collection that changes ────────────────────────────────────────────────────────────────────


def change(folder: Path, dice: random.Random) -> None:
    """Add, change, remove or rename a file or two."""
    for _ in range(dice.randint(1, 2)):
        files = sorted(folder.rglob("*.*"))
        file = dice.choice(files)
        mark = "zq" + "".join(dice.choices("bcdfghjk", k=8))
        action = dice.choice(["add", "change", "change", "remove", "rename"])
        if action == "add":
            # Without the blank ones, which would double from copy to copy until reading a file of
            # them takes longer than a file may take.
            lines = [line for line in file.read_text("utf-8").splitlines() if line.strip()]
            dice.shuffle(lines)
            (folder / f"{mark}.md").write_text(f"# Of {mark}\n\n" + "\n\n".join(lines), "utf-8")
        elif action == "change":
            text = file.read_text("utf-8")
            file.write_text(f"{text}\n\nThe number of the day is {mark}.\n", "utf-8")
        elif action == "remove" and len(files) > 3:
            file.unlink()
        else:
            file.rename(file.with_name(f"{mark}{file.suffix}"))


# ── a build, and its end ─────────────────────────────────────────────────────────────────────────


def build(
    documents: Path, index_folder: Path, models: Path, moments: Connection, *, rebuild: bool
) -> None:
    """Build and tell each step; runs in a process of its own."""

    def tell(stage: str, done: int, total: int) -> None:
        if stage == "writing":
            moments.send(PHASES[PHASES.index("writing passages") + done])
        elif done == 0 and total:
            moments.send(stage)

    build_index([documents], index_folder, models, rebuild=rebuild, progress=tell)


@dataclass
class Builds:
    """Runs builds to their end or not, and knows how long each phase takes."""

    models: Path
    durations: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(
            ["sentence_transformers", "index.builder", "index.dense", "index.sparse", __name__]
        )

    def run(
        self,
        documents: Path,
        index_folder: Path,
        *,
        rebuild: bool = False,
        kill: tuple[str, float] | None = None,
    ) -> str | None:
        """Build; with ``kill``, end it so far into a phase. Return the phase it was killed in."""
        told, moments = self.context.Pipe(duplex=False)
        process = self.context.Process(
            target=build,
            args=(documents, index_folder, self.models, moments),
            kwargs={"rebuild": rebuild},
        )
        process.start()
        moments.close()
        try:
            phase = "opening"
            began = time.monotonic()
            while True:
                left = None
                if kill is not None and phase == kill[0]:
                    left = max(
                        0.0, began + kill[1] * self.durations.get(phase, 0.1) - time.monotonic()
                    )
                if not told.poll(left):
                    process.kill()
                    process.join()
                    return phase if process.exitcode else None
                now = time.monotonic()
                try:
                    following = told.recv()
                except EOFError:
                    process.join()
                    self.durations[phase] = now - began
                    if process.exitcode:
                        raise Wrong(f"a build ended with {process.exitcode}") from None
                    return None
                self.durations[phase] = now - began
                phase, began = following, now
        finally:
            process.join()
            process.close()
            told.close()


# ── what is looked at ────────────────────────────────────────────────────────────────────────────


@dataclass
class Examiner:
    """Looks at everything an index says, against the folders it may have been built from."""

    models: Models
    outcome: Outcome
    vectors: dict[str, Vector] = field(default_factory=dict)

    def examine(self, index_folder: Path, allowed: Sequence[Path], question: str) -> Path:
        """Return the folder whose files the index holds; raise Wrong for anything that isn't so."""
        manifest = verify_index(index_folder)
        retriever = Retriever.open(index_folder, self.models)
        try:
            held = {
                document.path: retriever.document(document.document_id)
                for document in retriever.documents()
            }
            folder = next(
                (
                    folder
                    for folder in allowed
                    if {path.name: _sha256(path) for path in folder.iterdir()}
                    == {path: document.sha256 for path, document in held.items()}
                ),
                None,
            )
            if folder is None:
                raise Wrong(f"the index holds the files of no state: {sorted(held)}")
            version = current_version(index_folder)
            dense = DenseIndex.open(version / DENSE_NAME)
            sparse = SparseIndex.open(version / SPARSE_NAME)
            texts: dict[int, str] = {}
            for path, document in held.items():
                for passage in retriever.passages_of(document.document_id):
                    if document.text[passage.start : passage.end] != passage.text:
                        raise Wrong(f"{path}: a passage is not the text at its offsets")
                    row, text = passage.passage_id, embedded_text(document, passage)
                    (score,) = dense.scores(self._vector(text), np.array([row]))
                    if score < SAME_VECTOR:
                        raise Wrong(f"{path}: the vector of a passage is not its own ({score})")
                    texts[row] = text
            if not manifest.passages == len(texts) == len(dense) == len(sparse):
                raise Wrong(f"{manifest.passages} passages in the manifest, {len(texts)} in all")
            for mark in {found for text in texts.values() for found in MARK.findall(text)}:
                rows, _ = sparse.search(mark, len(texts))
                if set(rows) != {row for row, text in texts.items() if mark in text}:
                    raise Wrong(f"{mark} is found in other passages than those that hold it")
        finally:
            retriever.close()
        self.outcome.versions_looked_at += 1
        self.outcome.documents += len(held)
        self.outcome.passages += len(texts)
        self._ask(index_folder, folder, question)
        return folder

    def _vector(self, text: str) -> Vector:
        if text not in self.vectors:
            self.vectors[text] = self.models.encoder.encode_passages([text])[0]
        return self.vectors[text]

    def _ask(self, index_folder: Path, folder: Path, question: str) -> None:
        settings = Settings(index_folder=index_folder, models_folder=self.models.folder)
        assistant = Assistant.open(settings, self.models)
        reply = assistant.ask(question)
        assistant.retriever.close()
        given = GivenReply.model_validate(reply.model_dump(mode="json"))
        found = verify([given], [folder], ReadingLimits())
        if found.failed:
            raise Wrong(f"{question} cites wrongly: {found.failed[0].why}")
        self.outcome.replies += 1
        self.outcome.citations_proved += found.proved


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ── kill after kill ──────────────────────────────────────────────────────────────────────────────


def run(kills: int, seed: int, folder: Path, models_folder: Path) -> Outcome:
    """Kill builds until so many were killed; return what was left each time."""
    began = time.monotonic()
    dice = random.Random(seed)
    models = Models.open(models_folder)
    outcome = Outcome(seed=seed)
    examiner = Examiner(models, outcome)
    builds = Builds(models_folder)
    questions = [json.loads(line)["question"] for line in QUESTIONS.read_text("utf-8").splitlines()]
    index_folder = folder / "index"
    # A state of the collection is kept for as long as an index may hold it: its files are what
    # citations are proved on.
    documents = folder / "documents"
    shutil.copytree(HARBOUR, documents)
    builds.run(documents, index_folder)
    before = Path(shutil.copytree(documents, folder / "state-0"))
    phases: Counter[str] = Counter()
    left: Counter[str] = Counter()
    number = 0
    while phases.total() < kills:
        number += 1
        is_first_build = dice.random() < FIRST_BUILD_SHARE
        if is_first_build:
            shutil.rmtree(index_folder)
        change(documents, dice)
        after = Path(shutil.copytree(documents, folder / f"state-{number}"))
        moment = (PHASES[number % len(PHASES)], dice.random())
        rebuild = dice.random() < REBUILD_SHARE
        question = dice.choice(questions)
        try:
            killed = builds.run(documents, index_folder, rebuild=rebuild, kill=moment)
            if killed is None:
                outcome.ended_before_the_kill += 1
            else:
                phases[killed] += 1
                left[_look(examiner, index_folder, before, after, question, is_first_build)] += 1
            builds.run(documents, index_folder)
            examiner.examine(index_folder, [after], question)
            outcome.rebuilds_after += 1
        except (Wrong, IndexingError, KeyError, OSError) as error:
            outcome.failures.append(f"kill {number} ({moment[0]}): {type(error).__name__}: {error}")
            builds.run(documents, index_folder, rebuild=True)
        shutil.rmtree(before)
        before = after
        _say(f"{phases.total()} of {kills} kills, {len(outcome.failures)} failures")
    outcome.kills = {phase: phases[phase] for phase in PHASES}
    outcome.left = dict(left)
    outcome.seconds = round(time.monotonic() - began, 1)
    return outcome


def _look(
    examiner: Examiner,
    index_folder: Path,
    before: Path,
    after: Path,
    question: str,
    is_first_build: bool,
) -> str:
    """Look at what a killed build left; return what it was."""
    if is_first_build and not (index_folder / "current").exists():
        try:
            verify_index(index_folder)
        except IndexMissing:
            return "no index yet"
        raise Wrong("there is an index without a current version")
    allowed = [after] if is_first_build else [before, after]
    found = examiner.examine(index_folder, allowed, question)
    return "the new version" if found == after else "the old version"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Kill builds and write what was left; return 1 if anything was not right."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--models", type=Path, default=REPOSITORY / "var" / "models")
    parser.add_argument("--output", metavar="FILE", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="briefing-desk-kills-") as folder:
        outcome = run(options.kills, options.seed, Path(folder), options.models)
    document = {
        "command": shlex.join(["python", "-m", "tests.killing", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "collection": HARBOUR.relative_to(REPOSITORY).as_posix(),
        **asdict(outcome),
    }
    if options.output:
        options.output.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    print(json.dumps(document))
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
