"""The admin page: who comes in, whose forms count, what it shows and does."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from app.storing import Storage
from tests.replies import abstention, answer
from tests.running import App

PASSWORD = "correct horse battery"  # a password of the tests alone
HOSTILE = '<script>alert(1)</script> the \u202emayor" onload="x'
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ANSWERED = "How much annual financing could the new framework provide?"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage with a little of everything."""
    file = tmp_path_factory.mktemp("stored") / "desk.sqlite"
    storage = Storage(file, retention_days=90)
    now = datetime.now(UTC)
    storage.record(abstention(HOSTILE, missing_terms=["<b>mayor</b>"]), now)
    wrong = answer("What is <i>it</i>?", "A <u>quote</u>.", path="<a>.md")
    storage.record(wrong, now)
    storage.take_feedback(wrong.answer_id, "wrong_evidence", "=1+1 <s>no</s>", now)
    storage.close()
    return file


@pytest.fixture(scope="module")
def app(file: Path) -> Iterator[App]:
    with App(
        admin_password=PASSWORD, storage_file=file, allowed_origins=("https://ok.example",)
    ) as app:
        yield app


@pytest.fixture
def client(app: App) -> Iterator[httpx.Client]:
    """Whoever has just signed in."""
    with app.client() as client:
        assert sign_in(client).status_code == 303
        yield client


def form_token(page: httpx.Response) -> str:
    return hidden(page, "form_token")


def sign_in(client: httpx.Client, password: str = PASSWORD) -> httpx.Response:
    token = form_token(client.get("/admin"))
    return client.post(
        "/admin", data={"form_token": token, "action": "sign_in", "password": password}
    )


def hidden(page: httpx.Response, name: str) -> str:
    return str(re.findall(rf'name="{name}" value="([^"]+)"', page.text)[0])


# ── who comes in ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/admin", "/admin/report.csv", "/admin/report.json"])
def test_without_a_password_in_the_settings_there_is_no_admin_page(path: str) -> None:
    with App() as app, app.client() as client:
        for response in (client.get(path), client.post(path, data={"action": "sign_in"})):
            assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


def test_a_stranger_sees_the_login_and_nothing_else(app: App) -> None:
    with app.client() as client:
        page = client.get("/admin")
        assert page.status_code == 200
        assert "Sign in to the reports" in page.text
        assert "mayor" not in page.text
        for name in ("report.csv", "report.json"):
            response = client.get(f"/admin/{name}")
            assert (response.status_code, response.json()["error"]["code"]) == (
                401, "login_required",
            )  # fmt: skip
            assert "www-authenticate" not in response.headers


def test_the_cookie_is_for_this_page_and_this_browser_alone(app: App) -> None:
    with app.client() as client:
        for response in (client.get("/admin"), sign_in(client)):
            cookie = response.headers["set-cookie"]
            assert {"HttpOnly", "Path=/admin", "SameSite=strict"} <= set(cookie.split("; "))
            assert "Secure" not in cookie
    with (
        App(
            admin_password=PASSWORD, trusted_proxies=("127.0.0.1",), path_prefix="/desk"
        ) as proxied,
        proxied.client(headers={"X-Forwarded-Proto": "https"}) as client,
    ):
        cookie = client.get("/admin").headers["set-cookie"]
        assert {"Secure", "HttpOnly", "Path=/desk/admin", "SameSite=strict"} <= set(
            cookie.split("; ")
        )


def test_signing_in_makes_a_new_cookie_and_signing_out_ends_it(app: App) -> None:
    with app.client() as client:
        client.get("/admin")
        before = client.cookies["briefing_desk_admin"]
        assert sign_in(client).headers["location"].startswith("/admin?")
        after = client.cookies["briefing_desk_admin"]
        assert after != before
        page = client.get("/admin")
        assert "What readers could not find" in page.text
        out = client.post("/admin", data={"form_token": form_token(page), "action": "sign_out"})
        assert out.status_code == 303
        assert "You are signed out" in client.get(out.headers["location"]).text
        client.cookies.set("briefing_desk_admin", after)
        assert "Sign in to the reports" in client.get("/admin").text


def test_whoever_guesses_has_to_wait_even_with_the_right_password(file: Path) -> None:
    with App(admin_password=PASSWORD) as app, app.client() as client:
        # Guesses of a minute that has just ended count less and less, which may let more pass.
        guesses = (sign_in(client, f"guess {number}").status_code for number in range(25))
        statuses = list(takewhile(lambda status: status != 429, guesses))
        assert set(statuses) == {403}
        assert 10 <= len(statuses) < 25
        waiting = sign_in(client)
        assert waiting.status_code == 429
        assert 0 < int(waiting.headers["retry-after"]) <= 60
        assert "Too many wrong passwords" in waiting.text


def test_the_password_is_long_and_in_no_setting_that_is_printed(app: App) -> None:
    assert PASSWORD not in repr(app.settings)
    with pytest.raises(ValueError, match="admin_password"):
        App(admin_password="elevenchars")


# ── forms of another's making ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("action", ["sign_in", "sign_out", "resolve", "reopen", "replay"])
def test_a_form_without_its_token_does_nothing(app: App, action: str) -> None:
    with app.client() as signed, app.client() as stranger:
        sign_in(signed)
        page = signed.get("/admin")
        foreign = form_token(stranger.get("/admin"))
        fields = {
            "action": action, "password": PASSWORD, "days": "30",
            "made_at": hidden(page, "made_at"), "group": hidden(page, "group"),
        }  # fmt: skip
        for wrong in ({}, {"form_token": ""}, {"form_token": foreign}):
            refused = signed.post("/admin", data=fields | wrong)
            assert "done=bad_form" in refused.headers["location"]
            stranger_refused = stranger.post("/admin", data=fields | {"form_token": "x" * 96})
            assert stranger_refused.status_code == 403
        assert 'value="resolve"' in signed.get("/admin").text
        assert 'value="reopen"' not in signed.get("/admin").text


@pytest.mark.parametrize("origin", ["https://ok.example", "https://evil.example", "null"])
def test_no_page_of_another_origin_sends_a_form_not_even_an_allowed_one(
    client: httpx.Client, origin: str
) -> None:
    fields = {"form_token": form_token(client.get("/admin")), "action": "sign_out"}
    refused = client.post("/admin", data=fields, headers={"Origin": origin})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "origin_not_allowed")
    assert "What readers could not find" in client.get("/admin").text


@pytest.mark.parametrize(
    "request_of",
    [
        lambda token: {"json": {"form_token": token, "action": "sign_out"}},
        lambda token: {"data": {"form_token": token, "action": "delete_everything"}},
        lambda token: {"data": {"form_token": token}},
        lambda token: {"data": {"form_token": token, **{f"f{n}": "x" for n in range(20)}}},
        lambda token: {"content": f"form_token={token}&action=%ff", "headers": FORM},
        lambda token: {"content": f"form_token={token}&action=ё".encode(), "headers": FORM},
    ],
)  # fmt: skip
def test_what_is_no_form_of_the_page_does_nothing(client: httpx.Client, request_of: Any) -> None:
    token = form_token(client.get("/admin"))
    response = client.post("/admin", **request_of(token))
    assert "done=bad_form" in response.headers["location"]
    assert "nothing was done" in client.get(response.headers["location"]).text


def test_an_action_after_the_session_ended_asks_to_sign_in(app: App) -> None:
    with app.client() as client:
        token = form_token(client.get("/admin"))
        response = client.post("/admin", data={"form_token": token, "action": "replay"})
        assert response.status_code == 403
        assert "Your session has ended" in response.text


def test_other_host_names_and_frames_and_scripts_get_nothing(client: httpx.Client) -> None:
    page = client.get("/admin")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "script" not in policy
    assert "<script" not in page.text
    assert " style=" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert client.get("/admin", headers={"Host": "rebound.example"}).status_code == 421


# ── what it shows and does ───────────────────────────────────────────────────────────────────────


def test_what_readers_and_documents_wrote_is_text(client: httpx.Client) -> None:
    page = client.get("/admin").text
    for raw in ("<script>alert", "\u202e", "<b>mayor", "<i>it", "<u>quote", "<a>.md", "<s>no"):
        assert raw not in page
    assert "U+202E" in page
    assert "wrong evidence" in page


def test_a_group_is_marked_and_opened_again(client: httpx.Client) -> None:
    def press(action: str, what: str) -> str:
        page = client.get("/admin?days=7")
        fields = {
            "form_token": form_token(page), "action": action, "days": "7",
            "made_at": hidden(page, "made_at"), what: hidden(page, what),
        }  # fmt: skip
        location = client.post("/admin", data=fields).headers["location"]
        assert location.startswith("/admin?days=7&")
        return client.get(location).text

    for what, nothing_left in (
        ("group", "No open question of the last 7 days"),
        ("complaint", "No reader reported anything"),
    ):
        resolved = press("resolve", what)
        assert "Marked as resolved. It comes back if it is asked or reported again." in resolved
        assert nothing_left in resolved
        assert "Open again" in press("reopen", what)
        assert nothing_left not in client.get("/admin?days=7").text


@pytest.mark.parametrize(
    "wrong",
    [{"group": "0" * 32}, {"made_at": "yesterday"}, {"made_at": "2026-05-17"}, {"group": "' OR 1"},
     {"complaint": "0"}, {"complaint": "9" * 18}, {"days": "0"}],
)  # fmt: skip
def test_what_isnt_there_is_not_marked(client: httpx.Client, wrong: dict[str, str]) -> None:
    page = client.get("/admin")
    fields = {
        "form_token": form_token(page), "action": "resolve", "days": "30",
        "made_at": hidden(page, "made_at"), "group": "x",
    }  # fmt: skip
    location = client.post("/admin", data=fields | wrong).headers["location"]
    assert location.endswith("done=gone")


def test_the_report_is_saved_as_a_table_and_as_json(client: httpx.Client) -> None:
    table = client.get("/admin/report.csv", params={"days": 7})
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(
        r'attachment; filename="report-\d{4}-\d\d-\d\d\.csv"', table.headers["content-disposition"]
    )
    rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"), newline="")))
    assert [row["what"] for row in rows] == ["unanswered", "wrong_evidence", "cited"]
    assert rows[0]["question"] == HOSTILE
    assert rows[1]["wordings_or_comments"] == "'=1+1 <s>no</s>"
    report = json.loads(client.get("/admin/report.json").text)
    assert report["unanswered"][0]["question"] == HOSTILE
    assert (report["days"], report["now"]["asked"]) == (30, {"questions": 2, "answered": 1})


def test_without_storage_the_page_says_what_to_set() -> None:
    with App(admin_password=PASSWORD) as app, app.client() as client:
        sign_in(client)
        page = client.get("/admin")
        assert "BRIEFING_DESK_STORAGE_FILE" in page.text
        assert client.get("/admin/report.csv").json()["error"]["code"] == "storage_off"
        fields = {"form_token": form_token(page), "action": "replay"}
        assert "done=bad_form" in client.post("/admin", data=fields).headers["location"]


def test_a_period_that_cant_be_is_refused(client: httpx.Client) -> None:
    for days in ("0", "-1", "4000", "x"):
        assert client.get("/admin", params={"days": days}).status_code == 400


def test_the_stored_questions_are_asked_again_beside_the_readers(tmp_path: Path) -> None:
    file = tmp_path / "desk.sqlite"
    storage = Storage(file, retention_days=90)
    now = datetime.now(UTC)
    for reply in (abstention(ANSWERED), answer("What is the salary of a teacher?", "Much.")):
        storage.record(reply, now)
    storage.close()
    with App(admin_password=PASSWORD, storage_file=file) as app, app.client() as client:
        sign_in(client)
        page = client.get("/admin")
        began = client.post("/admin", data={"form_token": form_token(page), "action": "replay"})
        assert urlsplit(began.headers["location"]).fragment == "replay"
        for _ in range(600):
            page = client.get("/admin")
            if "questions asked again" in page.text:
                break
            time.sleep(0.1)
        counts = re.findall(r"<strong>(\d+)</strong> ([\w ]+)</li>", page.text)
        assert counts == [
            ("1", "lost"), ("0", "changed"), ("1", "now answered"), ("0", "unchanged"),
        ]  # fmt: skip
        assert "desk_questions_total{" not in client.get("/metrics").text  # nor is it counted
    with Storage(file, retention_days=90)._transaction() as connection:
        assert connection.execute("SELECT count(*) FROM replies").fetchone() == (2,)
