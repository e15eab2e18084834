"""The admin page as an operator uses it, and as somebody else would like to."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import WAIT_MS, allowing
from tests.browser.host_site import HostSite
from tests.browser.test_widget_looks import WIDE, violations
from tests.serving import Server, briefing_index

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"  # a password of the tests alone
ANSWERED = "How much annual financing could the new framework provide?"
WORDINGS = ("Are dogs allowed on the ferry?", "Can I take my dog on the ferry?")
HOSTILE = "=cmd <img src=x onerror=alert(1)> \u202eyrref"
TITLE = "What readers could not find"

OpenContext = Callable[..., BrowserContext]


@pytest.fixture(scope="module")
def admin(host: HostSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that stores what was asked in vain and found wrong; ``host`` may ask it."""
    stored = tmp_path_factory.mktemp("stored") / "stored.sqlite"
    settings = {
        "BRIEFING_DESK_STORAGE_FILE": str(stored),
        "BRIEFING_DESK_ADMIN_PASSWORD": PASSWORD,
        **allowing(host),
    }
    with (
        Server(briefing_index(), settings) as server,
        httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client,
    ):
        for question in (*WORDINGS, ANSWERED, HOSTILE):
            reply = client.post("/api/ask", json={"question": question}).json()
            if question == ANSWERED:
                said = {"answer_id": reply["answer_id"], "verdict": "wrong_evidence"}
                client.post("/api/feedback", json={**said, "comment": "=1+1"})
        yield server.url


@pytest.fixture
def opened(browser: Browser) -> Iterator[OpenContext]:
    """A browser profile for each operator; what a page complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_one(
        *, width: int = 1280, scheme: Literal["light", "dark"] = "light"
    ) -> BrowserContext:
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        context.set_default_timeout(WAIT_MS)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("dialog", lambda dialog: complaints.append(dialog.message))
        contexts.append(context)
        return context

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


def sign_in(context: BrowserContext, url: str, password: str = PASSWORD) -> Page:
    page = context.new_page()
    page.goto(f"{url}/admin")
    page.get_by_label("Password of the operator").fill(password)
    page.keyboard.press("Enter")
    return page


def test_an_operator_signs_in_marks_saves_and_signs_out(
    admin: str, opened: OpenContext, tmp_path: Path
) -> None:
    page = sign_in(opened(), admin)
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    assert page.evaluate("document.cookie") == ""  # no script could read it
    ferry = page.get_by_role("row").filter(has_text="ferry?")
    expect(ferry).to_have_count(1)
    ferry.get_by_text("2 wordings").click()
    for wording in WORDINGS:
        expect(ferry.get_by_text(wording).last).to_be_visible()

    with page.expect_download() as downloading:
        page.get_by_role("link", name="CSV").click()
    downloading.value.save_as(tmp_path / "report.csv")
    with (tmp_path / "report.csv").open(encoding="utf-8-sig", newline="") as table:
        cells = [cell for row in csv.reader(table) for cell in row]
    assert f"'{HOSTILE}" in cells
    assert "'=1+1" in cells

    ferry.get_by_role("button", name="Mark as resolved").click()
    expect(page.get_by_role("status")).to_contain_text("Marked as resolved")
    resolved = page.get_by_role("region", name="Resolved")
    expect(resolved.get_by_role("row").filter(has_text="ferry?")).to_have_count(1)
    httpx.post(f"{admin}/api/ask", json={"question": WORDINGS[1]}, timeout=60)
    page.goto(f"{admin}/admin")
    expect(page.get_by_text("asked 1 time since")).to_be_visible()
    expect(page.get_by_role("region", name="Resolved")).to_have_count(0)

    complaint = page.get_by_role("region", name="Found wrong by readers")
    complaint.get_by_role("button", name="Mark as resolved").click()
    page.get_by_role("button", name="Open again").click()
    expect(complaint.get_by_role("row").filter(has_text=ANSWERED)).to_have_count(1)

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("alert")).to_have_text("You are signed out.")
    page.goto(f"{admin}/admin/report.csv")
    assert "login_required" in page.content()


def test_what_readers_wrote_is_shown_and_never_runs(admin: str, opened: OpenContext) -> None:
    page = sign_in(opened(), admin)
    expect(page.get_by_text("=cmd <img src=x onerror=alert(1)>").first).to_be_visible()
    assert page.locator("img, script").count() == 0


def test_the_stored_questions_are_asked_again_and_counted(admin: str, opened: OpenContext) -> None:
    page = sign_in(opened(), admin)
    page.get_by_role("button", name="Ask the stored questions again").click()
    counted = page.get_by_role("listitem").filter(has_text=re.compile(r"^\d+ unchanged$"))
    for _ in range(200):
        if counted.count():
            break
        page.wait_for_timeout(100)
        page.reload()
    expect(counted).to_have_text("4 unchanged")


def test_a_form_on_another_page_does_nothing_in_the_operators_name(
    admin: str, host: HostSite, opened: OpenContext
) -> None:
    """A page on another port is the same site, so that the browser sends the cookie along."""
    context = opened()
    operator = sign_in(context, admin)
    expect(operator.get_by_role("heading", level=1)).to_have_text(TITLE)
    forged = context.new_page()
    forged.goto(
        host.page(
            f'<form method="post" action="{admin}/admin">'
            '<button name="action" value="sign_out">Win</button></form>'
        )
    )
    forged.get_by_role("button", name="Win").click()
    forged.wait_for_url(f"{admin}/admin")
    assert "origin_not_allowed" in forged.content()
    operator.reload()
    expect(operator.get_by_role("heading", level=1)).to_have_text(TITLE)
    # Its own page with a token of another's making fares no better.
    operator.locator("[name=form_token]").first.evaluate("node => { node.value = 'x'.repeat(96) }")
    operator.get_by_role("button", name="Sign out").click()
    expect(operator.get_by_role("status")).to_contain_text("nothing was done")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    admin: str, opened: OpenContext, scheme: str, width: int
) -> None:
    context = opened(width=width, scheme=scheme)
    page = context.new_page()
    page.goto(f"{admin}/admin")
    assert violations(page) == []
    assert not page.evaluate(WIDE)
    page.get_by_label("Password of the operator").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    page.locator("details").evaluate_all("all => all.forEach(node => { node.open = true })")
    assert violations(page) == []
    assert not page.evaluate(WIDE)
    small = page.evaluate("""[...document.querySelectorAll('button, select, summary')]
        .map(node => [node.textContent, node.getBoundingClientRect()])
        .filter(([, box]) => box.height < 24 || box.width < 24).map(([name]) => name)""")
    assert small == []
    unlabelled = page.locator("table").evaluate_all(
        "all => all.filter(table => !table.caption?.textContent.trim()).length"
    )
    assert unlabelled == 0


def test_whoever_guesses_has_to_wait(opened: OpenContext) -> None:
    with Server(briefing_index(), {"BRIEFING_DESK_ADMIN_PASSWORD": PASSWORD}) as server:
        page = sign_in(opened(), server.url, "guess 0")
        for number in range(1, 21):  # ten in a minute, which may begin anew in between
            if page.get_by_role("alert").inner_text() != "That is not the password.":
                break
            page.get_by_label("Password of the operator").fill(f"guess {number}")
            with page.expect_navigation():  # the next page says the same as this one
                page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("Too many wrong passwords")
        page.get_by_label("Password of the operator").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("Try again in")
