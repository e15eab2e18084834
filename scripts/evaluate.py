"""Measure how right the answers are, on questions whose answers are known.

    python scripts/evaluate.py QUESTIONS.jsonl [--index DIR] [--part NAME] [--floors FILE] [--json]

Exit codes: 0 done, 1 a measure is under its floor, 2 wrong usage or nothing measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pydantic import ValidationError

from app.assistant import Assistant
from app.measuring import Judged, Measures, Question, judge_reply, measure
from app.settings import Settings
from index import IndexingError


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
    parser.add_argument("--json", action="store_true", help="print one JSON document on one line")
    arguments = parser.parse_args()
    chosen = {"index_folder": arguments.index, "answer_risk": arguments.answer_risk}
    try:
        lines = arguments.questions.read_text(encoding="utf-8").splitlines()
        questions = [Question.model_validate_json(line) for line in lines if line.strip()]
        if arguments.part is not None:
            questions = [one for one in questions if one.part == arguments.part]
        floors: dict[str, float] = (
            json.loads(arguments.floors.read_text(encoding="utf-8")) if arguments.floors else {}
        )
        unknown = sorted(set(floors) - set(Measures.model_fields))
        if unknown:
            parser.error(f"{arguments.floors}: no measure is named {unknown[0]!r}")
        assistant = Assistant.open(
            Settings(**{key: value for key, value in chosen.items() if value is not None})
        )
        measures = measure(_ask_all(assistant, questions, show_wrong=arguments.wrong))
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
