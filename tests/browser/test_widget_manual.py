"""Every example of docs/manual/widget.md, put on a host page as it stands there, works."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visits
from tests.browser.host_site import HostSite
from tests.browser.test_widget import QUESTION, ask
from tests.serving import REPOSITORY

pytestmark = pytest.mark.browser

MANUAL = (REPOSITORY / "docs" / "manual" / "widget.md").read_text(encoding="utf-8")
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```html\n(.*?)^```", MANUAL + README, re.MULTILINE | re.DOTALL)


def opened(host: HostSite, desk: str, visit: Visits, example: str) -> Page:
    """A page of the host that holds an example, the desk's address put in."""
    code = re.sub(r"https://desk\.example\.org|http://127\.0\.0\.1:7860", desk, example)
    if code.startswith("<!doctype"):
        return visit(host.file(code, "text/html; charset=utf-8"))
    return visit(host.page(code))


def test_there_is_an_example_of_each_way() -> None:
    together = "\n".join(EXAMPLES)
    for sign in (
        "mode=",
        "data-",
        "<iframe",
        "Content-Security-Policy",
        ".ask(",
        "--briefing-desk",
    ):
        assert sign in together
    assert len(EXAMPLES) >= 7


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_of_the_manual_works(
    host: HostSite, desk: str, visit: Visits, example: str
) -> None:
    page = opened(host, desk, visit, example)
    within = page.frame_locator("iframe") if "<iframe" in example else page
    widget = within.locator("briefing-desk")
    widget.locator("section").wait_for(state="attached")
    if widget.locator(".launcher").count():
        widget.locator(".launcher").click()
    ask(widget, QUESTION).locator(".source").first.click()
    expect(widget.locator("mark").first).to_be_visible()


def test_the_pages_own_script_asks_and_hears(host: HostSite, desk: str, visit: Visits) -> None:
    (example,) = [one for one in EXAMPLES if ".ask(" in one]
    page = opened(host, desk, visit, example)
    page.locator("#more").click()
    expect(page.locator("#said")).to_have_text(re.compile(r"(answer|abstention), \d+ citations"))
    expect(page.get_by_role("dialog")).to_be_visible()


def test_what_the_attributes_say_is_shown(host: HostSite, desk: str, visit: Visits) -> None:
    (example,) = [one for one in EXAMPLES if 'language="kk"' in one]
    widget = opened(host, desk, visit, example).locator("briefing-desk")
    expect(widget.locator("h2")).to_have_text("Порт туралы сұраңыз")
    expect(widget.locator(".greeting")).to_have_text("Жауап құжаттардың өз сөзімен беріледі.")
    expect(widget.locator(".wide")).to_have_text(["Кім басқарады?", "Қашан ашылады?"])
