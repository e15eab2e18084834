"""How the widget looks and holds: strict host policies, hostile host style, phones, colours.

What it weighs and how fast it is ready, beside the chat page, is measured for the manual by
`WIDGET_FIGURES=docs/results/widget.json python -m pytest tests/browser -k light_beside_the_chat`,
its picture made by `WIDGET_PICTURE=1 python -m pytest tests/browser -k picture_for_the_manual`.
"""

from __future__ import annotations

import datetime
import json
import os
import statistics
import time
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from app.types import Language
from scripts.benchmark import machine
from tests.browser.conftest import Visits
from tests.browser.host_site import HostSite
from tests.browser.test_chat_page import contrast
from tests.browser.test_widget import (
    MARKED,
    QUESTION,
    TEXTS,
    UNANSWERABLE,
    ask,
    inline,
    only,
    reply_to,
    script,
)

pytestmark = pytest.mark.browser

HOSTILE_STYLE = """
* { all: unset !important; display: inline !important; color: #eee !important;
    font: 90px cursive !important; float: left !important; visibility: hidden !important;
    letter-spacing: 9px !important; text-transform: uppercase !important; cursor: none !important;
    pointer-events: none !important; user-select: none !important; }
briefing-desk, div, section { display: none !important; position: static !important;
    width: 10px !important; height: 10px !important; overflow: hidden !important;
    opacity: .1 !important; transform: rotate(9deg) !important; filter: blur(9px) !important; }
html { font-size: 300% !important; --card: red; --ink: red; --fill: red; }
dialog, button, textarea, mark { background: red !important; }
"""

STRICT_POLICY = (
    "default-src 'none'; script-src {desk}; connect-src {desk}; style-src 'none'; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)

ACCENTS = (
    "", "#0b5f58", "#ffd400", "#00f", "#f00", "#0f0", "#808080", "#767676", "black", "white",
    "rebeccapurple", "rgb(0 120 215 / .4)", "oklch(.7 .2 200)", "no colour", "red}*{color:red",
)  # fmt: skip
"""Of owners with taste and without; those that are no colours change nothing."""

WIDE = "document.documentElement.scrollWidth > innerWidth"


def violations(page: Page) -> list[tuple[str, str]]:
    """What axe finds on a page, each rule with the elements that break it."""
    found = Axe().run(page).response["violations"]
    return [(each["id"], str([node["target"] for node in each["nodes"]])) for each in found]


def colours(element: Locator) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """An element's colour and that behind it, as the screen has them: drawn on a canvas."""
    front, back = element.first.evaluate("""element => {
        const canvas = document.createElement("canvas");
        const brush = canvas.getContext("2d", { willReadFrequently: true });
        const drawn = (...colours) => {
            for (const colour of colours) { brush.fillStyle = colour; brush.fillRect(0, 0, 1, 1); }
            return [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3);
        };
        const backs = [];
        for (let node = element; node; node = node.parentElement ?? node.getRootNode().host) {
            backs.unshift(getComputedStyle(node).backgroundColor);
        }
        return [drawn(...backs, getComputedStyle(element).color), drawn(...backs)];
    }""")
    return tuple(front), tuple(back)


def style_of(element: Locator, name: str) -> str:
    value: str = element.first.evaluate("(node, name) => getComputedStyle(node)[name]", name)
    return value


# ── host pages that make it hard ─────────────────────────────────────────────────────────────────


def test_a_strict_policy_that_names_the_desk_is_enough(
    host: HostSite, desk: str, visit: Visits
) -> None:
    """No complaint of the browser about the policy: what ``visit`` checks."""
    policy = {"Content-Security-Policy": STRICT_POLICY.format(desk=desk)}
    page = visit(host.page(f"{inline(desk)}<briefing-desk></briefing-desk>", headers=policy))
    first = page.locator("briefing-desk").first
    citation = reply_to(desk, QUESTION)["citations"][0]
    ask(first, QUESTION).locator(".source").first.click()
    first.locator("mark").first.wait_for()
    assert first.evaluate(MARKED) == citation["quote"]
    assert style_of(first.locator("mark"), "backgroundColor") == "rgb(255, 233, 163)"
    bubble = page.locator("briefing-desk").nth(1)
    bubble.locator(".launcher").click()
    assert style_of(bubble.get_by_role("dialog"), "position") == "fixed"
    first.evaluate("node => node.setAttribute('accent', '#7a1fa2')")
    bubble.get_by_role("button", name=TEXTS["close"], exact=True).click()
    assert colours(first.locator(".ask"))[1] == (122, 31, 162)


def test_without_the_policys_leave_it_says_that_nobody_answers(
    host: HostSite, desk: str, visit: Visits
) -> None:
    visit.expected = "Content Security Policy|violates the document's"
    policy = {"Content-Security-Policy": f"default-src 'none'; script-src {desk}"}
    page = visit(host.page(inline(desk), headers=policy))
    widget = only(page)
    widget.locator("textarea").fill(QUESTION)
    widget.locator("textarea").press("Enter")
    expect(widget.locator(".notice")).to_contain_text(TEXTS["errors"]["unreachable"])


def test_hostile_style_of_the_host_changes_nothing(
    host: HostSite, desk: str, visit: Visits
) -> None:
    body = f"{inline(desk)}<briefing-desk></briefing-desk>"
    names = ("color", "fontSize", "fontFamily", "visibility", "opacity", "letterSpacing", "display")
    parts = ("section", ".scroll", "textarea", ".ask", ".short", ".words", ".source", "h2")
    seen = []
    for head in ("", f"<style>{HOSTILE_STYLE}</style>"):
        page = visit(host.page(body, head=head))
        first, bubble = page.locator("briefing-desk").first, page.locator("briefing-desk").nth(1)
        ask(first, QUESTION)
        seen.append({
            (part, name): style_of(first.locator(part), name) for part in parts for name in names
        })  # fmt: skip
        panel = first.locator(".panel").bounding_box()
        assert panel is not None
        assert panel["height"] == 600
        assert panel["width"] >= 150  # of what is left of the host's own column
        bubble.locator(".launcher").click()
        expect(bubble.get_by_role("dialog")).to_be_in_viewport(ratio=1)
        size = bubble.get_by_role("dialog").bounding_box()
        assert size is not None
        assert (size["width"], size["height"]) == (420, 680)
    assert seen[0] == seen[1]


def test_an_owner_may_hide_it_and_set_its_size(host: HostSite, desk: str, visit: Visits) -> None:
    head = (
        "<style>briefing-desk { --briefing-desk-height: 420px; --briefing-desk-width: 50% }</style>"
    )
    page = visit(host.page(inline(desk), head=head))
    widget = only(page)
    size = widget.bounding_box()
    around = page.locator("main").bounding_box()
    assert size is not None
    assert around is not None
    assert (size["height"], size["width"]) == (420, around["width"] / 2)
    widget.evaluate("node => { node.hidden = true; }")
    expect(widget.locator("textarea")).to_be_hidden()


# ── screens ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone_the_bubble_fills_the_screen_and_nothing_scrolls_sideways(
    host: HostSite, desk: str, visit: Visits, width: int
) -> None:
    page = visit(host.page(foot=script(desk)), width=width, height=640, has_touch=True)
    widget = only(page)
    assert not page.evaluate(WIDE)
    widget.locator(".launcher").tap()
    dialog = widget.get_by_role("dialog")
    assert dialog.bounding_box() == {"x": 0, "y": 0, "width": width, "height": 640}
    widget.locator(".wide").first.tap()
    widget.locator(".reply").wait_for()
    fits = "node => node.scrollWidth <= node.clientWidth"
    assert widget.locator(".scroll").evaluate(fits)
    widget.locator("button.source").first.tap()
    expect(widget.locator("mark").first).to_be_in_viewport()
    assert widget.locator(".scroll").evaluate(fits)
    for part in (".ask", "textarea", "h2"):
        expect(widget.locator(part)).to_be_in_viewport(ratio=1)
    assert not page.evaluate(WIDE)


@pytest.mark.parametrize("width", [320, 390])
def test_inline_it_fits_a_phone(host: HostSite, desk: str, visit: Visits, width: int) -> None:
    page = visit(host.page(inline(desk)), width=width, height=640)
    widget = only(page)
    ask(widget, "What are the key figures?")
    assert not page.evaluate(WIDE)
    assert widget.locator(".scroll").evaluate("node => node.scrollWidth <= node.clientWidth")


def test_what_can_be_pressed_is_large_enough(host: HostSite, desk: str, visit: Visits) -> None:
    """WCAG 2.2, 2.5.8: at least 24 by 24 CSS pixels."""
    small = """node => [...node.shadowRoot.querySelectorAll("a, button, textarea, summary")]
        .filter(one => one.checkVisibility())
        .map(one => [one.className || one.localName, one.getBoundingClientRect()])
        .filter(([, box]) => box.height < 24 || box.width < 24).map(([name]) => name)"""
    page = visit(host.page(inline(desk)), width=390)
    widget = only(page)
    ask(widget, "What are the purposes of the financing?")
    ask(widget, UNANSWERABLE).locator("summary").click()
    assert widget.evaluate(small) == []
    widget.locator("details .source").first.click()
    widget.locator("mark").first.wait_for()
    assert widget.evaluate(small) == []


# ── colours ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_theme_is_the_owners_whatever_the_device_prefers(
    host: HostSite, desk: str, visit: Visits, theme: str
) -> None:
    other = "dark" if theme == "light" else "light"
    page = visit(host.page(inline(desk, f'theme="{theme}"')), scheme=other)  # type: ignore[arg-type]
    _, back = colours(only(page).locator(".panel"))
    assert (contrast((0, 0, 0), back) > 10) == (theme == "light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read_in_every_accent(
    host: HostSite, desk: str, visit: Visits, scheme: str
) -> None:
    page = visit(host.page(inline(desk, 'questions="Why?"')), scheme=scheme)  # type: ignore[arg-type]
    widget = only(page)
    for accent in ACCENTS:
        page.mouse.move(0, 0)
        widget.evaluate("(node, accent) => node.setAttribute('accent', accent)", accent)
        for part in (".greeting", ".wide", ".ask", ".foot a", ".small", "h2"):
            assert contrast(*colours(widget.locator(part))) >= 4.5, (part, accent)
        widget.locator(".wide").hover()
        assert contrast(*colours(widget.locator(".wide"))) >= 4.5, accent


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("accent", ["", 'accent="#e4007c"'])
def test_replies_can_be_read_in_light_and_in_dark(
    host: HostSite, desk: str, visit: Visits, scheme: str, accent: str
) -> None:
    page = visit(host.page(inline(desk, accent)), scheme=scheme)  # type: ignore[arg-type]
    widget = only(page)
    ask(widget, QUESTION)
    ask(widget, UNANSWERABLE).locator("summary").click()
    parts = [
        "h3", ".short", ".words", "button.number", "span.number", ".source", ".verdict", "summary",
        ".reply > p", ".wide",
    ]  # fmt: skip
    for part in parts:
        assert contrast(*colours(widget.locator(part))) >= 4.5, part
    widget.locator("details .source").first.click()
    widget.locator("mark").first.wait_for()
    for part in (".back", ".tools a", ".text", "mark", "[hidden] ~ div .soft"):
        assert contrast(*colours(widget.locator(part))) >= 4.5, part


def test_forced_colours_and_reduced_motion_are_kept(
    host: HostSite, desk: str, visit: Visits
) -> None:
    page = visit(host.page(inline(desk)))
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    widget = only(page)
    ask(widget, QUESTION).locator(".source").first.click()
    widget.locator("mark").first.wait_for()
    canvas = page.evaluate("""() => {
        const probe = document.body.appendChild(document.createElement("i"));
        return ["Canvas", "Mark", "ButtonBorder"].map((name) => {
            probe.style.color = name;
            return getComputedStyle(probe).color;
        });
    }""")
    mark = widget.locator("mark")
    assert style_of(mark, "backgroundColor") == canvas[1]
    assert style_of(widget.locator(".panel"), "backgroundColor") == canvas[0]
    assert style_of(widget.locator(".ask"), "borderTopColor") == canvas[2]
    page.route("**/api/ask", lambda _: None)
    widget.locator("textarea").fill(QUESTION)
    widget.locator("textarea").press("Enter")
    assert style_of(widget.locator(".pending"), "animationName") == "none"


# ── for eyes and ears: what axe finds ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "kk"])
def test_axe_finds_nothing_in_any_state(
    host: HostSite, desk: str, visit: Visits, scheme: str, language: Language
) -> None:
    head = (
        "<style>:root { color-scheme: light dark; background: Canvas; color: CanvasText }"
        " a { color: inherit }</style>"
    )
    page = visit(host.page(inline(desk), head=head, foot="<briefing-desk></briefing-desk>",
                           lang=language), scheme=scheme)  # type: ignore[arg-type]  # fmt: skip
    first, bubble = page.locator("briefing-desk").first, page.locator("briefing-desk").nth(1)
    first.locator(".greeting").wait_for()
    assert violations(page) == []
    ask(first, QUESTION)
    ask(first, "What are the purposes of the financing?")
    ask(first, UNANSWERABLE).locator("summary").click()
    assert violations(page) == []
    first.locator("details .source").first.click()
    first.locator("mark").first.wait_for()
    assert violations(page) == []
    bubble.locator(".launcher").click()
    assert violations(page) == []
    ask(bubble, QUESTION)
    bubble.locator("textarea").fill("why " * 200)
    bubble.locator("textarea").press("Enter")
    bubble.locator(".notice").wait_for()
    assert violations(page) == []


# ── what it weighs ───────────────────────────────────────────────────────────────────────────────


def test_it_is_light_beside_the_chat_page(host: HostSite, desk: str, visit: Visits) -> None:
    """Bytes and requests are held to the budget; times are written where that is asked for."""
    file = os.environ.get("WIDGET_FIGURES")
    rows = []
    for name, url, ready in (
        ("page without it", host.page(), "main"),
        ("page with the widget", host.page(foot=script(desk)), ".launcher"),
        ("page with the frame", host.page(f'<iframe src="{desk}/embed/en"></iframe>'), "textarea"),
        ("the chat page itself", f"{desk}/en/", "#question textarea"),
    ):
        weights, counts, times = [], [], []
        for _ in range(5 if file else 1):
            page = visit("about:blank")
            visit.requests.clear()
            started = time.perf_counter()
            page.goto(url, wait_until="commit")
            within = page.frame_locator("iframe") if "frame" in name else page
            within.locator(ready).wait_for()
            times.append(time.perf_counter() - started)
            page.wait_for_load_state("load")
            page.wait_for_timeout(300)
            asked = [each for each in visit.requests if each.url.startswith(desk)]
            weights.append(sum(each.sizes()["responseBodySize"] for each in asked))
            counts.append(len(asked))
            page.context.close()
            visit.pages.remove(page)
        rows.append({
            "page": name,
            "requests": max(counts),
            "bytes": max(weights),
            "ready_seconds": round(statistics.median(times), 2),
        })  # fmt: skip
    nothing, widget, frame, chat = rows
    assert nothing["requests"] == 0
    assert widget["requests"] == 1
    assert widget["bytes"] <= 12_000  # type: ignore[operator]
    assert frame["requests"] <= 4  # type: ignore[operator]
    assert frame["bytes"] <= 15_000  # type: ignore[operator]
    assert chat["bytes"] > 10 * widget["bytes"]  # type: ignore[operator]
    if file:
        document = {
            "command": f"WIDGET_FIGURES={file} python -m pytest tests/browser "
            "-k light_beside_the_chat",
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "machine": machine(),
            "browser": f"Chromium {visit.browser.version}",
            "pages": rows,
        }
        Path(file).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


# ── the pictures ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(
    "WIDGET_PICTURE" not in os.environ, reason="the picture is made when it is asked for"
)
def test_the_picture_for_the_manual(
    host: HostSite, desk: str, visit: Visits, screenshot: Path
) -> None:
    page = visit(host.page(foot=script(desk)), width=900, height=760)
    widget = only(page)
    widget.locator(".launcher").click()
    ask(widget, QUESTION)
    page.mouse.move(0, 0)
    picture = screenshot.with_name("widget.png")
    page.screenshot(path=picture, animations="disabled")
    assert picture.stat().st_size <= 150_000
