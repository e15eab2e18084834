"""The HTTP API: ask, search, read documents; every error is one sentence that says what to do."""

from __future__ import annotations

import logging
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import AfterValidator, Field
from starlette.exceptions import HTTPException as StarletteHTTPException

from app.assistant import Assistant
from app.desk import Desk, DeskBusy
from app.errors import QuestionRefused
from app.types import Language, Reply, SourceState
from index import Document, DocumentSummary, Frozen, IndexingError, Section

LOGGER = logging.getLogger("briefing_desk")

RETRY_AFTER_SECONDS = "2"

STATUS_OF_REFUSAL = {"empty_question": 400, "question_too_long": 400, "unknown_document": 404}

CODE_OF_STATUS = {
    400: "invalid_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
    503: "busy",
}

MESSAGE_OF_STATUS = {
    400: 'Send a JSON object with a "question".',
    404: "There is nothing at this address; /api/openapi.json lists what there is.",
    405: "This address doesn't take that method; /api/openapi.json says which it takes.",
}

PLAIN_TEXT_SUFFIXES = {".txt", ".md"}


class ErrorBody(Frozen):
    """A code for programs and a sentence for people."""

    code: str
    message: str


class ErrorReply(Frozen):
    """What every error looks like."""

    error: ErrorBody


def _of_whole_characters(text: str) -> str:
    """JSON can spell half of a surrogate pair, which is no character and can't be sent back."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("it holds half a surrogate pair")
    return text


Text: TypeAlias = Annotated[str, AfterValidator(_of_whole_characters)]


class AskRequest(Frozen):
    """A question; ``history`` is the earlier questions, ``documents`` restricts to those ids."""

    question: Text = Field(examples=["How much financing could the new framework provide?"])
    history: tuple[Text, ...] = Field(default=(), max_length=100)
    language: Language | None = None
    documents: tuple[Text, ...] | None = None


class SearchQuery(Frozen):
    """What to search for, and how many passages to return."""

    q: str = Field(min_length=1)
    k: int = Field(default=10, ge=1, le=50)


class NoParameters(Frozen):
    """The query of a route that takes none."""


class FoundPassage(Frozen):
    """A ranked passage; ``start`` and ``end`` are code points of the document's text."""

    rank: int
    score: float
    dense: float
    sparse: float
    document_id: str
    heading_path: tuple[str, ...]
    start: int
    end: int
    text: str


class SearchReply(Frozen):
    """The passages nearest to a query, best first."""

    query: str
    index_id: str
    passages: tuple[FoundPassage, ...]


class DocumentsReply(Frozen):
    """The collection."""

    title: str
    index_id: str
    documents: tuple[DocumentSummary, ...]


class DocumentReply(Frozen):
    """One document: its extracted text, into which every citation's offsets point."""

    document_id: str
    path: str
    title: str
    date: str | None
    language: str | None
    sha256: str
    bytes: int
    source_state: SourceState
    index_id: str
    text: str
    sections: tuple[Section, ...]


class HealthReply(Frozen):
    """The process answers."""

    status: str


class ReadyReply(Frozen):
    """Questions are answered, from this index."""

    status: str
    index_id: str
    documents: int


def add_api(app: FastAPI, desk: Desk) -> None:
    """Put the API's routes and its error replies on the application."""
    app.include_router(_api_routes(desk))
    app.add_exception_handler(StarletteHTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(QuestionRefused, _question_refused)
    app.add_exception_handler(DeskBusy, _busy)
    app.add_exception_handler(IndexingError, _index_unreadable)
    app.add_exception_handler(Exception, _internal_error)


def _api_routes(desk: Desk) -> APIRouter:
    # "default" keeps FastAPI from documenting a 422 that is never sent.
    statuses: tuple[int | str, ...] = (400, 404, 405, 413, 415, 429, 500, 503, "default")
    errors: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorReply, "description": "An error"} for status in statuses
    }
    router = APIRouter(responses=errors)

    @router.post(
        "/api/ask",
        response_model=Reply,
        dependencies=[Depends(_requires_json)],
        summary="Answer a question in the documents' own words",
    )
    async def ask(request: AskRequest) -> Response:
        reply = await desk.ask(
            request.question,
            history=request.history,
            language=request.language,
            documents=request.documents,
        )
        return Response(reply.model_dump_json(), media_type="application/json")

    @router.get("/api/search", summary="Find the passages nearest to a query")
    async def search(query: Annotated[SearchQuery, Query()]) -> SearchReply:
        if len(query.q) > desk.settings.question_characters_max:
            raise QuestionRefused(
                "question_too_long",
                f"The query has {len(query.q)} characters; the limit is "
                f"{desk.settings.question_characters_max}. Shorten it.",
            )
        return await desk.run(lambda assistant: _search(assistant, query))

    @router.get("/api/documents", summary="List the documents")
    async def documents(_: Annotated[NoParameters, Query()]) -> DocumentsReply:
        return await desk.run(
            lambda assistant: DocumentsReply(
                title=assistant.title,
                index_id=assistant.retriever.index_id,
                documents=tuple(assistant.retriever.documents()),
            )
        )

    @router.get("/api/documents/{document_id}", summary="Read one document's extracted text")
    async def document(document_id: str, _: Annotated[NoParameters, Query()]) -> DocumentReply:
        return await desk.run(lambda assistant: _document_reply(assistant, document_id))

    @router.get(
        "/api/documents/{document_id}/source",
        response_class=FileResponse,
        summary="Get one document's original file",
    )
    async def source(document_id: str, _: Annotated[NoParameters, Query()]) -> Response:
        return await desk.run(lambda assistant: _source_reply(_found(assistant, document_id)))

    @router.get("/healthz", summary="Say that the process answers")
    async def healthz() -> HealthReply:
        return HealthReply(status="ok")

    @router.get("/readyz", summary="Say that questions are answered, and from which index")
    async def readyz() -> ReadyReply:
        return await desk.run(
            lambda assistant: ReadyReply(
                status="ready",
                index_id=assistant.retriever.index_id,
                documents=len(assistant.retriever.documents()),
            )
        )

    return router


def _search(assistant: Assistant, query: SearchQuery) -> SearchReply:
    ranking = assistant.retriever.search(query.q, query.k)
    return SearchReply(
        query=query.q,
        index_id=assistant.retriever.index_id,
        passages=tuple(
            FoundPassage(
                rank=ranked.rank,
                score=ranked.score,
                dense=ranked.dense,
                sparse=ranked.sparse,
                document_id=ranked.passage.document_id,
                heading_path=ranked.passage.heading_path,
                start=ranked.passage.start,
                end=ranked.passage.end,
                text=ranked.passage.text,
            )
            for ranked in ranking
        ),
    )


def _found(assistant: Assistant, document_id: str) -> Document:
    try:
        return assistant.retriever.document(document_id)
    except KeyError:
        raise QuestionRefused(
            "unknown_document", "There is no document with this id; GET /api/documents lists them."
        ) from None


def _document_reply(assistant: Assistant, document_id: str) -> DocumentReply:
    document = _found(assistant, document_id)
    return DocumentReply(
        document_id=document.document_id,
        path=document.path,
        title=document.title,
        date=document.date,
        language=document.language,
        sha256=document.sha256,
        bytes=document.bytes,
        source_state=assistant.retriever.source_state(document_id),
        index_id=assistant.retriever.index_id,
        text=document.text,
        sections=document.sections,
    )


def _source_reply(document: Document) -> Response:
    """The original file, as something a browser shows or saves but never runs."""
    if not document.source.is_file():
        raise HTTPException(
            404,
            "The original file is no longer where it was when the index was "
            "built; its text is at /api/documents/{id}.",
        )
    media_type = _media_type_shown(document.source)
    return FileResponse(
        document.source,
        media_type=media_type or "application/octet-stream",
        filename=Path(document.path).name,
        content_disposition_type="inline" if media_type else "attachment",
        headers={"Content-Security-Policy": "sandbox; default-src 'none'"},
    )


def _media_type_shown(source: Path) -> str | None:
    """The type a browser may show the file as; None where it may only save it."""
    if source.suffix.lower() == ".pdf":
        return "application/pdf"
    if source.suffix.lower() not in PLAIN_TEXT_SUFFIXES:
        return None
    try:
        source.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "text/plain; charset=utf-8"


def _requires_json(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise HTTPException(415, 'Send the body as JSON, with "Content-Type: application/json".')


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    body = ErrorReply(error=ErrorBody(code=code, message=message))
    return JSONResponse(body.model_dump(), status, headers)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    status = error.status_code
    unexplained = error.detail == HTTPStatus(status).phrase
    message = MESSAGE_OF_STATUS.get(status, error.detail) if unexplained else error.detail
    return _error(status, CODE_OF_STATUS.get(status, "error"), message, dict(error.headers or {}))


async def _invalid_request(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part not in {"body", "query"})
    if first["type"] == "json_invalid":
        message = 'The body is not JSON; send an object with a "question".'
    elif first["type"] == "extra_forbidden":
        message = f'"{place}" is not known here; leave it out.'
    elif place:
        message = f'"{place}" can\'t be used: {first["msg"][:1].lower()}{first["msg"][1:]}.'
    else:
        message = MESSAGE_OF_STATUS[400]
    return _error(400, "invalid_request", message)


async def _question_refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, QuestionRefused)
    return _error(STATUS_OF_REFUSAL[error.code], error.code, error.message)


async def _busy(_: Request, error: Exception) -> Response:
    return _error(503, "busy", str(error), {"Retry-After": RETRY_AFTER_SECONDS})


async def _index_unreadable(_: Request, error: Exception) -> Response:
    LOGGER.error("The index can't be read: %s", error)
    return _error(
        503,
        "index_unreadable",
        "The index can't be read right now; the operator finds the cause in the server's log.",
    )


async def _internal_error(_: Request, error: Exception) -> Response:
    LOGGER.error("A request failed.", exc_info=error)
    return _error(
        500,
        "internal_error",
        "Something went wrong here; ask again, and tell the operator if it happens again.",
    )
