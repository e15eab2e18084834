"""The chat page, used the way a reader uses it.

The README's picture is made by the test that is named for it:
`CHAT_PICTURE=1 make test` or, alone,
`CHAT_PICTURE=1 python -m pytest tests/browser -k picture`.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Page, expect

from app.chat_page import LANGUAGES, read_texts
from app.types import Language
from tests.browser.asking import MARKED, QUESTION, TEXTS, UNANSWERABLE, ask, marks, reply_to
from tests.browser.conftest import HOSTILE, OpenPage

pytestmark = pytest.mark.browser


def colours(page: Page, selector: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """An element's text colour, and the first opaque colour behind it."""
    found = page.locator(selector).first.evaluate("""element => {
        const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
        const front = numbers(getComputedStyle(element).color);
        for (let node = element; node; node = node.parentElement) {
            const back = numbers(getComputedStyle(node).backgroundColor);
            if (back.length === 3 || back[3] === 1) return [front, back];
        }
        return [front, [255, 255, 255]];
    }""")
    return tuple(found[0][:3]), tuple(found[1][:3])


def contrast(front: tuple[float, ...], back: tuple[float, ...]) -> float:
    """The contrast ratio of WCAG 2.2, 1.4.3."""

    def luminance(colour: tuple[float, ...]) -> float:
        red, green, blue = (
            part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4
            for part in colour
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lighter, darker = sorted((luminance(front), luminance(back)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


# ── the journey ──────────────────────────────────────────────────────────────────────────────────


def test_a_reader_asks_reads_and_opens_the_very_words(url: str, open_page: OpenPage) -> None:
    page = open_page(url)
    reply = ask(page, QUESTION)
    expected = reply_to(url, QUESTION)
    assert expected["kind"] == "answer"
    for citation in expected["citations"]:
        expect(reply).to_contain_text(" ".join(citation["quote"].split()))

    for number, citation in enumerate(expected["citations"]):
        reply.locator("a.source").nth(number).click()
        expect(page.locator("#source h2")).to_have_text(citation["title"])
        expect(marks(page).first).to_be_in_viewport()
        assert page.evaluate(MARKED) == citation["quote"]


def test_the_pane_shows_the_whole_document_with_its_headings(url: str, open_page: OpenPage) -> None:
    page = open_page(url)
    ask(page, QUESTION).locator("a.chip").first.click()
    marks(page).first.wait_for()
    citation = reply_to(url, QUESTION)["citations"][0]
    document = httpx.get(f"{url}/api/documents/{citation['document_id']}").json()
    assert page.locator("#source .text").evaluate("node => node.textContent") == document["text"]
    for section in document["sections"]:
        expect(
            page.locator("#source .text").get_by_role(
                "heading", name=section["heading_path"][-1], exact=True
            )
        ).to_be_visible()


def test_every_document_is_shown_character_for_character(url: str, open_page: OpenPage) -> None:
    page = open_page(url)
    links = page.locator("#source a.document")
    links.first.wait_for()
    for number, one in enumerate(httpx.get(f"{url}/api/documents").json()["documents"]):
        links.nth(number).click()
        expect(page.locator("#source h2")).to_have_text(one["title"])
        text = httpx.get(f"{url}/api/documents/{one['document_id']}").json()["text"]
        assert page.locator("#source .text").evaluate("node => node.textContent") == text
        page.keyboard.press("Escape")
        links.first.wait_for()


def test_a_quoted_table_row_is_marked_in_its_table(url: str, open_page: OpenPage) -> None:
    listed = httpx.get(f"{url}/api/documents").json()["documents"]
    one = next(one for one in listed if one["path"] == "results-2020-2025.md")
    text = httpx.get(f"{url}/api/documents/{one['document_id']}").json()["text"]
    row = "| Irrigation | Hectares covered | 92,000 |"
    start = text.index(row)
    page = open_page(
        f"{url}/en/#document={one['document_id']}&start={start}&end={start + len(row)}"
    )
    marks(page).first.wait_for()
    assert page.evaluate(MARKED) == row
    expect(page.locator("#source tr:has(mark) td")).to_have_count(3)
    expect(marks(page).first).to_be_in_viewport()


def test_escape_and_the_back_button_return_to_the_citation(url: str, open_page: OpenPage) -> None:
    page = open_page(url)
    chip = ask(page, QUESTION).locator("a.chip").first
    for by_keyboard in (True, False):
        chip.click()
        expect(marks(page).first).to_be_focused()
        expect(chip).to_have_attribute("aria-current", "true")
        if by_keyboard:
            page.keyboard.press("Escape")
        else:
            page.get_by_role("button", name=TEXTS.pane.back_to_answer).click()
        expect(chip).to_be_focused()
        expect(page.locator("#source mark")).to_have_count(0)


def test_the_keyboard_alone_is_enough(url: str, open_page: OpenPage) -> None:
    page = open_page(url)
    page.get_by_label(TEXTS.question_label).wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name=TEXTS.skip_to_question)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label(TEXTS.question_label)).to_be_focused()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    page.locator(".reply").wait_for()
    chip = page.locator(".reply a.chip").first
    for _ in range(40):
        if chip.evaluate("node => node === document.activeElement"):
            break
        page.keyboard.press("Shift+Tab")
    expect(chip).to_be_focused()
    page.keyboard.press("Enter")
    expect(marks(page).first).to_be_focused()
    page.keyboard.press("Escape")
    expect(chip).to_be_focused()


def test_a_follow_up_is_asked_with_what_went_before(url: str, open_page: OpenPage) -> None:
    first, second = "What did Kazakhstan and the World Bank Group discuss?", "And how much a year?"
    page = open_page(url)
    ask(page, first)
    reply = ask(page, second)
    resolved = reply_to(url, second, first)["standalone_question"]
    assert resolved != second
    expect(reply.locator(".understood")).to_contain_text(resolved)


def test_suggestions_stand_under_the_newest_answer_only_and_can_be_asked(
    url: str, open_page: OpenPage
) -> None:
    page = open_page(url)
    ask(page, QUESTION)
    ask(page, UNANSWERABLE)
    expected = reply_to(url, UNANSWERABLE, QUESTION)["suggestions"]
    expect(page.locator("#conversation .option")).to_have_text(expected)
    page.locator("#conversation .option").first.click()
    page.locator(".reply").nth(2).wait_for()
    expect(page.get_by_test_id("user").nth(2)).to_have_text(expected[0])


def test_each_starter_question_is_answered(url: str, open_page: OpenPage) -> None:
    page = open_page(url)
    starters = page.locator("#conversation .example")
    starters.first.wait_for()
    count = starters.count()
    assert 1 <= count <= 3
    for number in range(count):
        starters.nth(number).click()
        expect(page.locator(".reply.answer")).to_have_count(1)
        page.get_by_role("button", name=TEXTS.new_conversation).click()
        starters.first.wait_for()
        expect(page.locator(".reply")).to_have_count(0)


def test_a_new_conversation_forgets_the_earlier_questions(url: str, open_page: OpenPage) -> None:
    first, second = "What did Kazakhstan and the World Bank Group discuss?", "And how much a year?"
    page = open_page(url)
    ask(page, first)
    page.get_by_role("button", name=TEXTS.new_conversation).click()
    expect(page.locator(".reply")).to_have_count(0)
    expect(ask(page, second).locator(".understood")).to_have_count(0)


def test_an_abstention_looks_like_one_and_opens_the_nearest_passages(
    url: str, open_page: OpenPage
) -> None:
    page = open_page(url)
    reply = ask(page, UNANSWERABLE)
    expected = reply_to(url, UNANSWERABLE)
    expect(reply.locator(".verdict")).to_have_text(TEXTS.abstention[expected["reason"]])
    expect(reply).to_contain_text(str(expected["searched"]["passages"]))
    for term in expected["missing_terms"]:
        expect(reply).to_contain_text(term)
    for number, nearest in enumerate(expected["nearest"]):
        reply.locator("a.source").nth(number).click()
        expect(page.locator("#source h2")).to_have_text(nearest["title"])
        marks(page).first.wait_for()
        assert page.evaluate(MARKED) == nearest["quote"]


def test_the_copy_button_takes_the_answer_with_its_sources(url: str, open_page: OpenPage) -> None:
    page = open_page(url)
    reply = ask(page, QUESTION)
    reply.get_by_role("button", name=TEXTS.copy_label).click()
    expect(reply.get_by_role("button", name=TEXTS.copied)).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    expected = reply_to(url, QUESTION)
    assert expected["text"] in copied
    for citation in expected["citations"]:
        assert f"[{citation['number']}] {citation['title']}" in copied
        assert citation["quote"] in copied


def test_a_linked_question_is_asked_at_once(url: str, open_page: OpenPage) -> None:
    page = open_page(f"{url}/?q={quote(QUESTION)}")
    page.locator(".reply.answer").wait_for()
    expect(page.get_by_test_id("user")).to_have_text(QUESTION)


def test_what_is_typed_while_the_page_loads_is_kept(url: str, open_page: OpenPage) -> None:
    page = open_page(url)
    page.get_by_label(TEXTS.question_label).fill(QUESTION)
    page.locator("#conversation .example").first.wait_for()
    expect(page.get_by_label(TEXTS.question_label)).to_have_value(QUESTION)


def test_a_question_that_is_too_long_is_explained_and_kept(url: str, open_page: OpenPage) -> None:
    page = open_page(url)
    too_long = "why " * 200
    page.get_by_label(TEXTS.question_label).fill(too_long)
    page.get_by_role("button", name=TEXTS.ask, exact=True).click()
    expect(page.locator("#conversation .notice")).to_have_text(
        TEXTS.refused["question_too_long"].format(limit=500)
    )
    expect(page.get_by_label(TEXTS.question_label)).to_have_value(too_long)


def test_a_document_that_was_replaced_is_opened_without_a_mark(
    url: str, open_page: OpenPage
) -> None:
    one = httpx.get(f"{url}/api/documents").json()["documents"][0]
    page = open_page(f"{url}/en/#document={one['document_id']}&start=5&end=25&sha256=000000000000")
    expect(page.locator("#source .warning")).to_have_text(TEXTS.pane.document_changed)
    expect(page.locator("#source mark")).to_have_count(0)


def test_a_document_that_is_not_there_is_said_so(url: str, open_page: OpenPage) -> None:
    page = open_page(url)
    page.locator("#source a.document").first.wait_for()
    page.route("**/api/documents/*", lambda route: route.fulfill(status=200, body="no JSON"))
    page.locator("#source a.document").first.click()
    expect(page.locator("#source")).to_contain_text(TEXTS.pane.unreachable)


# ── how it looks ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone_the_pane_comes_after_the_chat_and_nothing_scrolls_sideways(
    url: str, open_page: OpenPage, width: int
) -> None:
    def is_wider_than_the_screen() -> bool:
        wider: bool = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        return wider

    page = open_page(url, width=width, height=740)
    chip = ask(page, QUESTION).locator("a.chip").first
    expect(chip).to_be_in_viewport()
    assert not is_wider_than_the_screen()
    chat, pane = page.locator("gradio-app").bounding_box(), page.locator("#source").bounding_box()
    assert chat is not None
    assert pane is not None
    assert pane["y"] >= chat["y"] + chat["height"] - 1
    chip.click()
    expect(marks(page).first).to_be_in_viewport()
    assert not is_wider_than_the_screen()
    page.get_by_role("button", name=TEXTS.pane.back_to_answer).click()
    expect(chip).to_be_focused()
    expect(chip).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read_in_light_and_in_dark(url: str, open_page: OpenPage, scheme: str) -> None:
    page = open_page(url, scheme=scheme)
    ask(page, QUESTION)
    reply = ask(page, UNANSWERABLE)
    reply.locator("a.source").first.click()
    marks(page).first.wait_for()
    _, back = colours(page, "body")
    assert (contrast((0, 0, 0), back) > 10) == (scheme == "light")
    for selector in (
        ".masthead h1",
        ".masthead .product",
        ".masthead nav a:not([aria-current])",
        ".user-row .prose",
        ".reply q",
        ".reply a.chip",
        ".reply .heading",
        ".reply .place",
        ".reply .verdict",
        ".reply .copy",
        "#conversation .option",
        "#ask",
        "#disclaimer p",
        "#restart",
        "#source h2",
        "#source .path",
        "#source mark",
        "#source .back",
        "#source .original",
        "#source .text .line",
        "#source .front-matter .line",
    ):
        assert contrast(*colours(page, selector)) >= 4.5, selector


def test_what_can_be_pressed_is_large_enough(url: str, open_page: OpenPage) -> None:
    """WCAG 2.2, 2.5.8: at least 24 by 24 CSS pixels."""
    page = open_page(url, width=390, height=740)
    ask(page, QUESTION).locator("a.source").first.click()
    marks(page).first.wait_for()
    small = page.evaluate("""[...document.querySelectorAll('a, button, textarea, summary')]
        .filter(node => node.checkVisibility() && !node.matches('.skip'))
        .map(node => [node.textContent.trim(), node.getBoundingClientRect()])
        .filter(([, box]) => box.height < 24 || box.width < 24).map(([text]) => text)""")
    assert small == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_speaks_one_language_to_eyes_and_ears(
    url: str, open_page: OpenPage, language: Language
) -> None:
    texts = read_texts(language)
    page = open_page(f"{url}/{language}/")
    page.evaluate("document.documentElement.lang = 'fr'")  # as Gradio may, once it has loaded
    reply = ask(page, UNANSWERABLE, texts)
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.get_by_role("log", name=texts.conversation)).to_be_visible()
    expect(page.get_by_role("button", name=texts.ask, exact=True)).to_be_visible()
    expect(page.get_by_role("button", name=texts.new_conversation)).to_be_visible()
    expect(page.get_by_role("complementary", name=texts.pane.label)).to_be_visible()
    expect(reply.get_by_role("button", name=texts.copy_label)).to_be_visible()
    expect(page.locator("#disclaimer")).to_have_text(texts.disclaimer)
    reply.locator("a.source").first.click()
    expect(page.get_by_role("button", name=texts.pane.back_to_answer)).to_be_visible()
    expect(page.get_by_role("link", name=texts.pane.original)).to_be_visible()
    names: list[str] = page.evaluate(
        "[...document.querySelectorAll('[aria-label]')].filter(node => node.checkVisibility())"
        ".map(node => node.ariaLabel)"
    )
    assert set(names) <= {
        texts.conversation,
        texts.languages_label,
        texts.pane.label,
        texts.bar.label,
        texts.pane.previous,
        texts.pane.next_label,
    }


def test_the_front_door_opens_in_the_browsers_language(url: str, open_page: OpenPage) -> None:
    page = open_page(url, language="kk-KZ")
    expect(page.get_by_label(read_texts("kk").question_label)).to_be_visible()


# ── documents and questions are data ─────────────────────────────────────────────────────────────


def test_a_hostile_document_is_text_and_nothing_else(hostile_url: str, open_page: OpenPage) -> None:
    page = open_page(hostile_url)
    for question in ("Who is the harbour master of Aktau?", "Which berth has the Aurora?"):
        reply = ask(page, question)
        assert reply.locator("img, script, svg, iframe, form, a:not([href^='#'])").count() == 0
        reply.locator("a.source").first.click()
        marks(page).first.wait_for()
        assert page.locator("#source .text").evaluate("node => node.textContent") == HOSTILE
        assert page.locator("#source").locator("img, script, svg, iframe, form").count() == 0
    assert page.evaluate("window.hacked") is None


def test_offsets_are_code_points_also_behind_characters_of_two_units(
    hostile_url: str, open_page: OpenPage
) -> None:
    quoted = "The berth of the 𝒜urora is 7 \u202eneddih\u202c and 12\u200b3"
    start = HOSTILE.index(quoted)
    one = httpx.get(f"{hostile_url}/api/documents").json()["documents"][0]
    page = open_page(
        f"{hostile_url}/en/#document={one['document_id']}&start={start}&end={start + len(quoted)}"
    )
    marks(page).first.wait_for()
    assert page.evaluate(MARKED) == quoted
    unseen = page.locator("#source mark .unseen")
    assert unseen.evaluate_all("nodes => nodes.map(node => node.dataset.code)") == [
        "U+202E",
        "U+202C",
        "U+200B",
    ]


@pytest.mark.parametrize(
    "question",
    [
        "<img src=x onerror=window.hacked=1> **why**",
        "![a](https://evil.example/q.png)",
        "<script>window.hacked=1</script> [1] $x$ # what",
        "- what\n- why",
        "</p></div><style>*{display:none}</style>why",
        "\u202e why \u200b",
    ],
)
def test_a_hostile_question_is_text_and_nothing_else(
    url: str, open_page: OpenPage, question: str
) -> None:
    page = open_page(f"{url}/en/?q={quote(question)}")
    page.locator(".reply, #conversation .notice").first.wait_for()
    assert page.locator("#conversation").locator("img, script, strong:has-text('why')").count() == 0
    asked = page.get_by_test_id("user").inner_text()
    visible = question.replace("\u202e", "U+202E").replace("\u200b", "U+200B")
    assert " ".join(asked.split()) == " ".join(visible.split())
    assert page.evaluate("window.hacked") is None


# ── the picture ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(
    "CHAT_PICTURE" not in os.environ, reason="the picture is made when it is asked for"
)
def test_the_picture_for_the_readme(url: str, open_page: OpenPage, screenshot: Path) -> None:
    page = open_page(url, width=1280, height=760)
    ask(page, QUESTION).locator("a.chip").first.click()
    marks(page).first.wait_for()
    page.mouse.move(0, 0)
    page.screenshot(path=screenshot, animations="disabled")
    assert screenshot.stat().st_size <= 250_000
