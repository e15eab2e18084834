"""Files are read side by side, and nothing but the time it takes shows it."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from index import ReadingLimits, build_index, builder
from index.files import FoundFile, Source
from index.parsers import Parsers
from index.reading import FileOutcome, Parser


def test_outcomes_come_in_the_order_of_the_items() -> None:
    last_is_done = threading.Event()

    def work(_parser: Parser, number: int) -> int:
        if number == 2:
            last_is_done.set()
        else:
            assert last_is_done.wait(60), "the last item waits for the first"
        return number

    with Parsers(3, ReadingLimits()) as parsers:
        assert list(parsers.each(work, range(3))) == [0, 1, 2]


def test_a_parser_is_never_used_by_two_at_once() -> None:
    in_use: set[int] = set()

    def work(parser: Parser, _number: int) -> None:
        assert id(parser) not in in_use
        in_use.add(id(parser))
        threading.Event().wait(0.001)
        in_use.discard(id(parser))

    with Parsers(4, ReadingLimits()) as parsers:
        list(parsers.each(work, range(200)))


def test_an_error_ends_what_is_being_read(tmp_path: Path) -> None:
    """A pipe that nobody writes to is read for ever; the limit of time is an hour here."""
    pipe = tmp_path / "endless.md"
    os.mkfifo(pipe)
    found = FoundFile(Source(pipe, "endless.md"), "endless")
    outcomes: list[FileOutcome] = []
    reading = threading.Event()

    def work(parser: Parser, file: FoundFile) -> None:
        reading.set()
        outcomes.append(parser.read(file))

    def stop_while_it_is_read() -> None:
        with Parsers(1, ReadingLimits(file_seconds_max=3600)) as parsers:
            parsers.each(work, [found, found])
            assert reading.wait(60)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop_while_it_is_read()
    assert [problem.reason for outcome in outcomes for problem in outcome.problems] == ["damaged"]


def test_any_number_of_workers_builds_the_same_index(
    tmp_path: Path, write: Any, sources: Path, models_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        builder, "embed_passages", lambda encoder, texts: iter([encoder.encode_passages(texts)])
    )
    for number in range(9):
        # The first files are the longest, so that with several workers they are done last.
        write(f"{number}.md", f"# Title {number}\n\n" + f"Words of {number}.\n\n" * (300 >> number))
    write("unreadable.md", "")
    reports = [
        build_index([sources], tmp_path / f"index-{workers}", models_folder, workers=workers)
        for workers in (1, 4)
    ]
    one, four = (report.model_copy(update={"seconds": 0}) for report in reports)
    assert one == four
