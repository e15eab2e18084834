"""Measure how right the answers are, on questions whose answers are known.

    python scripts/evaluate.py QUESTIONS.jsonl [--index DIR] [--part NAME] [--floors FILE] [--json]
    python scripts/evaluate.py SQUAD.jsonl.gz --contexts [--sample 500] [--asked-in ru] [--json]

With --contexts the questions are in SQuAD's form and each is put to a collection of all contexts of
their file. With --ablation the parts of the program are compared instead.
Exit codes: 0 done, 1 a measure is under its floor, 2 wrong usage or nothing measured.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pydantic import ValidationError
from tqdm import tqdm

from app.ablating import Case, Holds, Outcome, ablate
from app.assistant import Assistant
from app.contexts import Posed, judge_posed, read_rows, write_sources
from app.measuring import Judged, Measures, Question, holds, judge_reply, measure
from app.settings import (
    BAD_SETTINGS,
    FILE_HELP,
    Settings,
    read_limits,
    settings_problems,
    use_settings_file,
)
from index import IndexingError, build_index

SEED = 1


def main() -> int:
    """Parse the arguments, ask every question, print the measures, and return the exit code."""
    parser = argparse.ArgumentParser(description="Measure answers against what they should be.")
    parser.add_argument("questions", type=Path, help="JSON lines; see tests/questions/README.md")
    parser.add_argument("--index", type=Path, metavar="DIR", help="default var/index")
    parser.add_argument("--part", help="only the questions of this part, such as development")
    parser.add_argument(
        "--floors",
        type=Path,
        metavar="FILE",
        help='JSON of lowest values, such as {"answerable_right": 0.8}',
    )
    parser.add_argument(
        "--answer-risk",
        type=float,
        metavar="R",
        help="share of given answers that may be wrong, between 0 and 1",
    )
    parser.add_argument("--wrong", action="store_true", help="list what went wrong, on stderr")
    parser.add_argument("--contexts", action="store_true", help="questions in SQuAD's form")
    parser.add_argument("--sample", type=int, metavar="N", help="of those, ask N, drawn by a seed")
    parser.add_argument("--asked-in", metavar="LANG", help="ask in this language of the others")
    parser.add_argument("--ablation", action="store_true", help="compare the program's parts")
    parser.add_argument("--json", action="store_true", help="print one JSON document on one line")
    parser.add_argument("--settings", type=Path, metavar="FILE", help=FILE_HELP)
    arguments = parser.parse_args()
    use_settings_file(arguments.settings)
    chosen = {"index_folder": arguments.index, "answer_risk": arguments.answer_risk}
    try:
        settings = Settings(**{key: value for key, value in chosen.items() if value is not None})
        read_limits()
    except BAD_SETTINGS as error:
        for problem in settings_problems(error):
            print(f"Nothing was measured: {problem}", file=sys.stderr)
        return 2
    try:
        floors: dict[str, float] = (
            json.loads(arguments.floors.read_text(encoding="utf-8")) if arguments.floors else {}
        )
        unknown = sorted(set(floors) - set(Measures.model_fields))
        if unknown:
            parser.error(f"{arguments.floors}: no measure is named {unknown[0]!r}")
        with tempfile.TemporaryDirectory() as folder:
            asked = (
                _of_contexts(arguments, settings, Path(folder))
                if arguments.contexts
                else _of_index(arguments, settings)
            )
            if arguments.ablation:
                return _print_ablation(ablate(asked.assistant, asked.cases), arguments.json)
            measures = measure(asked.judge_all())
    except (OSError, IndexingError, ValidationError, ValueError) as error:
        print(f"Nothing was measured: {error}", file=sys.stderr)
        return 2
    print(measures.model_dump_json() if arguments.json else as_table(measures))
    under = {
        name: (getattr(measures, name), floor)
        for name, floor in floors.items()
        if getattr(measures, name) is None or getattr(measures, name) < floor
    }
    for name, (reached, floor) in under.items():
        print(f"{name} is {reached}, its floor is {floor}", file=sys.stderr)
    return 1 if under else 0


class Asked(NamedTuple):
    """An opened collection, and its questions in both ways of looking at them."""

    assistant: Assistant
    judge_all: Callable[[], list[Judged]]
    cases: list[Case]


def _of_index(arguments: argparse.Namespace, settings: Settings) -> Asked:
    """Open the index and read the questions written about its documents."""
    lines = arguments.questions.read_text(encoding="utf-8").splitlines()
    questions = [Question.model_validate_json(line) for line in lines if line.strip()]
    questions = [one for one in questions if arguments.part in {None, one.part}]
    assistant = Assistant.open(settings)

    def gold(question: Question) -> Holds | None:
        if not question.answerable:
            return None
        wanted = question.evidence or question.evidence_all

        def holds_one(document_id: str, start: int, end: int) -> bool:
            text = assistant.retriever.document(document_id).text[start:end]
            return holds(text, wanted)

        return holds_one

    return Asked(
        assistant,
        lambda: _ask_all(assistant, questions, show_wrong=arguments.wrong),
        [Case(one.question, one.history, gold(one)) for one in questions if one.kind != "courtesy"],
    )


def _of_contexts(arguments: argparse.Namespace, settings: Settings, folder: Path) -> Asked:
    """Build a collection of all contexts of the questions' file, and open it."""
    rows = read_rows(arguments.questions, arguments.asked_in)
    posed = write_sources(rows, folder / "sources")
    if arguments.sample:
        draw = random.Random(SEED)
        posed = draw.sample(posed, min(arguments.sample, len(posed)))
    build_index([folder / "sources"], folder / "index", settings.models_folder)
    assistant = Assistant.open(settings.model_copy(update={"index_folder": folder / "index"}))
    paths = {one.document_id: one.path for one in assistant.retriever.documents()}

    def gold(one: Posed) -> Holds | None:
        def holds_one(document_id: str, start: int, end: int) -> bool:
            return any(
                paths[document_id] == gold.path and start <= gold.start and gold.end <= end
                for gold in one.golds
            )

        return holds_one if one.golds else None

    def judge_all() -> list[Judged]:
        with ThreadPoolExecutor(max_workers=2) as pool:
            replies = pool.map(lambda one: assistant.ask(one.question), posed)
            shown = tqdm(replies, total=len(posed), unit="question", mininterval=5.0, disable=None)
            return [judge_posed(one, reply) for one, reply in zip(posed, shown, strict=True)]

    return Asked(assistant, judge_all, [Case(one.question, (), gold(one)) for one in posed])


def _print_ablation(outcomes: Sequence[Outcome], as_json: bool) -> int:  # noqa: FBT001
    if as_json:
        print(json.dumps([outcome._asdict() for outcome in outcomes]))
        return 0
    print(f"{'':45} right  wrong  unanswerable refused")
    for one in outcomes:
        print(f"{one.variant:45} {one.right:.3f}  {one.wrong:.3f}  {one.refused:.3f}")
    return 0


def _ask_all(assistant: Assistant, questions: list[Question], *, show_wrong: bool) -> list[Judged]:
    judged = []
    for question in questions:
        reply = assistant.ask(question.question, history=question.history)
        one = judge_reply(question, reply)
        judged.append(one)
        if show_wrong and not one.right:
            expected = (*question.evidence[:1], *question.evidence_all) or "an abstention"
            print(
                f"{question.id} {question.kind} {question.question!r} "
                f"{list(question.history) or ''}\n  wanted {expected}\n  got {reply.kind} "
                f"{reply.confidence} {reply.reason or ''} {reply.text!r}",
                file=sys.stderr,
            )
    return judged


def as_table(measures: Measures) -> str:
    """Return the measures as a person reads them."""
    rows = []
    for name, value in measures.model_dump(
        exclude={"by_language", "by_kind", "risk_coverage"}
    ).items():
        rows.append(f"{name:24} {value:.3f}" if isinstance(value, float) else f"{name:24} {value}")
    for title, groups in (("language", measures.by_language), ("kind", measures.by_kind)):
        rows.append(f"\n{title:12} answerable  right  unanswerable  refused")
        for group, values in groups.items():
            right, refused = (
                "    -" if values[name] is None else f"{values[name]:.3f}"
                for name in ("answerable_right", "unanswerable_refused")
            )
            rows.append(
                f"{group:12} {values['answerable']:10.0f}  {right}  "
                f"{values['unanswerable']:12.0f}  {refused}"
            )
    rows.append("\nconfidence  coverage  risk")
    points = measures.risk_coverage
    rows.extend(
        f"{point.confidence:10.3f}  {point.coverage:8.3f}  {point.risk:.3f}"
        for point in points[:: max(1, len(points) // 10)]
    )
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
