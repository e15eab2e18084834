"""Chat completions as OpenAI's clients know them, answered by the documents.

The last message of the user is the question, the earlier ones are its history. What else a client
sends (system and assistant messages, temperature, tools) is never evidence and changes nothing.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Final, Literal

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from app.api import EVENT_STREAM, caller_of, requires_json
from app.api_models import CITATION_EXAMPLE, REPLY_EXAMPLE, AskRequest
from app.desk import Desk
from app.error_replies import OpenAIErrorReply, Problem, error_responses, openai_error
from app.errors import RequestRefused
from app.streaming import Event, Happening, ask_in_steps, stream
from app.types import Abstention, Answer, Citation, Courtesy, Language, Reply, Text
from index import Frozen

MODEL: Final = "briefing-desk"

HISTORY_MAX: Final = 100
"""Earlier questions that are taken along, as in ``AskRequest``."""


class _Lenient(BaseModel):
    """Clients send dozens of parameters that mean nothing here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ContentPart(_Lenient):
    """A part of a message; only text is read."""

    type: str
    text: Text | None = None


class Message(_Lenient):
    """A message of a conversation; only the user's are read."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | tuple[ContentPart, ...] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content or () if part.text)


class StreamOptions(_Lenient):
    """Whether the last chunk says what was used."""

    include_usage: bool = False


class CompletionRequest(_Lenient):
    """A conversation; ``language`` and ``documents`` are as in ``POST /api/ask``."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": MODEL,
                    "messages": [{"role": "user", "content": REPLY_EXAMPLE["question"]}],
                }
            ]
        }
    )

    model: str
    messages: tuple[Message, ...] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    language: Language | None = None
    documents: tuple[Text, ...] | None = Field(default=None, min_length=1)


class CompletionMessage(Frozen):
    """The reply's text."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class CompletionChoice(Frozen):
    """The only choice: the reply's text, its citations, and the whole Reply."""

    index: Literal[0] = 0
    message: CompletionMessage
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"
    citations: tuple[Citation, ...]
    briefing_desk: Reply


class Usage(Frozen):
    """Pieces of text in the encoder's count: the questions, and the reply's text."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completion(Frozen):
    """A reply in the form of OpenAI's chat completions."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "chatcmpl-5f0f6d1e2b8c4f5f9f0d3b1c7a6e4d21",
                    "object": "chat.completion",
                    "created": 1767225600,
                    "model": MODEL,
                    "system_fingerprint": REPLY_EXAMPLE["index_id"],
                    "choices": [
                        {
                            "index": 0,
                            "message": {
                                "role": "assistant",
                                "content": REPLY_EXAMPLE["text"],
                                "refusal": None,
                            },
                            "logprobs": None,
                            "finish_reason": "stop",
                            "citations": [CITATION_EXAMPLE],
                            "briefing_desk": REPLY_EXAMPLE,
                        }
                    ],
                    "usage": {"prompt_tokens": 12, "completion_tokens": 31, "total_tokens": 43},
                }
            ]
        }
    )

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    system_fingerprint: str
    choices: tuple[CompletionChoice]
    usage: Usage


class Model(Frozen):
    """The one model there is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": MODEL, "object": "model", "created": 1767225600, "owned_by": MODEL}]
        }
    )

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class Models(Frozen):
    """The models there are."""

    object: Literal["list"] = "list"
    data: tuple[Model, ...]


def add_chat_completions(app: FastAPI, desk: Desk) -> None:
    """Put the routes of OpenAI's clients on the application."""
    router = APIRouter(responses=error_responses(OpenAIErrorReply))
    model = Model(id=MODEL, created=int(time.time()), owned_by=MODEL)

    @router.post(
        "/v1/chat/completions",
        response_model=Completion,
        responses={200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}}},
        dependencies=[Depends(requires_json)],
        summary="Answer as OpenAI's chat completions do",
    )
    async def complete(given: CompletionRequest, request: Request) -> Response:
        _require_model(given.model)
        asked, caller = _asked(given), caller_of(request)
        name = f"chatcmpl-{uuid.uuid4().hex}"
        if given.stream:
            happenings = ask_in_steps(
                lambda announce: desk.start_asking(
                    **asked.model_dump(), caller=caller, announce=announce
                )
            )
            wants_usage = given.stream_options is not None and given.stream_options.include_usage
            chunks = _chunks(desk, name, asked, happenings, wants_usage=wants_usage)
            return stream(chunks)
        reply = await desk.ask(**asked.model_dump(), caller=caller)
        completion = Completion(
            id=name,
            created=int(time.time()),
            model=MODEL,
            system_fingerprint=reply.index_id,
            choices=(
                CompletionChoice(
                    message=CompletionMessage(content=reply.text),
                    citations=reply.citations,
                    briefing_desk=reply,
                ),
            ),
            usage=await _usage(desk, asked, reply),
        )
        return Response(completion.model_dump_json(), media_type="application/json")

    @router.get("/v1/models", summary="List the one model there is")
    async def models() -> Models:
        return Models(data=(model,))

    @router.get("/v1/models/{name}", summary="Describe the one model there is")
    async def one_model(name: str) -> Model:
        _require_model(name)
        return model

    app.include_router(router)


def _require_model(name: str) -> None:
    if name != MODEL:
        raise RequestRefused(
            "model_not_found", f"There is one model here, {MODEL!r}; GET /v1/models lists it."
        )


def _asked(given: CompletionRequest) -> AskRequest:
    """Return the question that a conversation ends in."""
    questions = [message.text for message in given.messages if message.role == "user"]
    if not questions:
        raise RequestRefused("invalid_request", "No message is the user's; there is no question.")
    return AskRequest(
        question=questions[-1],
        history=tuple(questions[:-1][-HISTORY_MAX:]),
        language=given.language,
        documents=given.documents,
    )


async def _usage(desk: Desk, asked: AskRequest, reply: Answer | Abstention | Courtesy) -> Usage:
    read, written = await desk.run(
        lambda assistant: (
            sum(assistant.retriever.encoder.count_tokens([asked.question, *asked.history])),
            sum(assistant.retriever.encoder.count_tokens([reply.text])),
        )
    )
    return Usage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written)


async def _chunks(
    desk: Desk,
    name: str,
    asked: AskRequest,
    happenings: AsyncGenerator[Happening],
    *,
    wants_usage: bool,
) -> AsyncIterator[Event]:
    """Write what happens to a question as the chunks of a streamed completion."""
    created = int(time.time())

    def chunk(*choices: dict[str, Any], **more: object) -> Event:
        return Event(
            json.dumps(
                {
                    "id": name,
                    "object": "chat.completion.chunk",
                    "created": created,
                    "model": MODEL,
                    "choices": [{"index": 0, "finish_reason": None, **each} for each in choices],
                    **more,
                }
            )
        )

    async with aclosing(happenings):
        async for happening in happenings:
            match happening:
                case "waiting":
                    yield chunk({"delta": {"role": "assistant", "content": ""}})
                case str():
                    continue
                case Problem():
                    yield Event(json.dumps({"error": openai_error(happening)}))
                case reply:
                    yield chunk({"delta": {"content": reply.text}})
                    whole = reply.model_dump(mode="json")
                    yield chunk(
                        {
                            "delta": {},
                            "finish_reason": "stop",
                            "citations": whole["citations"],
                            "briefing_desk": whole,
                        }
                    )
                    if wants_usage:
                        usage = await _usage(desk, asked, reply)
                        yield chunk(usage=usage.model_dump())
    yield Event("[DONE]")
