"""The stored questions asked again beside the readers': one at a time, at the same desk."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Final

from app.admin_page import ReplayState
from app.assistant import Assistant
from app.desk import Desk
from app.errors import DeskBusy
from app.replaying import Outcome, as_replay, replay_one, to_replay
from app.stored import Given, reading
from app.storing import Storage
from app.types import Reply

LOGGER = logging.getLogger("briefing_desk")

BUSY_SECONDS: Final = 1.0
"""How long a replay leaves a full desk to the readers before it asks on."""


class IndexChanged(Exception):
    """Another index took over while the questions were being asked."""


class BackgroundReplay:
    """At most one replay at a time; what came of the last one is kept until the process ends."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._task: asyncio.Task[None] | None = None
        self._state = ReplayState()

    def state(self) -> ReplayState:
        """Return how far it is."""
        return self._state

    def begin(self, storage: Storage) -> None:
        """Begin to ask, unless that is going on already."""
        if self._task is None or self._task.done():
            self._state = self._state.model_copy(
                update={"is_running": True, "has_failed": False, "done": 0, "total": 0}
            )
            self._task = asyncio.create_task(self._run(storage))
            self._task.add_done_callback(self._end)

    async def _run(self, storage: Storage) -> None:
        index_id = self._desk.assistant.retriever.index_id
        given, left_out = await asyncio.to_thread(_read, storage, index_id)
        outcomes: list[Outcome] = []
        for each in given:
            self._state = self._state.model_copy(
                update={"done": len(outcomes), "total": len(given)}
            )
            outcomes.append(await self._ask(each))
            if self._desk.assistant.retriever.index_id != index_id:
                raise IndexChanged("another index took over")
        self._state = self._state.model_copy(
            update={
                "replay": as_replay(outcomes, index_id, left_out),
                "finished_at": datetime.now(UTC),
            }
        )

    async def _ask(self, given: Given) -> Outcome:
        while True:
            try:
                return await self._desk.run(lambda assistant: _replayed(assistant, given))
            except DeskBusy:
                await asyncio.sleep(BUSY_SECONDS)

    def _end(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            LOGGER.error("The stored questions could not all be asked again.", exc_info=error)
        self._state = self._state.model_copy(
            update={"is_running": False, "has_failed": error is not None}
        )


def _read(storage: Storage, index_id: str) -> tuple[list[Given], int]:
    with reading(storage.file) as stored:
        return to_replay(stored.given(), index_id)


def _replayed(assistant: Assistant, given: Given) -> Outcome:
    def ask(one: Given) -> Reply:
        return assistant.ask(one.question, language=one.language, documents=one.documents)

    return replay_one(given, ask)
