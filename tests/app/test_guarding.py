"""What stands before every route: host names, origins, passwords, proxies, limits."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from app.connections import HEADER_BYTES_MAX
from app.settings import Settings
from tests.running import App

ALLOWED = "https://intranet.example"
FOREIGN = "https://elsewhere.example"
QUESTION = {"question": "How much annual financing could the new framework provide?"}
PASSWORD = "correct horse battery"  # a password of the tests alone


@pytest.fixture(scope="module")
def open_app() -> Iterator[App]:
    """Open to one other origin and one other host name, and short of patience."""
    with App(
        allowed_origins=(ALLOWED,), allowed_hosts=("desk.example",), request_seconds_max=1.0
    ) as app:
        yield app


@pytest.fixture(scope="module")
def shut_app() -> Iterator[App]:
    """Behind a password."""
    with App(password=PASSWORD) as app:
        yield app


@pytest.fixture(scope="module")
def proxied_app() -> Iterator[App]:
    """Behind a proxy on this machine that signs people in."""
    with App(
        trusted_proxies=("127.0.0.1",),
        login_header="X-Forwarded-User",
        allowed_hosts=("desk.example",),
        questions_per_minute=3,
    ) as app:
        yield app


def code_of(response: httpx.Response) -> str:
    code: str = response.json()["error"]["code"]
    return code


def basic(password: str, user: str = "anybody") -> dict[str, str]:
    written = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {written}"}


# ── host names ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:7860", "127.0.0.1", "[::1]:80", "desk.example", "desk.example:443"],
)
def test_known_host_names_are_answered(open_app: App, host: str) -> None:
    with open_app.client() as client:
        assert client.get("/api/documents", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example",
        "localhost.rebound.example",
        "desk.example.rebound.example",
        "desk.example@rebound.example",
        "127.0.0.1.rebound.example",
        "localhost:7860:7860",
        "localhost/",
        "",
    ],
)
def test_other_host_names_are_refused_with_what_to_set(open_app: App, host: str) -> None:
    with open_app.client() as client:
        for path in ("/api/documents", "/en/", "/metrics", "/mcp", "/static/chat.css"):
            response = client.get(path, headers={"Host": host})
            assert (response.status_code, code_of(response)) == (421, "host_not_allowed")
            assert "BRIEFING_DESK_ALLOWED_HOSTS" in response.json()["error"]["message"]


def test_a_supervisor_may_ask_for_health_under_any_name(shut_app: App) -> None:
    with shut_app.client() as client:
        assert client.get("/healthz", headers={"Host": "10.1.2.3:7860"}).status_code == 200


# ── origins ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/api/ask", "/api/feedback", "/v1/chat/completions", "/mcp"])
@pytest.mark.parametrize(
    "origin", [FOREIGN, "null", "https://intranet.example.elsewhere.example", f"{ALLOWED}:8443",
               "http://intranet.example", "file://", "intranet.example", ""],
)  # fmt: skip
def test_pages_of_other_origins_may_not_ask(open_app: App, path: str, origin: str) -> None:
    with open_app.client() as client:
        response = client.post(path, json=QUESTION, headers={"Origin": origin})
    assert (response.status_code, code_of(response)) == (403, "origin_not_allowed")


def test_an_allowed_origin_its_own_and_none_may_ask(open_app: App) -> None:
    with open_app.client() as client:
        for origin in (ALLOWED, f"{ALLOWED}:443", open_app.url, None):
            headers = {} if origin is None else {"Origin": origin}
            assert client.post("/api/ask", json=QUESTION, headers=headers).status_code == 200


def test_an_allowed_origin_can_read_errors_as_well(open_app: App) -> None:
    with open_app.client() as client:
        response = client.post("/api/ask", json={}, headers={"Origin": ALLOWED})
    assert response.status_code == 400
    assert response.headers["access-control-allow-origin"] == ALLOWED


def test_a_preflight_is_answered_for_the_allowed_origin_alone(open_app: App) -> None:
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    with open_app.client() as client:
        allowed = client.options("/api/ask", headers={"Origin": ALLOWED, **asked})
        foreign = client.options("/api/ask", headers={"Origin": FOREIGN, **asked})
    assert allowed.headers["access-control-allow-origin"] == ALLOWED
    assert "access-control-allow-credentials" not in allowed.headers
    assert "access-control-allow-origin" not in foreign.headers


def test_the_allow_list_says_who_may_frame_the_pages(open_app: App) -> None:
    with open_app.client() as client:
        policy = client.get("/en/").headers["content-security-policy"]
    assert policy.endswith(f"frame-ancestors 'self' {ALLOWED}")


# ── the password ─────────────────────────────────────────────────────────────────────────────────

THROUGH_A_PROXY = {"Via": "1.1 somewhere"}
"""Else what is for operators would be answered for being asked on the machine itself."""


@pytest.mark.parametrize(
    "path",
    ["/", "/en/", "/en/config", "/api/documents", "/api/openapi.json", "/v1/models", "/readyz",
     "/metrics", "/static/chat.css", "/favicon.ico", "/nothing"],
)  # fmt: skip
def test_without_the_password_nothing_is_shown(shut_app: App, path: str) -> None:
    with shut_app.client(headers=THROUGH_A_PROXY) as client:
        response = client.get(path)
    assert (response.status_code, code_of(response)) == (401, "login_required")
    assert response.headers["www-authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize("path", ["/api/ask", "/api/feedback", "/v1/chat/completions", "/mcp"])
def test_without_the_password_nothing_is_answered(shut_app: App, path: str) -> None:
    with shut_app.client() as client:
        assert client.post(path, json=QUESTION).status_code == 401


@pytest.mark.parametrize(
    "authorization",
    ["Basic", "Basic ????", f"Basic {base64.b64encode(b'no colon').decode()}", "Digest x", "",
     "Bearer", f"Bearer {PASSWORD} "[:-3]],
)  # fmt: skip
def test_what_is_no_password_is_a_wrong_one(authorization: str) -> None:
    with App(password=PASSWORD) as app, app.client() as client:
        response = client.get("/readyz", headers={"Authorization": authorization})
        assert (response.status_code, code_of(response)) == (401, "login_required")


def test_with_the_password_everything_is_answered(shut_app: App) -> None:
    bearer = {"Authorization": f"Bearer {PASSWORD}"}  # as the clients of OpenAI and MCP send it
    with shut_app.client(headers=THROUGH_A_PROXY) as client:
        for headers in (basic(PASSWORD), basic(PASSWORD, user=""), bearer):
            assert client.post("/api/ask", json=QUESTION, headers=headers).status_code == 200
            assert client.get("/metrics", headers=headers).status_code == 200
            assert client.get("/kk/", headers=headers).status_code == 200


def test_whoever_guesses_has_to_wait_even_with_the_right_password() -> None:
    with App(password=PASSWORD) as app, app.client() as client:
        statuses = [
            client.get("/readyz", headers=basic(f"guess {number}")).status_code
            for number in range(12)
        ]
        assert statuses == [401] * 10 + [429] * 2
        response = client.get("/readyz", headers=basic(PASSWORD))
        assert code_of(response) == "too_many_logins"
        assert 0 < int(response.headers["retry-after"]) <= 60


def test_the_password_is_in_no_setting_that_is_printed(shut_app: App) -> None:
    assert PASSWORD not in repr(shut_app.settings)
    assert PASSWORD not in shut_app.settings.model_dump_json()


# ── what is for operators ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/metrics", "/api/openapi.json"])
@pytest.mark.parametrize(
    "trace",
    [{"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}, {"X-Real-IP": "127.0.0.1"},
     {"Via": "1.1 x"}, {"X-Forwarded-Host": "localhost"}, {"Host": "desk.example"}],
)  # fmt: skip
def test_what_is_for_operators_is_shown_on_the_machine_itself_alone(
    open_app: App, path: str, trace: dict[str, str]
) -> None:
    with open_app.client() as client:
        assert client.get(path).status_code == 200
        response = client.get(path, headers=trace)
    assert (response.status_code, code_of(response)) == (403, "local_only")


# ── behind a proxy ───────────────────────────────────────────────────────────────────────────────


def test_a_login_is_believed_from_the_proxy_alone(proxied_app: App) -> None:
    login = {"X-Forwarded-User": "dana", "X-Forwarded-For": "203.0.113.9"}
    with proxied_app.client() as client:
        assert client.get("/api/documents", headers=login).status_code == 200
        unknown = client.get("/api/documents", headers={"X-Forwarded-User": ""})
        assert (unknown.status_code, code_of(unknown)) == (401, "login_required")
        assert "www-authenticate" not in unknown.headers  # no password would help
    with (
        App(trusted_proxies=("192.0.2.1",), login_header="X-Forwarded-User") as elsewhere,
        elsewhere.client() as client,
    ):
        assert client.get("/api/documents", headers=login).status_code == 401


def test_callers_are_told_apart_by_what_the_proxy_adds(proxied_app: App) -> None:
    def ask(forwarded: str) -> int:
        headers = {"X-Forwarded-User": "dana", "X-Forwarded-For": forwarded}
        with proxied_app.client(headers=headers) as client:
            return client.get("/api/search", params={"q": "canals"}).status_code

    # What the caller itself wrote stands before what the proxy added.
    first = [ask(f"198.51.100.{number}, 203.0.113.1") for number in range(5)]
    assert first == [200, 200, 200, 429, 429]
    assert ask("203.0.113.1, 203.0.113.2") == 200


def test_without_a_trusted_proxy_nobody_borrows_an_address() -> None:
    with App(questions_per_minute=2) as app, app.client() as client:
        statuses = [
            client.get(
                "/api/search",
                params={"q": "canals"},
                headers={"X-Forwarded-For": f"203.0.113.{number}"},
            ).status_code
            for number in range(3)
        ]
    assert statuses == [200, 200, 429]


# ── limits ───────────────────────────────────────────────────────────────────────────────────────


def test_questions_over_the_limit_wait_and_other_requests_dont() -> None:
    with App(questions_per_minute=3) as app, app.client() as client:
        message = {"model": "briefing-desk", "messages": [{"role": "user", "content": "Hello!"}]}
        assert client.post("/api/ask", json={"question": "Hello!"}).status_code == 200
        assert client.post("/v1/chat/completions", json=message).status_code == 200
        assert client.get("/api/search", params={"q": "canals"}).status_code == 200
        over = client.post("/api/ask", json={"question": "Hello!"})
        assert (over.status_code, code_of(over)) == (429, "too_many_questions")
        assert 0 < int(over.headers["retry-after"]) <= 60
        streamed = client.post(
            "/api/ask", json={"question": "Hello!"}, headers={"Accept": "text/event-stream"}
        )
        assert (streamed.status_code, code_of(streamed)) == (429, "too_many_questions")
        openai = client.post("/v1/chat/completions", json=message)
        assert openai.json()["error"]["type"] == "rate_limit_error"
        assert client.get("/api/documents").status_code == 200
        assert client.get("/en/").status_code == 200


def test_a_request_that_takes_too_long_to_arrive_is_given_up(open_app: App) -> None:
    head = b"POST /api/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    for dawdling in (
        b"POST /api/a",
        head,
        head + b"Content-Length: 50\r\n\r\n",
        head + b'Content-Length: 50\r\n\r\n{"question": ',
        head + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"que',
    ):
        answer = open_app.said_to(dawdling, ends=False)
        assert answer.startswith(b"HTTP/1.1 408 "), dawdling
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "request_timeout"
    assert open_app.said_to(b"", ends=False) == b""


def test_an_error_sent_early_doesnt_keep_a_slow_sender(open_app: App) -> None:
    """The reply is there at once; the connection ends although the body never does."""
    answer = open_app.said_to(
        b"POST /nothing HTTP/1.1\r\nHost: rebound.example\r\nContent-Length: 50\r\n\r\n{",
        ends=False,
    )
    assert answer.startswith(b"HTTP/1.1 421 ")


def test_a_second_request_on_a_connection_has_its_own_time(open_app: App) -> None:
    whole = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = open_app.said_to(whole + whole + b"GET /hea", ends=False)
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert answer.count(b"HTTP/1.1 408 ") == 1


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST /api/ask HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
        b"POST /api/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 5_000
        + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_http_is_told_so(open_app: App, request_bytes: bytes) -> None:
    answer = open_app.said_to(request_bytes)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "invalid_http"


@pytest.mark.parametrize("begun", [b"GET /", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_headers_without_an_end_are_refused_at_the_limit(open_app: App, begun: bytes) -> None:
    answer = open_app.said_to(begun + b"x" * HEADER_BYTES_MAX, ends=False)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "invalid_http"


def test_a_body_that_ends_early_is_no_request(open_app: App) -> None:
    answer = open_app.said_to(
        b"POST /api/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b'Content-Length: 500\r\n\r\n{"question": "Hello!"}'
    )
    assert b"200 OK" not in answer


# ── settings ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "settings",
    [
        {"allowed_origins": ("*",)},
        {"allowed_origins": ("https://*.example.org",)},
        {"allowed_origins": ("https://example.org/page",)},
        {"allowed_origins": ("https://example.org; script-src *",)},
        {"allowed_origins": ("null",)},
        {"allowed_hosts": ("https://example.org",)},
        {"allowed_hosts": ("*",)},
        {"trusted_proxies": ("*",)},
        {"trusted_proxies": ("10.0.0.1/8",)},
        {"login_header": "X-Forwarded-User"},
        {"password": "short"},
        {"path_prefix": "/../x"},
        {"path_prefix": "/a b"},
    ],
)
def test_settings_that_would_open_more_than_they_say_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**settings)
