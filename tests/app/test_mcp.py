"""The MCP server as the official client uses it, over HTTP and on stdin and stdout."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from app.types import REPLY
from tests.running import App
from tests.serving import REPOSITORY, briefing_index

QUESTION = "How much annual financing could the new framework provide?"

Connect: TypeAlias = Callable[[], Any]


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    with App() as app:
        yield app


@pytest.fixture(params=["http", "http, first version", "stdio"])
def connect(request: pytest.FixtureRequest, app: App) -> Connect:
    """Connects the official client in each of the ways there are."""

    @asynccontextmanager
    async def connected() -> AsyncIterator[Client]:
        if request.param == "stdio":
            environment = {
                name: value for name, value in os.environ.items() if "BRIEFING_DESK" not in name
            }
            server = stdio_client(
                StdioServerParameters(
                    command=sys.executable,
                    args=["scripts/serve.py", "--mcp", "--index", str(briefing_index())],
                    cwd=REPOSITORY,
                    env=environment,
                )
            )
            async with Client(server) as client:
                yield client
        else:
            mode = "auto" if request.param == "http" else "legacy"
            async with Client(f"{app.url}/mcp", mode=mode) as client:
                yield client

    return connected


def used(connect: Connect, use: Callable[[Client], Awaitable[None]]) -> None:
    async def connect_and_use() -> None:
        async with connect() as client:
            await use(client)

    asyncio.run(connect_and_use())


def over_http(app: App, path: str, **options: Any) -> dict[str, Any]:
    with app.client() as client:
        method = "POST" if "json" in options else "GET"
        told: dict[str, Any] = client.request(method, path, **options).json()
    return told


def without_own(reply: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in reply.items() if key not in {"id", "milliseconds"}}


def test_every_tool_gives_what_the_api_gives(connect: Connect, app: App) -> None:
    documents = over_http(app, "/api/documents")
    document_id = documents["documents"][0]["document_id"]
    wanted: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "ask": ({"question": QUESTION}, over_http(app, "/api/ask", json={"question": QUESTION})),
        "search": (
            {"q": "canals", "k": 3},
            over_http(app, "/api/search", params={"q": "canals", "k": 3}),
        ),
        "list_documents": ({}, documents),
        "get_document": (
            {"document_id": document_id},
            over_http(app, f"/api/documents/{document_id}"),
        ),
    }

    async def use(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools.keys() == wanted.keys()
        for name, (arguments, told) in wanted.items():
            assert tools[name].description
            hints = tools[name].annotations
            assert hints is not None
            assert hints.read_only_hint
            assert arguments.keys() <= tools[name].input_schema["properties"].keys()
            result = await client.call_tool(name, arguments)  # which checks the output's schema
            assert not result.is_error
            assert without_own(result.structured_content) == without_own(told)
            (content,) = result.content
            assert content.type == "text"
            assert json.loads(content.text) == result.structured_content
            schema = tools[name].output_schema
            assert schema is not None
            assert schema["type"] == "object"
            if name == "ask":
                REPLY.validate_python(result.structured_content)

    used(connect, use)


@pytest.mark.parametrize(
    ("tool", "arguments", "code"),
    [
        ("ask", {"question": " "}, "empty_question"),
        ("ask", {}, "invalid_request"),
        ("ask", {"question": QUESTION, "temperature": 1}, "invalid_request"),
        ("ask", {"question": QUESTION, "documents": ["none"]}, "unknown_document"),
        ("search", {"q": "x" * 600}, "question_too_long"),
        ("get_document", {"document_id": "../../etc/passwd"}, "unknown_document"),
        ("delete_document", {"document_id": "x"}, "invalid_request"),
    ],
)
def test_an_error_of_a_tool_is_the_apis(
    app: App, tool: str, arguments: dict[str, Any], code: str
) -> None:
    async def call() -> Any:
        async with Client(f"{app.url}/mcp") as client:
            return await client.call_tool(tool, arguments)

    result = asyncio.run(call())
    assert result.is_error
    error = json.loads(result.content[0].text)["error"]
    assert error["code"] == code
    assert error["message"]


def test_callers_of_tools_are_counted_as_askers() -> None:
    async def call(url: str) -> list[str]:
        async with Client(f"{url}/mcp") as client:
            results = [await client.call_tool("search", {"q": "canals"}) for _ in range(3)]
        texts = [result.content[0].text for result in results]  # type: ignore[union-attr]
        return [json.loads(text).get("error", {}).get("code") for text in texts]

    with App(questions_per_minute=2) as app:
        assert asyncio.run(call(app.url)) == [None, None, "too_many_questions"]


@pytest.mark.parametrize("headers", [{"Host": "rebound.example"}, {"Origin": "https://x.example"}])
def test_pages_and_names_that_arent_allowed_get_nothing(app: App, headers: dict[str, str]) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    with app.client(headers={"Accept": "application/json, text/event-stream"}) as client:
        assert client.post("/mcp", json=call).status_code == 200
        response = client.post("/mcp", json=call, headers=headers)
    assert response.status_code in {403, 421}
    assert "tools" not in response.text


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_there_is_no_session_to_open_or_to_end(app: App, method: str) -> None:
    with app.client() as client:
        response = client.request(method, "/mcp", headers={"Accept": "text/event-stream"})
    assert (response.status_code, response.json()["error"]["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"null", b'{"jsonrpc": "2.0"}', b"[" * 5_000, b'{"id": "\\ud800"}', b"\xff"],
)
def test_what_is_no_call_is_an_error_and_the_server_goes_on(app: App, body: bytes) -> None:
    headers = {
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
    }
    with app.client(headers=headers) as client:
        response = client.post("/mcp", content=body)
        assert 400 <= response.status_code < 500
        assert client.get("/readyz").status_code == 200


def test_stdout_holds_nothing_but_the_protocol() -> None:
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    done = subprocess.run(
        [sys.executable, "scripts/serve.py", "--mcp", "--index", str(briefing_index())],
        cwd=REPOSITORY,
        input=json.dumps(hello) + "\n",
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1]


def test_without_an_index_it_names_the_command_that_builds_one(tmp_path: Any) -> None:
    done = subprocess.run(
        [sys.executable, "scripts/serve.py", "--mcp", "--index", str(tmp_path)],
        cwd=REPOSITORY,
        input="",
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "build_index.py" in done.stderr


def test_health_is_answered_without_loading_it() -> None:
    """The import alone takes a second: a server that nobody asks for MCP doesn't pay it."""
    program = (
        "import asyncio, sys\n"
        "from tests.running import App\n"
        "with App() as app, app.client() as client:\n"
        "    assert client.post('/api/ask', json={'question': 'Hello!'}).status_code == 200\n"
        "    assert client.get('/en/').status_code == 200\n"
        "    print('mcp' in sys.modules, 'torch' in sys.modules)\n"
        "    client.post('/mcp', json={})\n"
        "    print('mcp' in sys.modules, 'torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.stdout.split() == ["False", "False", "True", "False"], done.stderr
