"""Every error of the HTTP faces: its code, its status, and one sentence that says what to do.

The codes are part of version 1 of the API (``docs/manual/api.md``): a code may come, none goes or
changes its meaning. Under ``/v1/`` an error has the further keys that OpenAI's clients read.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import Scope

from app.errors import (
    DeskBusy,
    FeedbackRefused,
    QuestionRefused,
    RequestRefused,
    TooManyQuestions,
)
from index import Frozen, IndexingError

LOGGER = logging.getLogger("briefing_desk")

ErrorCode: TypeAlias = Literal[
    "invalid_request",
    "empty_question",
    "question_too_long",
    "invalid_http",
    "login_required",
    "origin_not_allowed",
    "local_only",
    "storage_off",
    "not_found",
    "unknown_document",
    "unknown_answer",
    "model_not_found",
    "method_not_allowed",
    "not_acceptable",
    "request_timeout",
    "body_too_large",
    "unsupported_media_type",
    "host_not_allowed",
    "too_many_questions",
    "too_many_logins",
    "internal_error",
    "busy",
    "index_unreadable",
]

STATUS_OF_CODE: Final[Mapping[ErrorCode, int]] = {
    "invalid_request": 400,
    "empty_question": 400,
    "question_too_long": 400,
    "invalid_http": 400,
    "login_required": 401,
    "origin_not_allowed": 403,
    "local_only": 403,
    "storage_off": 403,
    "not_found": 404,
    "unknown_document": 404,
    "unknown_answer": 404,
    "model_not_found": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "request_timeout": 408,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "host_not_allowed": 421,
    "too_many_questions": 429,
    "too_many_logins": 429,
    "internal_error": 500,
    "busy": 503,
    "index_unreadable": 503,
}

MEANING_OF_CODE: Final[Mapping[ErrorCode, str]] = {
    "invalid_request": "The body, a parameter or a key of it can't be used.",
    "empty_question": "The question is empty.",
    "question_too_long": "The question or query is longer than the operator allows.",
    "invalid_http": "What came is no HTTP request, or its headers are too long.",
    "login_required": "The password is missing or wrong, or the proxy signed nobody in.",
    "origin_not_allowed": "The page that asks has an origin that isn't allowed.",
    "local_only": "The address is answered on the machine itself, or with the password.",
    "storage_off": "The operator stores nothing, feedback neither.",
    "not_found": "There is nothing at this address, or an original file is gone.",
    "unknown_document": "No document has this id.",
    "unknown_answer": "No stored answer has this id.",
    "model_not_found": "There is one model, and this isn't its name.",
    "method_not_allowed": "The address doesn't take this method.",
    "not_acceptable": "The reply can't be given in the form asked for.",
    "request_timeout": "The request took too long to arrive.",
    "body_too_large": "The body is longer than the operator allows.",
    "unsupported_media_type": "The body isn't said to be JSON.",
    "host_not_allowed": "The Host header names a host that isn't known here.",
    "too_many_questions": "The caller asked more often than it may in a minute.",
    "too_many_logins": "The caller gave too many wrong passwords.",
    "internal_error": "Something went wrong that nobody foresaw.",
    "busy": "Too many callers are waiting.",
    "index_unreadable": "The index can't be read.",
}

CODE_OF_STATUS: Final[Mapping[int, ErrorCode]] = {
    400: "invalid_request",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "body_too_large",
    415: "unsupported_media_type",
}
"""The code of an error that the web framework raises, which knows a status alone."""

MESSAGE_OF_STATUS: Final[Mapping[int, str]] = {
    400: "The body has to be a JSON object; /api/openapi.json says which.",
    404: "There is nothing at this address; /api/openapi.json lists what there is.",
    405: "This address doesn't take that method; /api/openapi.json says which it takes.",
}

_WHAT_IT_HAS_TO_BE: Final[Mapping[str, str]] = {
    "bool_parsing": "it has to be true or false",
    "bool_type": "it has to be true or false",
    "dict_type": "it has to be a JSON object",
    "greater_than_equal": "it has to be at least {ge}",
    "int_from_float": "it has to be a whole number",
    "int_parsing": "it has to be a whole number",
    "int_parsing_size": "the number is too long",
    "int_type": "it has to be a whole number",
    "less_than_equal": "it has to be at most {le}",
    "literal_error": "it has to be {expected}",
    "model_attributes_type": "it has to be a JSON object",
    "model_type": "it has to be a JSON object",
    "string_too_long": "it is longer than {max_length} characters",
    "string_too_short": "it is empty",
    "string_type": "it has to be a text",
    "string_unicode": "it holds half a character",
    "too_long": "it is longer than {max_length}",
    "too_short": "it is empty",
    "tuple_type": "it has to be a list",
    "value_error": "{error}",
}
"""By pydantic's name of the error; what may be too short here has to have one item or character."""

OPENAI_TYPES: Final[Mapping[int, str]] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
}


class ErrorBody(Frozen):
    """A code for programs and a sentence for people."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "empty_question",
                    "message": "The question is empty; type what you want to know.",
                }
            ]
        }
    )

    code: ErrorCode
    message: str


class ErrorReply(Frozen):
    """What every error looks like."""

    error: ErrorBody


class OpenAIErrorBody(Frozen):
    """The same as OpenAI's clients read it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "empty_question",
                    "message": "The question is empty; type what you want to know.",
                    "type": "invalid_request_error",
                    "param": None,
                }
            ]
        }
    )

    code: ErrorCode
    message: str
    type: str
    param: None = Field(description="Never says which parameter; the message does")


class OpenAIErrorReply(Frozen):
    """What every error under /v1/ looks like."""

    error: OpenAIErrorBody


class Problem(NamedTuple):
    """An error as it is told, and when another try makes sense."""

    code: ErrorCode
    message: str
    retry_after: int | None = None

    @property
    def status(self) -> int:
        return STATUS_OF_CODE[self.code]

    @property
    def body(self) -> ErrorReply:
        return ErrorReply(error=ErrorBody(code=self.code, message=self.message))


def problem_of(error: BaseException) -> Problem:
    """Return what a caller is told about an error; what nobody foresaw is logged with its trace."""
    match error:
        case QuestionRefused() | RequestRefused() | FeedbackRefused():
            return Problem(error.code, error.message)
        case DeskBusy():
            return Problem("busy", error.message, error.retry_after)
        case TooManyQuestions():
            return Problem("too_many_questions", error.message, error.retry_after)
        case RequestValidationError():
            return Problem("invalid_request", what_is_invalid(error.errors()[0]))
        case StarletteHTTPException():
            return _framework_problem(error)
        case IndexingError():
            LOGGER.error("The index can't be read: %s", error)
            return Problem(
                "index_unreadable",
                "The index can't be read right now; the operator finds the cause in the log.",
            )
        case _:
            LOGGER.error("A request failed.", exc_info=error)
            return Problem(
                "internal_error",
                "Something went wrong here; ask again, and tell the operator if it happens again.",
            )


def error_reply(
    problem: Problem, scope: Scope, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the reply that tells a problem, and note its code for the log and the metrics."""
    scope.setdefault("state", {})["error_code"] = problem.code
    is_openai = path_of(scope).startswith("/v1/")
    error = openai_error(problem) if is_openai else problem.body.error.model_dump()
    shown = dict(headers or {})
    if problem.retry_after is not None:
        shown["Retry-After"] = str(problem.retry_after)
    return JSONResponse({"error": error}, problem.status, shown)


def openai_error(problem: Problem) -> dict[str, object]:
    """Return a problem with the further keys that OpenAI's clients read."""
    kind = OPENAI_TYPES.get(problem.status, "invalid_request_error")
    return {"code": problem.code, "message": problem.message, "type": kind, "param": None}


def error_responses(form: type[Frozen]) -> dict[int | str, dict[str, Any]]:
    """Return every error for the OpenAPI document, with an example of each code.

    "default" keeps FastAPI from documenting a 422 that is never sent.
    """
    responses: dict[int | str, dict[str, Any]] = {
        "default": {"model": form, "description": "Any other error"}
    }
    for status in sorted(set(STATUS_OF_CODE.values())):
        problems = [
            Problem(code, MEANING_OF_CODE[code])
            for code, its_status in STATUS_OF_CODE.items()
            if its_status == status
        ]
        examples = {
            problem.code: {
                "value": problem.body.model_dump()
                if form is ErrorReply
                else {"error": openai_error(problem)}
            }
            for problem in problems
        }
        responses[status] = {
            "model": form,
            "description": " or ".join(f"`{problem.code}`" for problem in problems),
            "content": {"application/json": {"examples": examples}},
        }
    return responses


def path_of(scope: Scope) -> str:
    """Return the path below the prefix under which a proxy serves the program."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


def add_error_replies(app: FastAPI) -> None:
    """Answer every error of the application's routes in its form."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        headers = error.headers if isinstance(error, StarletteHTTPException) else None
        return error_reply(problem_of(error), request.scope, headers)

    for kind in (
        StarletteHTTPException,
        RequestValidationError,
        QuestionRefused,
        RequestRefused,
        FeedbackRefused,
        DeskBusy,
        TooManyQuestions,
        IndexingError,
        Exception,
    ):
        app.add_exception_handler(kind, answer)


def _framework_problem(error: StarletteHTTPException) -> Problem:
    status = error.status_code
    unexplained = error.detail == HTTPStatus(status).phrase
    message = MESSAGE_OF_STATUS.get(status, error.detail) if unexplained else error.detail
    return Problem(CODE_OF_STATUS.get(status, "invalid_request"), message)


def what_is_invalid(first: Mapping[str, Any]) -> str:
    """Return a sentence for the first of the errors that pydantic found."""
    place = ".".join(
        str(part)
        for part in first["loc"]
        # What stands in brackets names a kind that was tried, and no key.
        if part not in {"body", "query"} and "[" not in str(part)
    )
    if first["type"] == "json_invalid":
        return "The body is not JSON; /api/openapi.json says what to send."
    if first["type"] == "extra_forbidden":
        return f'"{place}" is not known here; leave it out.'
    if place and first["type"] == "missing":
        return f'"{place}" is missing.'
    if place:
        known = _WHAT_IT_HAS_TO_BE.get(first["type"])
        why = known.format(**first.get("ctx", {})) if known else first["msg"]
        return f'"{place}" can\'t be used: {why[:1].lower()}{why[1:]}.'
    return MESSAGE_OF_STATUS[400]
