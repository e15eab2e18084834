"""The MCP server: its tools take and give what the HTTP API does. The only home of ``mcp``.

Its types alone take a second to import, so that nothing imports this module before it is asked for
(``app/mcp_route.py``, ``scripts/serve.py --mcp``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from app import lookups
from app.api_models import (
    AskRequest,
    DocumentQuery,
    DocumentReply,
    DocumentsReply,
    NoParameters,
    SearchQuery,
    SearchReply,
)
from app.desk import Desk
from app.error_replies import Problem, problem_of, what_is_invalid
from app.errors import AnsweringError
from app.types import REPLY
from index import Frozen, IndexingError

INSTRUCTIONS: Final = (
    "Answers from a fixed set of documents, in the documents' own words, each sentence with its "
    "citation. An abstention means that the documents don't say: don't answer in their place."
)

Context: TypeAlias = ServerRequestContext[dict[str, Any], Request]


@dataclass(frozen=True)
class Tool:
    """What can be called: what it takes, what it gives, and what is done."""

    title: str
    description: str
    takes: type[Frozen]
    gives: dict[str, Any]
    call: Callable[[Desk, Any, str | None], Awaitable[BaseModel]]


async def _ask(desk: Desk, asked: AskRequest, caller: str | None) -> BaseModel:
    return await desk.ask(**asked.model_dump(), caller=caller)


async def _search(desk: Desk, query: SearchQuery, caller: str | None) -> BaseModel:
    return await desk.run(lambda assistant: lookups.search(assistant, query), caller)


async def _list_documents(desk: Desk, _: NoParameters, _caller: str | None) -> BaseModel:
    return await desk.run(lookups.documents)


async def _get_document(desk: Desk, query: DocumentQuery, _caller: str | None) -> BaseModel:
    return await desk.run(lambda assistant: lookups.document(assistant, query.document_id))


TOOLS: Final = {
    "ask": Tool(
        "Ask the documents",
        "Answer a question in the documents' own words, with a citation for every quote; or say "
        "that the documents don't answer it, and quote what comes nearest.",
        AskRequest,
        {"type": "object", **REPLY.json_schema(mode="serialization")},
        _ask,
    ),
    "search": Tool(
        "Search the documents",
        "Find the passages nearest to a query, best first.",
        SearchQuery,
        SearchReply.model_json_schema(mode="serialization"),
        _search,
    ),
    "list_documents": Tool(
        "List the documents",
        "List the documents that questions are answered from.",
        NoParameters,
        DocumentsReply.model_json_schema(mode="serialization"),
        _list_documents,
    ),
    "get_document": Tool(
        "Read a document",
        "Read one document's text, into which the offsets of citations point.",
        DocumentQuery,
        DocumentReply.model_json_schema(mode="serialization"),
        _get_document,
    ),
}


def mcp_server(desk: Desk) -> Server[dict[str, Any]]:
    """Return the server with its tools, for either transport."""

    async def list_tools(
        _: Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=name,
                    title=tool.title,
                    description=tool.description,
                    input_schema=tool.takes.model_json_schema(),
                    output_schema=tool.gives,
                    annotations=types.ToolAnnotations(
                        read_only_hint=True, idempotent_hint=True, open_world_hint=False
                    ),
                )
                for name, tool in TOOLS.items()
            ]
        )

    async def call_tool(
        context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = TOOLS.get(params.name)
        if tool is None:
            names = ", ".join(TOOLS)
            return _failed(Problem("invalid_request", f"There are these tools: {names}."))
        try:
            given = tool.takes.model_validate(params.arguments or {})
        except ValidationError as error:
            return _failed(Problem("invalid_request", what_is_invalid(error.errors()[0])))
        client = None if context.request is None else context.request.client
        try:
            result = await tool.call(desk, given, None if client is None else client.host)
        except (AnsweringError, IndexingError) as error:
            return _failed(problem_of(error))
        return types.CallToolResult(
            content=[types.TextContent(text=result.model_dump_json())],
            structured_content=result.model_dump(mode="json"),
        )

    return Server(
        "briefing-desk",
        title="Briefing Desk",
        version="1",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _failed(problem: Problem) -> types.CallToolResult:
    """Return a tool's error, in the form that the HTTP API's errors have."""
    text = types.TextContent(text=problem.body.model_dump_json())
    return types.CallToolResult(content=[text], is_error=True)


def http_sessions(desk: Desk) -> StreamableHTTPSessionManager:
    """Return what answers POST /mcp: each request by itself, with one JSON reply.

    Hosts and origins are checked before a request gets here, with those of all others.
    """
    return StreamableHTTPSessionManager(
        mcp_server(desk),
        json_response=True,
        stateless=True,
        max_request_body_size=desk.settings.body_bytes_max,
    )


async def serve_stdio(desk: Desk) -> None:
    """Serve one client on stdin and stdout until it closes them."""
    server = mcp_server(desk)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
