"""How long each step of a question took, and which one is being done."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

Step: TypeAlias = Literal["waiting", "understanding", "searching", "reading", "composing"]
"""What is being done for a question, in order; a step may come again, or not at all."""

Announce: TypeAlias = Callable[[Step], None]
"""Is told each step as it begins, in the thread that answers."""


class Stopwatch:
    """Milliseconds of each named step since the last, and of all together."""

    def __init__(self, announce: Announce | None = None) -> None:
        self._announce = announce
        self._begin = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def begin(self, step: Step) -> None:
        """Tell whoever waits what is being done now."""
        if self._announce is not None:
            self._announce(step)

    def lap(self, step: str) -> None:
        """Note the time since the last lap under a step's name."""
        now = time.perf_counter()
        self._laps[step] = self._laps.get(step, 0.0) + (now - self._last) * 1000
        self._last = now

    def milliseconds(self) -> dict[str, float]:
        """Return the laps, rounded to a tenth, and their total."""
        total = (time.perf_counter() - self._begin) * 1000
        return {step: round(ms, 1) for step, ms in {**self._laps, "total": total}.items()}

    def after(self, earlier: Mapping[str, float]) -> dict[str, float]:
        """Return earlier laps with these, and the total of both."""
        mine = self.milliseconds()
        return {**earlier, **mine, "total": round(earlier["total"] + mine["total"], 1)}
