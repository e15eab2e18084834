"""Several parsers side by side: files are read at once and handed out in the order they came."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from index.limits import ReadingLimits
from index.reading import Parser

WORKERS_MAX = 8
"""Each worker is a process that may take as much memory as one file is allowed."""

ABANDON_SECONDS = 0.05
"""How long a parser that is no longer wanted may go on before its child is killed."""

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def default_workers() -> int:
    """Return how many files are read at once where nobody says: one for each core, up to 8."""
    return min(os.cpu_count() or 1, WORKERS_MAX)


class Parsers:
    """A few parsers, each with a child process of its own; a child starts when it is needed."""

    def __init__(self, workers: int, limits: ReadingLimits) -> None:
        self._parsers = [Parser(limits) for _ in range(workers)]
        # The one that was used last comes first, so that few files start few children.
        self._idle: queue.LifoQueue[Parser] = queue.LifoQueue()
        for parser in self._parsers:
            self._idle.put(parser)
        self._threads = ThreadPoolExecutor(workers)
        self._is_abandoned = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        if error is not None:  # nobody waits for what is being read
            self._abandon()
        self._threads.shutdown()
        for parser in self._parsers:
            parser.__exit__(kind, error, trace)

    def _abandon(self) -> None:
        """Kill what reads until no parser is in use: one may only be about to start its child."""
        self._is_abandoned = True
        idle: list[Parser] = []
        while len(idle) < len(self._parsers):
            try:
                idle.append(self._idle.get(timeout=ABANDON_SECONDS))
            except queue.Empty:
                for parser in self._parsers:
                    parser.abandon()
        for parser in idle:
            self._idle.put(parser)

    def each(
        self, work: Callable[[Parser, Item], Outcome], items: Iterable[Item]
    ) -> Iterator[Outcome]:
        """Yield what ``work`` makes of each item with a parser, in the order of the items."""

        def with_parser(item: Item) -> Outcome:
            parser = self._idle.get()
            try:
                if self._is_abandoned:
                    raise CancelledError
                return work(parser, item)
            finally:
                self._idle.put(parser)

        return self._threads.map(with_parser, items)
