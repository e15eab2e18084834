"""A web site that a widget is put on: a real server on an origin of its own."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

PAGE = """<!doctype html>
<html lang="{lang}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>A host page</title>{head}</head>
<body><main><h1>A host page</h1><p><a href="#elsewhere" id="elsewhere">A link of the host</a></p>
{body}</main>{foot}</body>
</html>
"""


class HostSite:
    """Serves the pages it is given; ``origin`` is where, and nowhere else is one with it."""

    def __init__(self) -> None:
        self._pages: dict[str, tuple[bytes, dict[str, str]]] = {}
        self._numbers = itertools.count(1)
        pages = self._pages

        class Visit(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body, headers = pages.get(self.path.partition("?")[0], (b"", {}))
                self.send_response(200 if body else 204)
                for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing: the tests' output is read by people."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Visit)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.origin = f"http://127.0.0.1:{self._server.server_port}"

    def page(
        self,
        body: str = "",
        *,
        head: str = "",
        foot: str = "",
        lang: str = "en",
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Put a page on the site and return its address."""
        path = f"/{next(self._numbers)}.html"
        text = PAGE.format(lang=lang, head=head, body=body, foot=foot)
        self._pages[path] = (text.encode(), dict(headers or {}))
        return self.origin + path

    def file(self, text: str, media_type: str) -> str:
        """Put another file on the site and return its address."""
        path = f"/{next(self._numbers)}"
        self._pages[path] = (text.encode(), {"Content-Type": media_type})
        return self.origin + path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
