"""Fit the probability that evidence is right, and the curve that thresholds are read from.

    python scripts/calibrate.py [--output app/calibration.json]
    python scripts/calibrate.py QUESTIONS.jsonl… --documents DIR [--written FILE]

A file of questions is as tests/questions/README.md says; the documents that NAME.jsonl asks about
lie in DIR/NAME. Without files they are those of tests/questions whose part is "calibration": nobody
measures the program by them, and they trained no reader. Each question is put to its collection,
so that retrieval errs as it does in use, and as many passages are read. What the reader's hidden
states are worth is learned from the questions about a thousand of our own written passages too,
each of which is read with its own passage; app/training/written.py says what they are. The model
chooses between a question's pieces of evidence and none of them. The curve is of the answers
that the program's checks let through, each collection judged by a model fitted on the others,
but for its slope and intercept, which are fitted on all of them.
Exit codes: 0 done, 2 nothing written.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from tqdm import tqdm

from app.calibration import CALIBRATION_FILE, Calibration, RiskPoint, Weight
from app.conditional_logit import Choice, fit_utility, regress
from app.measuring import Question, holds
from app.opened import Opened
from app.quotes import text_of
from app.rounds import rounds
from app.settings import (
    FILE_HELP,
    READER_FILE,
    READER_HIDDEN,
    REPOSITORY,
    Settings,
    use_settings_file,
)
from app.training.written import WRITTEN_FILE, WrittenPassage, WrittenQuestion, read_passages
from app.types import Evidence, Features
from index import IndexingError, Models, Retriever, build_index

QUESTIONS = REPOSITORY / "tests" / "questions"
DOCUMENTS = REPOSITORY / "tests" / "collections"
PART = "calibration"
FEATURES = tuple(Features.model_fields)
FILES_MIN = 2
CURVE_POINTS = 60
WRITTEN_MAX = 1_000
"""Written passages that are read for their questions, about ten each: half as many gave the same on
collections left out, and each thousand takes ten minutes or more.
"""
OWN_PASSAGES = 4
"""Passages that a document of one written passage has at most."""

Asked = TypeVar("Asked")


class Labelled(NamedTuple):
    """One question's evidence, which pieces of it are right, and which the program refuses however
    probable they are; ``group`` is of its collection, None for a written passage.
    """

    group: int | None
    choice: Choice
    refused: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        group: int | None,
        evidence: Sequence[Evidence],
        right: Sequence[bool],
        refused: Sequence[bool],
    ) -> Self:
        """Keep the numbers of evidence that the model is fitted on."""
        rows = [[getattr(one.features, name) for name in FEATURES] for one in evidence]
        choice = Choice(
            np.array(rows, dtype=np.float64).reshape(-1, len(FEATURES)),
            np.array([one.hidden for one in evidence], dtype=np.float32),
            np.array(right, dtype=np.bool_),
            is_written=group is None,
        )
        return cls(group, choice, np.array(refused, dtype=np.bool_))


def main() -> int:
    """Parse the arguments, ask, fit, write, and return the exit code."""
    parser = argparse.ArgumentParser(description="Fit the calibration of answers.")
    parser.add_argument("questions", type=Path, nargs="*", help="JSON lines")
    parser.add_argument("--documents", type=Path, default=DOCUMENTS, metavar="DIR")
    parser.add_argument(
        "--written", type=Path, default=WRITTEN_FILE, metavar="FILE", help="written passages"
    )
    parser.add_argument("--output", type=Path, default=CALIBRATION_FILE)
    parser.add_argument("--models", type=Path, metavar="DIR", help="default var/models")
    parser.add_argument("--settings", type=Path, metavar="FILE", help=FILE_HELP)
    arguments = parser.parse_args()
    use_settings_file(arguments.settings)
    try:
        sets = _read(arguments.questions or sorted(QUESTIONS.glob("*.jsonl")))
        if not arguments.questions:
            sets = {
                file: some for file, some in sets.items() if all(one.part == PART for one in some)
            }
        passages = [one for one in read_passages(arguments.written) if one.own is not None]
        passages = passages[:WRITTEN_MAX]
        models_folder = arguments.models or Settings().models_folder
        labelled = _label(sets, arguments.documents, models_folder)
        written = _label_written(passages, models_folder)
        named = [file.name for file in arguments.questions]
        if arguments.written != WRITTEN_FILE:
            named += ["--written", arguments.written.name]
        fitted = _fit(labelled, written, " ".join(["python scripts/calibrate.py", *named]))
    except (OSError, ValidationError, ValueError, IndexingError) as error:
        print(f"Nothing was written: {error}", file=sys.stderr)
        return 2
    arguments.output.write_text(fitted.model_dump_json(indent=1) + "\n", encoding="utf-8")
    print({name: round(weight.weight, 2) for name, weight in fitted.weights.items()})
    for risk in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3):
        threshold = fitted.threshold(risk)
        covered = next((p.coverage for p in fitted.curve if p.threshold == threshold), 0.0)
        print(f"risk {risk}: threshold {threshold:.3f}, coverage {covered:.3f}")
    return 0


def _read(files: Sequence[Path]) -> dict[Path, list[Question]]:
    if len(files) < FILES_MIN:
        raise ValueError("one file of questions can't be judged by others: give two or more")
    return {
        file: [
            Question.model_validate_json(line)
            for line in file.read_text(encoding="utf-8").splitlines()
            if line.strip()
        ]
        for file in files
    }


def _label(
    sets: dict[Path, list[Question]], documents: Path, models_folder: Path
) -> list[Labelled]:
    """Ask every question of its collection; label what was found."""
    models = Models.open(models_folder)
    labelled: list[Labelled] = []
    with tempfile.TemporaryDirectory() as folder:
        for group, (file, questions) in enumerate(sets.items()):
            index_folder = Path(folder) / file.stem
            opened = _opened([documents / file.stem], index_folder, models)

            def label(
                question: Question, opened: Opened = opened, group: int = group
            ) -> Labelled | None:
                return _label_one(question, opened, group)

            labelled += _asked(label, questions, file.stem)
    return labelled


def _opened(sources: Sequence[Path], index_folder: Path, models: Models) -> Opened:
    build_index(sources, index_folder, models.folder)
    settings = Settings(index_folder=index_folder, models_folder=models.folder)
    reader = models.reader(READER_FILE, READER_HIDDEN)
    return Opened(settings, Retriever.open(index_folder, models), reader, _neutral())


def _asked(
    label: Callable[[Asked], Labelled | None], questions: Sequence[Asked], name: str
) -> list[Labelled]:
    """Label questions, two at a time."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        found = pool.map(label, questions)
        shown = tqdm(found, name, len(questions), unit="question", mininterval=5.0)
        return [one for one in shown if one is not None]


def _label_written(passages: Sequence[WrittenPassage], models_folder: Path) -> list[Labelled]:
    """Read each written passage, a document of its own, for the questions about it."""
    if not passages:
        return []
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder) / "sources"
        sources.mkdir()
        for number, passage in enumerate(passages):
            headings, text = _parted(passage)
            title, _, heading = headings.partition(" > ")
            heading = f"## {heading}\n\n" if heading else ""
            file = sources / f"{number}.md"
            file.write_text(f"# {title}\n\n{heading}{text}\n", encoding="utf-8")
        opened = _opened([sources], Path(folder) / "index", Models.open(models_folder))
        ids = {Path(one.path).stem: one.document_id for one in opened.retriever.documents()}

        def label(asked: tuple[int, WrittenQuestion]) -> Labelled | None:
            number, question = asked
            return _label_one_written(passages[number], question, ids[str(number)], opened)

        questions = [(at, one) for at, passage in enumerate(passages) for one in passage.questions]
        return _asked(label, questions, "written passages")


def _parted(passage: WrittenPassage) -> tuple[str, str]:
    """Return the line of headings of a passage of our own, and its text."""
    headings, _, text = (passage.own or "").partition("\n")
    return headings, text


def _label_one_written(
    passage: WrittenPassage, question: WrittenQuestion, document_id: str, opened: Opened
) -> Labelled:
    """Read a written passage for a question; what has a part of the answer in it is right."""
    query = opened.understand(question.question, (), question.language)
    ranked = opened.retriever.search(
        query.standalone_question,
        OWN_PASSAGES,
        documents=frozenset([document_id]),
        others=query.translations,
    )
    evidence = opened.weigher.read(query, ranked)
    headings, text = _parted(passage)
    begins = opened.retriever.document(document_id).text.rindex(text.rstrip())
    shift = begins - len(headings) - 1

    def has_answer(one: Evidence) -> bool:
        if question.start is None or question.end is None:
            return False
        return one.quote[0] < question.end + shift and question.start + shift < one.quote[1]

    return Labelled.of(None, evidence, [*map(has_answer, evidence)], [False] * len(evidence))


def _label_one(question: Question, opened: Opened, group: int) -> Labelled | None:
    """Read what the program would read for a question, all rounds of it; None for what it doesn't
    read for.
    """
    query = opened.understand(question.question, opened.heard_before(question.history), None)
    if query.courtesy is not None or query.is_order:
        return None
    languages, first = opened.collection.languages, opened.settings.passages_read
    evidence = tuple(
        piece
        for ranked in rounds(query, opened.retriever, languages, None, first)
        for piece in opened.weigher.read(query, ranked)
    )
    wanted = question.evidence or question.evidence_all
    right = [
        question.answerable and holds(text_of(one.passage, one.quote), wanted) for one in evidence
    ]
    refused = [opened.weigher.refuses(query, [one]) for one in evidence]
    return Labelled.of(group, evidence, right, refused)


def _neutral() -> Calibration:
    return Calibration(measured_on="", command="", questions=0, intercept=0.0, weights={}, curve=())


def _fit(labelled: Sequence[Labelled], written: Sequence[Labelled], command: str) -> Calibration:
    """Fit on all questions; take the curve, and what a utility says of the probability, from
    collections that were left out in turn.
    """
    of_written = [one.choice for one in written]
    utilities: list[float] = []
    right: list[bool] = []
    refused: list[bool] = []
    for group in sorted({one.group for one in labelled if one.group is not None}):
        others = [one.choice for one in labelled if one.group != group]
        model = fit_utility([*others, *of_written])
        for one in labelled:
            if one.group == group and len(one.refused):
                found = model.of(one.choice)
                best = int(np.argmax(found))
                utilities.append(float(found[best]))
                right.append(bool(one.choice.right[best]))
                refused.append(bool(one.refused[best]))
    slope, shift = regress(np.array(utilities), np.array(right))
    utility = fit_utility([*(one.choice for one in labelled), *of_written]).scaled(slope, shift)
    held = [
        (1.0 / (1.0 + float(np.exp(-(slope * one + shift)))), is_right)
        for one, is_right, is_refused in zip(utilities, right, refused, strict=True)
        if not is_refused
    ]
    held.sort(key=lambda pair: -pair[0])
    wrong = np.cumsum([not right for _, right in held])
    curve = []
    for at in range(1, CURVE_POINTS + 1):
        count = max(1, round(at * len(held) / CURVE_POINTS))
        curve.append(
            RiskPoint(
                threshold=round(held[count - 1][0], 5),
                risk=round(float(wrong[count - 1]) / count, 5),
                coverage=round(count / len(labelled), 5),
            )
        )
    return Calibration(
        measured_on="questions put to their collections; curve from collections left out in turn",
        command=command,
        questions=len(labelled),
        intercept=round(utility.intercept, 5),
        weights={
            name: Weight(
                mean=round(float(m), 5), deviation=round(float(d), 5), weight=round(float(w), 5)
            )
            for name, m, d, w in zip(
                FEATURES, utility.mean, utility.deviation, utility.weights, strict=True
            )
        },
        hidden=tuple(round(float(one), 5) for one in utility.hidden),
        curve=tuple(curve),
    )


if __name__ == "__main__":
    sys.exit(main())
