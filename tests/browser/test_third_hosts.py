"""Nothing that a reader's browser opens asks anything of a third host."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.asking import QUESTION
from tests.browser.asking import ask as ask_in_chat
from tests.browser.host_site import HostSite
from tests.browser.test_widget import ask, inline, only, script

pytestmark = pytest.mark.browser


@pytest.fixture
def listened_to(browser: Browser) -> tuple[Page, list[str]]:
    """A page in a profile of its own, and the address of everything that it asks for, whether as
    a request, a socket, or from a worker; what isn't on this machine is refused.
    """
    context = browser.new_context(locale="en-US")
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    return page, asked


def third_hosts(asked: list[str]) -> list[str]:
    own = ("http://127.0.0.1:", "blob:http://127.0.0.1:", "data:")
    return [address for address in asked if not address.startswith(own)]


def test_no_page_calls_a_third_host(
    host: HostSite, desk: str, listened_to: tuple[Page, list[str]]
) -> None:
    """The chat, the widget as bubble and inline, the frame, and the page for site owners."""
    page, asked = listened_to
    page.goto(f"{desk}/en/")
    ask_in_chat(page, QUESTION).locator("a.chip").first.click()
    page.locator("#source mark").first.wait_for()
    page.goto(host.page(inline(desk), foot="<briefing-desk></briefing-desk>"))
    first = page.locator("briefing-desk").first
    ask(first, QUESTION).locator(".source").first.click()
    first.locator("mark").first.wait_for()
    page.goto(host.page(foot=script(desk)))
    only(page).locator(".launcher").click()
    ask(only(page), QUESTION)
    page.goto(host.page(f'<iframe src="{desk}/embed/kk" title="Ask" height="600"></iframe>'))
    ask(page.frame_locator("iframe").locator("briefing-desk"), QUESTION)
    page.goto(f"{desk}/embed")
    page.locator("#preview briefing-desk section").wait_for()
    expect(page.locator("#code")).to_contain_text("widget.js")
    assert len(asked) > 60
    assert third_hosts(asked) == []
    page.context.close()


def test_a_call_to_a_third_host_would_be_noticed(
    host: HostSite, listened_to: tuple[Page, list[str]]
) -> None:
    page, asked = listened_to
    page.route("http://third.invalid/**", lambda route: route.abort())
    page.goto(host.page('<img src="http://third.invalid/x.png" alt="">'))
    assert third_hosts(asked) == ["http://third.invalid/x.png"]
    page.context.close()
