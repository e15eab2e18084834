"""The log: one JSON line for what happens, and nothing in it of what was asked or by whom."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from tests.serving import Server, briefing_index

SECRET = "Kalmykova"
PROXY = {"X-Forwarded-For": "203.0.113.77", "X-Request-Id": "from-the-proxy.1"}


@pytest.fixture(scope="module")
def log() -> list[dict[str, Any]]:
    """What a server behind a trusted proxy logs of a few requests, its first line left out."""
    settings = {"BRIEFING_DESK_TRUSTED_PROXIES": '["127.0.0.1"]'}
    question = {"question": f"Who is {SECRET}?", "history": [f"What did {SECRET} say?"]}
    with (
        Server(briefing_index(), settings) as server,
        httpx.Client(base_url=server.url, timeout=60, headers=PROXY) as client,
    ):
        asked = [
            client.post("/api/ask", json=question),
            client.post("/api/ask", json=question, headers={"Accept": "text/event-stream"}),
            client.get("/api/search", params={"q": SECRET}),
            client.post("/api/ask", json={**question, "x": 1}, headers={"X-Request-Id": "a b\tc"}),
            client.post("/api/ask", content=f'{{"question": "{SECRET}'),
            client.get(f"/no-such-page-{'x' * 300}?q={SECRET}"),
            client.get(f"/en/?q={SECRET}"),
            client.get("/static/nothing.js"),
        ]
    assert [each.status_code for each in asked] == [200, 200, 200, 400, 415, 404, 200, 404]
    return [json.loads(line) for line in server.said if not line.startswith("Ready: ")]


def test_a_line_holds_no_question_and_no_address(log: list[dict[str, Any]]) -> None:
    written = json.dumps(log)
    assert SECRET not in written
    assert "203.0.113.77" not in written
    assert "127.0.0.1" not in written
    assert {key for line in log for key in line} == {
        "time", "level", "message", "request_id", "method", "path", "status", "milliseconds", "code"
    }  # fmt: skip


def test_each_request_for_work_and_each_error_is_a_line(log: list[dict[str, Any]]) -> None:
    told = [(line["method"], line["path"][:20], line["status"], line.get("code")) for line in log]
    assert told == [
        ("POST", "/api/ask", 200, None),
        ("POST", "/api/ask", 200, None),
        ("GET", "/api/search", 200, None),
        ("POST", "/api/ask", 400, "invalid_request"),
        ("POST", "/api/ask", 415, "unsupported_media_type"),
        ("GET", "/no-such-page-xxxxxx", 404, "not_found"),
        ("GET", "/static/nothing.js", 404, "not_found"),
    ]
    assert max(len(line["path"]) for line in log) == 200


def test_the_proxys_ids_are_kept_where_they_are_ids(log: list[dict[str, Any]]) -> None:
    assert log[0]["request_id"] == "from-the-proxy.1"
    assert re.fullmatch(r"[0-9a-f]{32}", log[3]["request_id"])
