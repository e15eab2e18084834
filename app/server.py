"""The server: one process that serves the API and the chat pages, and moves to a newer index."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import FrameType
from typing import NoReturn, get_args

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, RedirectResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.admin import add_admin
from app.api import add_api
from app.assistant import Assistant
from app.chat_completions import add_chat_completions
from app.connections import HEADER_BYTES_MAX, prompt_protocol
from app.desk import FINISH_SECONDS_MAX, Desk
from app.error_replies import add_error_replies
from app.gradio_import import quick_gradio_import
from app.guarding import Guard
from app.mcp_route import McpRoute
from app.origins import is_loopback
from app.request_log import RequestLog
from app.settings import Settings
from app.storing import Storage, StorageUnusable
from app.types import Language
from app.widget import add_widget
from index import IndexingError

LOGGER = logging.getLogger("briefing_desk")

STATIC = Path(__file__).parent / "static"

LANGUAGES = get_args(Language)

OPEN_TO_STRANGERS = (
    "Whoever reaches this machine can ask. To change that, set BRIEFING_DESK_PASSWORD, or let a "
    "proxy sign people in and set BRIEFING_DESK_LOGIN_HEADER and BRIEFING_DESK_TRUSTED_PROXIES; "
    "names other than localhost are answered once they are in BRIEFING_DESK_ALLOWED_HOSTS."
)

STOP_SECONDS = 3
"""How long open connections (a chat page keeps one) may hold up a stop."""


def create_app(settings: Settings, assistant: Assistant) -> FastAPI:
    """Put the faces together around one assistant."""
    # Not at the top: a start that is refused doesn't wait for Gradio.
    with quick_gradio_import():
        from app.chat import add_chat

    desk = _open_desk(settings, assistant)
    mcp_route = McpRoute(desk)
    app = FastAPI(
        title="Briefing Desk",
        version="1",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        # FastAPI would send them out where a variable of the environment says so.
        telemetry={"auto_configure": False, "tracing": False, "metrics": False, "logs": False},
        lifespan=_working_beside(desk, mcp_route),
    )
    app.state.desk = desk
    # From the innermost to the outermost.
    app.add_middleware(GZipMiddleware, compresslevel=5)
    app.add_middleware(Guard, settings)
    # Always there, also with no origin: without it Gradio lets every web site in.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type", "Authorization", "Mcp-Protocol-Version"],
        expose_headers=["Retry-After", "X-Request-Id"],
    )
    proxies = [str(network) for network in settings.trusted_proxies]
    app.add_middleware(ProxyHeadersMiddleware, proxies)
    app.add_middleware(RequestLog, settings.trusted_proxies, desk.metrics.count_error)
    add_error_replies(app)
    add_api(app, desk)
    add_chat_completions(app, desk)
    app.router.routes.append(Route("/mcp", mcp_route, methods=["POST"]))
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

    add_admin(app, desk)
    add_widget(app, desk, preferred_language)
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

    ``say`` is given one line: where the server answers, or why it doesn't start; and one before
    it, where other machines reach the server and nothing is set against strangers: what to set.
    """
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        listener = _bind(settings.host, settings.port)
    except (OSError, UnicodeError) as error:
        why = "no host name" if isinstance(error, UnicodeError) else error.strerror or error
        say(f"{settings.host}:{settings.port} can't be used ({why}); {_way_out_of(error)}.")
        return 2
    with listener:
        try:
            assistant = Assistant.open(settings)
            app = create_app(settings, assistant)
        except (IndexingError, StorageUnusable) as error:
            say(str(error))
            return 2
        if _is_open_to_strangers(settings):
            say(OPEN_TO_STRANGERS)
        config = server_config(settings, app)
        documents = len(assistant.retriever.documents())
        server = _OwnServer(
            config,
            announce=lambda url: say(f"Ready: {documents} documents at {url}"),
            finish=app.state.desk.finish,
        )
        server.run(sockets=[listener])
    return 0


def server_config(settings: Settings, app: FastAPI) -> uvicorn.Config:
    """Return how the application is served over HTTP."""
    return uvicorn.Config(
        app,
        http=prompt_protocol(settings.request_seconds_max),
        h11_max_incomplete_event_size=HEADER_BYTES_MAX,
        root_path=settings.path_prefix,
        proxy_headers=False,  # ours believes the proxies of the settings alone
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def serve_mcp_client(settings: Settings, say: Callable[[str], None]) -> int:
    """Serve one MCP client on stdin and stdout; returns 0 when it is done, 2 without a start.

    ``say`` is given one line where the server can't start.
    """
    from app.mcp import serve_stdio

    try:
        desk = _open_desk(settings, Assistant.open(settings))
    except (IndexingError, StorageUnusable) as error:
        say(str(error))
        return 2
    asyncio.run(serve_stdio(desk))
    return 0


def _open_desk(settings: Settings, assistant: Assistant) -> Desk:
    """Return the desk that every face asks at; raises StorageUnusable."""
    storage = None
    if settings.storage_file is not None:
        storage = Storage(settings.storage_file, settings.retention_days)
    return Desk(settings, assistant, storage)


class _OwnServer(uvicorn.Server):
    """Says where it answers, once it does; before it stops, it finishes what it was asked."""

    def __init__(
        self,
        config: uvicorn.Config,
        announce: Callable[[str], None],
        finish: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(config)
        self.announce = announce
        self.finish = finish

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            host, port = listener.getsockname()[:2]
            self.announce(f"http://{f'[{host}]' if ':' in host else host}:{port}/")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.finish(), FINISH_SECONDS_MAX)
        await super().shutdown(sockets)


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


def _way_out_of(error: OSError | UnicodeError) -> str:
    """Return what to do where an address can't be taken."""
    if not isinstance(error, OSError) or isinstance(error, socket.gaierror):
        return "give an address of this machine, or a name that it knows, with --host"
    match error.errno:
        case errno.EADDRINUSE:
            return "stop what holds it, or choose another with --port"
        case errno.EADDRNOTAVAIL:
            return "no such address is this machine's; give another with --host"
        case errno.EACCES:
            return "choose a port above 1023 with --port"
        case _:
            return "choose another with --host and --port"


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    """End as done: uvicorn has finished what was running and raises the signal once more."""
    raise SystemExit(0)


def _is_open_to_strangers(settings: Settings) -> bool:
    return (
        not is_loopback(settings.host)
        and settings.password is None
        and settings.login_header is None
    )


def _working_beside(
    desk: Desk, mcp_route: McpRoute
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """What goes on beside the requests: newer indexes, the storage's purge, the MCP server."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        works = (desk.follow_index(), desk.purge_storage(), mcp_route.run())
        tasks = [asyncio.create_task(work) for work in works]
        for task in tasks:
            task.add_done_callback(_log_failure)
        yield
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        if desk.storage is not None:
            desk.storage.close()

    return lifespan


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        LOGGER.error("What goes on beside the requests has failed.", exc_info=error)
