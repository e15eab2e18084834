"""WCAG 2.2 AA on the chat page: by axe, and by what axe can't see."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from app.chat_page import LANGUAGES, read_texts
from app.types import Language
from tests.browser.asking import QUESTION, TEXTS, UNANSWERABLE, ask, marks
from tests.browser.conftest import WAIT_MS, OpenPage

pytestmark = pytest.mark.browser


def violations(page: Page) -> list[str]:
    """What axe finds, on all of the page, Gradio's parts as well."""
    found = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {[node['target'] for node in violation['nodes']]}"
        for violation in found
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "dark")])
def test_axe_finds_nothing(
    url: str, open_page: OpenPage, language: Language, width: int, scheme: str
) -> None:
    texts = read_texts(language)
    page = open_page(f"{url}/{language}/", width=width, scheme=scheme)
    page.locator("#conversation .example").first.wait_for()
    assert violations(page) == [], "before the first question"
    ask(page, QUESTION, texts)
    reply = ask(page, UNANSWERABLE, texts)
    reply.locator("a.source").nth(1).click()
    marks(page).first.wait_for()
    page.get_by_text(texts.pane.contents, exact=True).click()
    assert violations(page) == [], "answers and a source"
    page.locator("#bar summary").click()
    assert violations(page) == [], "the menu"
    page.keyboard.press("Escape")
    page.locator("#bar .choose").click()
    page.locator("dialog input").first.check()
    assert violations(page) == [], "the list of documents"
    page.keyboard.press("Escape")
    reply.locator("a.source").first.hover()
    page.get_by_role("tooltip").wait_for()
    assert violations(page) == [], "a passage at its mark"


def test_every_stop_of_the_keyboard_is_seen_and_has_a_name(url: str, open_page: OpenPage) -> None:
    page = open_page(f"{url}/en/")
    ask(page, UNANSWERABLE).locator("a.source").first.click()
    marks(page).first.wait_for()
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    seen: list[tuple[str, str]] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        stop = page.evaluate("""() => {
            const node = document.activeElement;
            if (node === document.body) return null;
            const style = getComputedStyle(node);
            const box = node.getBoundingClientRect();
            const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
            return {
                name: node.ariaLabel || node.labels?.[0]?.textContent || node.textContent,
                what: node.id || node.className || node.tagName,
                ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
                covered: !(top && (node.contains(top) || top.contains(node))),
            };
        }""")
        if stop is None:
            break
        assert stop["ring"], stop
        assert stop["name"].strip(), stop
        assert not stop["covered"], stop
        seen.append((stop["what"], stop["name"]))
    kinds = " ".join(what for what, _ in seen)
    for part in ("skip", "choose", "source", "copy", "share", "option", "back", "step", "original"):
        assert part in kinds, (part, kinds)
    assert TEXTS.question_label in " ".join(name for _, name in seen)


@pytest.mark.parametrize("language", LANGUAGES)
def test_at_320_pixels_nothing_scrolls_two_ways_and_everything_can_be_hit(
    url: str, open_page: OpenPage, language: Language
) -> None:
    texts = read_texts(language)
    page = open_page(f"{url}/{language}/", width=320, height=640)

    def fits() -> bool:
        wide: bool = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        return not wide

    def small() -> list[str]:
        found: list[str] = page.evaluate("""
            [...document.querySelectorAll('a, button, textarea, summary, input')]
            .filter(node => node.checkVisibility() && !node.matches('.skip'))
            .map(node => [node.textContent.trim() || node.type, node.getBoundingClientRect()])
            .filter(([, box]) => box.height < 24 || box.width < 24).map(([text]) => text)""")
        return found

    page.locator("#conversation .example").first.wait_for()
    assert fits()
    ask(page, UNANSWERABLE, texts).locator("a.source").nth(1).click()
    marks(page).first.wait_for()
    assert fits()
    assert small() == []
    page.locator("#bar summary").click()
    assert fits()
    assert small() == []
    page.keyboard.press("Escape")
    page.locator("#bar .choose").click()
    page.locator("dialog input").first.check()
    assert fits()
    assert small() == []


@pytest.fixture
def unusual_page(browser: Browser, url: str) -> Iterator[Page]:
    """A page of a reader whose system chooses the colours and wants nothing to move."""
    context = browser.new_context(locale="en-US", forced_colors="active", reduced_motion="reduce")
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.goto(f"{url}/en/")
    yield page
    context.close()


def test_with_forced_colours_marks_and_places_are_still_told_apart(unusual_page: Page) -> None:
    page = unusual_page
    ask(page, QUESTION).locator("a.chip").first.click()
    marks(page).first.wait_for()
    colours = page.evaluate("""['mark', '.text'].map((part) =>
        getComputedStyle(document.querySelector('#source ' + part)).backgroundColor)""")
    assert colours[0] != colours[1]
    assert page.locator("a.chip[aria-current]").first.evaluate(
        "node => getComputedStyle(node).outlineStyle !== 'none'"
    )


def test_nothing_moves_for_a_reader_who_asked_for_that(unusual_page: Page) -> None:
    page = unusual_page
    ask(page, QUESTION)
    moving = page.evaluate("document.getAnimations().length")
    assert moving == 0


def test_headings_step_down_one_level_at_a_time(url: str, open_page: OpenPage) -> None:
    page = open_page(f"{url}/en/")
    ask(page, QUESTION).locator("a.chip").first.click()
    marks(page).first.wait_for()
    levels: list[int] = page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3, h4, h5, h6')]"
        ".filter(node => node.checkVisibility()).map(node => Number(node.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
