"""The assistant that answers now, the threads it answers in, and the move to a newer index.

The event loop only admits questions and waits; what needs a processor runs in a few threads. More
callers than ``waiting_max`` are told so at once. A newer index version is opened beside the old one
and takes over for the next question; whoever is being answered keeps the old one until done.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from typing import TypeVar, get_args

import anyio.to_thread
from anyio import CapacityLimiter

from app.assistant import Assistant
from app.errors import AnsweringError
from app.settings import Settings
from app.types import Abstention, Answer, Courtesy, Language
from index import IndexingError

LOGGER = logging.getLogger("briefing_desk")

WORKERS_MAX = 4
"""Threads that answer at once, at most; more only make every question slower on few cores."""

WAITING_MAX = 64
"""Callers admitted at once; at 100 ms a question the last one waits about 3 seconds on 2 cores."""

LOOK_SECONDS = 1.0
"""How often the index folder is asked for a newer version."""

RETRY_SECONDS = 30.0
"""How long a version that would not open is left alone before the next try."""

Result = TypeVar("Result")


class DeskBusy(AnsweringError):
    """More callers are waiting than the desk admits."""


class Desk:
    """Answers one question after the other, from the newest index that opens."""

    def __init__(self, settings: Settings, assistant: Assistant) -> None:
        self.settings = settings
        self.assistant = assistant
        self._threads = CapacityLimiter(min(WORKERS_MAX, os.cpu_count() or 1))
        self._admitted = 0

    async def ask(
        self,
        question: str,
        *,
        history: Sequence[str] = (),
        language: Language | None = None,
        documents: Sequence[str] | None = None,
    ) -> Answer | Abstention | Courtesy:
        """Answer one question; raises ``QuestionRefused`` and ``DeskBusy``."""
        return await self.run(
            lambda assistant: assistant.ask(
                question, history=history, language=language, documents=documents
            )
        )

    async def run(self, work: Callable[[Assistant], Result]) -> Result:
        """Do ``work`` with the assistant in a thread; raises ``DeskBusy`` when too many wait."""
        if self._admitted >= WAITING_MAX:
            raise DeskBusy(
                "Many questions are being answered right now; ask again in a few seconds."
            )
        self._admitted += 1
        try:
            return await anyio.to_thread.run_sync(work, self.assistant, limiter=self._threads)
        finally:
            self._admitted -= 1

    async def follow_index(self) -> None:
        """Take over each newer index version as it appears; runs until it is cancelled.

        The starter questions are found beforehand, for each index, so that no page waits for them.
        """
        await self._find_starters()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._take_over_newer_index()
            except (IndexingError, OSError) as error:
                LOGGER.warning(
                    "The new index version does not open, the old one keeps answering: %s", error
                )
                await asyncio.sleep(RETRY_SECONDS)

    async def _take_over_newer_index(self) -> None:
        retriever = self.assistant.retriever
        if await asyncio.to_thread(retriever.newer_version_exists):
            newer = await asyncio.to_thread(Assistant.open, self.settings)
            self.assistant = newer
            await self._find_starters()
            LOGGER.warning("Answering from the new index version %s.", newer.retriever.index_id)

    async def _find_starters(self) -> None:
        for language in get_args(Language):
            await asyncio.to_thread(self.assistant.starters, language)
