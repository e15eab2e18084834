"""What every test of the chat page does: ask, read the marks, and compare with the API."""

from __future__ import annotations

import contextlib
from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect

from app.chat_page import Texts, read_texts

QUESTION = "How much annual financing could the new framework provide?"
UNANSWERABLE = "What is the GDP of Kazakhstan?"
TEXTS = read_texts("en")

MARKED = "[...document.querySelectorAll('#source mark')].map(mark => mark.textContent).join('')"


def ask(page: Page, question: str, texts: Texts = TEXTS) -> Locator:
    """Type a question, press Enter, and wait for its reply."""
    replies = page.locator(".reply")
    box = page.get_by_label(texts.question_label)
    box.wait_for()
    before = replies.count()
    box.fill(question)
    # Enter is not taken while the turn before is being closed, some milliseconds after its answer.
    for _ in range(40):
        box.press("Enter")
        with contextlib.suppress(AssertionError):
            expect(box).to_have_value("", timeout=500)
            break
    newest = replies.nth(before)
    newest.wait_for()
    return newest


def reply_to(url: str, question: str, *history: str, **more: object) -> dict[str, Any]:
    """What the API says to the same question."""
    response = httpx.post(
        f"{url}/api/ask", json={"question": question, "history": history, **more}, timeout=60
    )
    reply: dict[str, Any] = response.json()
    return reply


def documents_of(url: str) -> list[dict[str, Any]]:
    """The documents that the API lists."""
    listed: list[dict[str, Any]] = httpx.get(f"{url}/api/documents").json()["documents"]
    return listed


def marks(page: Page) -> Locator:
    """The quoted words in the pane that can be seen."""
    return page.locator("#source mark:not(.sign *)")
