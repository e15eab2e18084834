"""The pages in a real Chromium behind a real nginx, set up with the manual's lines."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.asking import QUESTION, UNANSWERABLE, marks
from tests.browser.asking import ask as ask_in_chat
from tests.browser.conftest import OpenPage, Visits
from tests.browser.host_site import HostSite
from tests.browser.test_widget import MARKED, ask, inline, only, reply_to
from tests.nginx import Nginx, lines_of_manual
from tests.serving import Server, briefing_index

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def desk(host: HostSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where nginx serves the briefing: under a prefix, to the readers of ``host`` too."""
    settings = {
        "BRIEFING_DESK_PATH_PREFIX": "/briefing",
        "BRIEFING_DESK_TRUSTED_PROXIES": '["127.0.0.1"]',
        "BRIEFING_DESK_ALLOWED_ORIGINS": json.dumps([host.origin]),
    }
    with Server(briefing_index(), settings) as server:
        port = int(server.url.rpartition(":")[2])
        with Nginx(tmp_path_factory.mktemp("nginx"), lines_of_manual(), port) as nginx:
            yield f"{nginx.url}/briefing"


def test_the_chat_works_under_a_prefix(desk: str, open_page: OpenPage) -> None:
    """Styles, scripts, the queue's stream, sources, and the way to another language."""
    page = open_page(desk)
    ask_in_chat(page, QUESTION).locator("a.chip").first.click()
    marks(page).first.wait_for()
    ask_in_chat(page, UNANSWERABLE)
    page.locator(".masthead nav a").last.click()
    page.wait_for_url(f"{desk}/kk/*")
    expect(page.locator(".reply")).to_have_count(2)
    expect(page.locator("html")).to_have_attribute("lang", "kk")


def test_the_widget_works_under_a_prefix_on_another_origin(
    host: HostSite, desk: str, visit: Visits
) -> None:
    page = visit(host.page(inline(desk)))
    widget = only(page)
    citation = reply_to(desk, QUESTION)["citations"][0]
    ask(widget, QUESTION).locator(".source").first.click()
    widget.locator("mark").first.wait_for()
    assert widget.evaluate(MARKED) == citation["quote"]
    full = widget.locator(".foot a").get_attribute("href")
    assert str(full).startswith(f"{desk}/en/#document=")


def test_the_frame_and_the_owners_page_work_under_a_prefix(
    host: HostSite, desk: str, visit: Visits
) -> None:
    page = visit(f"{desk}/embed")
    page.locator("#preview briefing-desk section").wait_for()
    expect(page.locator("#code")).to_contain_text(f"{desk}/widget.js")
    page = visit(host.page(f'<iframe src="{desk}/embed/ru" title="Ask" height="600"></iframe>'))
    widget = page.frame_locator("iframe").locator("briefing-desk")
    ask(widget, QUESTION)
    expect(widget.locator(".reply")).to_be_visible()
