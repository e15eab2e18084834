"""The assistant that answers now, the threads it answers in, and the move to a newer index.

The event loop only admits questions and waits; what needs a processor runs in a few threads. More
callers than ``waiting_max`` are told so at once. A newer index version is opened beside the old one
and takes over for the next question; whoever is being answered keeps the old one until done.

Every face asks here, so that here questions are counted, limited and, where that is on, stored.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar, get_args

from app.assistant import Assistant
from app.errors import DeskBusy
from app.metrics import Metrics
from app.rates import QuestionRates
from app.settings import Settings
from app.stopwatch import Announce
from app.storing import Storage
from app.types import Abstention, Answer, Courtesy, Language
from index import IndexingError

LOGGER = logging.getLogger("briefing_desk")

WORKERS_MAX = 4
"""Threads that answer at once, at most; more only make every question slower on few cores."""

WAITING_MAX = 64
"""Callers admitted at once; at 100 ms a question the last one waits about 3 seconds on 2 cores."""

BUSY_RETRY_SECONDS = 2
"""When a caller who wasn't admitted may come again."""

FINISH_SECONDS_MAX = 25
"""How long a stop waits for callers that were admitted."""

LOOK_SECONDS = 1.0
"""How often the index folder is asked for a newer version."""

RETRY_SECONDS = 30.0
"""How long a version that would not open is left alone before the next try."""

PURGE_SECONDS = 3_600.0
"""How often the storage is rid of what is older than the operator keeps."""

Result = TypeVar("Result")


class Desk:
    """Answers one question after the other, from the newest index that opens."""

    def __init__(
        self, settings: Settings, assistant: Assistant, storage: Storage | None = None
    ) -> None:
        self.settings = settings
        self.assistant = assistant
        self.storage = storage
        self.metrics = Metrics()
        self.metrics.watch_admitted(lambda: self._admitted)
        self._rates = QuestionRates(settings.questions_per_minute)
        self._threads = ThreadPoolExecutor(min(WORKERS_MAX, os.cpu_count() or 1), "desk")
        self._admitted = 0
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    async def ask(
        self,
        question: str,
        *,
        history: Sequence[str] = (),
        language: Language | None = None,
        documents: Sequence[str] | None = None,
        caller: str | None = None,
        announce: Announce | None = None,
    ) -> Answer | Abstention | Courtesy:
        """Answer one question; raises ``QuestionRefused`` and ``NotAdmitted``.

        ``caller`` is the address that asks, None for this process itself; ``announce`` is told each
        step as it begins, in the thread that answers.
        """
        return await self.start_asking(
            question,
            history=history,
            language=language,
            documents=documents,
            caller=caller,
            announce=announce,
        )

    def start_asking(
        self,
        question: str,
        *,
        history: Sequence[str] = (),
        language: Language | None = None,
        documents: Sequence[str] | None = None,
        caller: str | None = None,
        announce: Announce | None = None,
    ) -> asyncio.Task[Answer | Abstention | Courtesy]:
        """Admit a question and return the task that answers it; raises ``NotAdmitted`` at once."""
        asked_at, started = datetime.now(UTC), time.perf_counter()

        def answer(assistant: Assistant) -> Answer | Abstention | Courtesy:
            reply = assistant.ask(
                question,
                history=history,
                language=language,
                documents=documents,
                announce=announce,
            )
            self.metrics.count_reply(reply, time.perf_counter() - started)
            if self.settings.log_questions:
                LOGGER.info("question", extra={"fields": {"question": question}})
            self._record(reply, asked_at, documents)
            return reply

        return self._start(answer, caller)

    async def finish(self) -> None:
        """Return once nobody who was admitted is waiting."""
        await self._is_idle.wait()

    async def run(self, work: Callable[[Assistant], Result], caller: str | None = None) -> Result:
        """Do ``work`` with the assistant in a thread; raises ``NotAdmitted``.

        With a ``caller`` it counts as one of that caller's questions.
        """
        return await self._start(work, caller)

    def _start(
        self, work: Callable[[Assistant], Result], caller: str | None
    ) -> asyncio.Task[Result]:
        if self._admitted >= WAITING_MAX:
            raise DeskBusy(
                "Many questions are being answered right now; ask again in a few seconds.",
                BUSY_RETRY_SECONDS,
            )
        self._rates.take(caller)
        self._admitted += 1
        self._is_idle.clear()
        # A task, since what is cancelled before it begins has to be counted out as well.
        task = asyncio.create_task(self._in_thread(work))
        task.add_done_callback(self._count_out)
        return task

    async def _in_thread(self, work: Callable[[Assistant], Result]) -> Result:
        """Wait for a thread and for what it does; a caller who goes away gives up a place in the
        queue, while a thread that has begun is not given to the next before it ends.
        """
        context = contextvars.copy_context()  # the request's id, for the log
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, context.run, work, self.assistant)

    def _count_out(self, _: asyncio.Task[Result]) -> None:
        self._admitted -= 1
        if not self._admitted:
            self._is_idle.set()

    def _record(
        self,
        reply: Answer | Abstention | Courtesy,
        asked_at: datetime,
        documents: Sequence[str] | None,
    ) -> None:
        """Store a reply where storage is on; a full disk keeps nobody from an answer."""
        if self.storage is None:
            return
        try:
            self.storage.record(reply, asked_at, documents)
        except sqlite3.Error as error:
            LOGGER.error("A reply could not be stored: %s", error)  # noqa: TRY400  no trace: it may hold the question

    async def purge_storage(self) -> None:
        """Delete what is older than the operator keeps, again and again until cancelled."""
        while self.storage is not None:
            try:
                await asyncio.to_thread(self.storage.purge, datetime.now(UTC))
            except sqlite3.Error as error:
                LOGGER.warning("The storage could not be purged: %s", error)
            await asyncio.sleep(PURGE_SECONDS)

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
            newer = await asyncio.to_thread(self.assistant.reopened)
            self.assistant = newer
            await self._find_starters()
            LOGGER.warning("Answering from the new index version %s.", newer.retriever.index_id)

    async def _find_starters(self) -> None:
        for language in get_args(Language):
            await asyncio.to_thread(self.assistant.starters, language)
