"""What stands before every route: who may come in, which paths exist, how long a body may be.

``Guard`` is plain ASGI, so that it covers the mounted chat pages as well as the API. How long a
request may take to arrive is the connection's matter (``app/connections.py``).
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.credentials import Credentials
from app.error_replies import Problem, error_reply, path_of
from app.origins import ANY_ADDRESS, LOOPBACK_NAMES, host_of, is_same_site, normal_origin
from app.settings import Settings

CHAT_BODY_BYTES_MAX = 1_048_576
"""A chat page sends its conversation along; 1 MiB is some 200 turns."""

CHAT_ROUTES = re.compile(
    r"/(?:en|ru|kk)(?:/(?:config|theme\.css|manifest\.json|(?:assets|static)/(?!.*\.\.).*"
    r"|gradio_api/(?:info|app_id|startup-events|queue/join|queue/data|cancel|reset|heartbeat/[^/]+))?)?"
)
"""What a chat page asks for. Everything else that Gradio serves (upload, file, proxy, stream, run,
login, monitoring, deep links) does not exist here."""

CHAT_PREFIX = re.compile(r"/(?:en|ru|kk)(?:/|$)")

OPEN_PATHS = frozenset({"/healthz"})
"""Answered to anybody under any host name, so that a supervisor needs no password."""

OPERATORS_PATHS = frozenset({"/metrics", "/api/openapi.json"})

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

FOREVER = "public, max-age=31536000, immutable"
HASHED = re.compile(r"/(?:en|ru|kk)/assets/.*")
"""Gradio puts a hash of the content into these names."""


class Guard:
    """Refuses what may not come in, and sets the security headers of every reply."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.body_bytes_max = settings.body_bytes_max
        self.credentials = Credentials(settings)
        self.hosts = {*LOOPBACK_NAMES, *settings.allowed_hosts, settings.host} - ANY_ADDRESS
        self.origins = frozenset(settings.allowed_origins)
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
                " ".join(("frame-ancestors 'self'", *settings.allowed_origins)),
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
        path = path_of(scope)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._set_headers(MutableHeaders(scope=message), path)
            await send(message)

        problem = self._problem(scope, path)
        if problem is None and scope["method"] not in SAFE_METHODS:
            bytes_max = CHAT_BODY_BYTES_MAX if CHAT_PREFIX.match(path) else self.body_bytes_max
            try:
                body = await _body_within(scope, receive, bytes_max)
            except ClientDisconnect:
                return
            if body is not None:
                receive = _replay(body, receive)
            else:
                problem = Problem(
                    "body_too_large", f"Send at most {bytes_max:,} bytes in one request."
                )
        if problem is not None:
            is_challenged = problem.code == "login_required"
            headers = self.credentials.challenge if is_challenged else None
            reply = error_reply(problem, scope, headers)
            await reply(scope, receive, send_guarded)
            return
        await self.app(scope, receive, send_guarded)

    def _problem(self, scope: Scope, path: str) -> Problem | None:
        """Return why a request goes no further, None where it does."""
        if path in OPEN_PATHS:
            return None
        headers = Headers(scope=scope)
        authority = headers.get("host", "")
        host = host_of(authority)
        if host is None or (host not in self.hosts and host != scope["server"][0]):
            shown = "This host name" if host is None else f"The host name {host}"
            return Problem(
                "host_not_allowed",
                f"{shown} is not known here; the operator adds it to BRIEFING_DESK_ALLOWED_HOSTS.",
            )
        if CHAT_PREFIX.match(path) and not CHAT_ROUTES.fullmatch(path):
            return Problem("not_found", "There is nothing at this address.")
        refused = self.credentials.problem(scope, is_for_operators=path in OPERATORS_PATHS)
        if refused is not None:
            return refused
        origin = headers.get("origin")
        if (
            scope["method"] not in SAFE_METHODS
            and origin is not None
            and not is_same_site(origin, authority)
            and not self._is_allowed(origin)
        ):
            return Problem(
                "origin_not_allowed",
                "Pages of this origin may not ask here; the operator adds it to "
                "BRIEFING_DESK_ALLOWED_ORIGINS.",
            )
        return None

    def _is_allowed(self, origin: str) -> bool:
        try:
            return normal_origin(origin) in self.origins
        except ValueError:
            return False

    def _set_headers(self, headers: MutableHeaders, path: str) -> None:
        headers.setdefault("Content-Security-Policy", self.page_policy)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        if HASHED.fullmatch(path):
            headers["Cache-Control"] = FOREVER


async def _body_within(scope: Scope, receive: Receive, bytes_max: int) -> bytes | None:
    """The request's body, or None as soon as it is longer than ``bytes_max``.

    Raises ClientDisconnect where the connection ends before the body does.
    """
    announced = Headers(scope=scope).get("content-length", "0")
    if not announced.isdecimal() or int(announced) > bytes_max:
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
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
