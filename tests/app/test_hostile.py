"""Hundreds of inputs that would like to do harm, against a real server on documents of the kind.

What the page in the browser does with them is in `tests/browser/test_hostile_page.py`.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any, get_args
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from markdown_it import MarkdownIt

from app.error_replies import STATUS_OF_CODE, ErrorCode
from app.types import REPLY
from tests.hostile import FAMILIES, FILES, NAMES, TEXTS, hostile_index
from tests.hostile_requests import BODIES, BYTES, DAWDLING, EVIL, HEADERS, PATHS
from tests.serving import Server

INPUTS_MIN = 200

QUESTION = {"question": "Who is the keeper of log 3?"}
EVENTS = {"Accept": "text/event-stream"}
MCP = {"Accept": "application/json, text/event-stream"}
OWN = {"id", "milliseconds"}

TAGS_OF_REPLIES = {"p", "/p", "blockquote", "/blockquote", "strong", "/strong", "ul", "/ul", "li",
                   "/li"}  # fmt: skip
"""What a reply's Markdown makes by itself."""

CANARIES = ("root:x:", "[build-system]", "import annotations", "[core]")
"""What stands in the files that the paths try to reach."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server on the hostile documents, short of patience, whose log is read at the end."""
    settings = {"BRIEFING_DESK_REQUEST_SECONDS_MAX": "1", "BRIEFING_DESK_PASSAGES_READ": "1"}
    with Server(hostile_index(), settings) as running:
        yield running
    said = "\n".join(running.said)
    assert "Traceback" not in said
    assert '"level": "error"' not in said
    assert "internal_error" not in said
    assert not [text for text in TEXTS if text in said]
    for line in running.said:
        assert line.isprintable()
        assert line.startswith("Ready: ") or json.loads(line)["level"] in {"info", "warning"}, line


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def texts(client: httpx.Client) -> dict[str, str]:
    """The documents' texts by their ids."""
    listed = client.get("/api/documents").json()["documents"]
    return {
        one["document_id"]: client.get(f"/api/documents/{one['document_id']}").json()["text"]
        for one in listed
    }


@pytest.fixture(autouse=True)
def _unharmed(client: httpx.Client) -> Iterator[None]:
    """After each test the server answers a question as before it."""
    before = client.post("/api/ask", json=QUESTION).json()
    yield
    after = client.post("/api/ask", json=QUESTION).json()
    assert before["kind"] == "answer"
    assert without_own(before) == without_own(after)


def without_own(reply: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in reply.items() if key not in OWN}


def is_documented(response: httpx.Response) -> bool:
    """Whether a refusal has a code of the manual, at its status."""
    code: ErrorCode = response.json()["error"]["code"]
    return code in get_args(ErrorCode) and STATUS_OF_CODE[code] == response.status_code


def said_to(server: Server, request: bytes, *, ends: bool = True) -> bytes:
    """What the server answers to these bytes until it closes; with ``ends`` no more come."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname or "", address.port or 0), 30) as connection:
        with contextlib.suppress(ConnectionError):  # it may have heard enough
            connection.sendall(request)
            if ends:
                connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65_536):
                answer += part
        return answer


def test_there_are_enough_of_them_and_no_two_are_the_same() -> None:
    kinds: Sequence[Sequence[object]] = (
        TEXTS, NAMES, tuple(FILES), PATHS, HEADERS, BODIES, BYTES, tuple(DAWDLING)
    )  # fmt: skip
    for kind in kinds:
        assert len(set(kind)) == len(kind)
    assert len({*TEXTS, *NAMES, *FILES, *PATHS, *HEADERS, *BODIES, *BYTES}) >= INPUTS_MIN


# ── texts, as questions and as documents ─────────────────────────────────────────────────────────


@pytest.mark.parametrize("family", FAMILIES)
def test_hostile_questions_come_back_as_text(
    client: httpx.Client, texts: dict[str, str], family: str
) -> None:
    """Each is asked for itself, on every face in turn: each face gives the same Reply."""
    renderer = MarkdownIt("gfm-like", {"html": True})
    quoted = 0
    for number, text in enumerate(FAMILIES[family]):
        response = client.post("/api/ask", json={"question": text})
        assert response.headers["content-type"] == "application/json", text
        assert response.headers["x-content-type-options"] == "nosniff"
        assert not re.search(rb"[\x00-\x1f]", response.content), text
        if response.status_code != 200:
            assert response.json()["error"]["code"] in {"empty_question", "question_too_long"}
            continue
        reply = response.json()
        REPLY.validate_python(reply)
        assert reply["question"] == text
        cited = reply["citations"] + reply["nearest"]
        for citation in cited:
            written = texts[citation["document_id"]]
            assert written[citation["start"] : citation["end"]] == citation["quote"]
        quoted += any(text in citation["quote"] for citation in cited)
        rendered = renderer.render(reply["markdown"])
        assert set(re.findall(r"<([^\s>]*)", rendered)) <= TAGS_OF_REPLIES, rendered
        other = on_another_face(client, text, number)
        assert without_own(other) == without_own(reply), text
    assert quoted >= len(FAMILIES[family]) // 2


def on_another_face(client: httpx.Client, text: str, number: int) -> dict[str, Any]:
    """The Reply of one of the other faces, each in its turn."""
    match number % 3:
        case 0:
            streamed = client.post("/api/ask", json={"question": text}, headers=EVENTS).text
            data = streamed.rstrip().rpartition("\ndata: ")[2]
            told: dict[str, Any] = json.loads(data)
        case 1:
            message = {"model": "briefing-desk", "messages": [{"role": "user", "content": text}]}
            completion = client.post("/v1/chat/completions", json=message).json()
            told = completion["choices"][0]["briefing_desk"]
        case _:
            told = called(client, "ask", {"question": text})["structuredContent"]
    return told


def called(client: httpx.Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What an MCP tool gives."""
    params = {"name": tool, "arguments": arguments}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    response = client.post("/mcp", json=call, headers=MCP)
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()["result"]
    return result


@pytest.mark.parametrize("family", FAMILIES)
def test_hostile_queries_find_passages_or_nothing(client: httpx.Client, family: str) -> None:
    for text in FAMILIES[family]:
        response = client.get("/api/search", params={"q": text, "k": 2})
        found = called(client, "search", {"q": text, "k": 2})
        if response.status_code == 200:
            assert found["structuredContent"] == response.json()
        else:
            assert response.json()["error"]["code"] in {"invalid_request", "question_too_long"}
            assert json.loads(found["content"][0]["text"]) == response.json()


def test_hostile_documents_are_quoted_as_they_are(
    client: httpx.Client, texts: dict[str, str]
) -> None:
    """Every text stands in a document, character for character, and is found there."""
    written = "\n".join(texts.values())
    assert [text for text in TEXTS if text not in written] == []
    for family, inscriptions in FAMILIES.items():
        for number in range(1, len(inscriptions) + 1, 9):
            query: dict[str, str | int] = {"q": f"board {family} {number}", "k": 5}
            for passage in client.get("/api/search", params=query).json()["passages"]:
                whole = texts[passage["document_id"]]
                assert whole[passage["start"] : passage["end"]] == passage["text"]


def test_a_document_that_gives_orders_is_quoted_and_not_obeyed(client: httpx.Client) -> None:
    asked = {"question": "What does the board say about OPEN-SESAME and developer mode?"}
    reply = client.post("/api/ask", json=asked).json()
    said = reply["text"]
    for citation in reply["citations"]:
        said = said.replace(" ".join(citation["quote"].split()), "")
    assert "OPEN-SESAME" not in said.replace(asked["question"], "")


def test_hostile_names_of_files_are_names(client: httpx.Client, texts: dict[str, str]) -> None:
    listed = {one["path"]: one for one in client.get("/api/documents").json()["documents"]}
    assert set(NAMES) <= listed.keys()
    for number, name in enumerate(NAMES, 1):
        document_id = listed[name]["document_id"]
        assert re.fullmatch(r"[\w-]+", document_id)
        assert f"log {number} is Dana" in texts[document_id]
        source = client.get(f"/api/documents/{document_id}/source")
        assert source.status_code == 200
        assert source.text == f"# Odd name {number}\n\nThe keeper of log {number} is Dana.\n"
        assert "set-cookie" not in source.headers
        assert source.headers["content-type"] == "text/plain; charset=utf-8"
        named = source.headers["content-disposition"]
        assert named.isprintable()
        assert named.isascii()
        as_sent = re.search(r"filename\*=utf-8''(\S+)", named)
        assert name == (unquote(as_sent[1]) if as_sent else re.findall('"(.*)"', named)[0])


def test_files_of_odd_types_are_text_or_left_out(texts: dict[str, str]) -> None:
    """What stands in the elements of a page that run or load something isn't read at all."""
    whole = "\n".join(texts.values())
    page = next(text for text in texts.values() if "The ferry leaves" in text)
    assert "<img src=x onerror=window.hacked=1>" in page  # it was written as text there
    assert "iframe" not in page
    assert "<script>" not in page
    assert "root:x:" not in whole


# ── requests ─────────────────────────────────────────────────────────────────────────────────────


def test_hostile_paths_lead_nowhere(server: Server) -> None:
    for path in PATHS:
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        head, _, body = said_to(server, request.encode(), ends=False).partition(b"\r\n\r\n")
        status = int(head.split()[1])
        assert 300 <= status < 500, (path, head)
        shown = (head + body).decode(errors="replace")
        assert not [canary for canary in CANARIES if canary in shown], path
        assert "set-cookie" not in head.decode().lower()
        if status >= 400:
            assert set(json.loads(body).get("error", ())) >= {"code", "message"}, (path, body)
        else:
            address = re.search(r"(?im)^location: (.*?)\r?$", head.decode())
            assert address, path
            assert re.match(r"http://localhost/(?!/)|/(?!/)", address[1]), (path, address[1])


def test_hostile_headers_change_nothing(client: httpx.Client) -> None:
    """Each is sent with a question: it is answered as without it, or refused with its reason."""
    own = without_own(client.post("/api/ask", json=QUESTION).json())
    for name, value in HEADERS:
        response = client.post("/api/ask", json=QUESTION, headers={name: value})
        if response.status_code == 200:
            if response.headers["content-type"] == "application/json":
                assert without_own(response.json()) == own, name
        else:
            assert is_documented(response), (name, response.text)
        shown = " ".join(f"{each}: {text}" for each, text in response.headers.items())
        assert EVIL not in shown, name
        assert "forged" not in shown
        assert "set-cookie" not in response.headers


@pytest.mark.parametrize("path", ["/api/ask", "/v1/chat/completions", "/api/feedback", "/mcp"])
def test_hostile_bodies_are_refused(client: httpx.Client, path: str) -> None:
    headers = {"Content-Type": "application/json", **(MCP if path == "/mcp" else {})}
    for body in BODIES:
        response = client.post(path, content=body, headers=headers)
        assert 400 <= response.status_code < 500, (path, body[:80], response.text)
        error = response.json()["error"]
        assert error["code"], (path, body[:80])
        assert error["message"]
        if path != "/mcp":
            assert is_documented(response), (path, body[:80], response.text)


def test_hostile_bytes_are_refused(server: Server) -> None:
    for request in BYTES:
        answer = said_to(server, request)
        assert answer == b"" or re.match(rb"HTTP/1\.1 4\d\d ", answer), (request[:120], answer)
        assert b"200 OK" not in answer, request[:120]
        assert b"briefing_desk_" not in answer  # the request that was hidden in another
        assert b"X-Secret" not in answer


def test_slow_and_vanishing_clients_keep_nobody_waiting(
    server: Server, client: httpx.Client
) -> None:
    """A hundred and fifty connections dawdle, do not read, or break off; others are answered."""
    address = urlsplit(server.url)
    target = (address.hostname or "", address.port or 0)
    large = max(client.get("/api/documents").json()["documents"], key=lambda one: one["characters"])
    greedy = f"GET /api/documents/{large['document_id']} HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20
    body = json.dumps(QUESTION).encode()
    stream = (
        b"POST /api/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Accept: text/event-stream\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n"
    ) + body
    with contextlib.ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(target, 30))
            for _ in range(20)
            for _ in DAWDLING
        ]
        for connection, sent in zip(slow, [*DAWDLING.values()] * 20, strict=True):
            connection.sendall(sent)
        for _ in range(10):
            unread = stack.enter_context(socket.create_connection(target, 30))
            unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            unread.sendall(greedy.encode())
        for _ in range(20):
            with socket.create_connection(target, 30) as vanishing:
                vanishing.sendall(stream)
        assert client.get("/healthz").status_code == 200
        assert client.post("/api/ask", json=QUESTION).json()["kind"] == "answer"
        for connection, sent in zip(slow, [*DAWDLING.values()] * 20, strict=True):
            answer = b""
            while part := connection.recv(65_536):
                answer += part
            assert answer.startswith(b"HTTP/1.1 408 ") or (answer, sent) == (b"", b"")
    # What the vanished asked may still be in work where the machine is busy.
    deadline = time.monotonic() + 60
    while "briefing_desk_admitted 0.0" not in (lines := client.get("/metrics").text.splitlines()):
        assert time.monotonic() < deadline, lines
        time.sleep(0.2)
    assert not [line for line in lines if 'code="internal_error"' in line]
