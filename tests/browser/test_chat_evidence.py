"""From an answer to its evidence: the passage at the mark, and the document in the pane."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.asking import MARKED, QUESTION, TEXTS, UNANSWERABLE, ask, marks, reply_to
from tests.browser.conftest import OpenPage, Shelf

pytestmark = pytest.mark.browser


def passage(page: Page) -> Locator:
    return page.get_by_role("tooltip")


# ── the passage at the mark ──────────────────────────────────────────────────────────────────────


def test_a_mark_shows_its_passage_under_the_pointer_and_keeps_it_there(
    url: str, open_page: OpenPage
) -> None:
    page = open_page(url)
    chip = ask(page, QUESTION).locator("a.chip").first
    citation = reply_to(url, QUESTION)["citations"][0]
    chip.hover()
    expect(passage(page).locator("q")).to_have_text(" ".join(citation["quote"].split()))
    expect(passage(page)).to_contain_text(citation["title"])
    expect(passage(page).locator("q")).to_have_attribute("lang", "en")
    passage(page).hover()
    expect(passage(page)).to_be_visible()
    page.mouse.move(5, 5)
    expect(passage(page)).to_be_hidden()


def test_a_mark_shows_its_passage_to_the_keyboard_and_escape_dismisses_it(
    url: str, open_page: OpenPage
) -> None:
    page = open_page(url)
    reply = ask(page, QUESTION)
    chip = reply.locator("a.chip").first
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        if chip.evaluate("node => node === document.activeElement"):
            break
    expect(passage(page)).to_be_visible()
    expect(chip).to_have_accessible_description(re.compile(r"\S"))
    page.keyboard.press("Escape")
    expect(passage(page)).to_be_hidden()
    expect(chip).to_be_focused()
    page.keyboard.press("Enter")
    expect(marks(page).first).to_be_focused()
    expect(passage(page)).to_be_hidden()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_passage_never_leaves_the_window(url: str, open_page: OpenPage, width: int) -> None:
    page = open_page(url, width=width, height=640)
    ask(page, UNANSWERABLE).locator("a.source").first.hover()
    expect(passage(page)).to_be_visible()
    box = passage(page).bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["y"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= 640


# ── the document in the pane ─────────────────────────────────────────────────────────────────────


def test_the_pane_steps_through_an_answers_citations(url: str, open_page: OpenPage) -> None:
    page = open_page(url)
    reply = ask(page, UNANSWERABLE)
    nearest = reply_to(url, UNANSWERABLE)["nearest"]
    assert len(nearest) > 1
    reply.locator("a.source").first.click()
    marks(page).first.wait_for()
    before = page.get_by_role("button", name=TEXTS.pane.previous)
    after = page.get_by_role("button", name=TEXTS.pane.next_label)
    expect(before).to_be_disabled()
    for number, citation in enumerate(nearest, start=1):
        expect(page.locator(".stepper")).to_contain_text(
            TEXTS.pane.citation_of.format(number=number, count=len(nearest))
        )
        assert page.evaluate(MARKED) == citation["quote"]
        if number < len(nearest):
            after.click()
    expect(after).to_be_disabled()
    before.click()
    expect(page.locator(".stepper")).to_contain_text(
        TEXTS.pane.citation_of.format(number=len(nearest) - 1, count=len(nearest))
    )
    page.keyboard.press("Escape")
    expect(reply.locator("a.source").nth(len(nearest) - 2)).to_be_focused()


def test_the_outline_jumps_and_shows_where_the_quote_is(url: str, open_page: OpenPage) -> None:
    page = open_page(url)
    ask(page, QUESTION).locator("a.chip").first.click()
    marks(page).first.wait_for()
    citation = reply_to(url, QUESTION)["citations"][0]
    page.get_by_text(TEXTS.pane.contents, exact=True).click()
    outline = page.locator("#source .contents")
    expect(outline.locator("[aria-current]")).to_have_text(citation["heading_path"][-1])
    last = outline.get_by_role("button").last
    name = last.inner_text()
    last.click()
    heading = page.locator("#source .text").get_by_role("heading", name=name, exact=True)
    expect(heading).to_be_focused()
    expect(heading).to_be_in_viewport()


def test_a_quote_is_copied_with_its_reference(url: str, open_page: OpenPage) -> None:
    page = open_page(url)
    ask(page, QUESTION).locator("a.chip").first.click()
    citation = reply_to(url, QUESTION)["citations"][0]
    page.get_by_role("button", name=TEXTS.pane.copy_quote).click()
    expect(page.locator("#source").get_by_role("button", name=TEXTS.copied)).to_be_visible()
    quote, reference, link = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert quote == f"“{citation['quote']}”"
    assert citation["title"] in reference
    assert citation["path"] in reference
    # The link is complete: whoever opens it sees the same words marked.
    other = open_page(link)
    marks(other).first.wait_for()
    assert other.evaluate(MARKED) == citation["quote"]


@pytest.mark.parametrize(
    ("question", "state"),
    [
        ("Who built the lighthouse of Aktau?", "changed"),
        ("How many railway wagons does the ferry carry?", "missing"),
    ],
)
def test_a_file_that_changed_or_is_gone_is_said_so_everywhere(
    shelf: Shelf, open_page: OpenPage, question: str, state: str
) -> None:
    page = open_page(shelf.url)
    reply = ask(page, question)
    words = TEXTS.source_state[state]  # type: ignore[index]
    expect(reply.locator(".sources .state")).to_have_text(words)
    reply.locator("a.chip").first.hover()
    expect(passage(page)).to_contain_text(words)
    reply.locator("a.chip").first.click()
    expect(page.locator("#source .warning")).to_have_text(words)
    marks(page).first.wait_for()


def test_a_row_of_a_table_file_is_named_in_the_reference(shelf: Shelf, open_page: OpenPage) -> None:
    question = "How many tons of cement?"
    expected = reply_to(shelf.url, question)
    citation = (expected["citations"] or expected["nearest"])[0]
    assert citation["row"] is not None
    page = open_page(shelf.url)
    source = ask(page, question).locator("a.source").first
    row = TEXTS.pane.row.format(row=citation["row"])
    expect(source).to_contain_text(row)
    source.click()
    expect(page.locator("#source .path").first).to_contain_text(row)
    assert page.evaluate(MARKED) == citation["quote"]


def test_a_quote_is_in_its_documents_language(shelf: Shelf, open_page: OpenPage) -> None:
    page = open_page(f"{shelf.url}/en/")
    reply = ask(page, "Сколько книг хранит библиотека порта?")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(reply).to_have_attribute("lang", "ru")
    expect(reply.locator("q").first).to_have_attribute("lang", "ru")
    reply.locator("a.chip").first.hover()
    expect(passage(page).locator("q")).to_have_attribute("lang", "ru")
