"""The frame, and the page on which a site owner chooses, tries and copies."""

from __future__ import annotations

import json

import httpx
import pytest
from playwright.sync_api import Page, expect

from app.chat_page import LANGUAGES, read_texts
from app.types import Language
from app.widget import script_texts
from tests.browser.conftest import Visits
from tests.browser.host_site import HostSite
from tests.browser.test_widget import MARKED, QUESTION, ask, only, reply_to
from tests.browser.test_widget_looks import WIDE, violations

pytestmark = pytest.mark.browser

TEXTS = read_texts("en").embed

WORDS = 'Fares & "ferries" <b>it\'s</b>'


def frame(desk: str, path: str = "embed/en") -> str:
    return f'<iframe src="{desk}/{path}" title="Ask" width="100%" height="600"></iframe>'


def owner_page(visit: Visits, desk: str, **more: int) -> Page:
    """The owners' page once its preview stands."""
    page = visit(f"{desk}/embed", **more)  # type: ignore[arg-type]
    page.locator("#preview briefing-desk section").wait_for()
    return page


# ── the frame ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_allowed_site_frames_the_desk_and_its_readers_ask(
    host: HostSite, desk: str, visit: Visits, language: Language
) -> None:
    page = visit(host.page(frame(desk, f"embed/{language}")))
    inside = page.frame_locator("iframe")
    widget = inside.locator("briefing-desk")
    citation = reply_to(desk, QUESTION)["citations"][0]
    ask(widget, QUESTION).locator(".source").first.click()
    widget.locator("mark").first.wait_for()
    assert widget.evaluate(MARKED) == citation["quote"]
    back = script_texts(read_texts(language))["back_to_answer"]
    expect(widget.get_by_role("button", name=back)).to_be_visible()
    assert widget.bounding_box() == page.locator("iframe").evaluate(
        "node => { const box = node.getBoundingClientRect();"
        " return { x: box.x + 2, y: box.y + 2, width: node.clientWidth, height: 600 }; }"
    )


def test_a_site_that_is_not_allowed_frames_nothing(
    stranger: HostSite, desk: str, visit: Visits
) -> None:
    visit.expected = "frame-ancestors"
    page = visit(stranger.page(frame(desk) + frame(desk, "en/")))
    page.wait_for_timeout(1000)
    assert [each.url for each in page.frames[1:]] == ["chrome-error://chromewebdata/"] * 2
    assert len([each for each in visit.complaints if "frame-ancestors" in each]) == 2
    assert not [each for each in visit.requests if each.url.endswith("/widget.js")]


def test_nobody_frames_the_owners_page(host: HostSite, desk: str, visit: Visits) -> None:
    visit.expected = "frame-ancestors"
    page = visit(host.page(frame(desk, "embed")))
    page.wait_for_timeout(500)
    assert [each.url for each in page.frames[1:]] == ["chrome-error://chromewebdata/"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_frame(desk: str, visit: Visits, scheme: str) -> None:
    page = visit(f"{desk}/embed/kk", scheme=scheme, width=320)  # type: ignore[arg-type]
    widget = only(page)
    assert violations(page) == []
    ask(widget, QUESTION)
    assert violations(page) == []
    assert not page.evaluate(WIDE)


# ── the page for site owners ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["inline", "bubble", "frame"])
def test_what_is_copied_works_on_the_site_with_what_was_chosen(
    host: HostSite, desk: str, visit: Visits, kind: str
) -> None:
    page = owner_page(visit, desk)
    document = httpx.get(f"{desk}/api/documents").json()["documents"][0]
    page.get_by_label(getattr(TEXTS, kind)).check()
    page.locator("[name=language]").select_option("ru")
    page.locator("[name=theme]").select_option("dark")
    page.locator("input[type=color]").fill("#7a1fa2")
    page.locator("[name=title]").fill(WORDS)
    page.locator("[name=greeting]").fill(WORDS)
    page.locator("[name=questions]").fill(f"{QUESTION}\n\n {WORDS} \n")
    page.get_by_role("checkbox", name=document["title"]).check()
    if kind == "bubble":
        page.locator("[name=position]").select_option("top-left")
    page.get_by_role("button", name=TEXTS.copy_code).click()
    expect(page.get_by_role("button", name=read_texts("en").copied)).to_be_visible()
    code = page.evaluate("navigator.clipboard.readText()")
    assert code == page.locator("#code").text_content()

    site = visit(host.page(code))
    assert site.locator("b").count() == 0
    within = site.frame_locator("iframe") if kind == "frame" else site
    widget = within.locator("briefing-desk")
    expected = {
        "language": "ru", "theme": "dark", "accent": "#7a1fa2", "title": WORDS, "greeting": WORDS,
        "questions": f"{QUESTION}|{WORDS}", "documents": document["document_id"],
    }  # fmt: skip
    for name, value in expected.items():
        expect(widget).to_have_attribute(name, value)
    if kind == "bubble":
        expect(widget).to_have_attribute("position", "top-left")
        widget.locator(".launcher").click()
    expect(widget.locator(".wide")).to_have_text([QUESTION, WORDS])
    widget.locator(".wide").first.click()
    widget.locator(".reply").wait_for()


def test_the_preview_follows_each_choice_and_keeps_the_conversation(
    desk: str, visit: Visits
) -> None:
    page = owner_page(visit, desk)
    widget = page.locator("#preview briefing-desk")
    ask(widget, QUESTION)
    page.locator("[name=language]").select_option("kk")
    page.locator("[name=title]").fill("Сұраңыз")
    expect(widget.locator("h2")).to_have_text("Сұраңыз")
    expect(widget.locator("section")).to_have_attribute("lang", "kk")
    expect(widget.locator("h3")).to_have_text(QUESTION)
    page.get_by_label(TEXTS.bubble).check()
    expect(page.get_by_text(TEXTS.preview_bubble)).to_be_visible()
    widget.locator(".launcher").click()
    expect(widget.locator("h3")).to_have_text(QUESTION)
    page.keyboard.press("Escape")
    page.get_by_label(TEXTS.frame).check()
    inside = page.frame_locator("#preview iframe").locator("briefing-desk")
    expect(inside.locator("h1")).to_have_text("Сұраңыз")
    expect(page.locator("#policy")).to_have_text(f"frame-src {desk}")


def test_the_page_says_whether_a_site_is_allowed_and_how_it_gets_so(
    host: HostSite, stranger: HostSite, desk: str, visit: Visits
) -> None:
    page = owner_page(visit, desk)
    site = page.locator("#site")
    verdict, setting = page.locator("#site-verdict"), page.locator("#site-setting")
    expect(verdict).to_be_hidden()
    site.fill(f"{host.origin}/a/page?x=1")
    expect(verdict).to_have_text(TEXTS.site_allowed.replace("{origin}", host.origin))
    expect(setting).to_be_hidden()
    site.fill(stranger.origin)
    expect(verdict).to_have_text(TEXTS.site_not_allowed.replace("{origin}", stranger.origin))
    line = str(setting.text_content())
    name, _, value = line.partition("=")
    assert name == "BRIEFING_DESK_ALLOWED_ORIGINS"
    assert json.loads(value.strip("'")) == [host.origin, stranger.origin]
    site.fill(desk)
    expect(verdict).to_have_text(TEXTS.site_same)
    for unreadable in ("example.org", "javascript:alert(1)", "file:///x"):
        site.fill(unreadable)
        expect(verdict).to_have_text(TEXTS.site_unreadable)
    expect(page.get_by_text(TEXTS.origin_note)).to_be_visible()
    expect(page.get_by_text(TEXTS.local_note)).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_owners_page_speaks_one_language(desk: str, visit: Visits, language: Language) -> None:
    texts = read_texts(language).embed
    page = visit(f"{desk}/embed", language=f"{language}-KZ")
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.get_by_role("heading", name=texts.heading)).to_be_visible()
    for label in (texts.language, texts.theme):
        expect(page.get_by_role("combobox", name=label, exact=True)).to_be_visible()
    for label in (texts.title, texts.greeting, texts.questions, texts.site):
        expect(page.get_by_role("textbox", name=label, exact=True)).to_be_visible()
    expect(page.locator("#preview section")).to_have_attribute("lang", language)
    other = next(each for each in LANGUAGES if each != language)
    page.get_by_role("link", name=read_texts(other).language_name).click()
    expect(page.locator("html")).to_have_attribute("lang", other)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_on_the_owners_page(
    desk: str, visit: Visits, scheme: str, width: int
) -> None:
    page = visit(f"{desk}/embed", scheme=scheme, width=width)  # type: ignore[arg-type]
    page.locator("#preview briefing-desk section").wait_for()
    page.locator("#site").fill("https://example.org")
    page.locator("#documents").wait_for()
    assert violations(page) == []
    assert not page.evaluate(WIDE)
    small = page.evaluate("""[...document.querySelectorAll('a, button, input, select, textarea')]
        .filter(node => node.checkVisibility())
        .map(node => [node.name || node.textContent,
            (node.closest('label') ?? node).getBoundingClientRect()])
        .filter(([, box]) => box.height < 24 || box.width < 24).map(([name]) => name)""")
    assert small == []
