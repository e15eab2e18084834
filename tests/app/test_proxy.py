"""Behind a real nginx with the lines of docs/manual/security.md, under a prefix and without one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp.client import Client

from app.types import REPLY
from tests.nginx import MANUAL, Nginx, lines_of_manual
from tests.running import App

QUESTION = {"question": "How much annual financing could the new framework provide?"}
HOST = {"Host": "desk.example.org"}
STRANGE = {"Host": "rebound.example"}
EVENTS = {"Accept": "text/event-stream"}


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """The settings and the lines that the manual gives for a prefix."""
    settings: dict[str, Any] = {
        "path_prefix": "/briefing",
        "trusted_proxies": ("127.0.0.1",),
        "allowed_hosts": ("desk.example.org",),
    }
    manual = " ".join(MANUAL.read_text("utf-8").split())
    assert "`BRIEFING_DESK_PATH_PREFIX=/briefing`" in manual
    assert "`BRIEFING_DESK_TRUSTED_PROXIES='[\"127.0.0.1\"]'`" in manual
    assert "`BRIEFING_DESK_ALLOWED_HOSTS='[\"desk.example.org\"]'`" in manual
    with (
        App(**settings) as app,
        Nginx(tmp_path_factory.mktemp("nginx"), lines_of_manual(), app.port) as nginx,
    ):
        yield nginx


@pytest.fixture(scope="module")
def client(proxied: Nginx) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=f"{proxied.url}/briefing", headers=HOST, timeout=60, trust_env=False
    ) as client:
        yield client


def test_the_front_door_leads_to_the_prefix_and_its_pages(
    proxied: Nginx, client: httpx.Client
) -> None:
    bare = httpx.get(f"{proxied.url}/briefing", headers=HOST)
    assert bare.status_code == 308
    assert httpx.URL(bare.headers["location"]).path == "/briefing/"
    door = client.get("/?q=Why%3F", headers={"Accept-Language": "kk"})
    assert (door.status_code, door.headers["location"]) == (307, "/briefing/kk/?q=Why%3F")
    page = client.get("/kk/")
    assert page.status_code == 200
    assert '<html lang="kk">' in page.text
    assert "/briefing" in client.get("/kk/config").json()["root"]


def test_the_api_answers_under_a_prefix(client: httpx.Client) -> None:
    reply = client.post("/api/ask", json=QUESTION).json()
    REPLY.validate_python(reply)
    assert reply["kind"] == "answer"
    citation = reply["citations"][0]
    document = client.get(f"/api/documents/{citation['document_id']}").json()
    assert document["text"][citation["start"] : citation["end"]] == citation["quote"]
    source = client.get(f"/api/documents/{citation['document_id']}/source")
    assert "sandbox" in source.headers["content-security-policy"]
    message = {"model": "briefing-desk", "messages": [{"role": "user", "content": "Hello!"}]}
    assert client.post("/v1/chat/completions", json=message).status_code == 200
    assert client.get("/api/search", params={"q": "canals"}).json()["passages"]


def test_links_of_a_reply_and_of_the_pages_keep_the_prefix(client: httpx.Client) -> None:
    for path in ("/en/", "/embed", "/embed/ru"):
        page = client.get(path).text
        for address in re.findall(r'(?:src|href)="([^"#?]+)"', page):
            whole = httpx.URL(f"http://desk.example.org/briefing{path}").join(address)
            assert whole.path.startswith("/briefing/"), (path, address)


def test_events_come_through_as_they_happen(client: httpx.Client) -> None:
    parts = []
    with client.stream("POST", "/api/ask", json=QUESTION, headers=EVENTS) as response:
        assert response.status_code == 200
        parts = list(response.iter_raw())
    assert len(parts) > 1
    assert b'"waiting"' in parts[0]
    assert b"event: reply" not in parts[0]
    assert b"event: reply" in b"".join(parts)


def test_the_widget_is_served_under_a_prefix(client: httpx.Client) -> None:
    script = client.get("/widget.js")
    assert script.headers["content-encoding"] == "gzip"
    assert "briefing-desk" in script.text
    assert "widget.js" in client.get("/embed/en").text


def test_the_official_mcp_client_connects_under_a_prefix(proxied: Nginx) -> None:
    async def ask() -> str:
        async with Client(f"{proxied.url}/briefing/mcp") as client:
            result = await client.call_tool("ask", QUESTION)
        assert result.structured_content is not None
        return str(result.structured_content["kind"])

    assert asyncio.run(ask()) == "answer"


def test_a_request_keeps_the_proxys_id_and_not_the_callers(client: httpx.Client) -> None:
    response = client.get("/readyz", headers={"X-Request-Id": "forged"})
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/metrics", 403, "local_only"),
        ("/api/openapi.json", 403, "local_only"),
        ("/en/gradio_api/upload", 404, "not_found"),
        ("/en//gradio_api/upload", 404, "not_found"),
        ("/en/gradio_api/file=/etc/passwd", 404, "not_found"),
        ("/en/assets/../gradio_api/upload", 404, "not_found"),
        ("/en/%67radio_api/upload", 404, "not_found"),
        ("/en/config/../gradio_api/upload", 404, "not_found"),
        ("/briefing/metrics", 404, "not_found"),
        ("/briefing/en/gradio_api/upload", 404, "not_found"),
    ],
)
def test_under_a_prefix_what_is_shut_stays_shut(
    client: httpx.Client, path: str, status: int, code: str
) -> None:
    response = client.get(path)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def test_under_a_prefix_hosts_and_origins_are_checked(client: httpx.Client) -> None:
    assert client.get("/en/", headers=STRANGE).status_code == 421
    foreign = {"Origin": "https://elsewhere.example"}
    assert client.post("/api/ask", json=QUESTION, headers=foreign).status_code == 403
    own = {"Origin": "https://desk.example.org"}  # nginx ends TLS, as the browser alone knows
    assert client.post("/api/ask", json=QUESTION, headers=own).status_code == 200


def test_a_host_of_its_own_needs_no_prefix(tmp_path: Path) -> None:
    """The same lines with what the manual says to change: the prefix left out."""
    assert "`location / { proxy_pass http://127.0.0.1:7860; …}`" in MANUAL.read_text("utf-8")
    _, _, lines = lines_of_manual().partition("\n")
    lines = lines.replace("location /briefing/", "location /").replace(":7860/;", ":7860;")
    with (
        App(trusted_proxies=("127.0.0.1",), allowed_hosts=("desk.example.org",)) as app,
        Nginx(tmp_path, lines, app.port) as nginx,
        httpx.Client(base_url=nginx.url, headers=HOST, timeout=60) as client,
    ):
        assert client.get("/").headers["location"] == "/en/"
        assert client.get("/en/").status_code == 200
        assert client.post("/api/ask", json=QUESTION).json()["kind"] == "answer"
        assert client.get("/metrics").status_code == 403
