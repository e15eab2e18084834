"""The pages in a real Chromium with the inputs of `tests/hostile.py`, as questions and documents.

That no dialog opens, nothing complains in the console, and no third host is asked, is what the
fixtures check of every page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from app.bubble import UNSEEN
from tests.browser.asking import TEXTS
from tests.browser.conftest import OpenPage, Visits, allowing
from tests.browser.host_site import HostSite
from tests.browser.test_widget import inline, only
from tests.hostile import FAMILIES, MARKDOWN, SCRIPTS, hostile_index
from tests.serving import Server

pytestmark = pytest.mark.browser

PLAIN = "Who is the keeper of log 3?"
TURNS = 10
"""Questions of one conversation; each page draws all of its conversation anew."""

RUNNING = (
    "img, script, style, link, meta, base, iframe, object, embed, form, input, video, audio, "
    "marquee, template, math, svg svg, xss, [onerror], [onload], a[href^='javascript' i], "
    "a[href^='data' i], a[href^='//'], a[href^='http']:not([href^='http://127.0.0.1:'])"
)
"""What a text would have to become before it could do anything."""


@pytest.fixture(scope="module")
def desk(host: HostSite) -> Iterator[str]:
    """A server on the hostile documents, for the readers of ``host``."""
    settings = {**allowing(host), "BRIEFING_DESK_PASSAGES_READ": "1"}
    with Server(hostile_index(), settings) as server:
        yield server.url


def is_unharmed(page: Page, part: Locator) -> bool:
    """Whether nothing of what the texts try has come true."""
    assert page.evaluate("window.hacked") is None
    assert part.locator(RUNNING).count() == 0, part.inner_html()
    return True


def asked_in_chat(page: Page, question: str) -> None:
    """Ask, and wait until the turn is over, with a reply or without."""
    box = page.get_by_label(TEXTS.question_label)
    before = page.get_by_test_id("bot").count()
    box.fill(question)
    for _ in range(40):
        box.press("Enter")
        page.wait_for_timeout(25)
        if box.input_value() == "":
            break
    over = page.locator(".reply, #conversation .notice")
    expect(page.get_by_test_id("bot")).to_have_count(before + 1)
    over.nth(before).wait_for()


@pytest.mark.parametrize("texts", [SCRIPTS[::2], MARKDOWN[::2]], ids=["scripts", "markdown"])
def test_hostile_questions_are_text_in_the_chat(
    desk: str, open_page: OpenPage, texts: Sequence[str]
) -> None:
    page = open_page(f"{desk}/en/")
    page.locator("#conversation .example").first.wait_for()
    for number, text in enumerate(texts):
        asked_in_chat(page, text)
        shown = page.get_by_test_id("user").last.inner_text()
        written = UNSEEN.sub(lambda one: f"U+{ord(one[0]):04X}", text)
        assert " ".join(shown.split()) == " ".join(written.split())
        if number % TURNS == TURNS - 1 or number == len(texts) - 1:
            assert is_unharmed(page, page.locator("#conversation .message"))
            page.get_by_role("button", name=TEXTS.new_conversation).click()
            expect(page.locator(".reply")).to_have_count(0)
    asked_in_chat(page, PLAIN)
    expect(page.locator(".reply.answer")).to_be_visible()


def test_hostile_documents_are_text_in_the_source_pane(desk: str, open_page: OpenPage) -> None:
    page = open_page(f"{desk}/en/")
    links = page.locator("#source a.document")
    links.first.wait_for()
    assert is_unharmed(page, page.locator("#source"))  # the list of their names
    for number, one in enumerate(httpx.get(f"{desk}/api/documents").json()["documents"]):
        if one["path"] in {"wide.txt", "deep.md"}:
            continue  # long and dull
        text = httpx.get(f"{desk}/api/documents/{one['document_id']}").json()["text"]
        links.nth(number).click()
        expect(page.locator("#source h2")).to_have_text(
            UNSEEN.sub(lambda found: f"U+{ord(found[0]):04X}", one["title"])
        )
        shown = page.locator("#source .text").evaluate("node => node.textContent")
        assert shown.splitlines() == text.splitlines()
        assert is_unharmed(page, page.locator("#source"))
        page.keyboard.press("Escape")
        links.first.wait_for()


@pytest.mark.parametrize("family", FAMILIES)
def test_hostile_questions_and_quotes_are_text_in_the_widget(
    host: HostSite, desk: str, visit: Visits, family: str
) -> None:
    visit.expected = "400"  # of dashes alone: no question
    page = visit(host.page(inline(desk)))
    widget = only(page)
    quoted = 0
    for number, text in enumerate(FAMILIES[family]):
        reply = widget.evaluate("(node, text) => node.ask(text)", text)
        if reply is None:
            expect(widget.locator(".notice")).to_be_visible()
            continue
        shown = widget.locator(".turn h3.asked").last.evaluate("node => node.textContent")
        assert shown in text
        assert shown.strip() == text.strip()  # JavaScript and Python differ in what a blank is
        quoted += any(text in one["quote"] for one in reply["citations"] + reply["nearest"])
        if number % TURNS == TURNS - 1 or number == len(FAMILIES[family]) - 1:
            assert is_unharmed(page, widget)
            widget.locator(".turn").last.locator(".source").first.evaluate("node => node.click()")
            widget.locator("mark").first.wait_for()
            assert is_unharmed(page, widget)
            page.keyboard.press("Escape")
            widget.evaluate("node => node.shadowRoot.querySelector('.bar button').click()")
    assert quoted >= len(FAMILIES[family]) // 2
    assert widget.evaluate("(node, text) => node.ask(text)", PLAIN)["kind"] == "answer"
