"""Fit the probability that evidence is right, and the curve that thresholds are read from.

    python scripts/calibrate.py --data DIR [--output app/calibration.json] [--folds 5]
    python scripts/calibrate.py QUESTIONS.jsonl.gz…

With --data, the folder of question files, the questions are those of squad2-dev.calibrate and the
written ones that are set aside for this (app/training/written.py). A file of one's own holds
{"id", "question", "context", "answers": [{"text", "start"}]}, one a line. All are put to an index
of all their contexts (a dozen, of our own), so that retrieval errs as it does in use, and as many
passages are read. Questions whose passage is in their own language fit one model, the others
another. Questions that trained the reader, and those that measure the program, have no place here.
Exit codes: 0 done, 2 nothing written.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from app.calibration import CALIBRATION_FILE, Calibration, Calibrations, RiskPoint, Weight
from app.contexts import Place, Posed, read_rows, write_sources
from app.language import detect_language
from app.opened import Opened
from app.rounds import FURTHER_PASSAGES
from app.settings import FILE_HELP, READER_FILE, Settings, use_settings_file
from app.training.errors import WrongInput
from app.training.questions import CALIBRATING_FILE
from app.training.written import read_written
from app.types import Evidence
from index import Models, Retriever, build_index

RIDGE = 1.0
"""Weight of the penalty on squared weights; it only keeps weights finite on small sets."""
CURVE_POINTS = 60
OWN_HEADING = " > "
OWN_TOGETHER = 12
"""Passages of our own that share an index."""
DEVIATION_MIN = 1e-3
"""A feature that never varies on the set (all of it is English) gets this, and no weight."""

Floats: TypeAlias = NDArray[np.float64]
SPAN_FEATURES = (
    *("margin", "runner_up", "fused", "dense"),
    *("coverage", "sentence_coverage", "first"),
)
FOREIGN_FEATURES = (*SPAN_FEATURES, "similarity")


class Labelled(NamedTuple):
    """One question's evidence, and which pieces of it are right; ``group`` is of its context,
    ``foreign`` says that the best piece is in another language than the question.
    """

    group: int
    foreign: bool
    evidence: tuple[Evidence, ...]
    right: NDArray[np.bool_]

    def features(self, names: Sequence[str]) -> Floats:
        """Return the named features, shape ``(pieces, features)``."""
        rows = [[getattr(one.features, name) for name in names] for one in self.evidence]
        return np.array(rows, dtype=np.float64).reshape(-1, len(names))


def main() -> int:
    """Parse the arguments, ask, fit, write, and return the exit code."""
    parser = argparse.ArgumentParser(description="Fit the calibration of answers.")
    parser.add_argument("questions", type=Path, nargs="*", help="JSON lines, plain or gzipped")
    parser.add_argument("--data", type=Path, help="folder of question files")
    parser.add_argument("--output", type=Path, default=CALIBRATION_FILE)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--models", type=Path, metavar="DIR", help="default var/models")
    parser.add_argument("--limit", type=int, help="of each file, only the first questions")
    parser.add_argument("--settings", type=Path, metavar="FILE", help=FILE_HELP)
    arguments = parser.parse_args()
    use_settings_file(arguments.settings)
    if not arguments.questions and not arguments.data:
        parser.error("give files of questions, or --data with the folder that holds them")
    try:
        sets = [read_rows(file) for file in arguments.questions]
        if arguments.data:
            sets.append(read_rows(arguments.data / CALIBRATING_FILE))
            written = [asdict(one) for one in read_written(arguments.data, "calibrate")]
            sets.extend([row for row in written if _is_own(row) == own] for own in (False, True))
    except (OSError, WrongInput) as error:
        print(f"Nothing was written: {error}", file=sys.stderr)
        return 2
    models_folder = arguments.models or Settings().models_folder
    rows = [row for each in sets for row in each[: arguments.limit]]
    collections = _collections(rows)
    with tempfile.TemporaryDirectory() as folder:
        labelled = _label(collections, Path(folder), models_folder)
    given = ["--data DIR"] if arguments.data else []
    command = " ".join(
        ["python scripts/calibrate.py", *given, *(file.name for file in arguments.questions)]
    )
    own = [one for one in labelled if not one.foreign]
    foreign = [one for one in labelled if one.foreign]
    if not own or not foreign:
        print(
            "There are no questions in the language of their passage, or none in another: give "
            "files that hold both.",
            file=sys.stderr,
        )
        return 2
    calibrations = Calibrations(
        spans=_fit(own, SPAN_FEATURES, arguments.folds, command),
        foreign_spans=_fit(foreign, FOREIGN_FEATURES, arguments.folds, command),
    )
    arguments.output.write_text(calibrations.model_dump_json(indent=1) + "\n", encoding="utf-8")
    for name, fitted in calibrations:
        print(name, {key: round(weight.weight, 2) for key, weight in fitted.weights.items()})
        for risk in (0.05, 0.1, 0.2, 0.3):
            threshold = fitted.threshold(risk)
            covered = next((p.coverage for p in fitted.curve if p.threshold == threshold), 0.0)
            print(f"  risk {risk}: threshold {threshold:.3f}, coverage {covered:.3f}")
    return 0


def _is_own(row: dict[str, Any]) -> bool:
    """Say whether a context opens with a line of headings, as the passages of our own do."""
    return OWN_HEADING in str(row["context"]).split("\n")[0]


def _collections(rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Part the questions into those that are put to one index.

    Collections are mostly of one language: in one of three, a question in Kazakh would find
    Kazakh passages that have nothing to do with it. Passages of our own are cuts of as many
    documents: what is asked of one ("Who may vote?") others answer too, so that a few share one.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    own: dict[str, int] = {}
    for row in rows:
        name: str = detect_language(row["context"])
        if _is_own(row):
            number = own.setdefault(row["context"], len(own))
            name = f"{name}-{number // OWN_TOGETHER}"
        found.setdefault(name, []).append(row)
    return found


def _label(
    collections: dict[str, list[dict[str, Any]]], folder: Path, models_folder: Path
) -> list[Labelled]:
    """Ask every question of its collection; label what was found."""
    models = Models.open(models_folder)
    labelled: list[Labelled] = []
    for name, some in sorted(collections.items()):
        sources, index_folder = folder / name / "sources", folder / name / "index"
        asked = write_sources(some, sources)
        build_index([sources], index_folder, models_folder)
        labelled.extend(_label_each(asked, models, index_folder))
    return labelled


def _label_each(asked: Sequence[Posed], models: Models, index_folder: Path) -> list[Labelled]:
    settings = Settings(index_folder=index_folder, models_folder=models.folder)
    retriever = Retriever.open(settings.index_folder, models)
    opened = Opened(settings, retriever, models.reader(READER_FILE), _neutral())
    paths = {one.document_id: one.path for one in retriever.documents()}
    groups = {context: at for at, context in enumerate(dict.fromkeys(p.context for p in asked))}

    def label(posed: Posed) -> Labelled:
        query = opened.understand(posed.question, (), None)
        first = settings.passages_read
        ranked = retriever.search(query.standalone_question, first + FURTHER_PASSAGES)
        evidence = (
            *opened.weigher.read(query, ranked[:first]),
            *opened.weigher.read(query, ranked[first:]),
        )
        right = [_is_right(one, paths[one.passage.document_id], posed.golds) for one in evidence]
        return Labelled(
            groups[posed.context],
            bool(evidence) and bool(evidence[0].features.foreign),
            evidence,
            np.array(right, dtype=np.bool_),
        )

    with ThreadPoolExecutor(max_workers=2) as pool:
        found = pool.map(label, asked)
        return list(tqdm(found, total=len(asked), unit="question", mininterval=5.0))


def _is_right(evidence: Evidence, path: str, golds: Sequence[Place]) -> bool:
    """Say whether the quote holds an answer where it stands, and the span, if any, touches it."""
    return any(
        path == gold.path
        and evidence.quote[0] <= gold.start
        and gold.end <= evidence.quote[1]
        and (
            evidence.span is None or (evidence.span[0] < gold.end and gold.start < evidence.span[1])
        )
        for gold in golds
    )


def _neutral() -> Calibrations:
    flat = Calibration(measured_on="", command="", questions=0, intercept=0.0, weights={}, curve=())
    return Calibrations(spans=flat, foreign_spans=flat)


def _fit(
    labelled: Sequence[Labelled], names: Sequence[str], folds: int, command: str
) -> Calibration:
    """Fit on all questions; take the curve from folds that were left out in turn."""
    held: list[tuple[float, bool]] = []
    for fold in range(folds):
        model = _model([one for one in labelled if one.group % folds != fold], names)
        held.extend(_best(one, names, model) for one in labelled if one.group % folds == fold)
    mean, deviation, weights, intercept = _model(labelled, names)
    held.sort(key=lambda pair: -pair[0])
    wrong = np.cumsum([not right for _, right in held])
    curve = []
    for at in range(1, CURVE_POINTS + 1):
        count = max(1, round(at * len(held) / CURVE_POINTS))
        curve.append(
            RiskPoint(
                threshold=round(held[count - 1][0], 5),
                risk=round(float(wrong[count - 1]) / count, 5),
                coverage=round(count / len(held), 5),
            )
        )
    return Calibration(
        measured_on="each question put to an index of all contexts; curve from folds left out",
        command=command,
        questions=len(labelled),
        intercept=round(intercept, 5),
        weights={
            name: Weight(
                mean=round(float(m), 5), deviation=round(float(d), 5), weight=round(float(w), 5)
            )
            for name, m, d, w in zip(names, mean, deviation, weights, strict=True)
        },
        curve=tuple(curve),
    )


Model: TypeAlias = tuple[Floats, Floats, Floats, float]


def _model(labelled: Sequence[Labelled], names: Sequence[str]) -> Model:
    """Fit a logistic regression on all evidence, then its slope and intercept on each question's
    best piece, whose probability is the one that decides.
    """
    features = np.concatenate([one.features(names) for one in labelled])
    right = np.concatenate([one.right for one in labelled])
    mean, deviation = features.mean(0), np.maximum(features.std(0), DEVIATION_MIN)
    weights, intercept = _regress((features - mean) / deviation, right)
    model: Model = (mean, deviation, weights, intercept)
    best = [_best(one, names, model) for one in labelled if len(one.right)]
    logits = np.array([[math.log(p / (1 - p))] for p, _ in best])
    slope, shift = _regress(logits, np.array([found for _, found in best]))
    return mean, deviation, weights * slope[0], intercept * float(slope[0]) + shift


def _best(one: Labelled, names: Sequence[str], model: Model) -> tuple[float, bool]:
    if not len(one.right):
        return 0.0, False
    mean, deviation, weights, intercept = model
    logits = (one.features(names) - mean) / deviation @ weights + intercept
    best = int(np.argmax(logits))
    probability = 1.0 / (1.0 + math.exp(-float(np.clip(logits[best], -30.0, 30.0))))
    return probability, bool(one.right[best])


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
