"""What stands before every route: which paths exist, how long a body may be, what a browser may do.

``Guard`` is plain ASGI, so that it covers the mounted chat pages as well as the API.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CHAT_BODY_BYTES_MAX = 1_048_576
"""A chat page sends its conversation along; 1 MiB is some 200 turns."""

CHAT_ROUTES = re.compile(
    r"/(?:en|ru|kk)(?:/(?:config|theme\.css|manifest\.json|(?:assets|static)/.*"
    r"|gradio_api/(?:info|startup-events|queue/join|queue/data|cancel|reset|heartbeat/[^/]+))?)?"
)
"""What a chat page asks for. Everything else that Gradio serves (upload, file, proxy, stream, run,
login, monitoring, deep links) does not exist here."""

CHAT_PREFIX = re.compile(r"/(?:en|ru|kk)(?:/|$)")

FOREVER = "public, max-age=31536000, immutable"
HASHED = re.compile(r"/(?:en|ru|kk)/assets/.*")
"""Gradio puts a hash of the content into these names."""


class Guard:
    """Refuses unknown chat routes and long bodies, and sets the security headers of every reply."""

    def __init__(self, app: ASGIApp, body_bytes_max: int, allowed_origins: Sequence[str]) -> None:
        self.app = app
        self.body_bytes_max = body_bytes_max
        self.page_policy = "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self' 'unsafe-inline'",
                "img-src 'self' data:",
                "font-src 'self'",
                "connect-src 'self'",
                "manifest-src 'self'",
                "base-uri 'self'",
                "form-action 'none'",
                " ".join(("frame-ancestors 'self'", *allowed_origins)),
            )
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        path: str = scope["path"]

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._set_headers(MutableHeaders(scope=message), path)
            await send(message)

        is_chat = CHAT_PREFIX.match(path) is not None
        if is_chat and not CHAT_ROUTES.fullmatch(path):
            await _refuse(send_guarded, 404, "not_found", "There is nothing at this address.")
            return
        if scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self.app(scope, receive, send_guarded)
            return
        bytes_max = CHAT_BODY_BYTES_MAX if is_chat else self.body_bytes_max
        body = await _body_within(scope, receive, bytes_max)
        if body is None:
            await _refuse(
                send_guarded,
                413,
                "body_too_large",
                f"Send at most {bytes_max:,} bytes in one request.",
            )
            return
        await self.app(scope, _replay(body, receive), send_guarded)

    def _set_headers(self, headers: MutableHeaders, path: str) -> None:
        headers.setdefault("Content-Security-Policy", self.page_policy)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        if HASHED.fullmatch(path):
            headers["Cache-Control"] = FOREVER


async def _body_within(scope: Scope, receive: Receive, bytes_max: int) -> bytes | None:
    """The request's body, or None as soon as it is longer than ``bytes_max``."""
    announced = Headers(scope=scope).get("content-length", "0")
    if not announced.isdecimal() or int(announced) > bytes_max:
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > bytes_max:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Hand the body over once, then whatever the connection says next."""
    handed_over = False

    async def receive_again() -> Message:
        nonlocal handed_over
        if handed_over:
            return await receive()
        handed_over = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


async def _refuse(send: Send, status: int, code: str, message: str) -> None:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
