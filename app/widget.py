"""The widget: one script that puts the desk on any page, and the pages that hold it in a frame.

``static/widget.js`` is what a reader of the code reads. What is served is the same without comments
and indentation, with the style, the texts and the starter questions put in, so that a host page
asks for one file and nothing else before the first question.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from fastapi import FastAPI, Request
from rcssmin import cssmin
from rjsmin import jsmin
from starlette.responses import HTMLResponse, Response

from app.chat_page import LANGUAGES, Texts, read_texts
from app.desk import Desk
from app.embed_page import OWNER_POLICY, frame_html, frame_policy, owner_html
from app.errors import DeskBusy
from app.types import Language

STATIC: Final = Path(__file__).parent / "static"

CACHE_SECONDS: Final = 3_600
"""How long a browser may go on with the script that it has."""


class Script(NamedTuple):
    """The script as it is served, for one index; ``body`` is compressed by gzip."""

    index_id: str
    body: bytes
    etag: str


def add_widget(app: FastAPI, desk: Desk, preferred_language: Callable[[str], str]) -> None:
    """Serve the script, the page in a frame for each language, and the page for site owners.

    ``preferred_language`` reads an Accept-Language header.
    """
    texts = {language: read_texts(language) for language in LANGUAGES}
    served = _ServedScript(desk, texts)

    @app.api_route("/widget.js", methods=["GET", "HEAD"], include_in_schema=False)
    async def script(request: Request) -> Response:
        current = await served.current()
        headers = {
            "ETag": current.etag,
            "Cache-Control": f"public, max-age={CACHE_SECONDS}",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        if request.headers.get("if-none-match") == current.etag:
            return Response(status_code=304, headers=headers)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            body = gzip.decompress(current.body)
        else:
            body = current.body
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers=headers, media_type="text/javascript")

    @app.get("/embed", include_in_schema=False)
    async def owners_page(request: Request) -> HTMLResponse:
        wished = request.query_params.get("language")
        liked = preferred_language(request.headers.get("accept-language", ""))
        language = next(
            one for one in LANGUAGES if one == (wished if wished in LANGUAGES else liked)
        )
        return HTMLResponse(
            owner_html(desk.assistant.title, language, texts, desk.settings.allowed_origins),
            headers={"Content-Security-Policy": OWNER_POLICY, "Vary": "Accept-Language"},
        )

    for language in LANGUAGES:
        _add_frame(app, desk, language)


def _add_frame(app: FastAPI, desk: Desk, language: Language) -> None:
    policy = frame_policy(desk.settings.allowed_origins)

    @app.get(f"/embed/{language}", include_in_schema=False)
    async def frame(request: Request) -> HTMLResponse:
        return HTMLResponse(
            frame_html(desk.assistant.title, language, request.query_params),
            headers={"Content-Security-Policy": policy},
        )


class _ServedScript:
    """The script for the index that answers now; made once for each index."""

    def __init__(self, desk: Desk, texts: Mapping[Language, Texts]) -> None:
        self.desk = desk
        self.texts = texts
        self._made: Script | None = None

    async def current(self) -> Script:
        """Return the script; while the desk is busy, the one of the index before, or one without
        starter questions: a host page is never left without its widget.
        """
        index_id = self.desk.assistant.retriever.index_id
        if self._made is None or self._made.index_id != index_id:
            try:
                self._made = await self.desk.run(
                    lambda assistant: self._make(
                        assistant.retriever.index_id,
                        assistant.title,
                        {language: assistant.starters(language) for language in LANGUAGES},
                    )
                )
            except DeskBusy:
                return self._made or self._make(index_id, self.desk.assistant.title, {})
        return self._made

    def _make(
        self, index_id: str, title: str, starters: Mapping[Language, Sequence[str]]
    ) -> Script:
        said = {
            "title": title,
            "limit": self.desk.settings.question_characters_max,
            "languages": {
                language: script_texts(texts) | {"starters": starters.get(language, ())}
                for language, texts in self.texts.items()
            },
        }
        body = gzip.compress(script_text(said).encode(), 9, mtime=0)
        return Script(index_id, body, f'"{hashlib.sha256(body).hexdigest()[:16]}"')


def script_text(said: Mapping[str, Any]) -> str:
    """Return the script with what the desk says and the style put in."""
    source = (STATIC / "widget.js").read_text(encoding="utf-8")
    style = cssmin((STATIC / "widget.css").read_text(encoding="utf-8"))
    script: str = jsmin(source)
    return script.replace(
        "__DESK__", json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    ).replace("__STYLE__", json.dumps(style, ensure_ascii=False))


def script_texts(texts: Texts) -> dict[str, Any]:
    """Return what the widget says in one language; what the chat says as well is said once."""
    return {
        "invitation": texts.question_placeholder,
        "lead": texts.lead,
        "ask": texts.ask,
        "stop": texts.stop,
        "ask_again": texts.ask_again,
        "new_conversation": texts.new_conversation,
        "close": texts.status.dismiss,
        "full_chat": texts.widget.full_chat,
        "disclaimer": texts.disclaimer,
        "searching": texts.widget.searching,
        "understood_as": texts.understood_as,
        "source": texts.source,
        "sources": texts.sources,
        "nearest": texts.nearest,
        "abstention": texts.abstention,
        "source_state": texts.source_state,
        "back_to_answer": texts.pane.back_to_answer,
        "original": texts.pane.original,
        "loading": texts.pane.loading,
        "document_changed": texts.pane.document_changed,
        "page": texts.pane.page,
        "sheet": texts.pane.sheet,
        "row": texts.pane.row,
        "errors": texts.widget.errors.model_dump(),
    }
