"""The HTTP API, asked over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from app import api_models, chat_completions, error_replies
from app.types import REPLY, Answer
from tests.serving import HARBOUR, SOURCES, Server, briefing_server, build

QUESTION = "How much annual financing could the new framework provide?"
UNANSWERABLE = "What is the GDP of Kazakhstan?"
BODY_BYTES_MAX = 65_536
ALLOWED_ORIGIN = "https://intranet.example"


@pytest.fixture(scope="module")
def api() -> Iterator[httpx.Client]:
    with httpx.Client(base_url=briefing_server().url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server on a collection with other file types, open to one origin."""
    index = build([HARBOUR], tmp_path_factory.mktemp("harbour") / "index")
    origins = {"BRIEFING_DESK_ALLOWED_ORIGINS": json.dumps([ALLOWED_ORIGIN])}
    with Server(index, origins) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def error_of(response: httpx.Response) -> dict[str, str]:
    """The error of a reply, after checking that it has the form that every error has."""
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    assert response.headers["content-type"].startswith("application/json")
    error: dict[str, str] = body["error"]
    assert error["message"].strip()
    return error


# ── asking ───────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_is_a_reply_whose_quotes_are_the_documents_text(api: httpx.Client) -> None:
    response = api.post("/api/ask", json={"question": QUESTION})
    assert response.status_code == 200
    reply = REPLY.validate_json(response.content)
    assert isinstance(reply, Answer)
    for citation in reply.citations:
        document = api.get(f"/api/documents/{citation.document_id}").json()
        assert document["text"][citation.start : citation.end] == citation.quote
        assert document["sha256"] == citation.sha256
        assert citation.source_state == "unchanged"


def test_what_the_documents_dont_say_is_an_abstention_and_no_error(api: httpx.Client) -> None:
    response = api.post("/api/ask", json={"question": UNANSWERABLE})
    assert response.status_code == 200
    assert response.json()["kind"] == "abstention"
    assert response.json()["citations"] == []


def test_every_reply_has_every_key(api: httpx.Client) -> None:
    replies = [
        api.post("/api/ask", json={"question": question}).json()
        for question in (QUESTION, UNANSWERABLE, "Hello!")
    ]
    assert [reply["kind"] for reply in replies] == ["answer", "abstention", "courtesy"]
    assert set(replies[0]) == set(replies[1]) == set(replies[2])


def test_a_follow_up_is_understood_from_the_earlier_questions(api: httpx.Client) -> None:
    reply = api.post(
        "/api/ask",
        json={
            "question": "And how much could it provide a year?",
            "history": ["What did Kazakhstan and the World Bank Group discuss?"],
        },
    ).json()
    assert reply["standalone_question"] != reply["question"]


def test_an_answer_keeps_to_the_chosen_documents(api: httpx.Client) -> None:
    listed = api.get("/api/documents").json()["documents"]
    chosen = next(one["document_id"] for one in listed if one["path"] == "what-comes-next.md")
    reply = api.post("/api/ask", json={"question": QUESTION, "documents": [chosen]}).json()
    cited = {citation["document_id"] for citation in reply["citations"] + reply["nearest"]}
    assert cited == {chosen}


def test_the_language_can_be_set_apart_from_the_question(api: httpx.Client) -> None:
    reply = api.post("/api/ask", json={"question": UNANSWERABLE, "language": "kk"}).json()
    assert reply["language"] == "kk"


# ── refusing ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"question": "  "}, 400, "empty_question"),
        ({"question": "why " * 200}, 400, "question_too_long"),
        ({"question": QUESTION, "documents": ["no-such-document"]}, 404, "unknown_document"),
        ({}, 400, "invalid_request"),
        ({"question": 7}, 400, "invalid_request"),
        ({"question": QUESTION, "language": "de"}, 400, "invalid_request"),
        ({"question": QUESTION, "history": "not a list"}, 400, "invalid_request"),
        ({"question": QUESTION, "temperature": 1}, 400, "invalid_request"),
        ({"question": QUESTION, "documents": []}, 400, "invalid_request"),
        ([QUESTION], 400, "invalid_request"),
    ],
)
def test_a_question_that_cant_be_put_is_refused(
    api: httpx.Client, body: object, status: int, code: str
) -> None:
    response = api.post("/api/ask", json=body)
    assert (response.status_code, error_of(response)["code"]) == (status, code)


@pytest.mark.parametrize(
    "content", [b"", b"question=why", b"{", b'{"question": "\\ud800"}', b"\xff\xfe", b"[" * 10_000]
)
def test_a_body_that_is_no_question_is_refused(api: httpx.Client, content: bytes) -> None:
    response = api.post("/api/ask", content=content, headers={"Content-Type": "application/json"})
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid_request")


def test_the_unknown_key_is_named(api: httpx.Client) -> None:
    response = api.post("/api/ask", json={"question": QUESTION, "temperature": 1})
    assert "temperature" in error_of(response)["message"]


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_only_json_is_taken(api: httpx.Client, media_type: str) -> None:
    response = api.post(
        "/api/ask", content=json.dumps({"question": QUESTION}), headers={"Content-Type": media_type}
    )
    assert (response.status_code, error_of(response)["code"]) == (415, "unsupported_media_type")


def test_a_body_over_the_limit_is_refused_announced_or_not(api: httpx.Client) -> None:
    def in_chunks() -> Iterator[bytes]:
        for _ in range(BODY_BYTES_MAX // 1_024 + 1):
            yield b" " * 1_024

    headers = {"Content-Type": "application/json"}
    announced = api.post("/api/ask", content=b" " * (BODY_BYTES_MAX + 1), headers=headers)
    streamed = api.post("/api/ask", content=in_chunks(), headers=headers)
    assert announced.status_code == streamed.status_code == 413
    assert error_of(announced)["code"] == error_of(streamed)["code"] == "body_too_large"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/ask", 405, "method_not_allowed"),
        ("POST", "/api/documents", 405, "method_not_allowed"),
        ("GET", "/api/nothing", 404, "not_found"),
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/static/nothing.js", 404, "not_found"),
        ("GET", "/static/../chat.py", 404, "not_found"),
        ("GET", "/api/documents/nothing", 404, "unknown_document"),
        ("GET", "/api/documents/nothing/source", 404, "unknown_document"),
        ("GET", "/api/documents/..%2F..%2Fpyproject.toml/source", 404, "not_found"),
        ("GET", "/api/documents?page=2", 400, "invalid_request"),
        ("GET", "/api/search", 400, "invalid_request"),
        ("GET", "/api/search?q=", 400, "invalid_request"),
        ("GET", "/api/search?q=canal&k=0", 400, "invalid_request"),
        ("GET", "/api/search?q=canal&k=1000", 400, "invalid_request"),
        ("GET", "/api/search?q=" + "x" * 600, 400, "question_too_long"),
    ],
)
def test_every_error_has_the_same_form(
    api: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    response = api.request(method, path)
    assert (response.status_code, error_of(response)["code"]) == (status, code)


# ── searching and reading ────────────────────────────────────────────────────────────────────────


def test_search_returns_ranked_passages_with_their_place(api: httpx.Client) -> None:
    found = api.get("/api/search", params={"q": "irrigation canals", "k": 3}).json()
    assert [passage["rank"] for passage in found["passages"]] == [1, 2, 3]
    for passage in found["passages"]:
        document = api.get(f"/api/documents/{passage['document_id']}").json()
        assert document["text"][passage["start"] : passage["end"]] == passage["text"]


def test_the_documents_are_those_of_the_folder(api: httpx.Client) -> None:
    listed = api.get("/api/documents").json()
    assert sorted(one["path"] for one in listed["documents"]) == sorted(
        path.name for path in SOURCES.glob("*.md")
    )
    assert listed["title"]


def test_a_document_is_its_file_character_for_character(api: httpx.Client) -> None:
    for one in api.get("/api/documents").json()["documents"]:
        document = api.get(f"/api/documents/{one['document_id']}").json()
        assert document["text"] == (SOURCES / one["path"]).read_text(encoding="utf-8")
        for section in document["sections"]:
            line = document["text"][section["start"] :].partition("\n")[0]
            assert section["heading_path"][-1] in line


def test_no_reply_tells_where_the_files_lie(api: httpx.Client) -> None:
    listed = api.get("/api/documents")
    told = [listed.text, api.post("/api/ask", json={"question": QUESTION}).text]
    told += [
        api.get(f"/api/documents/{one['document_id']}").text for one in listed.json()["documents"]
    ]
    assert not [text for text in told if str(SOURCES) in text]


def test_the_original_file_is_shown_but_never_runs(harbour: httpx.Client) -> None:
    for one in harbour.get("/api/documents").json()["documents"]:
        response = harbour.get(f"/api/documents/{one['document_id']}/source")
        assert response.content == (HARBOUR / one["path"]).read_bytes()
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in response.headers["content-security-policy"]
        is_plain = Path(one["path"]).suffix in {".md", ".txt"}
        assert response.headers["content-disposition"].startswith(
            "inline" if is_plain else "attachment"
        )
        assert response.headers["content-type"] == (
            "text/plain; charset=utf-8" if is_plain else "application/octet-stream"
        )


# ── being operated ───────────────────────────────────────────────────────────────────────────────


def test_health_and_readiness_are_told_apart(api: httpx.Client) -> None:
    assert api.get("/healthz").json() == {"status": "ok"}
    ready = api.get("/readyz").json()
    assert ready["index_id"] == api.get("/api/documents").json()["index_id"]
    assert ready["documents"] == len(list(SOURCES.glob("*.md")))


def test_the_schema_names_the_routes_and_the_errors_as_they_are(api: httpx.Client) -> None:
    schema = api.get("/api/openapi.json").json()
    assert {
        "/api/ask",
        "/api/search",
        "/api/documents",
        "/api/documents/{document_id}",
        "/api/documents/{document_id}/source",
        "/api/feedback",
        "/healthz",
        "/readyz",
        "/metrics",
        "/v1/chat/completions",
        "/v1/models",
        "/v1/models/{name}",
    } == set(schema["paths"])
    responses = schema["paths"]["/api/ask"]["post"]["responses"]
    assert "422" not in responses
    reference = responses["400"]["content"]["application/json"]["schema"]["$ref"]
    assert reference == "#/components/schemas/ErrorReply"
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    openai = schema["paths"]["/v1/models"]["get"]["responses"]["404"]["content"]
    assert openai["application/json"]["schema"]["$ref"] == "#/components/schemas/OpenAIErrorReply"


def test_every_example_of_the_schema_is_what_its_model_takes() -> None:
    models = [
        model
        for module in (api_models, chat_completions, error_replies)
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, BaseModel)
    ]
    shown = [
        (model, example)
        for model in models
        for example in (model.model_config.get("json_schema_extra") or {}).get("examples", ())  # type: ignore[union-attr]
    ]
    assert len(shown) > 8
    for model, example in shown:
        model.model_validate_json(json.dumps(example))
    for example in (api_models.REPLY_EXAMPLE, api_models.ABSTENTION_EXAMPLE):
        REPLY.validate_json(json.dumps(example))


def test_every_route_shows_an_example_of_what_it_takes_and_gives(api: httpx.Client) -> None:
    schema = api.get("/api/openapi.json").json()

    def has_example(content: dict[str, Any]) -> bool:
        """Whether a media type, its schema, or a property of it has one."""
        if content.keys() & {"example", "examples"}:
            return True
        reference = content.get("$ref") or content.get("schema", {}).get("$ref")
        if reference:
            return has_example(schema["components"]["schemas"][reference.rpartition("/")[2]])
        inner = [*content.get("properties", {}).values(), content.get("items", {})]
        return any(has_example(one) for one in inner if one)

    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if "requestBody" in operation:
                assert has_example(operation["requestBody"]["content"]["application/json"]), path
            for status, response in operation["responses"].items():
                content = response.get("content", {}).get("application/json")
                if content and content.get("schema"):
                    assert has_example(content), (method, path, status)


def test_more_callers_than_are_admitted_are_told_so_at_once() -> None:
    async def ask_all() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None)
        url = briefing_server().url
        async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:
            asked: list[Any] = [
                client.post("/api/ask", json={"question": f"{QUESTION} ({number})"})
                for number in range(150)
            ]
            return list(await asyncio.gather(*asked, client.get("/healthz")))

    *answers, health = asyncio.run(ask_all())
    assert health.status_code == 200
    assert {answer.status_code for answer in answers} == {200, 503}
    for answer in answers:
        if answer.status_code == 503:
            assert error_of(answer)["code"] == "busy"
            assert int(answer.headers["retry-after"]) > 0


def test_only_an_allowed_origin_may_read_replies(api: httpx.Client, harbour: httpx.Client) -> None:
    def allowed(client: httpx.Client, path: str, origin: str) -> str | None:
        response = client.get(path, headers={"Origin": origin})
        assert "access-control-allow-credentials" not in response.headers
        origins: str | None = response.headers.get("access-control-allow-origin")
        return origins

    for path in ("/api/documents", "/en/", "/en/config"):
        assert allowed(harbour, path, ALLOWED_ORIGIN) == ALLOWED_ORIGIN
        assert allowed(harbour, path, "https://elsewhere.example") is None
        assert allowed(api, path, ALLOWED_ORIGIN) is None
        assert allowed(api, path, "null") is None
    policy = harbour.get("/en/").headers["content-security-policy"]
    assert f"frame-ancestors 'self' {ALLOWED_ORIGIN}" in policy
