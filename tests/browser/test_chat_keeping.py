"""Taking answers along: links, files, paper, another language; and saying what one thinks."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Page, expect

from app.chat_page import read_texts
from app.types import REPLY
from tests.browser.asking import QUESTION, TEXTS, UNANSWERABLE, ask, documents_of, reply_to
from tests.browser.conftest import OpenPage, Shelf

pytestmark = pytest.mark.browser


def saved(page: Page, name: str) -> str:
    page.locator("#bar summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    return Path(download.value.path()).read_text(encoding="utf-8")


def without_what_differs(reply: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in reply.items() if key not in {"id", "milliseconds"}}


# ── links ────────────────────────────────────────────────────────────────────────────────────────


def test_a_shared_link_asks_again_and_says_that_the_answer_is_the_same(
    url: str, open_page: OpenPage
) -> None:
    first, second = "What did Kazakhstan and the World Bank Group discuss?", "And how much a year?"
    page = open_page(f"{url}/en/")
    ask(page, first)
    reply = ask(page, second)
    reply.get_by_role("button", name=TEXTS.copy_link).click()
    expect(reply.get_by_role("button", name=TEXTS.link_copied)).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    expected = reply_to(url, second, first)
    assert parse_qs(urlsplit(link).query) == {
        "q": [expected["standalone_question"]],
        "answer": [expected["answer_id"]],
    }
    opened = open_page(link)
    expect(opened.locator(".reply .linked")).to_have_text(TEXTS.link_same)


def test_a_link_to_another_answer_says_that_it_was_made_again(
    url: str, open_page: OpenPage
) -> None:
    page = open_page(f"{url}/en/?q=How+many+jobs+were+created&answer=0000000000000000")
    expect(page.locator(".reply .linked")).to_have_text(TEXTS.link_differs)


def test_a_link_carries_the_choice_of_documents(url: str, open_page: OpenPage) -> None:
    one = documents_of(url)[1]
    answer_id = reply_to(url, QUESTION, documents=[one["document_id"]])["answer_id"]
    page = open_page(
        f"{url}/en/?q={QUESTION.replace(' ', '+')}&answer={answer_id}"
        f"&documents={one['document_id']}"
    )
    expect(page.locator(".reply .linked")).to_have_text(TEXTS.link_same)
    expect(page.locator("#bar .chosen li")).to_contain_text(one["title"])


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def test_the_conversation_is_saved_as_json_of_its_replies(url: str, open_page: OpenPage) -> None:
    page = open_page(f"{url}/en/")
    for question in (QUESTION, UNANSWERABLE, "thanks"):
        ask(page, question)
    turns = json.loads(saved(page, TEXTS.bar.as_json))["turns"]
    history: list[str] = []
    for turn, question in zip(turns, (QUESTION, UNANSWERABLE, "thanks"), strict=True):
        REPLY.validate_python(turn["reply"])
        expected = reply_to(url, question, *history)
        assert without_what_differs(turn["reply"]) == without_what_differs(expected)
        history.append(question)


def test_the_conversation_is_saved_as_markdown_that_says_the_same(
    hostile_url: str, open_page: OpenPage
) -> None:
    questions = ("Who is the harbour master of Aktau?", "What *does* `the` <b>register</b> say?")
    page = open_page(f"{hostile_url}/en/")
    for question in questions:
        ask(page, question)
    rendered = MarkdownIt().render(saved(page, TEXTS.bar.as_markdown))
    # Nothing of a document or a question is markup: what is left are our own headings and marks.
    assert not re.search(r"<(img|script|b|svg|em|table)\b", rendered)
    read = httpx.get(f"{hostile_url}/api/documents").json()["documents"][0]
    for number, question in enumerate(questions):
        reply = reply_to(hostile_url, question, *questions[:number])
        for citation in reply["citations"] or reply["nearest"]:
            assert citation["sha256"] == read["sha256"]
            escaped = citation["quote"].replace("&", "&amp;").replace("<", "&lt;")
            assert escaped.replace(">", "&gt;").replace('"', "&quot;") in rendered


def test_there_is_nothing_to_save_before_the_first_question(url: str, open_page: OpenPage) -> None:
    page = open_page(f"{url}/en/")
    page.locator("#conversation .example").first.wait_for()
    page.locator("#bar summary").click()
    page.get_by_role("button", name=TEXTS.bar.as_json).click()
    expect(page.get_by_text(TEXTS.bar.nothing_to_save)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name=TEXTS.bar.as_json)).to_be_hidden()
    expect(page.locator("#bar summary")).to_be_focused()


def test_paper_shows_quotes_and_references_with_their_addresses_and_nothing_to_press(
    url: str, open_page: OpenPage
) -> None:
    page = open_page(f"{url}/en/")
    ask(page, QUESTION)
    reply = ask(page, UNANSWERABLE)
    page.emulate_media(media="print")
    for selector in ("#bar", "#source", "#composer", ".reply .actions", ".masthead nav"):
        expect(page.locator(selector).first).to_be_hidden()
    expect(reply.locator(".sources q").first).to_be_visible()
    written = reply.locator("a.source").first.evaluate(
        "node => [getComputedStyle(node, '::after').content, node.href]"
    )
    assert written[0] == f'"{written[1]}"'
    assert written[1].startswith("http")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # All of the conversation is on the sheets, not only what a window would show.
    assert page.locator("#conversation [role=log]").evaluate(
        "node => node.scrollHeight <= node.clientHeight + 1"
    )
    page.emulate_media(media="screen")


# ── another language ─────────────────────────────────────────────────────────────────────────────


def test_the_conversation_goes_along_into_another_language(url: str, open_page: OpenPage) -> None:
    page = open_page(f"{url}/en/")
    one = documents_of(url)[0]
    ask(page, QUESTION)
    page.locator("#bar .choose").click()
    page.get_by_label(one["title"]).check()
    page.keyboard.press("Escape")
    ask(page, UNANSWERABLE)
    page.get_by_label(TEXTS.question_label).fill("And a draft")
    kazakh = read_texts("kk")
    page.get_by_role("link", name=kazakh.language_name).click()
    expect(page.locator("html")).to_have_attribute("lang", "kk")
    expect(page.locator(".reply")).to_have_count(2)
    expect(page.get_by_test_id("user")).to_have_text([QUESTION, UNANSWERABLE])
    expect(page.locator(".reply.answer .heading").first).to_have_text(kazakh.sources)
    expect(page.locator(".reply .asked-of")).to_have_text(f"{kazakh.asked_of} {one['title']}")
    expect(page.locator("#bar .chosen li")).to_have_count(1)
    expect(page.get_by_label(kazakh.question_label)).to_have_value("And a draft")
    # What follows is asked with what went before.
    page.get_by_label(kazakh.question_label).fill("")
    ask(page, "And how much a year?", kazakh)
    expect(page.locator(".reply")).to_have_count(3)


# ── feedback ─────────────────────────────────────────────────────────────────────────────────────


def test_feedback_is_not_asked_for_where_nothing_is_stored(url: str, open_page: OpenPage) -> None:
    page = open_page(f"{url}/en/")
    expect(ask(page, QUESTION).locator(".feedback")).to_have_count(0)


@pytest.mark.parametrize("verdict", ["right", "wrong_answer", "wrong_evidence", "missing"])
def test_feedback_is_stored_and_thanked_for_in_place(
    shelf: Shelf, open_page: OpenPage, verdict: str
) -> None:
    page = open_page(f"{shelf.url}/en/")
    reply = ask(page, "How deep is quay 3?")
    words = dict(TEXTS.feedback.verdicts())[verdict]
    reply.get_by_role("button", name=words, exact=True).click()
    expect(reply.locator(".feedback")).to_have_text(TEXTS.feedback.thanks)
    expect(reply.locator(".feedback .said")).to_be_focused()
    expect(reply.locator(".feedback button")).to_have_count(0)
    with sqlite3.connect(shelf.stored) as stored:
        assert any(verdict in line for line in stored.iterdump())
