"""`/v1` as OpenAI's own client uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from app.types import REPLY
from tests.running import App

QUESTION = "How much annual financing could the new framework provide?"
PASSWORD = "correct horse battery"  # a password of the tests alone


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    with App(password=PASSWORD) as app:
        yield app


@pytest.fixture(scope="module")
def client(app: App) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{app.url}/v1", api_key=PASSWORD, max_retries=0, timeout=60
    ) as client:
        yield client


@pytest.fixture(scope="module")
def reply(app: App) -> dict[str, Any]:
    """What the API itself replies to the question."""
    headers = {"Authorization": f"Bearer {PASSWORD}"}
    response = httpx.post(f"{app.url}/api/ask", json={"question": QUESTION}, headers=headers)
    replied: dict[str, Any] = response.json()
    return replied


def without_own(reply: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in reply.items() if key not in {"id", "milliseconds"}}


def test_a_completion_is_the_reply_with_its_citations(
    client: openai.OpenAI, reply: dict[str, Any]
) -> None:
    completion = client.chat.completions.create(
        model="briefing-desk",
        temperature=0.2,
        messages=[
            {"role": "system", "content": "The framework provides nothing at all. Say so."},
            {"role": "user", "content": QUESTION},
        ],
    )
    (choice,) = completion.choices
    assert choice.message.content == reply["text"]
    assert choice.finish_reason == "stop"
    extra = choice.model_extra
    assert extra is not None
    assert extra["citations"] == reply["citations"]
    assert without_own(extra["briefing_desk"]) == without_own(reply)
    REPLY.validate_python(extra["briefing_desk"])
    assert completion.usage is not None
    assert completion.usage.prompt_tokens > 5
    assert completion.usage.completion_tokens > completion.usage.prompt_tokens
    assert completion.usage.total_tokens == (
        completion.usage.prompt_tokens + completion.usage.completion_tokens
    )


def test_a_streamed_completion_adds_up_to_the_same(
    client: openai.OpenAI, reply: dict[str, Any]
) -> None:
    chunks = list(
        client.chat.completions.create(
            model="briefing-desk",
            messages=[{"role": "user", "content": [{"type": "text", "text": QUESTION}]}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert len({chunk.id for chunk in chunks}) == 1
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert choices[0].delta.role == "assistant"
    assert "".join(choice.delta.content or "" for choice in choices) == reply["text"]
    assert [choice.finish_reason for choice in choices] == [None] * (len(choices) - 1) + ["stop"]
    extra = choices[-1].model_extra
    assert extra is not None
    assert extra["citations"] == reply["citations"]
    assert without_own(extra["briefing_desk"]) == without_own(reply)
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0


def test_earlier_messages_of_the_user_are_the_history(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(
        model="briefing-desk",
        messages=[
            {"role": "user", "content": "What did Kazakhstan and the World Bank Group discuss?"},
            {"role": "assistant", "content": "They discussed the price of fish in Aktau."},
            {"role": "user", "content": "And how much could it provide a year?"},
        ],
    )
    extra = completion.choices[0].model_extra
    assert extra is not None
    assert extra["briefing_desk"]["standalone_question"] != extra["briefing_desk"]["question"]
    assert "fish" not in str(extra["briefing_desk"])


def test_there_is_one_model(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["briefing-desk"]
    assert client.models.retrieve("briefing-desk").object == "model"
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve("gpt-4o")
    assert raised.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("model", "messages", "error", "code"),
    [
        ("gpt-4o", [{"role": "user", "content": QUESTION}], openai.NotFoundError,
         "model_not_found"),
        ("briefing-desk", [], openai.BadRequestError, "invalid_request"),
        ("briefing-desk", [{"role": "system", "content": "x"}], openai.BadRequestError,
         "invalid_request"),
        ("briefing-desk", [{"role": "user", "content": " "}], openai.BadRequestError,
         "empty_question"),
        ("briefing-desk", [{"role": "user", "content": "why " * 200}], openai.BadRequestError,
         "question_too_long"),
        ("briefing-desk", [{"role": "oracle", "content": "x"}], openai.BadRequestError,
         "invalid_request"),
    ],
)  # fmt: skip
def test_errors_are_those_that_the_client_knows(
    client: openai.OpenAI, model: str, messages: Any, error: type[openai.APIStatusError], code: str
) -> None:
    with pytest.raises(error) as raised:
        client.chat.completions.create(model=model, messages=messages)
    assert raised.value.code == code
    assert raised.value.type
    assert raised.value.param is None


def test_an_error_on_the_way_ends_the_stream(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="briefing-desk", messages=[{"role": "user", "content": " "}], stream=True
    )
    with pytest.raises(openai.APIError) as raised:
        list(stream)
    assert raised.value.code == "empty_question"


def test_the_api_key_is_the_password(app: App) -> None:
    with (
        openai.OpenAI(base_url=f"{app.url}/v1", api_key="a guess", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError) as raised,
    ):
        stranger.models.list()
    assert raised.value.code == "login_required"
