"""What a reader sees while an answer is made, and when none can come."""

from __future__ import annotations

import contextlib
import itertools
import re
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from app.chat_page import LANGUAGES, read_texts
from app.types import Language
from tests.browser.asking import QUESTION, TEXTS, UNANSWERABLE, ask, reply_to
from tests.browser.conftest import WAIT_MS, OpenPage
from tests.serving import Server, briefing_index

pytestmark = pytest.mark.browser

MANY = 48
"""Askers that keep the desk at work; 64 callers are admitted at once."""

TOO_MANY = 96

STEP = re.compile(
    "|".join(re.sub(r"\\{\w+\\}", r"\\d+", re.escape(step)) for step in TEXTS.steps.values())
)
"""What the page may be saying that it does."""


@pytest.fixture(scope="module")
def busy_url() -> Iterator[str]:
    """A server of its own: here others ask so much that a page has to wait."""
    environment = {"BRIEFING_DESK_QUESTIONS_PER_MINUTE": "1000000"}
    with Server(briefing_index(), environment) as server:
        yield server.url


@contextlib.contextmanager
def askers(url: str, count: int) -> Iterator[None]:
    """Others, who ask one question after the other for as long as this lasts."""
    numbers = itertools.count()
    is_over = threading.Event()

    def ask_on() -> None:
        with httpx.Client(timeout=120) as client:
            while not is_over.is_set():
                question = f"How much money could project {next(numbers)} give to the framework?"
                client.post(f"{url}/api/ask", json={"question": question})

    threads = [threading.Thread(target=ask_on) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


@pytest.fixture
def lone_page(browser: Browser) -> Iterator[Callable[[str], Page]]:
    """A page whose network may fail; the console says so, which is no error of ours."""
    context = browser.new_context(locale="en-US")
    context.set_default_timeout(WAIT_MS)

    def open_one(url: str) -> Page:
        page = context.new_page()
        page.goto(url)
        page.locator("#conversation .example").first.wait_for()
        return page

    yield open_one
    context.close()


# ── while it is made ─────────────────────────────────────────────────────────────────────────────


def test_what_is_being_done_is_said_and_can_be_stopped(busy_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{busy_url}/en/")
    page.locator("#conversation .example").first.wait_for()
    stop = page.get_by_role("button", name=TEXTS.stop, exact=True)
    expect(stop).to_be_hidden()
    with askers(busy_url, MANY):
        page.get_by_label(TEXTS.question_label).fill(QUESTION)
        page.get_by_label(TEXTS.question_label).press("Enter")
        expect(page.locator("#conversation .pending")).to_have_text(STEP, timeout=WAIT_MS)
        expect(page.get_by_test_id("user")).to_have_text(QUESTION)
        stop.click()
        expect(page.locator("#conversation .pending")).to_have_count(0, timeout=WAIT_MS)
        expect(page.get_by_label(TEXTS.question_label)).to_have_value(QUESTION)
        expect(page.get_by_test_id("user")).to_have_count(0)
        expect(stop).to_be_hidden()
    # What was stopped is not taken for something that was asked.
    follow_up = ask(page, "And how much a year?")
    expect(follow_up.locator(".understood")).to_have_count(0)


def test_an_answer_is_announced_once_and_as_it_is_written(url: str, open_page: OpenPage) -> None:
    page = open_page(f"{url}/en/")
    page.locator("#conversation .example").first.wait_for()
    page.evaluate("""() => {
        window.said = [];
        new MutationObserver(() => window.said.push("once"))
            .observe(document.getElementById("announcer"), {childList: true});
    }""")
    history: list[str] = []
    for question in (QUESTION, UNANSWERABLE):
        ask(page, question)
        text = reply_to(url, question, *history)["text"]
        expect(page.locator("#announcer")).to_have_text(
            TEXTS.status.answered.format(text=" ".join(text.split()))
        )
        history.append(question)
    assert len(page.evaluate("window.said")) == 2
    expect(page.get_by_role("log")).to_have_attribute("aria-live", "off")


def test_shift_and_enter_break_the_line(url: str, open_page: OpenPage) -> None:
    page = open_page(f"{url}/en/")
    box = page.get_by_label(TEXTS.question_label)
    box.fill("How much")
    box.press("Shift+Enter")
    page.keyboard.type("a year?")
    expect(box).to_have_value("How much\na year?")
    expect(page.locator(".reply")).to_have_count(0)


# ── when none can come ───────────────────────────────────────────────────────────────────────────


def test_a_full_desk_says_so_and_one_press_asks_again(busy_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{busy_url}/en/")
    page.locator("#conversation .example").first.wait_for()
    notice = page.locator("#conversation .notice")
    with askers(busy_url, TOO_MANY):
        box = page.get_by_label(TEXTS.question_label)
        box.fill(QUESTION)
        for _ in range(20):  # a place may just have come free
            box.press("Enter")
            expect(page.locator("#conversation :is(.notice, .reply)").last).to_be_visible(
                timeout=WAIT_MS
            )
            if notice.count():
                break
            page.get_by_role("button", name=TEXTS.new_conversation).click()
            expect(page.locator(".reply")).to_have_count(0, timeout=WAIT_MS)
            box.fill(QUESTION)
        expect(notice).to_contain_text(TEXTS.busy)
        expect(box).to_have_value(QUESTION)
    notice.get_by_role("button", name=TEXTS.ask_again).click()
    page.locator(".reply.answer").wait_for()
    expect(notice).to_have_count(0)
    expect(box).to_have_value("")


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_network_that_is_said_and_the_question_is_kept(
    url: str, lone_page: Callable[[str], Page], language: Language
) -> None:
    texts = read_texts(language)
    page = lone_page(f"{url}/{language}/")
    ask(page, "thanks", texts)
    page.context.set_offline(True)
    trouble = page.locator(".trouble")
    expect(trouble).to_contain_text(texts.status.offline)
    box = page.get_by_label(texts.question_label)
    box.fill(QUESTION)
    box.press("Enter")
    expect(trouble).to_contain_text(texts.status.offline)
    expect(box).to_have_value(QUESTION)
    page.context.set_offline(False)
    page.locator(".reply.answer").wait_for()
    expect(trouble).to_be_empty()
    expect(page.get_by_test_id("user")).to_have_text(["thanks", QUESTION])


def test_a_question_waits_for_a_server_that_is_gone(lone_page: Callable[[str], Page]) -> None:
    with Server(briefing_index()) as server:
        port = server.url.rpartition(":")[2]
        page = lone_page(f"{server.url}/en/")
        ask(page, UNANSWERABLE)
    box = page.get_by_label(TEXTS.question_label)
    box.fill(QUESTION)
    box.press("Enter")
    expect(page.locator(".trouble")).to_contain_text(TEXTS.status.unreachable)
    expect(box).to_have_value(QUESTION)
    # Gradio's own notices speak another language and say less.
    expect(page.locator(".toast-body")).to_be_hidden()
    with Server(briefing_index(), port=port):
        expect(page.get_by_test_id("user")).to_have_text([UNANSWERABLE, QUESTION], timeout=WAIT_MS)
        page.locator(".reply").nth(1).wait_for()
        expect(page.locator(".trouble")).to_be_empty()


def test_a_caller_that_asks_too_often_is_told_to_wait(open_page: OpenPage) -> None:
    environment = {"BRIEFING_DESK_QUESTIONS_PER_MINUTE": "1"}
    with Server(briefing_index(), environment) as server:
        page = open_page(f"{server.url}/en/")
        page.locator("#conversation .example").first.wait_for()
        ask(page, QUESTION)
        box = page.get_by_label(TEXTS.question_label)
        box.fill(UNANSWERABLE)
        box.press("Enter")
        expect(page.locator("#conversation .notice")).to_contain_text(TEXTS.status.too_many)
        expect(box).to_have_value(UNANSWERABLE)


# ── how each kind of reply looks ─────────────────────────────────────────────────────────────────


def test_a_near_miss_looks_neither_like_a_refusal_nor_like_an_answer(
    url: str, open_page: OpenPage
) -> None:
    near_miss = next(
        question
        for question in (
            "Which motorway was rebuilt?",
            "How much shorter did journeys become?",
            "What does the partnership bring besides money?",
            "How did Zhumangarin describe the partnership?",
            "What will the framework cost?",
        )
        if reply_to(url, question)["reason"] == "near_miss"
    )
    look = "node => getComputedStyle(node).borderInlineStart.split(' ').slice(0, 2).join(' ')"
    page = open_page(f"{url}/en/")
    assert ask(page, UNANSWERABLE).evaluate(look) == "3px solid"
    reply = ask(page, near_miss)
    expect(reply.locator(".verdict")).to_have_text(TEXTS.abstention["near_miss"])
    assert reply.evaluate(look) == "6px double"
    assert ask(page, QUESTION).evaluate(look).startswith("0px")
