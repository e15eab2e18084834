"""A question as server-sent events, read from the wire."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app import streaming
from app.assistant import Assistant
from app.desk import WAITING_MAX, WORKERS_MAX
from app.types import REPLY, Abstention, Answer, Courtesy
from tests.running import App, briefing_assistant

QUESTION = {"question": "How much annual financing could the new framework provide?"}
EVENTS = {"Accept": "text/event-stream"}
STEPS = ["waiting", "understanding", "searching", "reading", "composing"]


class HeldAssistant(Assistant):
    """Answers as it does, but only once it is let go."""

    def __init__(self) -> None:
        super().__init__(briefing_assistant().opened)
        self.may_answer = threading.Event()
        self.asked = 0

    def ask(self, *arguments: Any, **named: Any) -> Answer | Abstention | Courtesy:
        self.asked += 1
        assert self.may_answer.wait(120)
        return super().ask(*arguments, **named)


@pytest.fixture
def held() -> Iterator[HeldAssistant]:
    assistant = HeldAssistant()
    yield assistant
    assistant.may_answer.set()


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    with App() as app:
        yield app


def events_of(text: str) -> list[tuple[str, Any]]:
    """The events of a stream, by the rules of its specification; comments are left out."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[:1] != ":")
        if fields:
            events.append((fields["event"], json.loads(fields["data"])))
    return events


def ask(app: App, body: dict[str, Any]) -> httpx.Response:
    with app.client(headers=EVENTS) as client:
        return client.post("/api/ask", json=body)


def admitted(app: App) -> int:
    with app.client() as client:
        lines = client.get("/metrics").text.splitlines()
    return next(int(float(line.split()[1])) for line in lines if "desk_admitted " in line[:24])


def wait_for_admitted(app: App, count: int) -> None:
    pause = threading.Event()
    for _ in range(600):
        if admitted(app) == count:
            return
        pause.wait(0.1)
    raise AssertionError(f"never came to {count} admitted callers, but to {admitted(app)}")


def test_the_steps_come_in_order_and_then_the_reply_that_json_gives_too(app: App) -> None:
    response = ask(app, QUESTION)
    assert response.headers["content-type"].startswith("text/event-stream")
    *steps, (kind, reply) = events_of(response.text)
    assert [step for _, step in steps] == [{"step": step} for step in STEPS]
    assert kind == "reply"
    with app.client() as client:
        as_json = client.post("/api/ask", json=QUESTION).json()
    own = {"id", "milliseconds"}
    assert {key: reply[key] for key in reply.keys() - own} == {
        key: as_json[key] for key in as_json.keys() - own
    }


def test_a_courtesy_searches_nothing(app: App) -> None:
    *steps, (_, reply) = events_of(ask(app, {"question": "Hello!"}).text)
    assert [step["step"] for _, step in steps] == ["waiting", "understanding"]
    assert reply["kind"] == "courtesy"


@pytest.mark.parametrize(
    ("body", "code"),
    [({"question": " "}, "empty_question"), ({**QUESTION, "documents": ["x"]}, "unknown_document")],
)
def test_what_goes_wrong_on_the_way_is_an_event(app: App, body: dict[str, Any], code: str) -> None:
    kind, error = events_of(ask(app, body).text)[-1]
    assert (kind, error["code"]) == ("error", code)
    assert error["message"]


def test_what_is_wrong_with_the_request_is_a_status(app: App) -> None:
    response = ask(app, {"question": 7})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_request")


def test_events_come_as_they_happen_with_comments_while_nothing_does(
    held: HeldAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "KEEP_ALIVE_SECONDS", 0.1)
    with (
        App(held) as app,
        app.client(headers={**EVENTS, "Accept-Encoding": "gzip"}) as client,
        client.stream("POST", "/api/ask", json=QUESTION) as response,
    ):
        assert "content-encoding" not in response.headers
        lines = response.iter_lines()
        assert [next(lines) for _ in range(2)] == ["event: step", 'data: {"step": "waiting"}']
        assert next(lines) == ""
        assert next(lines).startswith(":")
        held.may_answer.set()
        rest = "\n".join(lines)
    reply = REPLY.validate_json(rest.partition("event: reply\ndata: ")[2].split("\n")[0])
    assert isinstance(reply, Answer)


def test_a_caller_who_goes_away_is_no_longer_waited_for(held: HeldAssistant) -> None:
    with App(held) as app:
        clients = [app.client(headers=EVENTS) for _ in range(8)]
        streams = [client.stream("POST", "/api/ask", json=QUESTION) for client in clients]
        lines = [stream.__enter__().iter_lines() for stream in streams]
        assert {next(each) for each in lines} == {"event: step"}
        wait_for_admitted(app, 8)
        for stream, client in zip(streams, clients, strict=True):
            stream.__exit__(None, None, None)
            client.close()
        wait_for_admitted(app, 0)
        held.may_answer.set()
        with app.client() as client:
            assert client.post("/api/ask", json=QUESTION).status_code == 200
    # What the threads had taken up went on to its end; what waited for them was never begun.
    assert held.asked == 1 + min(WORKERS_MAX, os.cpu_count() or 1)


def test_a_full_desk_is_a_status_and_not_an_event(held: HeldAssistant) -> None:
    with App(held) as app:
        clients = [app.client(headers=EVENTS) for _ in range(WAITING_MAX)]
        streams = [client.stream("POST", "/api/ask", json=QUESTION) for client in clients]
        lines = [stream.__enter__().iter_lines() for stream in streams]
        assert {next(each) for each in lines} == {"event: step"}
        response = ask(app, QUESTION)
        assert (response.status_code, response.json()["error"]["code"]) == (503, "busy")
        assert int(response.headers["retry-after"]) > 0
        held.may_answer.set()
        for stream, client in zip(streams, clients, strict=True):
            stream.__exit__(None, None, None)
            client.close()
