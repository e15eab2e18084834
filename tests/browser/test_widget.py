"""The widget, used the way readers of other sites use it: on another origin, in a real Chromium."""

from __future__ import annotations

import json
import re
import socket
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from app.chat_page import LANGUAGES, read_texts
from app.types import Language
from app.widget import script_texts
from tests.browser.conftest import HOSTILE, Visits
from tests.browser.host_site import HostSite

pytestmark = pytest.mark.browser

QUESTION = "How much annual financing could the new framework provide?"
FOLLOW_UP = "And for what purposes?"
UNANSWERABLE = "What is the GDP of Kazakhstan?"
TEXTS = script_texts(read_texts("en"))

MARKED = "node => [...node.shadowRoot.querySelectorAll('mark')].map(m => m.textContent).join('')"
FOCUSED = "node => node.shadowRoot.activeElement?.textContent ?? null"


def script(desk: str, more: str = "") -> str:
    return f'<script src="{desk}/widget.js" defer {more}></script>'


def inline(desk: str, attributes: str = "") -> str:
    return f'{script(desk)}<briefing-desk mode="inline" {attributes}></briefing-desk>'


def ask(widget: Locator, question: str) -> Locator:
    """Type a question, press Enter, and wait for its reply."""
    replies = widget.locator(".reply")
    before = replies.count()
    widget.locator("textarea").fill(question)
    widget.locator("textarea").press("Enter")
    newest = replies.nth(before)
    newest.wait_for()
    return newest


def only(page: Page) -> Locator:
    """The one widget of a page, once it is there."""
    widget = page.locator("briefing-desk")
    widget.locator("section").wait_for(state="attached")
    return widget


def reply_to(desk: str, question: str, **more: Any) -> dict[str, Any]:
    """What the API says to the same question."""
    response = httpx.post(f"{desk}/api/ask", json={"question": question, **more}, timeout=60)
    reply: dict[str, Any] = response.json()
    return reply


def listened(page: Page) -> None:
    """Note the widget's events on the page."""
    page.evaluate("""window.heard = [];
        for (const name of ["open", "close", "answer", "error"]) {
            document.addEventListener(`briefing-desk:${name}`,
                (event) => heard.push([name, event.target.localName, event.detail]));
        }""")


# ── one script, one request ──────────────────────────────────────────────────────────────────────


def test_the_script_alone_makes_a_bubble_with_one_small_request(
    host: HostSite, desk: str, visit: Visits
) -> None:
    page = visit(host.page(foot=script(desk)))
    widget = only(page)
    widget.locator(".launcher").click()
    expect(widget.get_by_role("dialog")).to_be_visible()
    expect(widget.locator(".wide")).to_have_count(3)
    page.wait_for_timeout(500)
    asked = [each for each in visit.requests if each.url.startswith(desk)]
    assert [each.url for each in asked] == [f"{desk}/widget.js"]
    assert asked[0].sizes()["responseBodySize"] <= 12_000
    assert asked[0].response().headers["content-encoding"] == "gzip"  # type: ignore[union-attr]


def test_the_scripts_data_attributes_are_the_bubbles(
    host: HostSite, desk: str, visit: Visits
) -> None:
    foot = script(desk, 'data-language="kk" data-position="top-left" data-title="Сұраңыз"')
    page = visit(host.page(foot=foot))
    launcher = only(page).locator(".launcher")
    expect(launcher).to_have_text("Сұраңыз")
    box = launcher.bounding_box()
    assert box is not None
    assert (box["x"], box["y"]) == (20, 20)


def test_the_script_can_be_kept_from_making_a_bubble(
    host: HostSite, desk: str, visit: Visits
) -> None:
    page = visit(host.page(foot=script(desk, 'data-bubble="off"')))
    page.wait_for_function("!!customElements.get('briefing-desk')")
    expect(page.locator("briefing-desk")).to_have_count(0)
    page.evaluate("document.body.append(document.createElement('briefing-desk'))")
    expect(only(page).locator(".launcher")).to_be_visible()


# ── asking and reading ───────────────────────────────────────────────────────────────────────────


def test_a_reader_asks_and_reads_the_documents_own_words(
    host: HostSite, desk: str, visit: Visits
) -> None:
    page = visit(host.page(inline(desk)))
    reply = ask(only(page), QUESTION)
    expected = reply_to(desk, QUESTION)
    assert expected["kind"] == "answer"
    expect(reply.locator(".short")).to_have_text(expected["short_answer"])
    for number, citation in enumerate(expected["citations"]):
        figure = reply.locator("figure").nth(number)
        expect(figure.locator("blockquote")).to_have_text(f"“{citation['quote']}”")
        expect(figure.locator("blockquote bdi")).to_have_attribute("lang", "en")
        expect(figure.locator(".number")).to_contain_text(str(citation["number"]))
        expect(figure.locator(".source")).to_contain_text(citation["title"])


def test_a_citation_opens_the_quote_where_it_stands(
    host: HostSite, desk: str, visit: Visits
) -> None:
    page = visit(host.page(inline(desk)))
    widget = only(page)
    question = "What are the key figures?"
    reply = ask(widget, question)
    for number, citation in enumerate(reply_to(desk, question)["citations"]):
        opener = reply.locator("button.source").nth(number)
        opener.click()
        expect(widget.locator("mark").first).to_be_focused()
        expect(widget.locator("mark").first).to_be_in_viewport()
        assert widget.evaluate(MARKED) == citation["quote"]
        for heading in (citation["title"], *citation["heading_path"]):
            expect(widget.locator("h3:visible").first).to_contain_text(heading)
        original = widget.get_by_role("link", name=TEXTS["original"])
        address = f"{desk}/api/documents/{citation['document_id']}/source"
        assert str(original.get_attribute("href")).partition("#")[0] == address
        assert httpx.get(address).status_code == 200
        page.keyboard.press("Escape")
        expect(opener).to_be_focused()
        expect(reply).to_be_visible()


def test_the_full_chat_opens_with_what_is_read_here(
    host: HostSite, desk: str, visit: Visits
) -> None:
    page = visit(host.page(inline(desk)))
    widget = only(page)
    full = widget.get_by_role("link", name=TEXTS["full_chat"])
    expect(full).to_have_attribute("href", f"{desk}/en/")
    reply = ask(widget, QUESTION)
    address = urlsplit(str(full.get_attribute("href")))
    assert (address.path, parse_qs(address.query)) == ("/en/", {"q": [QUESTION]})
    reply.locator(".source").first.click()
    widget.locator("mark").first.wait_for()
    citation = reply_to(desk, QUESTION)["citations"][0]
    place = parse_qs(urlsplit(str(full.get_attribute("href"))).fragment)
    assert place["document"] == [citation["document_id"]]
    assert (place["start"], place["end"]) == ([str(citation["start"])], [str(citation["end"])])


def test_a_list_is_a_list_in_the_language_of_its_document(
    host: HostSite, desk: str, visit: Visits
) -> None:
    question = "What are the purposes of the financing?"
    page = visit(host.page(inline(desk)))
    reply = ask(only(page), question)
    text = reply_to(desk, question)["text"]
    expected = re.findall(r"^- (.+?)(?: \[\d+\])?$", text, re.MULTILINE)
    assert len(expected) > 1
    expect(reply.locator("li .words")).to_have_text(expected)
    expect(reply.locator("li bdi").first).to_have_attribute("lang", "en")


def test_an_abstention_is_said_plainly_with_the_nearest_passages_on_request(
    host: HostSite, desk: str, visit: Visits
) -> None:
    page = visit(host.page(inline(desk)))
    widget = only(page)
    reply = ask(widget, UNANSWERABLE)
    expected = reply_to(desk, UNANSWERABLE)
    assert expected["kind"] == "abstention"
    expect(reply.locator(".verdict")).to_have_text(TEXTS["abstention"][expected["reason"]])
    for term in expected["missing_terms"]:
        expect(reply).to_contain_text(term)
    figures = reply.locator("figure")
    expect(figures).to_have_count(len(expected["nearest"]))
    expect(figures.first).to_be_hidden()
    reply.locator("summary").click()
    for number, nearest in enumerate(expected["nearest"]):
        figures.nth(number).locator(".source").click()
        expect(widget.locator("mark").first).to_be_visible()
        assert widget.evaluate(MARKED) == nearest["quote"]
        page.keyboard.press("Escape")


def test_a_near_miss_shows_the_closest_passage_and_looks_like_no_other_reply(
    host: HostSite, desk: str, visit: Visits
) -> None:
    near = reply_to(desk, UNANSWERABLE) | {"reason": "near_miss"}
    page = visit(host.page(inline(desk)))
    page.route("**/api/ask", lambda route: fulfil(route, 200, near))
    reply = ask(only(page), UNANSWERABLE)
    expect(reply.locator(".verdict")).to_have_text(TEXTS["abstention"]["near_miss"])
    expect(reply.locator("figure").first).to_be_visible()
    expect(reply.locator("figure").nth(1)).to_be_hidden()
    assert reply.evaluate("node => getComputedStyle(node).borderInlineStartStyle") == "double"


def test_a_follow_up_is_asked_with_what_went_before(
    host: HostSite, desk: str, visit: Visits
) -> None:
    page = visit(host.page(inline(desk)))
    widget = only(page)
    ask(widget, QUESTION)
    reply = ask(widget, FOLLOW_UP)
    resolved = reply_to(desk, FOLLOW_UP, history=[QUESTION])["standalone_question"]
    assert resolved != FOLLOW_UP
    expect(reply).to_contain_text(f"{TEXTS['understood_as']} {resolved}")


def test_starters_and_suggestions_are_asked_by_a_press(
    host: HostSite, desk: str, visit: Visits
) -> None:
    page = visit(host.page(inline(desk, f'questions="{QUESTION} | {UNANSWERABLE}"')))
    widget = only(page)
    expect(widget.locator(".wide")).to_have_count(2)
    widget.locator(".wide").first.click()
    widget.locator(".reply").wait_for()
    expect(widget.locator("h3").first).to_have_text(QUESTION)
    suggestions = reply_to(desk, QUESTION)["suggestions"]
    expect(widget.locator(".wide")).to_have_text(suggestions)
    widget.locator(".wide").first.press("Enter")
    widget.locator(".reply").nth(1).wait_for()
    expect(widget.locator("h3").nth(1)).to_have_text(suggestions[0])
    assert page.evaluate("document.activeElement.localName") == "briefing-desk"


def test_only_the_documents_that_are_named_are_asked(
    host: HostSite, desk: str, visit: Visits
) -> None:
    listed = httpx.get(f"{desk}/api/documents").json()["documents"]
    chosen = next(one for one in listed if one["path"] == "what-comes-next.md")["document_id"]
    page = visit(host.page(inline(desk, f'documents="{chosen}"')))
    widget = only(page)
    expect(widget.locator(".wide")).to_have_count(0)
    with page.expect_request("**/api/ask") as asked:
        ask(widget, QUESTION)
    assert (asked.value.post_data_json or {})["documents"] == [chosen]
    reply = asked.value.response().json()  # type: ignore[union-attr]
    assert {one["document_id"] for one in reply["citations"] + reply["nearest"]} == {chosen}


def test_a_finished_answer_is_announced_once(host: HostSite, desk: str, visit: Visits) -> None:
    page = visit(host.page(inline(desk)))
    widget = only(page)
    widget.evaluate("""node => {
        window.announced = [];
        const status = node.shadowRoot.querySelector('[role=status]');
        new MutationObserver(() => announced.push(status.textContent))
            .observe(status, { childList: true, characterData: true, subtree: true });
    }""")
    ask(widget, QUESTION)
    expect(widget.locator("[role=status]")).to_have_text(reply_to(desk, QUESTION)["text"])
    announced = page.evaluate("announced")
    assert announced == [TEXTS["searching"], reply_to(desk, QUESTION)["text"]]


# ── what can go wrong ────────────────────────────────────────────────────────────────────────────


def fulfil(route: Route, status: int, body: object) -> None:
    """Answer a request as the desk would, were it in that state."""
    origin = route.request.headers["origin"]
    route.fulfill(status=status, json=body, headers={"Access-Control-Allow-Origin": origin})


def error(code: str) -> dict[str, object]:
    return {"error": {"code": code, "message": "It is so."}}


def test_a_site_that_is_not_allowed_is_told_so(
    stranger: HostSite, desk: str, visit: Visits
) -> None:
    visit.expected = "blocked by CORS policy|ERR_FAILED|403"
    page = visit(stranger.page(inline(desk)))
    listened(page)
    widget = only(page)
    widget.locator("textarea").fill(QUESTION)
    widget.locator("textarea").press("Enter")
    expect(widget.locator(".notice")).to_have_text(TEXTS["errors"]["not_allowed"])
    expect(widget.locator("textarea")).to_have_value(QUESTION)
    expect(widget.locator(".reply")).to_have_count(0)
    [heard] = page.evaluate("heard")
    assert heard[0] == "error"
    assert heard[2]["code"] == "not_allowed"


def test_a_reader_who_is_offline_is_told_so_and_can_ask_again(
    host: HostSite, desk: str, visit: Visits
) -> None:
    visit.expected = "ERR_INTERNET_DISCONNECTED"
    page = visit(host.page(inline(desk)))
    widget = only(page)
    page.context.set_offline(offline=True)
    widget.locator("textarea").fill(QUESTION)
    widget.locator("textarea").press("Enter")
    expect(widget.locator(".notice")).to_contain_text(TEXTS["errors"]["offline"])
    page.context.set_offline(offline=False)
    widget.get_by_role("button", name=TEXTS["ask_again"]).click()
    widget.locator(".reply").wait_for()
    expect(widget.locator("h3")).to_have_text(QUESTION)
    expect(widget.locator("textarea")).to_have_value("")


def test_a_server_that_is_not_there_is_told_from_one_that_refuses(
    host: HostSite, desk: str, visit: Visits
) -> None:
    visit.expected = "ERR_CONNECTION_REFUSED"
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and doesn't listen
        server = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        page = visit(host.page(inline(desk, f'server="{server}"')))
        widget = only(page)
        widget.locator("textarea").fill(QUESTION)
        widget.locator("textarea").press("Enter")
        expect(widget.locator(".notice")).to_contain_text(TEXTS["errors"]["unreachable"])
    visit.requests = [each for each in visit.requests if not each.url.startswith(server)]


def test_a_busy_desk_is_asked_again_by_itself(host: HostSite, desk: str, visit: Visits) -> None:
    visit.expected = "503"
    page = visit(host.page(inline(desk)))
    widget = only(page)
    refusals = 0

    def busy_once(route: Route) -> None:
        nonlocal refusals
        refusals += 1
        if refusals > 1:
            route.continue_()
        else:
            fulfil(route, 503, error("busy"))

    page.route("**/api/ask", busy_once)
    widget.locator("textarea").fill(QUESTION)
    widget.locator("textarea").press("Enter")
    expect(widget.locator(".pending")).to_have_text(TEXTS["errors"]["busy"])
    expect(widget.locator(".reply")).to_be_visible()
    assert refusals == 2


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (503, "busy", "busy"),
        (429, "too_many_questions", "too_many_questions"),
        (500, "internal_error", "failed"),
        (503, "index_unreadable", "failed"),
        (401, "login_required", "not_allowed"),
        (404, "unknown_document", "failed"),
    ],
)
def test_every_error_of_the_desk_is_said_and_the_question_kept(
    host: HostSite, desk: str, visit: Visits, status: int, code: str, said: str
) -> None:
    visit.expected = str(status)
    page = visit(host.page(inline(desk)))
    listened(page)
    widget = only(page)
    page.route("**/api/ask", lambda route: fulfil(route, status, error(code)))
    widget.locator("textarea").fill(QUESTION)
    widget.locator("textarea").press("Enter")
    expect(widget.locator(".notice p")).to_have_text(TEXTS["errors"][said])
    expect(widget.locator("textarea")).to_have_value(QUESTION)
    expect(widget.locator("[role=status]")).to_have_text(TEXTS["errors"][said])
    [[name, element, detail]] = page.evaluate("heard")
    assert (name, element, detail["question"]) == ("error", "briefing-desk", QUESTION)
    assert detail["code"] == ("not_allowed" if status == 401 else code)


def test_an_answer_that_is_no_reply_is_a_failure(host: HostSite, desk: str, visit: Visits) -> None:
    page = visit(host.page(inline(desk)))
    widget = only(page)
    page.route("**/api/ask", lambda route: fulfil(route, 200, None))
    widget.locator("textarea").fill(QUESTION)
    widget.locator("textarea").press("Enter")
    expect(widget.locator(".notice p")).to_have_text(TEXTS["errors"]["failed"])


def test_a_question_that_is_too_long_is_not_even_sent(
    host: HostSite, desk: str, visit: Visits
) -> None:
    page = visit(host.page(inline(desk)))
    widget = only(page)
    longest = "𝒜" * 500
    widget.locator("textarea").fill(longest + "?")
    widget.locator("textarea").press("Enter")
    said = TEXTS["errors"]["question_too_long"].replace("{limit}", "500")
    expect(widget.locator(".notice")).to_have_text(said)
    expect(widget.locator("textarea")).to_have_value(longest + "?")
    assert not [each for each in visit.requests if each.url.endswith("/api/ask")]
    # The limit counts characters, not what JavaScript makes of them.
    ask(widget, longest)


def test_waiting_can_be_stopped(host: HostSite, desk: str, visit: Visits) -> None:
    visit.expected = "ERR_FAILED"
    page = visit(host.page(inline(desk)))
    widget = only(page)
    held: list[Route] = []
    page.route("**/api/ask", lambda route: held.append(route))  # noqa: PLW0108  as in conftest
    widget.locator("textarea").fill(QUESTION)
    with page.expect_event("requestfailed") as failed:
        widget.locator("textarea").press("Enter")
        expect(widget.locator(".pending")).to_have_text(TEXTS["searching"])
        widget.get_by_role("button", name=TEXTS["stop"], exact=True).click()
    assert failed.value.url.endswith("/api/ask")
    expect(widget.locator("textarea")).to_have_value(QUESTION)
    expect(widget.locator(".turn, .notice")).to_have_count(0)
    expect(widget.get_by_role("button", name=TEXTS["ask"], exact=True)).to_be_visible()


def test_a_document_that_was_replaced_since_is_opened_without_a_mark(
    host: HostSite, desk: str, visit: Visits
) -> None:
    changed = json.dumps(reply_to(desk, QUESTION))
    changed = re.sub(r'"sha256": "[0-9a-f]{8}', '"sha256": "00000000', changed)
    page = visit(host.page(inline(desk)))
    widget = only(page)
    page.route("**/api/ask", lambda route: fulfil(route, 200, json.loads(changed)))
    ask(widget, QUESTION).locator(".source").first.click()
    expect(widget.locator(".warn")).to_have_text(TEXTS["document_changed"])
    expect(widget.locator("mark")).to_have_count(0)


# ── the conversation is the tab's ────────────────────────────────────────────────────────────────


def test_a_conversation_survives_a_reload_and_goes_on(
    host: HostSite, desk: str, visit: Visits
) -> None:
    page = visit(host.page(foot=script(desk)))
    widget = only(page)
    widget.locator(".launcher").click()
    ask(widget, QUESTION)
    page.reload()
    widget = only(page)
    widget.locator(".launcher").click()
    expect(widget.locator("h3")).to_have_text(QUESTION)
    widget.locator("button.source").first.click()
    widget.locator("mark").first.wait_for()
    page.keyboard.press("Escape")
    reply = ask(widget, FOLLOW_UP)
    expect(reply).to_contain_text(TEXTS["understood_as"])
    widget.get_by_role("button", name=TEXTS["new_conversation"]).click()
    expect(widget.locator(".turn")).to_have_count(0)
    expect(widget.locator("textarea")).to_be_focused()
    page.reload()
    only(page).locator(".launcher").click()
    expect(widget.locator(".turn")).to_have_count(0)


def test_what_someone_else_stored_does_no_harm(host: HostSite, desk: str, visit: Visits) -> None:
    page = visit(host.page(inline(desk)))
    widget = only(page)
    ask(widget, QUESTION)
    for garbage in ("no JSON", "{}", "[1]", "[null]", '[{"question": "q"}]', "null"):
        page.evaluate(
            "text => Object.keys(sessionStorage).forEach(key => sessionStorage[key] = text)",
            garbage,
        )
        page.reload()
        expect(only(page).locator(".greeting")).to_be_visible()


def test_several_on_one_page_do_not_know_each_other(
    host: HostSite, desk: str, visit: Visits
) -> None:
    body = "".join(
        f'<briefing-desk mode="inline" id="{name}" language="{name}"></briefing-desk>'
        for name in LANGUAGES
    )
    page = visit(host.page(f"{script(desk)}{body}<briefing-desk></briefing-desk>"))
    desks = page.locator("briefing-desk")
    expect(desks).to_have_count(4)
    ask(desks.nth(0), QUESTION)
    ask(desks.nth(2), UNANSWERABLE)
    expect(desks.nth(1).locator(".turn")).to_have_count(0)
    page.reload()
    expect(desks.nth(0).locator("h3")).to_have_text(QUESTION)
    expect(desks.nth(1).locator(".turn")).to_have_count(0)
    expect(desks.nth(2).locator("h3")).to_have_text(UNANSWERABLE)
    desks.nth(3).locator(".launcher").click()
    expect(desks.nth(3).locator(".greeting")).to_be_visible()
    expect(desks.nth(3).locator(".turn")).to_have_count(0)


# ── the bubble, and the keyboard ─────────────────────────────────────────────────────────────────


def test_focus_goes_into_the_bubble_stays_there_and_comes_back(
    host: HostSite, desk: str, visit: Visits
) -> None:
    page = visit(host.page(foot=script(desk)))
    widget = only(page)
    launcher = widget.locator(".launcher")
    launcher.focus()
    page.keyboard.press("Enter")
    expect(widget.get_by_role("dialog")).to_be_visible()
    expect(widget.locator("textarea")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") != "elsewhere"
    page.keyboard.press("Escape")
    expect(widget.get_by_role("dialog")).to_be_hidden()
    expect(launcher).to_be_focused()
    launcher.click()
    widget.get_by_role("button", name=TEXTS["close"], exact=True).click()
    expect(launcher).to_be_focused()
    launcher.click()
    page.mouse.click(40, 40)
    expect(widget.get_by_role("dialog")).to_be_hidden()


def test_an_inline_desk_traps_nothing(host: HostSite, desk: str, visit: Visits) -> None:
    page = visit(host.page(f'{inline(desk)}<p><a href="#after" id="after">After</a></p>'))
    widget = only(page)
    page.locator("#elsewhere").focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "after":
            break
    expect(page.locator("#after")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    assert widget.evaluate(FOCUSED) == TEXTS["full_chat"]


def test_the_keyboard_alone_is_enough(host: HostSite, desk: str, visit: Visits) -> None:
    page = visit(host.page(foot=script(desk)))
    widget = only(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(widget.locator(".launcher")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    widget.locator(".reply").wait_for()
    source = widget.locator("button.source").first
    for _ in range(20):
        page.keyboard.press("Shift+Tab")
        if source.evaluate("node => node.getRootNode().activeElement === node"):
            break
    page.keyboard.press("Enter")
    expect(widget.locator("mark").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(source).to_be_focused()
    page.keyboard.press("Escape")
    expect(widget.get_by_role("dialog")).to_be_hidden()
    expect(widget.locator(".launcher")).to_be_focused()


def test_what_is_typed_is_no_shortcut_of_the_host(host: HostSite, desk: str, visit: Visits) -> None:
    head = "<script>addEventListener('keydown', () => { window.taken = true; });</script>"
    page = visit(host.page(inline(desk), head=head))
    only(page).locator("textarea").press("s")
    assert page.evaluate("window.taken") is None


# ── what a page may call, and what it hears ──────────────────────────────────────────────────────


def test_a_page_can_open_ask_and_close_and_hears_the_reply(
    host: HostSite, desk: str, visit: Visits
) -> None:
    page = visit(host.page(f'{script(desk)}<briefing-desk id="desk"></briefing-desk>'))
    only(page)
    listened(page)
    reply = page.evaluate("text => document.getElementById('desk').ask(text)", QUESTION)
    expected = reply_to(desk, QUESTION)
    for key in ("kind", "text", "citations", "answer_id"):
        assert reply[key] == expected[key]
    expect(page.locator("briefing-desk .reply")).to_be_visible()
    page.evaluate("document.getElementById('desk').close()")
    expect(page.locator("briefing-desk dialog")).to_be_hidden()
    heard = page.evaluate("heard")
    assert [name for name, _, _ in heard] == ["open", "answer", "close"]
    assert {element for _, element, _ in heard} == {"briefing-desk"}
    assert heard[1][2] == reply
    assert page.evaluate("document.getElementById('desk').ask('  ')") is None


def test_attributes_can_change_while_it_is_open(host: HostSite, desk: str, visit: Visits) -> None:
    page = visit(host.page(f"{script(desk)}<briefing-desk></briefing-desk>"))
    widget = only(page)
    widget.locator(".launcher").click()
    ask(widget, QUESTION)
    widget.locator("textarea").fill("half a question")
    widget.evaluate("node => { node.language = 'ru'; node.setAttribute('language', 'ru');"
                    " node.setAttribute('title', 'Вопросы'); }")  # fmt: skip
    expect(widget.get_by_role("dialog", name="Вопросы")).to_be_visible()
    expect(widget.locator(".ask")).to_have_text(read_texts("ru").ask)
    expect(widget.locator("textarea")).to_have_value("half a question")
    expect(widget.locator("h3")).to_have_text(QUESTION)
    assert widget.evaluate("node => node.shadowRoot.querySelectorAll('section').length") == 1


# ── three languages ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_speaks_the_language_of_the_page_to_eyes_and_ears(
    host: HostSite, desk: str, visit: Visits, language: Language
) -> None:
    texts = script_texts(read_texts(language))
    page = visit(host.page(foot=script(desk), lang=f"{language}-KZ"))
    widget = only(page)
    expect(widget.locator("section")).to_have_attribute("lang", language)
    expect(widget.locator(".launcher")).to_have_text(texts["invitation"])
    widget.locator(".launcher").click()
    expect(widget.get_by_role("textbox", name=texts["invitation"])).to_be_focused()
    reply = ask(widget, UNANSWERABLE)
    for name in ("new_conversation", "close", "ask"):
        expect(widget.get_by_role("button", name=texts[name], exact=True)).to_be_visible()
    for name in ("full_chat", "disclaimer"):
        expect(widget.get_by_text(texts[name])).to_be_visible()
    expect(reply.locator(".verdict")).to_have_text(texts["abstention"]["not_stated"])
    reply.locator("summary").click()
    reply.locator(".source").first.click()
    expect(widget.get_by_role("button", name=texts["back_to_answer"])).to_be_visible()
    expect(widget.get_by_role("link", name=texts["original"])).to_be_visible()
    expect(widget.locator(".text")).to_have_attribute("lang", "en")


def test_a_language_that_it_does_not_speak_is_english(
    host: HostSite, desk: str, visit: Visits
) -> None:
    page = visit(host.page(inline(desk), lang="fr"))
    expect(only(page).locator("section")).to_have_attribute("lang", "en")


# ── documents and questions are data ─────────────────────────────────────────────────────────────


def test_a_hostile_document_is_text_and_its_quote_marked_by_code_points(
    host: HostSite, hostile_desk: str, visit: Visits
) -> None:
    page = visit(host.page(inline(hostile_desk)))
    widget = only(page)
    for question in ("Who is the harbour master of Aktau?", "Which berth has the Aurora?"):
        reply = ask(widget, question)
        expected = reply_to(hostile_desk, question)
        cited = expected["citations"] or expected["nearest"]
        assert HOSTILE.index("𝒜") < cited[0]["start"]  # a UTF-16 index would be off by now
        if not expected["citations"]:
            reply.locator("summary").click()
        reply.locator(".source").first.click()
        widget.locator("mark").first.wait_for()
        assert widget.evaluate(MARKED) == cited[0]["quote"]
        assert widget.locator("img, script, svg:not(button svg), iframe, form, b").count() == 0
        page.keyboard.press("Escape")
    assert page.evaluate("window.hacked") is None


def test_unseen_characters_are_shown_where_they_stand(
    host: HostSite, hostile_desk: str, visit: Visits
) -> None:
    page = visit(host.page(inline(hostile_desk)))
    widget = only(page)
    reply = ask(widget, "Which berth has the Aurora?")
    if reply.locator("summary").count():
        reply.locator("summary").click()
    reply.locator(".source").first.click()
    widget.locator("mark").first.wait_for()
    codes = widget.locator(".text .unseen").evaluate_all("all => all.map(n => n.dataset.code)")
    assert codes == ["U+202E", "U+202C", "U+200B"]
    text = widget.locator(".text").evaluate("node => node.textContent")
    assert HOSTILE[HOSTILE.index("# The harbour") :].rstrip() in text


@pytest.mark.parametrize(
    "question",
    [
        "<img src=x onerror=window.hacked=1> **why**",
        "</bdi><script>window.hacked=1</script> [1] $x$ # what",
        "\u202e why \u200b",
    ],
)
def test_a_hostile_question_is_text_and_nothing_else(
    host: HostSite, desk: str, visit: Visits, question: str
) -> None:
    page = visit(host.page(inline(desk)))
    widget = only(page)
    ask(widget, question)
    assert widget.locator("h3").evaluate("node => node.textContent") == question.strip()
    assert widget.locator("img, script").count() == 0
    assert page.evaluate("window.hacked") is None
