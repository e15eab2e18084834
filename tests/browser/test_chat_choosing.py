"""Choosing the documents to ask before asking."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.asking import QUESTION, TEXTS, ask, documents_of, reply_to
from tests.browser.conftest import OpenPage, Shelf

pytestmark = pytest.mark.browser


def open_chooser(page: Page) -> None:
    page.locator("#bar .choose").click()
    page.get_by_role("dialog", name=TEXTS.chooser.heading).wait_for()


def test_only_the_chosen_documents_are_asked_until_that_is_undone(
    url: str, open_page: OpenPage
) -> None:
    one = next(one for one in documents_of(url) if one["path"] == "people-and-institutions.md")
    expected = reply_to(url, QUESTION, documents=[one["document_id"]])
    assert expected["searched"]["documents"] == 1
    page = open_page(url)
    open_chooser(page)
    page.get_by_label(one["title"]).check()
    page.get_by_role("button", name=TEXTS.chooser.done).click()
    expect(page.locator("#bar .choose")).to_be_focused()
    expect(page.locator("#bar .choose")).to_have_text(
        TEXTS.bar.some_documents.format(count=1, total=4)
    )
    reply = ask(page, QUESTION)
    expect(reply.locator(".asked-of")).to_have_text(f"{TEXTS.asked_of} {one['title']}")
    for citation in expected["citations"] or expected["nearest"]:
        assert citation["document_id"] == one["document_id"]
        expect(reply).to_contain_text(" ".join(citation["quote"].split()))

    page.get_by_role("button", name=TEXTS.chooser.remove.format(title=one["title"])).click()
    expect(page.locator("#bar .chosen li")).to_have_count(0)
    expect(page.locator("#bar .choose")).to_have_text(TEXTS.bar.all_documents.format(count=4))
    expect(ask(page, QUESTION).locator(".asked-of")).to_have_count(0)


def test_many_documents_are_found_by_typing_and_all_is_one_press_away(
    shelf: Shelf, open_page: OpenPage
) -> None:
    page = open_page(f"{shelf.url}/en/")
    open_chooser(page)
    rows = page.locator("dialog .choices li")
    expect(rows).to_have_count(len(documents_of(shelf.url)))
    page.get_by_label(TEXTS.chooser.search).fill("QUAY 3")
    expect(rows.locator("visible=true")).to_have_count(1)
    page.get_by_label("Quay 3").check()
    page.get_by_label(TEXTS.chooser.search).fill("библ")
    page.get_by_label("Библиотека").check()
    expect(page.locator("#bar .chosen li")).to_have_count(2)
    page.get_by_label(TEXTS.chooser.search).fill("nothing is called that")
    expect(page.get_by_text(TEXTS.chooser.none_found)).to_be_visible()
    page.get_by_role("button", name=TEXTS.chooser.all).click()
    expect(page.locator("#bar .chosen li")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#bar .choose")).to_be_focused()


def test_few_documents_need_no_search(url: str, open_page: OpenPage) -> None:
    page = open_page(url)
    open_chooser(page)
    expect(page.get_by_label(TEXTS.chooser.search)).to_have_count(0)


def test_the_choice_is_made_by_keyboard_alone(url: str, open_page: OpenPage) -> None:
    page = open_page(url)
    page.locator("#bar .choose").focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Space")
    expect(page.locator("dialog input").first).to_be_checked()
    page.keyboard.press("Escape")
    expect(page.locator("#bar .choose")).to_be_focused()
    expect(page.locator("#bar .chosen li")).to_have_count(1)
