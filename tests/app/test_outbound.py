"""The server's process, asked on every face, connects to nobody and looks nobody up.

Twice: by a hook that Python calls for every look-up and connection, and by counting the packets
that leave a network of the process's own, where libraries that aren't Python would be seen too.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp.client import Client

from tests.serving import REPOSITORY, Server, briefing_index

QUESTION = "How much annual financing could the new framework provide?"
EVENTS = {"Accept": "text/event-stream"}

HOOK = """
import ipaddress, sys

def is_outside(host):
    host = host.decode() if isinstance(host, bytes) else host
    if host in (None, "", "localhost"):
        return False
    try:
        return not ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return True

def hook(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0][0] if isinstance(arguments[0], tuple) else arguments[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        host = arguments[1][0] if isinstance(arguments[1], tuple) else None
    else:
        return
    if is_outside(host):
        with open(LOG, "a") as log:
            log.write(f"{event} {host!r}\\n")

sys.addaudithook(hook)
"""

OWN_NETWORK = """
set -e
ip link set lo up
ip link add name outside type veth peer name nowhere
echo 1 > /proc/sys/net/ipv6/conf/outside/disable_ipv6
echo 1 > /proc/sys/net/ipv6/conf/nowhere/disable_ipv6
ip address add 192.0.2.1/24 dev outside
ip link set nowhere up
ip link set outside up
ip route add default via 192.0.2.2 dev outside
"""
"""A network in which everything that isn't loopback leaves by one interface, to nobody."""


def ask_on_every_face(url: str) -> list[str]:
    """Ask everywhere; return the kinds of the replies."""
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        for path in ("/", "/en/", "/kk/", "/en/config", "/embed", "/embed/ru", "/widget.js",
                     "/readyz", "/metrics", "/api/openapi.json", "/v1/models"):  # fmt: skip
            assert client.get(path).status_code in {200, 307}
        reply = client.post("/api/ask", json={"question": QUESTION}).json()
        cited = reply["citations"][0]["document_id"]
        for path in (f"/api/documents/{cited}", f"/api/documents/{cited}/source"):
            assert client.get(path).status_code == 200
        assert client.get("/api/search", params={"q": QUESTION}).status_code == 200
        body = {"question": QUESTION}
        streamed = client.post("/api/ask", json=body, headers=EVENTS).text
        message = {"model": "briefing-desk", "messages": [{"role": "user", "content": QUESTION}]}
        completion = client.post("/v1/chat/completions", json=message).json()
        chatted = ask_on_the_chat_page(client)
    called = asyncio.run(ask_by_mcp(url))
    return [
        reply["kind"],
        json.loads(streamed.rstrip().rpartition("\ndata: ")[2])["kind"],
        completion["choices"][0]["briefing_desk"]["kind"],
        called,
        chatted,
    ]


async def ask_by_mcp(url: str) -> str:
    async with Client(f"{url}/mcp") as client:
        result = await client.call_tool("ask", {"question": QUESTION})
    assert result.structured_content is not None
    return str(result.structured_content["kind"])


def ask_on_the_chat_page(client: httpx.Client) -> str:
    """Put the question into Gradio's queue, as the page in a browser does."""
    config = client.get("/en/config").json()
    parts: dict[int, dict[str, Any]] = {part["id"]: part for part in config["components"]}
    asking = next(
        one for one in config["dependencies"]
        if any(event == "submit" for _, event in one["targets"])
    )  # fmt: skip
    data = [parts[number]["props"].get("value") for number in asking["inputs"]]
    data[0] = QUESTION
    joined = {"data": data, "fn_index": asking["id"], "session_hash": "outbound"}
    assert client.post("/en/gradio_api/queue/join", json=joined).status_code == 200
    told = client.get("/en/gradio_api/queue/data", params={"session_hash": "outbound"}).text
    assert '"success":true' in told.replace(" ", "")
    return "answer" if "reply answer" in told else told[-500:]


def served_and_asked(settings: Mapping[str, str]) -> list[str]:
    with Server(briefing_index(), settings) as server:
        kinds = ask_on_every_face(server.url)
    assert "Traceback" not in "\n".join(server.said)
    return kinds


def test_the_server_connects_to_nobody(tmp_path: Path) -> None:
    log = tmp_path / "outbound.log"
    (tmp_path / "sitecustomize.py").write_text(f"LOG = {str(log)!r}\n{HOOK}", encoding="utf-8")
    assert served_and_asked({"PYTHONPATH": str(tmp_path)}) == ["answer"] * 5
    assert not log.exists() or log.read_text(encoding="utf-8") == ""


def test_the_hook_hears_what_it_has_to(tmp_path: Path) -> None:
    log = tmp_path / "outbound.log"
    (tmp_path / "sitecustomize.py").write_text(f"LOG = {str(log)!r}\n{HOOK}", encoding="utf-8")
    program = (
        "import contextlib, socket\n"
        "with contextlib.suppress(OSError): socket.getaddrinfo('nobody.invalid', 80)\n"
        "with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as out:\n"
        "    out.sendto(b'x', ('192.0.2.9', 9))\n"
        "with contextlib.suppress(OSError), socket.socket() as own:\n"
        "    own.connect(('127.0.0.1', 9))\n"
    )
    subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": str(tmp_path)}, check=True)
    heard = log.read_text(encoding="utf-8").split()
    assert heard == ["socket.getaddrinfo", "'nobody.invalid'", "socket.sendto", "'192.0.2.9'"]


@pytest.fixture
def own_network() -> list[str]:
    """A command that runs another one in a network of its own; without what makes libraries hold
    their tongue in tests alone.
    """
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("a network of its own needs unshare (util-linux) and ip (iproute2)")
    bare = ["env", "-i", f"PATH={os.environ['PATH']}", f"HOME={os.environ.get('HOME', '/')}"]
    own = [*bare, "unshare", "--map-root-user", "--net", "sh", "-c"]
    tried = subprocess.run(
        [*own, OWN_NETWORK], capture_output=True, text=True, timeout=60, check=False
    )
    if tried.returncode:
        pytest.skip(f"this machine allows no network of its own: {tried.stderr.strip()[-200:]}")
    return [*own, f'{OWN_NETWORK}\nexec "$@"', "sh"]


def run_in(own_network: list[str], program: str, *arguments: str) -> list[str]:
    """What a program prints there, and how many packets left, and whether one would be seen."""
    whole = (
        "import socket, sys\n"
        "sys.path.insert(0, '.')\n"
        "from pathlib import Path\n"
        "def sent():\n"
        "    lines = Path('/proc/net/dev').read_text().splitlines()\n"
        "    return next(int(one.split()[10]) for one in lines if 'outside:' in one)\n"
        f"{program}"
        "quiet = sent()\n"
        "with socket.socket(type=socket.SOCK_DGRAM) as out:\n"
        "    out.sendto(b'x', ('203.0.113.9', 9))\n"
        "print(quiet, sent() > quiet)\n"
    )
    done = subprocess.run(
        [*own_network, sys.executable, "-c", whole, *arguments],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_no_packet_leaves_the_servers_network(own_network: list[str]) -> None:
    program = (
        "import importlib.util\n"
        "spec = importlib.util.spec_from_file_location('outbound', sys.argv[2])\n"
        "outbound = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(outbound)\n"
        "from tests.serving import Server\n"
        "with Server(Path(sys.argv[1])) as server:\n"
        "    print(*outbound.ask_on_every_face(server.url))\n"
    )
    told = run_in(own_network, program, str(briefing_index()), __file__)
    assert told == ["answer"] * 5 + ["0", "True"]


def test_no_packet_leaves_while_an_index_is_built(own_network: list[str], tmp_path: Path) -> None:
    program = (
        "from tests.serving import HARBOUR, build\n"
        "print(build([HARBOUR], Path(sys.argv[1])).name)\n"
    )
    assert run_in(own_network, program, str(tmp_path / "index")) == ["index", "0", "True"]
