"""POST /mcp, which loads the MCP server with the first request that comes for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from app.desk import Desk

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager


class McpRoute:
    """An ASGI application that answers while ``run`` runs, a task beside the server's requests."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._is_wanted = asyncio.Event()
        self._is_loaded = asyncio.Event()
        self._sessions: StreamableHTTPSessionManager | None = None

    async def run(self) -> None:
        """Wait for the first request, then keep the MCP server open until cancelled."""
        await self._is_wanted.wait()
        try:
            sessions = await asyncio.to_thread(self._load)
            async with sessions.run():
                self._sessions = sessions
                self._is_loaded.set()
                await asyncio.Event().wait()
        finally:
            self._is_loaded.set()

    def _load(self) -> StreamableHTTPSessionManager:
        from app.mcp import http_sessions

        return http_sessions(self._desk)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; raises RuntimeError where the MCP server can't be loaded."""
        self._is_wanted.set()
        await self._is_loaded.wait()
        if self._sessions is None:
            raise RuntimeError("The MCP server could not be loaded; the log says why.")
        await self._sessions.handle_request(scope, receive, send)
