"""A real Chromium on the real server; each page fails its test for what no page may do."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.browser.host_site import HostSite
from tests.serving import Server, briefing_index, briefing_server, build

CHROMIUM = [
    "--no-sandbox",  # as root, in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

WAIT_MS = 60_000

HOSTILE = """---
title: The harbour 𝒜 <b>register</b>
---
# The harbour 𝒜 <img src=x onerror="window.hacked=1"> register

😀 The harbour master of Aktau is Dana <script>window.hacked=1</script> Serikbay \
<img src="https://evil.example/x.png" onerror="window.hacked=1">, see \
![picture](https://evil.example/y.png) and [link](javascript:window.hacked=1).

The berth of the 𝒜urora is 7 \u202eneddih\u202c and 12\u200b3 [1] </script></div>.

| Berth | Ship |
|---|---|
| 7 | <svg onload="window.hacked=1">Aurora</svg> |
"""

SHELF = {
    "changed.md": "# The lighthouse\n\nThe lighthouse of Aktau was built by Anvar Sadykov.\n",
    "missing.md": "# The ferry\n\nThe ferry to Baku carries 52 railway wagons.\n",
    "library.ru.md": "# Библиотека\n\nБиблиотека порта хранит 12 400 книг по мореходству.\n",
    "school.kk.md": "# Мектеп\n\nПорт мектебінде 310 оқушы оқиды.\n",
    "tonnage.csv": "Year,Cargo,Tons\n2023,Grain,410000\n2024,Cement,95000\n",
    **{
        f"quay-{number}.md": f"# Quay {number}\n\n## Depth\n\nQuay {number} is {number + 6} metres "
        f"deep.\n\n## Length\n\nQuay {number} is {number}50 metres long.\n"
        for number in range(1, 8)
    },
}

OpenPage = Callable[..., Page]


class Shelf(NamedTuple):
    """Where the dozen documents are served, and where their feedback is stored."""

    url: str
    stored: Path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a file's tests; while it is open, this thread has an event loop running."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    assert executable, "these tests need Chromium; on Debian: apt-get install chromium"
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=CHROMIUM)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def url() -> str:
    """Where the shipped briefing is served."""
    address: str = briefing_server().url
    return address


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """A server that stores feedback, on a dozen documents in three languages; since they were
    indexed one has changed and one is gone.
    """
    folder = tmp_path_factory.mktemp("shelf")
    sources = folder / "sources"
    sources.mkdir()
    for name, text in SHELF.items():
        (sources / name).write_text(text, encoding="utf-8")
    index = build([sources], folder / "index")
    with (sources / "changed.md").open("a", encoding="utf-8") as changed:
        changed.write("One more line.\n")
    (sources / "missing.md").unlink()
    with Server(index, {"BRIEFING_DESK_STORAGE_FILE": str(folder / "stored.sqlite")}) as server:
        yield Shelf(server.url, folder / "stored.sqlite")


@pytest.fixture(scope="module")
def context(browser: Browser) -> Callable[[str, str], BrowserContext]:
    """A context for a browser language and a colour scheme; its pages share a cache."""

    @cache
    def make(language: str, scheme: Literal["light", "dark"]) -> BrowserContext:
        made = browser.new_context(
            locale=language,
            color_scheme=scheme,
            permissions=["clipboard-read", "clipboard-write"],
        )
        made.set_default_timeout(WAIT_MS)
        return made

    return make


@pytest.fixture
def open_page(context: Callable[[str, str], BrowserContext]) -> Iterator[OpenPage]:
    """Open a page: no request to another host, no error in the console, no dialog, nothing
    stored.
    """
    pages: list[Page] = []
    hosts: set[str] = set()
    complaints: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open_one(
        url: str,
        *,
        width: int = 1280,
        height: int = 800,
        scheme: str = "light",
        language: str = "en-US",
    ) -> Page:
        page = context(language, scheme).new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or ""))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: complaints.append(message.text) if message.type == "error" else None,
        )
        page.on("dialog", dismiss)
        page.goto(url)
        pages.append(page)
        return page

    yield open_one
    stored = [
        page.evaluate("document.cookie + Object.keys({...localStorage, ...sessionStorage})")
        for page in pages
    ]
    for page in pages:
        page.close()
    assert hosts <= {"127.0.0.1"}
    assert not complaints
    assert not any(stored)


@pytest.fixture(scope="session")
def host() -> Iterator[HostSite]:
    """A web site that the desks of the widget tests allow."""
    with HostSite() as site:
        yield site


@pytest.fixture(scope="session")
def stranger() -> Iterator[HostSite]:
    """A web site that no desk allows."""
    with HostSite() as site:
        yield site


@pytest.fixture(scope="session")
def desk(host: HostSite) -> Iterator[str]:
    """Where the shipped briefing is served to the readers of ``host``."""
    with Server(briefing_index(), allowing(host)) as server:
        yield server.url


@pytest.fixture(scope="session")
def hostile_desk(host: HostSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server on a document that would like to run, for the readers of ``host`` too."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "sources").mkdir()
    (folder / "sources" / "register.md").write_text(HOSTILE, encoding="utf-8")
    with Server(build([folder / "sources"], folder / "index"), allowing(host)) as server:
        yield server.url


@pytest.fixture(scope="session")
def hostile_url(hostile_desk: str) -> str:
    """The same, for tests of the chat page."""
    return hostile_desk


def allowing(site: HostSite) -> dict[str, str]:
    """The setting by which an operator allows a site."""
    return {"BRIEFING_DESK_ALLOWED_ORIGINS": json.dumps([site.origin])}


class Visits:
    """The pages that a test opens, each in a browser profile of its own, and what they did."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.pages: list[Page] = []
        self.requests: list[Request] = []
        self.complaints: list[str] = []
        self.expected = "(?!)"

    def __call__(
        self,
        url: str,
        *,
        width: int = 1280,
        height: int = 800,
        scheme: Literal["light", "dark"] = "light",
        language: str = "en-US",
        has_touch: bool = False,
    ) -> Page:
        context = self.browser.new_context(
            locale=language,
            color_scheme=scheme,
            viewport={"width": width, "height": height},
            has_touch=has_touch,
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        # Playwright sets an attribute on what it calls, which a built-in method has no room for.
        page.on("request", lambda request: self.requests.append(request))  # noqa: PLW0108
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)
        page.on("dialog", self._dismiss)
        self.pages.append(page)
        page.goto(url)
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _dismiss(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def origins(self) -> set[str]:
        """Where anything was asked for."""
        return {"{0.scheme}://{0.netloc}".format(urlsplit(each.url)) for each in self.requests}


@pytest.fixture
def visit(browser: Browser, host: HostSite, stranger: HostSite, desk: str) -> Iterator[Visits]:
    """Open pages on host sites: nothing is asked of a third origin, nothing is complained of but
    what the test expects, no cookie is set, and only conversations are kept, for the tab.
    """
    visits = Visits(browser)
    yield visits
    kept = [
        page.evaluate("[Object.keys(localStorage), Object.keys(sessionStorage)]")
        for page in visits.pages
    ]
    cookies = [page.context.cookies() for page in visits.pages]
    for page in visits.pages:
        page.context.close()
    assert all(urlsplit(origin).hostname == "127.0.0.1" for origin in visits.origins())
    assert len(visits.origins() - {host.origin, stranger.origin}) <= 1  # the desk
    assert [each for each in visits.complaints if not re.search(visits.expected, each)] == []
    assert not any(cookies)
    assert not any(local for local, _ in kept)
    assert all(key.startswith("briefing-desk ") for _, session in kept for key in session)


@pytest.fixture(scope="session")
def screenshot() -> Path:
    """Where the README's picture of the chat lies."""
    return Path(__file__).resolve().parents[2] / "docs" / "manual" / "screenshot.png"
