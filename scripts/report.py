"""What readers could not find, found wrong and were shown, from what the server stores.

    python scripts/report.py [--storage FILE] [--days N] [--json] [--csv FILE]
    python scripts/report.py --resolve ID | --reopen ID
    python scripts/report.py --replay [--index DIR] [--json]
    python scripts/report.py --pin FILE
    python scripts/report.py --check FILE [--index DIR] [--json]

Exit codes: 0 done; 1 done, but an answer was lost or changed (--replay), a pinned question isn't
answered as it was (--check), or there is nothing with that id; 2 wrong usage or nothing done.
"""

from __future__ import annotations

import argparse
import json
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.curated_file import read_curated
from app.errors import AnsweringError
from app.pins import BrokenPin, Pin, add_pins, pin_of, pins_of_curated, read_pins
from app.replaying import Outcome, Replay, as_replay, replay_one, to_replay
from app.report import (
    DAYS_DEFAULT,
    DAYS_MAX,
    Complaint,
    Figures,
    Group,
    Percent,
    Report,
    encoding,
    make_report,
    mark_complaint,
    mark_group,
)
from app.report_csv import as_csv
from app.settings import (
    BAD_SETTINGS,
    FILE_HELP,
    Settings,
    read_limits,
    settings_problems,
    use_settings_file,
)
from app.stored import QuoteOf, reading
from app.storing import Storage, StorageUnusable
from index import IndexingError, Models
from index.terminals import printable

if TYPE_CHECKING:
    from app.assistant import Assistant

QUESTIONS_SHOWN = 20
CHARACTERS_SHOWN = 100


def main() -> int:
    """Parse the arguments, report, print, and return the exit code."""
    arguments = _arguments()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `report.py … | head` ends without a word
    use_settings_file(arguments.settings)
    chosen = {"index_folder": arguments.index, "storage_file": arguments.storage}
    try:
        settings = Settings(**{key: value for key, value in chosen.items() if value is not None})
        read_limits()  # nothing starts with a setting that can't be used, those limits too
    except BAD_SETTINGS as error:
        print(*settings_problems(error), sep="\n", file=sys.stderr)
        return 2
    try:
        if arguments.check is not None:
            return _check(arguments.check, settings, as_json=arguments.json)
        if arguments.pin is not None:
            return _pin(arguments.pin, settings)
        with _storage(settings) as storage:
            if arguments.replay:
                return _replay(storage, settings, as_json=arguments.json)
            return _report(arguments, storage, settings)
    except OSError as error:
        print(f"{error.filename} can't be used: {error.strerror}", file=sys.stderr)
        return 2
    except (IndexingError, AnsweringError, sqlite3.Error) as error:
        print(error, file=sys.stderr)
        return 2


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Report what readers could not find, from what the server stores.",
        epilog="Nothing is stored until BRIEFING_DESK_STORAGE_FILE is set: docs/manual/reports.md.",
    )
    parser.add_argument(
        "--storage", type=Path, metavar="FILE", help="default BRIEFING_DESK_STORAGE_FILE"
    )
    parser.add_argument("--settings", type=Path, metavar="FILE", help=FILE_HELP)
    parser.add_argument("--index", type=Path, metavar="DIR", help="default var/index")
    parser.add_argument(
        "--days",
        type=int,
        default=DAYS_DEFAULT,
        metavar="N",
        help=f"report on the last N days, beside the N before (default {DAYS_DEFAULT})",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document on one line")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the lists to a CSV file")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--resolve", metavar="ID", help="mark what has this id as resolved")
    instead.add_argument("--reopen", metavar="ID", help="mark it as open again")
    instead.add_argument(
        "--replay", action="store_true", help="ask the stored questions again, and compare"
    )
    instead.add_argument(
        "--pin",
        type=Path,
        metavar="FILE",
        help="add the answers that readers found right, and those of curated_file",
    )
    instead.add_argument(
        "--check", type=Path, metavar="FILE", help="ask the pinned questions of a file"
    )
    arguments = parser.parse_args()
    if not 1 <= arguments.days <= DAYS_MAX:
        parser.error(f"--days has to be from 1 to {DAYS_MAX}")
    return arguments


@contextmanager
def _storage(settings: Settings) -> Iterator[Storage]:
    """Open the storage there is; none is made by a report."""
    if settings.storage_file is None:
        raise StorageUnusable(
            "Nothing is stored: set BRIEFING_DESK_STORAGE_FILE for the server, and here, or name "
            "the file with --storage."
        )
    if settings.storage_file.is_dir():
        raise StorageUnusable(f"{settings.storage_file} is a folder: name the file in it.")
    if not settings.storage_file.is_file():
        raise StorageUnusable(
            f"{settings.storage_file} doesn't exist: the server makes it when it starts with "
            "BRIEFING_DESK_STORAGE_FILE set to it."
        )
    with closing(Storage(settings.storage_file, settings.retention_days)) as storage:
        yield storage


def _report(arguments: argparse.Namespace, storage: Storage, settings: Settings) -> int:
    encode = encoding(storage, Models.open(settings.models_folder).encoder)
    now = datetime.now(UTC)
    marked = arguments.resolve or arguments.reopen
    if marked is not None:
        resolved_at = now if arguments.resolve else None
        options = {"days": arguments.days, "made_at": now, "resolved_at": resolved_at}
        is_there = (
            mark_complaint(storage, int(marked), **options)
            if marked.isdecimal() and len(marked) < 19
            else mark_group(storage, encode, marked, **options)
        )
        if not is_there:
            print(f"Nothing in the last {arguments.days} days has the id {marked}", file=sys.stderr)
        return 0 if is_there else 1
    report = make_report(storage, encode, days=arguments.days, now=now)
    if arguments.csv is not None:
        # The mark at the beginning tells a spreadsheet that this is UTF-8.
        arguments.csv.write_text(as_csv(report), encoding="utf-8-sig", newline="")
    print(report.model_dump_json() if arguments.json else as_page(report))
    return 0


def _replay(storage: Storage, settings: Settings, *, as_json: bool) -> int:
    from tqdm import tqdm

    assistant = _assistant(settings)
    index_id = assistant.retriever.index_id
    with reading(storage.file) as stored:
        given, left_out = to_replay(stored.given(), index_id)
    shown = tqdm(given, desc="replaying", unit="question", disable=None, file=sys.stderr)
    outcomes = [
        replay_one(
            each,
            lambda one: assistant.ask(one.question, language=one.language, documents=one.documents),
        )
        for each in shown
    ]
    replay = as_replay(outcomes, index_id, left_out)
    print(replay.model_dump_json() if as_json else replay_as_page(replay))
    return 1 if replay.counts["lost"] or replay.counts["changed"] else 0


def _pin(file: Path, settings: Settings) -> int:
    """Pin what readers found right, and what the operator chose where it is answered so."""
    pins: list[Pin] = []
    if settings.storage_file is not None or settings.curated_file is None:
        with _storage(settings) as storage, reading(storage.file) as stored:
            pins += (pin_of(each) for each in stored.liked() if each.quotes)
    if settings.curated_file is not None:
        questions = [each for one in read_curated(settings.curated_file) for each in one.questions]
        pins += pins_of_curated(questions, _assistant(settings).ask)
    added, kept = add_pins(file, pins)
    print(f"{file}: {added} pinned questions added, {kept} kept")
    return 0


def _check(file: Path, settings: Settings, *, as_json: bool) -> int:
    from app.gate import as_lines, ask_pins

    pins = read_pins(file)
    broken: tuple[BrokenPin, ...] = ask_pins(pins, _assistant(settings))
    enabled = sum(pin.enabled for pin in pins)
    if as_json:
        rows = [pin.model_dump(mode="json") for pin in broken]
        print(json.dumps({"pins": enabled, "broken": rows}, ensure_ascii=False))
    else:
        print(f"{enabled - len(broken)} of {enabled} pinned questions are answered as they were")
        if broken:
            print(printable(as_lines(broken)))
    return 1 if broken else 0


def _assistant(settings: Settings) -> Assistant:
    from app.assistant import Assistant

    return Assistant.open(settings)


def as_page(report: Report) -> str:
    """Return a report as a person reads it in a terminal."""
    lines = [
        f"{'':24}{f'last {report.days} days':>14}{'before':>10}",
        *_figure_lines(report.now, report.before),
    ]
    if not report.earlier_is_whole:
        lines.append("(less is kept of the time before than of the last days)")
    lines += [f"\nNot answered: {len(report.unanswered)} groups of questions"]
    for group in report.unanswered[:QUESTIONS_SHOWN]:
        lines += _group_lines(group)
    lines += _rest(len(report.unanswered))
    if report.ungrouped:
        lines.append(f"  {report.ungrouped} older questions were left out")
    lines += [f"\nFound wrong by readers: {len(report.complaints)}"]
    for complaint in report.complaints[:QUESTIONS_SHOWN]:
        lines += _complaint_lines(complaint)
    lines += _rest(len(report.complaints))
    resolved = len(report.resolved) + len(report.resolved_complaints)
    lines.append(f"\nMarked as resolved and not asked or said again since: {resolved}")
    lines += ["\nCited most"]
    for cited in report.cited[:QUESTIONS_SHOWN]:
        lines.append(f"{cited.count:>5}  {cited.path}: {_short(cited.quote)}")
    return printable("\n".join(lines))


def replay_as_page(replay: Replay) -> str:
    """Return a replay as a person reads it in a terminal."""
    named = {
        "lost": "lost (was answered, is refused now)",
        "changed": "changed (other quotes, or another short answer)",
        "now_answered": "now answered",
        "unchanged": "unchanged",
    }
    lines = [f"{replay.asked} questions asked again, index {replay.index_id}"]
    if replay.left_out:
        lines.append(f"{replay.left_out} older questions were left out")
    lines += [f"{count:>6}  {named[became]}" for became, count in replay.counts.items()]
    for outcome in replay.outcomes:
        lines += _outcome_lines(outcome)
    return printable("\n".join(lines))


def _figure_lines(now: Figures, before: Figures) -> list[str]:
    def share(figures: Figures) -> str:
        value = figures.asked.answered_share
        return "-" if value is None else f"{value:.0%}"

    rows: list[tuple[str, ...]] = [
        ("questions", str(now.asked.questions), str(before.asked.questions)),
        ("answered", share(now), share(before)),
    ]
    took, took_before = now.milliseconds, before.milliseconds
    percents: tuple[Percent, ...] = ("50", "95", "99")
    rows += [
        (
            f"milliseconds, {percent} %",
            *(f"{each[percent]:.0f}" if each else "-" for each in (took, took_before)),
        )
        for percent in percents
    ]
    for verdict in sorted({*now.verdicts, *before.verdicts}):
        counts = [str(each.verdicts.get(verdict, 0)) for each in (now, before)]
        rows.append((f"said: {verdict}", *counts))
    return [f"{name:24}{first:>14}{second:>10}" for name, first, second in rows]


def _group_lines(group: Group) -> list[str]:
    trend = "new" if group.trend == "new" else f"{group.before} before"
    languages = ", ".join(f"{name} {count}" for name, count in group.languages.items())
    reasons = ", ".join(f"{name} {count}" for name, count in group.reasons.items())
    lines = [
        f"{group.count:>5}  {_short(group.question)}",
        f"       {trend}; {languages}; {reasons}; id {group.id}",
    ]
    if group.resolved_at is not None:
        lines.append(
            f"       marked as resolved on {group.resolved_at:%Y-%m-%d}, "
            f"asked {group.open_count} times since"
        )
    if group.missing_terms:
        lines.append(f"       the documents never mention: {', '.join(group.missing_terms)}")
    lines += [f"       - {_short(wording.question)}" for wording in group.wordings[1:]]
    return lines


def _complaint_lines(complaint: Complaint) -> list[str]:
    return [
        f"{complaint.count:>5}  {complaint.verdict}: {_short(complaint.question)}",
        f"       id {complaint.id}",
        *(f"       said: {_short(comment)}" for comment in complaint.comments),
        *(f"       quoted: {one.path}: {_short(one.quote)}" for one in complaint.quotes),
    ]


def _outcome_lines(outcome: Outcome) -> list[str]:
    before = outcome.short_answer_before or _quotes(outcome.quotes_before) or "no answer"
    after = outcome.short_answer or _quotes(outcome.quotes) or f"no answer ({outcome.reason})"
    lines = [f"\n{outcome.became.replace('_', ' ')}: {outcome.question}"]
    if before == after:
        before, after = _quotes(outcome.quotes_before), _quotes(outcome.quotes)
    return [*lines, f"  was: {_short(before)}", f"  is:  {_short(after)}"]


def _quotes(quotes: tuple[QuoteOf, ...]) -> str:
    return " | ".join(f"{one.path}: {one.quote}" for one in quotes)


def _rest(count: int) -> list[str]:
    return [f"  … and {count - QUESTIONS_SHOWN} more"] if count > QUESTIONS_SHOWN else []


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= CHARACTERS_SHOWN else words[: CHARACTERS_SHOWN - 1] + "…"


if __name__ == "__main__":
    sys.exit(main())
