"""Connections that may not dawdle: how long a request may take to arrive, and how many are open.

uvicorn closes a connection that is silent between requests, but waits for ever for the end of a
request that has begun, so that a few hundred slow callers would leave no connection to others.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol
from uvicorn.server import ServerState

from app.error_replies import Problem

HEADER_BYTES_MAX: Final = 16_384
"""Request line and headers together; a link to a question in Kazakh takes 3,000 of them."""

PIECE_BYTES: Final = 4_096
"""What comes is read in pieces of this size: h11 holds to its limit only what isn't whole yet, so
that headers of any length would pass if they came in one piece."""

CONNECTIONS_MAX: Final = 800
"""Below the 1,024 files that a process may commonly have open; a chat page holds one or two."""


class PromptProtocol(H11Protocol):
    """HTTP/1.1 on one connection, where each request has to be there within the time set."""

    request_seconds_max: float

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit a connection, or say that there are too many."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            self._refuse(Problem("busy", "Too many connections are open; try again in a while."))
        else:
            self._set_deadline()

    def data_received(self, data: bytes) -> None:
        """Take in what the client sends."""
        for start in range(0, len(data), PIECE_BYTES):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + PIECE_BYTES])
        self._watch()

    def on_response_complete(self) -> None:
        """Turn to the next request."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._unset_deadline()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP request, or one whose headers are too long."""
        del msg  # it says the same of everything
        problem = Problem(
            "invalid_http",
            f"This is no HTTP request, or its headers take more than {HEADER_BYTES_MAX:,} bytes.",
        )
        self._refuse(problem)

    def _watch(self) -> None:
        """Let the time run while the rest of a request is awaited, and then only."""
        has_begun = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if has_begun or self.conn.their_state is h11.SEND_BODY:
            if self._deadline is None:
                self._set_deadline()
        else:
            self._unset_deadline()

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(self.request_seconds_max, self._give_up)

    def _unset_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if self.transport.is_closing():
            return
        has_begun = bool(self.conn.trailing_data[0]) or self.conn.their_state is h11.SEND_BODY
        if has_begun and self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self._refuse(
                Problem(
                    "request_timeout",
                    f"The request wasn't there within {self.request_seconds_max:g} seconds.",
                )
            )
        else:
            self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        """Send an error past the application, and close."""
        body = problem.body.model_dump_json().encode()
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("X-Content-Type-Options", "nosniff"),
            ("Connection", "close"),
        ]
        response = h11.Response(
            status_code=problem.status, headers=headers, reason=STATUS_PHRASES[problem.status]
        )
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event))
        self.transport.close()


def prompt_protocol(seconds: float) -> type[PromptProtocol]:
    """Return the protocol for requests that have to be there within ``seconds``."""
    return type("PromptProtocol", (PromptProtocol,), {"request_seconds_max": seconds})
