"""While versions switch under a running server, every reply is one version's own."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from app.assistant import Assistant
from app.settings import Settings
from index import Models, build_index, builder, rollback
from tests.serving import REPOSITORY, Server

MODELS = REPOSITORY / "var" / "models"
CALLERS = 3
VERSIONS = 6
PATIENCE_SECONDS = 120
QUESTIONS = (
    "How many boats are in the harbour?",
    "Who is the harbour master?",
    "Tell me about the harbour",
    "What does the moon cost?",
)


@pytest.fixture(autouse=True)
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        builder, "embed_passages", lambda encoder, texts: iter([encoder.encode_passages(texts)])
    )


def write_version(sources: Path, number: int) -> dict[str, str]:
    """Write a version whose sentences lie at other offsets than those of every other one."""
    texts = {
        "boats.md": f"# Boats\n\n{'More. ' * number}There are {700 + number} boats in harbour.\n",
        "people.txt": f"{'People. ' * number}The harbour master is Dana {'abcdefgh'[number]}bek.\n",
    }
    if number % 2:
        texts["odd.md"] = f"# Odd\n\nThe harbour was painted {number} times.\n"
    for file in sources.iterdir():
        file.unlink()
    for name, text in texts.items():
        (sources / name).write_text(text, "utf-8")
    return texts


def ask_on_and_on(url: str, caller: int, done: threading.Event) -> Iterator[httpx.Response]:
    with httpx.Client(base_url=url, timeout=PATIENCE_SECONDS) as client:
        for number in range(caller, 1_000_000):
            if done.is_set():
                return
            question = QUESTIONS[number % len(QUESTIONS)]
            yield client.post("/api/ask", json={"question": question})


def index_in_use(url: str) -> str:
    return str(httpx.get(f"{url}/readyz", timeout=PATIENCE_SECONDS).json()["index_id"])


def wait_for_index(url: str, index_id: str) -> None:
    clock = threading.Event()
    for _ in range(PATIENCE_SECONDS * 10):
        if index_in_use(url) == index_id:
            return
        clock.wait(0.1)
    raise AssertionError(f"the server never took over {index_id}")


def test_no_request_is_dropped_and_every_reply_is_of_one_version(tmp_path: Path) -> None:
    sources, index_folder = tmp_path / "sources", tmp_path / "index"
    sources.mkdir()
    texts_of: dict[str, dict[str, str]] = {}

    def build(number: int) -> str:
        texts = write_version(sources, number)
        report = build_index([sources], index_folder, MODELS)
        texts_of[report.index_id] = texts
        return report.index_id

    build(0)
    done = threading.Event()
    with Server(index_folder) as server, ThreadPoolExecutor(CALLERS) as pool:
        asking = [
            pool.submit(lambda caller: list(ask_on_and_on(server.url, caller, done)), caller)
            for caller in range(CALLERS)
        ]
        try:
            for number in range(1, VERSIONS):
                newest = build(number)
                if number % 2:  # the others follow so fast that the server may never see them
                    wait_for_index(server.url, newest)
            wait_for_index(server.url, newest)
            wait_for_index(server.url, rollback(index_folder).index_id)
            wait_for_index(server.url, build(VERSIONS))
        finally:
            done.set()
        responses = [response for future in asking for response in future.result()]
    assert {response.status_code for response in responses} == {200}
    replies = [response.json() for response in responses]
    assert len({reply["index_id"] for reply in replies}) > 1
    for reply in replies:
        texts = texts_of[reply["index_id"]]
        assert reply["searched"]["documents"] == len(texts)
        for citation in [*reply["citations"], *reply["nearest"]]:
            text = texts[citation["path"]]
            assert citation["sha256"] == hashlib.sha256(text.encode()).hexdigest()
            assert citation["quote"] == text[citation["start"] : citation["end"]]
    assert any(reply["citations"] for reply in replies)


def test_a_newer_version_is_opened_on_the_models_that_are_open(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    write_version(sources, 1)
    build_index([sources], tmp_path / "index", MODELS)
    settings = Settings(index_folder=tmp_path / "index", models_folder=MODELS)
    old = Assistant.open(settings)
    write_version(sources, 2)
    report = build_index([sources], tmp_path / "index", MODELS)
    new = old.reopened()
    assert new.retriever.index_id == report.index_id != old.retriever.index_id
    assert new.retriever.encoder is old.retriever.encoder
    assert new.opened.reader is old.opened.reader


def test_models_that_were_made_anew_are_opened_anew(tmp_path: Path) -> None:
    """An operator who changes the encoder builds anew; a running server follows both."""
    models = tmp_path / "models"
    models.mkdir()
    for entry in MODELS.iterdir():
        (models / entry.name).symlink_to(entry)
    sources = tmp_path / "sources"
    sources.mkdir()
    write_version(sources, 1)
    build_index([sources], tmp_path / "index", models)
    old = Assistant.open(Settings(index_folder=tmp_path / "index", models_folder=models))
    described = json.loads((models / "models.json").read_text("utf-8"))
    for encoder in described["encoders"]:
        encoder["sha256"] = "0" * 64
    (models / "models.json").unlink()
    (models / "models.json").write_text(json.dumps(described), "utf-8")
    report = build_index([sources], tmp_path / "index", models, rebuild=True)
    new = old.reopened()
    assert new.retriever.index_id == report.index_id
    assert new.retriever.encoder is not old.retriever.encoder
    assert isinstance(new.retriever.models, Models)
    assert new.ask(QUESTIONS[0]).citations
