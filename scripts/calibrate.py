"""Fit the probability that evidence is right, and the curve that thresholds are read from.

    python scripts/calibrate.py [--output app/calibration.json]
    python scripts/calibrate.py QUESTIONS.jsonl… --documents DIR

A file of questions is as tests/questions/README.md says; the documents that NAME.jsonl asks about
lie in DIR/NAME. Without files they are those of tests/questions whose part is "calibration": nobody
measures the program by them, and they trained no reader. Each question is put to its collection,
so that retrieval errs as it does in use, and as many passages are read. The model
chooses between a question's pieces of evidence and none of them. The curve is of the answers
that the program's checks let through, each collection judged by a model fitted on the others.
Exit codes: 0 done, 2 nothing written.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeAlias

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.optimize import minimize
from tqdm import tqdm

from app.calibration import CALIBRATION_FILE, Calibration, RiskPoint, Weight
from app.measuring import Question, holds
from app.opened import Opened
from app.quotes import text_of
from app.rounds import rounds
from app.settings import FILE_HELP, READER_FILE, REPOSITORY, Settings, use_settings_file
from app.types import Evidence, Features
from index import IndexingError, Models, Retriever, build_index

QUESTIONS = REPOSITORY / "tests" / "questions"
DOCUMENTS = REPOSITORY / "tests" / "collections"
PART = "calibration"
FEATURES = tuple(Features.model_fields)
FILES_MIN = 2
RIDGE = 1.0
"""Weight of the penalty on squared weights; it only keeps weights finite on small sets."""
CURVE_POINTS = 60
DEVIATION_MIN = 1e-3
"""A feature that never varies on the set (all of it is English) gets this, and no weight."""

Floats: TypeAlias = NDArray[np.float64]


class Labelled(NamedTuple):
    """One question's evidence, which pieces of it are right, and which the program refuses however
    probable they are; ``group`` is of its collection.
    """

    group: int
    evidence: tuple[Evidence, ...]
    right: NDArray[np.bool_]
    refused: NDArray[np.bool_]

    @property
    def features(self) -> Floats:
        """The features, shape ``(pieces, features)``."""
        rows = [[getattr(one.features, name) for name in FEATURES] for one in self.evidence]
        return np.array(rows, dtype=np.float64).reshape(-1, len(FEATURES))


def main() -> int:
    """Parse the arguments, ask, fit, write, and return the exit code."""
    parser = argparse.ArgumentParser(description="Fit the calibration of answers.")
    parser.add_argument("questions", type=Path, nargs="*", help="JSON lines")
    parser.add_argument("--documents", type=Path, default=DOCUMENTS, metavar="DIR")
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
        labelled = _label(sets, arguments.documents, arguments.models or Settings().models_folder)
    except (OSError, ValidationError, ValueError, IndexingError) as error:
        print(f"Nothing was written: {error}", file=sys.stderr)
        return 2
    named = [file.name for file in arguments.questions]
    fitted = _fit(labelled, " ".join(["python scripts/calibrate.py", *named]))
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
            build_index([documents / file.stem], index_folder, models_folder)
            settings = Settings(index_folder=index_folder, models_folder=models_folder)
            retriever = Retriever.open(index_folder, models)
            opened = Opened(settings, retriever, models.reader(READER_FILE), _neutral())

            def label(
                question: Question, opened: Opened = opened, group: int = group
            ) -> Labelled | None:
                return _label_one(question, opened, group)

            with ThreadPoolExecutor(max_workers=2) as pool:
                found = pool.map(label, questions)
                shown = tqdm(found, file.stem, len(questions), unit="question", mininterval=5.0)
                labelled.extend(one for one in shown if one is not None)
    return labelled


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
    return Labelled(
        group, evidence, np.array(right, dtype=np.bool_), np.array(refused, dtype=np.bool_)
    )


def _neutral() -> Calibration:
    return Calibration(measured_on="", command="", questions=0, intercept=0.0, weights={}, curve=())


def _fit(labelled: Sequence[Labelled], command: str) -> Calibration:
    """Fit on all questions; take the curve from collections that were left out in turn."""
    held: list[tuple[float, bool]] = []
    for group in sorted({one.group for one in labelled}):
        model = _model([one for one in labelled if one.group != group])
        for one in (each for each in labelled if each.group == group and len(each.right)):
            probability, best = _best(one, model)
            if not one.refused[best]:
                held.append((probability, bool(one.right[best])))
    mean, deviation, weights, intercept = _model(labelled)
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
        intercept=round(intercept, 5),
        weights={
            name: Weight(
                mean=round(float(m), 5), deviation=round(float(d), 5), weight=round(float(w), 5)
            )
            for name, m, d, w in zip(FEATURES, mean, deviation, weights, strict=True)
        },
        curve=tuple(curve),
    )


Model: TypeAlias = tuple[Floats, Floats, Floats, float]


def _model(labelled: Sequence[Labelled]) -> Model:
    """Fit a conditional logit on each question's choice, then its slope and intercept on the piece
    that it chooses, whose probability is the one that decides.
    """
    features = np.concatenate([one.features for one in labelled])
    mean, deviation = features.mean(0), np.maximum(features.std(0), DEVIATION_MIN)
    weights, intercept = _choose([(one.features - mean) / deviation for one in labelled], labelled)
    model: Model = (mean, deviation, weights, intercept)
    best = [(one, *_best(one, model)) for one in labelled if len(one.right)]
    logits = np.array([[math.log(p / (1 - p))] for _, p, _ in best])
    slope, shift = _regress(logits, np.array([one.right[at] for one, _, at in best]))
    return mean, deviation, weights * slope[0], intercept * float(slope[0]) + shift


def _choose(standardised: Sequence[Floats], labelled: Sequence[Labelled]) -> tuple[Floats, float]:
    """Return weights and intercept of a conditional logit (McFadden 1974) between a question's
    pieces and none of them, whose utility is 0. Where several pieces are right, any of them is a
    right choice; where none is, none of them.
    """
    longest = max(map(len, standardised))
    pieces = np.zeros((len(labelled), longest + 1, len(FEATURES) + 1))
    allowed = np.full(pieces.shape[:2], -np.inf)
    wanted = np.full(pieces.shape[:2], -np.inf)
    for row, (values, one) in enumerate(zip(standardised, labelled, strict=True)):
        pieces[row, : len(values), :-1] = values
        pieces[row, : len(values), -1] = 1.0
        allowed[row, : len(values)] = allowed[row, -1] = 0.0
        wanted[row, : len(values)][one.right] = 0.0
        wanted[row, -1] = -np.inf if one.right.any() else 0.0
    penalty = np.array([RIDGE] * len(FEATURES) + [1e-6])

    def loss(solution: Floats) -> tuple[float, Floats]:
        utilities = pieces @ solution
        of_all = np.logaddexp.reduce(utilities + allowed, axis=1, keepdims=True)
        of_right = np.logaddexp.reduce(utilities + wanted, axis=1, keepdims=True)
        excess = np.exp(utilities + allowed - of_all) - np.exp(utilities + wanted - of_right)
        gradient = np.einsum("qp,qpf->f", excess, pieces) + penalty * solution
        value = float((of_all - of_right).sum() + 0.5 * penalty @ solution**2)
        return value, gradient

    fitted = minimize(loss, np.zeros(pieces.shape[2]), jac=True, method="L-BFGS-B")
    if not fitted.success:
        raise ValueError(f"no weights were found: {fitted.message}")
    return fitted.x[:-1], float(fitted.x[-1])


def _best(one: Labelled, model: Model) -> tuple[float, int]:
    """Return the highest probability among a question's pieces, and its place."""
    mean, deviation, weights, intercept = model
    logits = (one.features - mean) / deviation @ weights + intercept
    best = int(np.argmax(logits))
    return 1.0 / (1.0 + math.exp(-float(np.clip(logits[best], -30.0, 30.0)))), best


def _regress(features: Floats, right: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Return weights and intercept by Newton's method with a ridge penalty."""
    design = np.hstack([features, np.ones((len(features), 1))])
    penalty = np.diag([RIDGE] * features.shape[1] + [1e-6])
    solution = np.zeros(design.shape[1])
    for _ in range(50):
        probability = 1.0 / (1.0 + np.exp(-np.clip(design @ solution, -30, 30)))
        gradient = design.T @ (probability - right) + penalty @ solution
        hessian = (design.T * (probability * (1 - probability))) @ design + penalty
        step = np.linalg.solve(hessian, gradient)
        solution -= step
        if float(np.abs(step).max()) < 1e-8:
            break
    return solution[:-1], float(solution[-1])


if __name__ == "__main__":
    sys.exit(main())
