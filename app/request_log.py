"""One JSON line on stderr for what happens, each with the id of the request it happened in.

A line never holds a question, a reply or an address; questions are logged only where the operator
turns that on (``log_questions``). Successful requests for pages and their parts are left out.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.error_replies import path_of
from app.origins import is_among

LOGGER = logging.getLogger("briefing_desk")

REQUEST_ID: ContextVar[str | None] = ContextVar("REQUEST_ID", default=None)

WORK: Final = re.compile(r"/(?:api|v1|mcp)(?:/|$)")
"""Where a request that succeeds is logged too."""

PATH_CHARACTERS_MAX: Final = 200

_FOREIGN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON; what a record says in ``extra["fields"]`` is added."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        if (request_id := REQUEST_ID.get()) is not None:
            line["request_id"] = request_id
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log_to_stderr() -> None:
    """Write our own lines from "info" on and everybody else's from "warning" on to stderr."""
    writer = logging.StreamHandler(sys.stderr)
    writer.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[writer])
    LOGGER.setLevel(logging.INFO)


class RequestLog:
    """Gives each request its id, sends it back, and logs what came of the request.

    The ids that trusted proxies give are kept; ``count_error`` is told the code of each error.
    """

    def __init__(
        self,
        app: ASGIApp,
        proxies: Sequence[IPv4Network | IPv6Network],
        count_error: Callable[[str], None],
    ) -> None:
        self.app = app
        self.proxies = proxies
        self.count_error = count_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["through_proxy"] = is_among((scope.get("client") or (None,))[0], self.proxies)
        given = Headers(scope=scope).get("x-request-id", "")
        is_kept = state["through_proxy"] and _FOREIGN_ID.fullmatch(given)
        request_id = given if is_kept else uuid.uuid4().hex
        REQUEST_ID.set(request_id)
        path = path_of(scope)  # before a mounted application moves its root
        started, status = time.perf_counter(), 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            await self.app(scope, receive, send_named)
        finally:
            code: str | None = state.get("error_code")
            if code is not None:
                self.count_error(code)
            if code is not None or status >= 400 or WORK.match(path):
                fields: dict[str, object] = {
                    "method": scope["method"],
                    "path": path[:PATH_CHARACTERS_MAX],
                    "status": status,
                    "milliseconds": round((time.perf_counter() - started) * 1000, 1),
                }
                LOGGER.info("request", extra={"fields": fields | ({"code": code} if code else {})})
