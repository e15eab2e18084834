"""Fit the probability that a reading of a follow-up is what was asked, and its risk-coverage curve.

    python scripts/calibrate_follow_ups.py [--output app/follow_ups.json]
    python scripts/calibrate_follow_ups.py QUESTIONS.jsonl… --documents DIR

A file of questions is as tests/questions/README.md says; the documents that NAME.jsonl asks about
lie in DIR/NAME. Without files they are those of tests/questions/turns: nobody measures the program
by them. Each question is put to its collection after its earlier ones; each reading with an answer
is right where the answer's quotes hold what is expected. The model chooses between a question's
readings and none of them; the curve is of each collection as a model fitted on the others chooses,
but for slope and intercept, which are fitted on all of them. What the turns before are answered is
told by the weights shipped so far.
Exit codes: 0 done, 2 nothing written.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from pydantic import ValidationError
from tqdm import tqdm

from app.assistant import Assistant
from app.conditional_logit import Choice, as_calibration, fit_held_out
from app.measuring import Question, holds_evidence
from app.settings import FILE_HELP, REPOSITORY, Settings, use_settings_file
from app.stopwatch import Stopwatch
from app.turns import FOLLOW_UPS_FILE
from app.types import TurnFeatures
from index import IndexingError, Models, Retriever, build_index

QUESTIONS = REPOSITORY / "tests" / "questions" / "turns"
DOCUMENTS = REPOSITORY / "tests" / "collections"
FEATURES = tuple(TurnFeatures.model_fields)
FILES_MIN = 2


def main() -> int:
    """Parse the arguments, ask, fit, write, and return the exit code."""
    parser = argparse.ArgumentParser(description="Fit the choice between a follow-up's readings.")
    parser.add_argument("questions", type=Path, nargs="*", help="JSON lines")
    parser.add_argument("--documents", type=Path, default=DOCUMENTS, metavar="DIR")
    parser.add_argument("--output", type=Path, default=FOLLOW_UPS_FILE)
    parser.add_argument("--models", type=Path, metavar="DIR", help="default var/models")
    parser.add_argument("--settings", type=Path, metavar="FILE", help=FILE_HELP)
    arguments = parser.parse_args()
    use_settings_file(arguments.settings)
    files = arguments.questions or sorted(QUESTIONS.glob("*.jsonl"))
    choices: list[Choice] = []
    groups: list[int] = []
    if len(files) < FILES_MIN:
        print("Nothing was written: give two files of questions or more", file=sys.stderr)
        return 2
    try:
        models = Models.open(arguments.models or Settings().models_folder)
        for group, file in enumerate(files):
            asked = _ask(file, arguments.documents / file.stem, models)
            choices += asked
            groups += [group] * len(asked)
        utility, held = fit_held_out(choices, groups)
    except (OSError, ValidationError, ValueError, IndexingError) as error:
        print(f"Nothing was written: {error}", file=sys.stderr)
        return 2
    named = [file.name for file in arguments.questions]
    fitted = as_calibration(
        utility,
        FEATURES,
        [(one.probability, bool(choices[one.question].right[one.piece])) for one in held],
        asked=len(choices),
        measured_on="follow-ups put to their collections; curve from collections left out in turn",
        command=" ".join(["python scripts/calibrate_follow_ups.py", *named]),
    )
    arguments.output.write_text(fitted.model_dump_json(indent=1) + "\n", encoding="utf-8")
    print({name: round(weight.weight, 2) for name, weight in fitted.weights.items()})
    for risk in (0.1, 0.2, 0.3, Settings().answer_risk):
        threshold = fitted.threshold(risk)
        covered = next((p.coverage for p in fitted.curve if p.threshold == threshold), 0.0)
        print(f"risk {risk}: threshold {threshold:.3f}, coverage {covered:.3f}")
    return 0


def _ask(file: Path, documents: Path, models: Models) -> list[Choice]:
    """Ask the follow-ups of a file of its collection, two at a time."""
    lines = file.read_text(encoding="utf-8").splitlines()
    questions = [Question.model_validate_json(line) for line in lines if line.strip()]
    with tempfile.TemporaryDirectory() as folder:
        build_index([documents], Path(folder), models.folder)
        settings = Settings(index_folder=Path(folder), models_folder=models.folder)
        assistant = Assistant.over(settings, Retriever.open(Path(folder), models))
        with ThreadPoolExecutor(max_workers=2) as pool:
            found = pool.map(lambda question: _choice(question, assistant), questions)
            shown = tqdm(found, file.stem, len(questions), unit="question", mininterval=5.0)
            return [one for one in shown if one is not None]


def _choice(question: Question, assistant: Assistant) -> Choice | None:
    """Weigh the readings of a follow-up and label them; None for what stands alone by its words."""
    opened, watch = assistant.opened, Stopwatch()
    history = opened.heard_before(question.history)
    query = opened.understand(question.question, history, None)
    if query.courtesy is not None or query.is_order or not query.may_refer:
        return None
    found = opened.find(query, None, watch)
    earlier = assistant.reply_before(history)
    tried = assistant.read_on(query, found, history, earlier, None, None, watch)
    weighed = opened.weigh_turn(query, tried, earlier)
    quoted = [[opened.cite(one).quote for one in opened.draft(w.found).quotes] for w in weighed]
    return Choice(
        np.array([_row(one.features) for one in weighed], np.float64).reshape(-1, len(FEATURES)),
        np.empty((len(weighed), 0), np.float32),
        np.array([holds_evidence(question, quotes) for quotes in quoted], np.bool_),
        is_written=False,
    )


def _row(features: TurnFeatures) -> Sequence[float]:
    return [getattr(features, name) for name in FEATURES]


if __name__ == "__main__":
    sys.exit(main())
