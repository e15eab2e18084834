"""`scripts/serve.py` as a process: how it starts and stops, takes an index, what it keeps shut."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from app.server import preferred_language
from tests.serving import (
    REPOSITORY,
    SOURCES,
    Server,
    briefing_index,
    briefing_server,
    build,
    run_serve,
)

ASKED_AT_ONCE = 12
QUESTION = "How much annual financing could the new framework provide?"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(base_url=briefing_server().url, timeout=60) as client:
        yield client


@pytest.fixture
def own_index(tmp_path: Path) -> Path:
    """An index that a test may change, with its sources beside it."""
    sources = tmp_path / "sources"
    sources.mkdir()
    for path in SOURCES.glob("*.md"):
        (sources / path.name).write_bytes(path.read_bytes())
    return build([sources], tmp_path / "index")


def wait_until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for an outcome; the time is a limit for failing, not a pause."""
    clock = threading.Event()
    for _ in range(int(seconds * 10)):
        if is_so():
            return
        clock.wait(0.1)
    raise AssertionError("it did not come to that")


# ── starting and stopping ────────────────────────────────────────────────────────────────────────


def test_it_says_where_it_answers() -> None:
    with Server(briefing_index()) as server:
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        assert server.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_asked_to_and_that_is_success(with_signal: signal.Signals) -> None:
    server = Server(briefing_index())
    assert server.stop(with_signal) == 0
    assert "Traceback" not in "\n".join(server.said)


def test_it_finishes_what_it_was_asked_before_it_stops() -> None:
    server = Server(briefing_index())
    all_admitted = threading.Barrier(ASKED_AT_ONCE + 1)

    def ask(number: int) -> str:
        """Ask, say when the question was admitted, and return all that came."""
        with httpx.stream(
            "POST",
            f"{server.url}/api/ask",
            json={"question": f"{QUESTION} ({number})"},
            headers={"Accept": "text/event-stream"},
            timeout=60,
        ) as events:
            lines = events.iter_lines()
            first = next(line for line in lines if line.startswith("event:"))
            all_admitted.wait(60)
            return "\n".join([first, *lines])

    with ThreadPoolExecutor(ASKED_AT_ONCE) as callers:
        told = [callers.submit(ask, number) for number in range(ASKED_AT_ONCE)]
        all_admitted.wait(60)
        assert server.stop() == 0
    streams = [each.result() for each in told]
    assert all(stream.startswith("event: step") for stream in streams)
    assert [stream.count("event: reply") for stream in streams] == [1] * ASKED_AT_ONCE


def test_questions_are_logged_only_where_a_setting_says_so(tmp_path: Path) -> None:
    file = tmp_path / "desk.toml"
    file.write_text("log_questions = true\n")
    asked = {"question": QUESTION}
    with Server(briefing_index(), {"BRIEFING_DESK_SETTINGS": str(file)}) as server:
        reply = httpx.post(f"{server.url}/api/ask", json=asked, timeout=60)
        wait_until(lambda: any(QUESTION in line for line in server.said))
    line = json.loads(next(line for line in server.said if QUESTION in line))
    assert (line["message"], line["question"]) == ("question", QUESTION)
    assert line["request_id"] == reply.headers["X-Request-Id"]
    assert httpx.post(f"{briefing_server().url}/api/ask", json=asked, timeout=60).is_success
    assert QUESTION not in "\n".join(briefing_server().said)


def test_without_an_index_it_names_the_command_that_builds_one(tmp_path: Path) -> None:
    done = run_serve("--port", "0", "--index", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "build_index.py" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        done = run_serve("--port", str(port), "--index", str(briefing_index()))
    assert done.returncode == 2
    assert str(port) in done.stderr
    assert "stop what holds it, or choose another with --port" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("host", ["no host", "192.0.2.1", "a" * 70])
def test_an_address_of_no_machine_or_another_one_is_one_sentence(host: str) -> None:
    done = run_serve("--host", host, "--port", "0", "--index", str(briefing_index()))
    assert done.returncode == 2
    assert host in done.stderr
    assert "--host" in done.stderr
    assert "stop what holds" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "70000"],
        ["--port", "many"],
        ["--answer-risk", "2"],
        ["--unknown"],
    ],
)
def test_wrong_usage_is_told_and_nothing_is_served(arguments: list[str]) -> None:
    done = run_serve(*arguments)
    assert done.returncode == 2
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_it_explains_itself() -> None:
    done = run_serve("--help")
    assert done.returncode == 0
    assert all(option in done.stdout for option in ("--host", "--port", "--index", "--answer-risk"))


def test_neither_torch_nor_transformers_is_loaded_to_serve() -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from app.assistant import Assistant\n"
        "from app.server import create_app\n"
        "from app.settings import Settings\n"
        "settings = Settings(index_folder=Path(sys.argv[1]))\n"
        "assistant = Assistant.open(settings)\n"
        "create_app(settings, assistant)\n"
        f"assistant.ask({QUESTION!r})\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(briefing_index())],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert "gradio" in loaded
    assert not loaded & {"torch", "transformers", "sentence_transformers"}


def test_the_process_looks_up_no_name_and_connects_to_nobody(tmp_path: Path) -> None:
    """An audit hook in the server's process writes down every look-up and connection."""
    log = tmp_path / "network.log"
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "def hook(event, arguments):\n"
        "    if event in ('socket.getaddrinfo', 'socket.gethostbyname', 'socket.connect'):\n"
        "        target = arguments[1] if event == 'socket.connect' else arguments[0]\n"
        "        host = target[0] if isinstance(target, tuple) else target\n"
        "        if host not in ('127.0.0.1', '::1', 'localhost', b'127.0.0.1'):\n"
        f"            open({str(log)!r}, 'a').write(f'{{event}} {{target!r}}\\n')\n"
        "sys.addaudithook(hook)\n"
    )
    with Server(briefing_index(), {"PYTHONPATH": str(tmp_path)}) as server:
        assert httpx.post(f"{server.url}/api/ask", json={"question": QUESTION}).status_code == 200
        assert httpx.get(f"{server.url}/kk/").status_code == 200
        assert httpx.get(f"{server.url}/kk/config").status_code == 200
    assert not log.exists() or log.read_text() == ""


# ── moving to a newer index ──────────────────────────────────────────────────────────────────────


def test_it_takes_over_a_newer_index_without_dropping_a_request(own_index: Path) -> None:
    sources = own_index.parent / "sources"
    statuses: list[int] = []
    done = threading.Event()

    with Server(own_index) as server:

        def ask_on_and_on() -> None:
            with httpx.Client(base_url=server.url, timeout=60) as client:
                while not done.is_set():
                    response = client.post("/api/ask", json={"question": QUESTION})
                    statuses.append(response.status_code)

        asking = threading.Thread(target=ask_on_and_on)
        asking.start()
        try:
            before = httpx.get(f"{server.url}/readyz").json()["index_id"]
            (sources / "harbour-master.md").write_text(
                "# The harbour master\n\nThe harbour master of Aktau is called Dana Serikbay.\n"
            )
            build([sources], own_index)
            wait_until(lambda: httpx.get(f"{server.url}/readyz").json()["index_id"] != before)
            listed = httpx.get(f"{server.url}/api/documents").json()["documents"]
        finally:
            done.set()
            asking.join()
    assert "harbour-master.md" in {one["path"] for one in listed}
    assert set(statuses) == {200}


def test_a_new_version_that_is_broken_leaves_the_old_one_answering(own_index: Path) -> None:
    with Server(own_index) as server:
        before = httpx.get(f"{server.url}/readyz").json()["index_id"]
        broken = own_index / "versions" / "999999-0bad"
        broken.mkdir()
        (broken / "manifest.json").write_text("{}")
        (own_index / "current").write_text(broken.name)
        wait_until(lambda: any("does not open" in line for line in server.said))
        response = httpx.post(f"{server.url}/api/ask", json={"question": QUESTION}, timeout=60)
        assert response.json()["index_id"] == before


# ── what is open and what is shut ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wishes", "language"),
    [
        ("", "en"),
        ("de", "en"),
        ("ru", "ru"),
        ("kk-KZ,kk;q=0.9,ru;q=0.8,en;q=0.7", "kk"),
        ("en;q=0.1, ru;q=0.2", "ru"),
        ("fr, *;q=0.5, kk;q=0.1", "kk"),
        ("ru;q=0, en", "en"),
        ("ru;q=much", "en"),
    ],
)
def test_the_front_door_leads_to_the_language_a_browser_likes_best(
    wishes: str, language: str
) -> None:
    assert preferred_language(wishes) == language


def test_the_front_door_keeps_a_linked_question(client: httpx.Client) -> None:
    response = client.get("/?q=How+much%3F", headers={"Accept-Language": "kk"})
    assert response.status_code == 307
    assert response.headers["location"] == "/kk/?q=How+much%3F"


@pytest.mark.parametrize("language", ["en", "ru", "kk"])
@pytest.mark.parametrize(
    "path",
    [
        "gradio_api/upload",
        "gradio_api/file=/etc/passwd",
        "gradio_api/file=https://example.org",
        "gradio_api/proxy=https://example.org",
        "gradio_api/dev/reload",
        "gradio_api/deep_link",
        "gradio_api/openapi.json",
        "gradio_api/run/respond",
        "gradio_api/call/respond",
        "gradio_api/stream/x",
        "gradio_api/process_recording",
        "gradio_api/runs",
        "monitoring",
        "monitoring/summary",
        "login",
        "svelte/x",
        "pwa_icon",
        "robots.txt",
        "no-such-page",
    ],
)
def test_gradios_other_routes_dont_exist(client: httpx.Client, language: str, path: str) -> None:
    for method in ("GET", "POST"):
        response = client.request(method, f"/{language}/{path}")
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    "path", ["/en/", "/kk/config", "/api/documents", "/static/chat.js", "/nothing", "/healthz"]
)
def test_every_reply_has_the_security_headers(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'self'" in policy
    assert "unsafe-eval" not in policy
    assert "server" not in headers


def test_a_chat_body_has_a_limit_too(client: httpx.Client) -> None:
    response = client.post(
        "/en/gradio_api/queue/join",
        content=b" " * 1_100_000,
        headers={"Content-Type": "application/json"},
    )
    assert response.status_code == 413
