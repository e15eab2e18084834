"""A question as server-sent events: each step as it begins, then the Reply or the error.

The only home of sse_starlette. A comment now and then keeps the connection alive while a question
waits. The stream begins once the question is admitted, so that "busy" is still a status.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Final, NamedTuple, TypeAlias

from sse_starlette import EventSourceResponse, ServerSentEvent

from app.desk import FINISH_SECONDS_MAX
from app.error_replies import Problem, problem_of
from app.stopwatch import Announce, Step
from app.types import Abstention, Answer, Courtesy

KEEP_ALIVE_SECONDS: Final = 5.0
"""Well under the 30 seconds or so after which a proxy takes a silent connection for dead."""


class Event(NamedTuple):
    """What is sent at once: its data, and its kind where a client tells several apart."""

    data: str
    kind: str | None = None


Happening: TypeAlias = Step | Answer | Abstention | Courtesy | Problem
"""What is told while a question is answered: steps, then one Reply or Problem."""


def ask_in_steps(
    start: Callable[[Announce], asyncio.Task[Answer | Abstention | Courtesy]],
) -> AsyncGenerator[Happening]:
    """Start a question and return what happens to it; raises what ``start`` raises, at once."""
    loop = asyncio.get_running_loop()
    begun: asyncio.Queue[Step | None] = asyncio.Queue()

    def announce(step: Step) -> None:
        loop.call_soon_threadsafe(begun.put_nowait, step)

    asking = start(announce)
    asking.add_done_callback(lambda _: begun.put_nowait(None))
    return _happenings(asking, begun)


async def _happenings(
    asking: asyncio.Task[Answer | Abstention | Courtesy], begun: asyncio.Queue[Step | None]
) -> AsyncGenerator[Happening]:
    """Yield each step once; a reader that goes away cancels the wait."""
    told: Step = "waiting"
    try:
        yield told
        while (step := await begun.get()) is not None:
            if step != told:
                told = step
                yield step
        error = asking.exception()
        yield asking.result() if error is None else problem_of(error)
    finally:
        asking.cancel()


def stream(events: AsyncIterator[Event]) -> EventSourceResponse:
    """Return the response that sends events as they come."""
    return EventSourceResponse(
        (ServerSentEvent(event.data, event=event.kind, sep="\n") async for event in events),
        ping=KEEP_ALIVE_SECONDS,
        shutdown_grace_period=FINISH_SECONDS_MAX,  # without it, a stop cuts streams off
        ping_message_factory=lambda: ServerSentEvent(comment="still working", sep="\n"),
    )


async def ask_events(happenings: AsyncGenerator[Happening]) -> AsyncIterator[Event]:
    """Write what happens to a question as the events of ``POST /api/ask``."""
    async with aclosing(happenings):
        async for happening in happenings:
            match happening:
                case str():
                    yield Event(json.dumps({"step": happening}), "step")
                case Problem():
                    yield Event(happening.body.error.model_dump_json(), "error")
                case _:
                    yield Event(happening.model_dump_json(), "reply")
