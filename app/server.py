"""The server: one process that serves the API and the chat pages, and moves to a newer index."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import FrameType
from typing import NoReturn, get_args

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, RedirectResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from app.api import add_api
from app.assistant import Assistant
from app.desk import Desk
from app.guarding import Guard
from app.settings import Settings
from app.types import Language
from index import IndexingError

STATIC = Path(__file__).parent / "static"

LANGUAGES = get_args(Language)

STOP_SECONDS = 3
"""How long open connections (a chat page keeps one) may hold up a stop."""


def create_app(settings: Settings, assistant: Assistant) -> FastAPI:
    """Put the faces together around one assistant."""
    # Gradio takes 1.5 s to import, so a start that is refused doesn't wait for it.
    from app.chat import add_chat

    desk = Desk(settings, assistant)
    app = FastAPI(
        title="Briefing Desk",
        version="1",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_following_index(desk),
    )
    app.add_middleware(GZipMiddleware, compresslevel=5)
    app.add_middleware(
        Guard, body_bytes_max=settings.body_bytes_max, allowed_origins=settings.allowed_origins
    )
    # Always there, also with no origin: without it Gradio lets every web site in.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type"],
    )
    add_api(app, desk)
    app.mount("/static", StaticFiles(directory=STATIC))

    @app.get("/favicon.ico", include_in_schema=False)
    async def favicon() -> FileResponse:
        return FileResponse(STATIC / "favicon.svg", media_type="image/svg+xml")

    @app.get("/", include_in_schema=False)
    async def front_door(request: Request) -> RedirectResponse:
        language = preferred_language(request.headers.get("accept-language", ""))
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(
            f"{request.scope.get('root_path', '')}/{language}/{query}",
            307,
            {"Vary": "Accept-Language"},
        )

    add_chat(app, desk)
    return app


def preferred_language(accept_language: str) -> str:
    """The offered language that a browser likes best (RFC 9110, 12.5.4), or English."""
    wishes: list[tuple[float, str]] = []
    for wish in accept_language.split(","):
        tag, _, weight = wish.strip().partition(";q=")
        with contextlib.suppress(ValueError):
            wishes.append((float(weight or 1), tag.partition("-")[0].lower()))
    liked = sorted((wish for wish in wishes if wish[0] > 0), key=lambda wish: -wish[0])
    return next((language for _, language in liked if language in LANGUAGES), LANGUAGES[0])


def serve(settings: Settings, say: Callable[[str], None]) -> int:
    """Serve until SIGTERM or SIGINT; returns 0 after a stop, 2 where the server can't start.

    ``say`` is given one line: where the server answers, or why it doesn't start.
    """
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        listener = _bind(settings.host, settings.port)
    except OSError as error:
        say(
            f"{settings.host}:{settings.port} can't be used ({error.strerror or error}); "
            "stop what holds it, or choose another with --port."
        )
        return 2
    with listener:
        try:
            assistant = Assistant.open(settings)
        except IndexingError as error:
            say(str(error))
            return 2
        config = uvicorn.Config(
            create_app(settings, assistant),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        documents = len(assistant.retriever.documents())
        _AnnouncedServer(config, lambda url: say(f"Ready: {documents} documents at {url}")).run(
            sockets=[listener]
        )
    return 0


class _AnnouncedServer(uvicorn.Server):
    """Says where it answers, once it does."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self.announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            host, port = listener.getsockname()[:2]
            self.announce(f"http://{f'[{host}]' if ':' in host else host}:{port}/")


def _bind(host: str, port: int) -> socket.socket:
    """Take the address before anything slow happens; raises OSError where that can't be."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    """End as done: uvicorn has finished what was running and raises the signal once more."""
    raise SystemExit(0)


def _following_index(desk: Desk) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        following = asyncio.create_task(desk.follow_index())
        yield
        following.cancel()

    return lifespan
