"""The real application on a real port in this process, for tests that set it up in many ways.

A process of its own takes seconds to start; here the models and the index are open already. What
is about the process itself (its start, its signals, its output) is tested with `tests/serving.py`.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from functools import cache
from types import TracebackType
from typing import Any, Self

import httpx
import uvicorn

from app.assistant import Assistant
from app.server import create_app, server_config
from app.settings import Settings
from tests.serving import briefing_index

START_SECONDS = 180
"""A limit for failing, not a pause."""


@cache
def briefing_assistant() -> Assistant:
    """The assistant of the shipped briefing, shared by the whole run."""
    return Assistant.open(Settings(index_folder=briefing_index()))


class App:
    """The application with some settings; ``url`` is where it answers."""

    def __init__(self, assistant: Assistant | None = None, **settings: Any) -> None:
        self.settings = Settings(index_folder=briefing_index(), **settings)
        self._assistant = assistant or briefing_assistant()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def _serve(self) -> None:
        self.app = create_app(self.settings, self._assistant)
        self._server = uvicorn.Server(server_config(self.settings, self.app))
        await self._server.serve([self._listener])

    def __enter__(self) -> Self:
        self._thread.start()
        pause = threading.Event()
        for _ in range(START_SECONDS * 20):
            if not self._thread.is_alive() or (self._server is not None and self._server.started):
                break
            pause.wait(0.05)
        assert self._server is not None
        assert self._server.started, "the application did not start"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def client(self, **options: Any) -> httpx.Client:
        """A client of the application that asks no proxy."""
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False, **options)

    def said_to(self, request: bytes, *, ends: bool = True) -> bytes:
        """What the server answers to these bytes, until it closes the connection.

        With ``ends`` no more is sent after them; without, the connection is left open.
        """
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(request)
            if ends:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            while part := connection.recv(65_536):
                answer += part
        return answer
