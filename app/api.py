"""The HTTP API: ask, search, read documents, say whether an answer was right."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import FileResponse, Response

from app import lookups
from app.api_models import (
    ABSTENTION_EXAMPLE,
    EVENTS_EXAMPLE,
    REPLY_EXAMPLE,
    AskRequest,
    DocumentReply,
    DocumentsReply,
    FeedbackReply,
    FeedbackRequest,
    HealthReply,
    NoParameters,
    ReadyReply,
    SearchQuery,
    SearchReply,
)
from app.desk import Desk
from app.error_replies import ErrorReply, error_responses
from app.errors import FeedbackRefused
from app.streaming import ask_events, ask_in_steps, stream
from app.types import Reply
from index import Document

EVENT_STREAM = "text/event-stream"

ASK_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The Reply: an answer, an abstention, or a courtesy; with "
        f"`Accept: {EVENT_STREAM}` each step as it begins, then the Reply or an error",
        "content": {
            "application/json": {
                "examples": {
                    "answer": {"value": REPLY_EXAMPLE},
                    "abstention": {"value": ABSTENTION_EXAMPLE},
                }
            },
            EVENT_STREAM: {"schema": {"type": "string"}, "example": EVENTS_EXAMPLE},
        },
    }
}


def add_api(app: FastAPI, desk: Desk) -> None:
    """Put the API's routes on the application."""
    router = APIRouter(responses=error_responses(ErrorReply))
    _add_questions(router, desk)
    _add_documents(router, desk)
    _add_operation(router, desk)
    app.include_router(router)


def _add_questions(router: APIRouter, desk: Desk) -> None:
    @router.post(
        "/api/ask",
        response_model=Reply,
        responses=ASK_RESPONSES,
        dependencies=[Depends(requires_json)],
        summary="Answer a question in the documents' own words",
    )
    async def ask(asked: AskRequest, request: Request) -> Response:
        if EVENT_STREAM in request.headers.get("accept", ""):
            happenings = ask_in_steps(
                lambda announce: desk.start_asking(
                    **asked.model_dump(), caller=caller_of(request), announce=announce
                )
            )
            return stream(ask_events(happenings))
        reply = await desk.ask(**asked.model_dump(), caller=caller_of(request))
        return Response(reply.model_dump_json(), media_type="application/json")

    @router.post(
        "/api/feedback",
        dependencies=[Depends(requires_json)],
        summary="Say whether an answer was right",
    )
    async def feedback(given: FeedbackRequest) -> FeedbackReply:
        storage = desk.storage
        if storage is None:
            raise FeedbackRefused("storage_off", "Nothing is stored here, feedback neither.")
        await asyncio.to_thread(
            storage.take_feedback, given.answer_id, given.verdict, given.comment, datetime.now(UTC)
        )
        desk.metrics.count_feedback(given.verdict)
        return FeedbackReply(status="stored")


def _add_documents(router: APIRouter, desk: Desk) -> None:
    @router.get("/api/search", summary="Find the passages nearest to a query")
    async def search(query: Annotated[SearchQuery, Query()], request: Request) -> SearchReply:
        return await desk.run(
            lambda assistant: lookups.search(assistant, query), caller_of(request)
        )

    @router.get("/api/documents", summary="List the documents")
    async def documents(_: Annotated[NoParameters, Query()]) -> DocumentsReply:
        return await desk.run(lookups.documents)

    @router.get("/api/documents/{document_id}", summary="Read one document's extracted text")
    async def document(document_id: str, _: Annotated[NoParameters, Query()]) -> DocumentReply:
        return await desk.run(lambda assistant: lookups.document(assistant, document_id))

    @router.get(
        "/api/documents/{document_id}/source",
        response_class=FileResponse,
        summary="Get one document's original file",
    )
    async def source(document_id: str, _: Annotated[NoParameters, Query()]) -> Response:
        return await desk.run(
            lambda assistant: _source_reply(lookups.found(assistant, document_id))
        )


def _add_operation(router: APIRouter, desk: Desk) -> None:
    @router.get("/healthz", summary="Say that the process answers")
    async def healthz() -> HealthReply:
        return HealthReply(status="ok")

    @router.get("/readyz", summary="Say that questions are answered, and from which index")
    async def readyz() -> ReadyReply:
        return await desk.run(lookups.ready)

    @router.get(
        "/metrics",
        summary="Count questions, errors and seconds, for Prometheus",
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics(request: Request) -> Response:
        retriever = desk.assistant.retriever
        desk.metrics.name_index(retriever.index_id, len(retriever.documents()))
        written, media_type = desk.metrics.written(request.headers.get("accept", ""))
        return Response(written, headers={"Content-Type": media_type})


def caller_of(request: Request) -> str | None:
    """Return the address a request came from, as the trusted proxy says where there is one."""
    return request.client.host if request.client else None


def requires_json(request: Request) -> None:
    """Refuse a body that isn't said to be JSON, as a form of another site's page would send it."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise HTTPException(415, 'Send the body as JSON, with "Content-Type: application/json".')


def _source_reply(document: Document) -> Response:
    """The original file, as something a browser shows or saves but never runs."""
    if not document.source.is_file():
        raise HTTPException(
            404,
            "The original file is no longer where it was when the index was "
            "built; its text is at /api/documents/{id}.",
        )
    media_type = lookups.media_type_shown(document.source)
    return FileResponse(
        document.source,
        media_type=media_type or "application/octet-stream",
        filename=document.source.name,
        content_disposition_type="inline" if media_type else "attachment",
        headers={"Content-Security-Policy": "sandbox; default-src 'none'"},
    )
