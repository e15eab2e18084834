"""The shell commands of README and manual do what they say, run one after the other in a copy."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.serving import REPOSITORY, SOURCES, Server, briefing_index

COMMAND_SECONDS_MAX = 600
COPIED = ("app", "index", "scripts", "docs", "tests", "requirements.lock")
COPIED_LOCKS = ("requirements-torch.lock", "requirements-torch-cpu.lock")
ENDLESS = re.compile(r"scripts/serve\.py|--watch")

NOT_RUN = {
    r"^make ": "installs every package anew; CI itself is `make check` and `make test`",
    r"^python3 -m venv|^\. \.venv/|^pip install|^apt-get ": "installs from the network",
    r"^useradd |^chown |^cp docs/manual/|^systemctl ": "changes the machine; units are verified",
    r"scripts/calibrate\.py": "takes minutes and writes what is shipped; it has tests of its own",
    r"scripts/offline_bundle\.py|bundle/install\.py": "half a gigabyte; its tests pack less",
}
"""What is left out, and why."""

QUESTION = "How much financing could the new framework provide each year?"
OTHER_QUESTION = "What did the 2020–2025 strategy deliver?"


class Block(NamedTuple):
    """The commands of one block of shell code."""

    page: str
    commands: tuple[str, ...]


def blocks() -> list[Block]:
    found = []
    manual = sorted((REPOSITORY / "docs" / "manual").glob("*.md"))
    for file in [REPOSITORY / "README.md", *manual]:
        for code in re.findall(
            r"^```sh\n(.*?)^```", file.read_text("utf-8"), re.MULTILINE | re.DOTALL
        ):
            joined = re.sub(r"\s*\\\n\s*", " ", code)
            lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
            found.append(Block(file.name, tuple(part for each in lines for part in parts(each))))
    return found


def parts(line: str) -> list[str]:
    """Part ``one && other``; neither depends on more than that the first has been done."""
    return line.split(" && ")


def is_run(command: str) -> bool:
    return not any(re.search(pattern, command) for pattern in NOT_RUN)


class Copy(NamedTuple):
    """A copy of the program with an index, a server on it, and what the commands speak of."""

    folder: Path
    server: Server
    answer_id: str

    def as_here(self, command: str) -> str:
        """Return a command with the port, the folders and the answer that there are here."""
        command = command.replace("http://127.0.0.1:7860", self.server.url)
        command = command.replace("/srv/briefing-desk", str(self.folder / "var"))
        command = command.replace("…at least 12 characters…", "at least 12 characters")
        return command.replace("3b9af761bdbd6e60", self.answer_id)

    def environment(self, exports: Sequence[str]) -> dict[str, str]:
        chosen = dict(each.removeprefix("export ").split("=", 1) for each in exports)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        stored = str(self.folder / "var" / "stored.sqlite")
        ours = {"PATH": path, "BRIEFING_DESK_PORT": "0", "BRIEFING_DESK_STORAGE_FILE": stored}
        return {**os.environ, **ours, **chosen}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    folder = tmp_path_factory.mktemp("commands") / "briefing-desk"
    folder.mkdir()
    for name in (*COPIED, *COPIED_LOCKS):
        source = REPOSITORY / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / name)
    (folder / "var").mkdir()
    (folder / "var" / "models").symlink_to(REPOSITORY / "var" / "models")
    shutil.copytree(briefing_index(), folder / "var" / "index")
    shutil.copytree(SOURCES, folder / "path" / "to" / "my documents")
    (folder / "questions.jsonl").write_text(json.dumps({"id": 1, "question": QUESTION}) + "\n")
    stored = folder / "var" / "stored.sqlite"
    environment = {"BRIEFING_DESK_STORAGE_FILE": str(stored)}
    with Server(folder / "var" / "index", environment) as server:
        right, other = (
            httpx.post(f"{server.url}/api/ask", json={"question": each}, timeout=60).json()
            for each in (QUESTION, OTHER_QUESTION)
        )
        assert right["kind"] == "answer"
        feedback = {"answer_id": right["answer_id"], "verdict": "right"}
        assert httpx.post(f"{server.url}/api/feedback", json=feedback, timeout=60).is_success
        yield Copy(folder, server, other["answer_id"])


@pytest.mark.parametrize(
    "block",
    [each for each in blocks() if any(map(is_run, each.commands))],
    ids=lambda block: f"{block.page}: {block.commands[0]}",
)
def test_the_commands_of_the_manual_work(block: Block, copy: Copy) -> None:
    exports: list[str] = []
    for command in filter(is_run, block.commands):
        here = copy.as_here(command)
        if here.startswith("export "):
            exports.append(here)
            continue
        process = subprocess.Popen(
            ["bash", "-c", here if ">" in here else f"exec env {here}"],
            cwd=copy.folder,
            env=copy.environment(exports),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if ENDLESS.search(here):
            stream = process.stdout if "--watch" in here else process.stderr
            assert stream is not None
            said = next((line for line in stream if re.search(r"Ready: |index \w+: ", line)), None)
            assert said, f"{here} did not begin"
            process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=COMMAND_SECONDS_MAX)
        assert process.returncode == 0, f"{here}\n{out}\n{err}"
        if here.startswith("curl "):
            assert "error" not in json.loads(out), out


def test_whatever_is_left_out_is_somewhere() -> None:
    commands = [command for block in blocks() for command in block.commands]
    assert sum(map(is_run, commands)) > len(commands) / 2
    for pattern in NOT_RUN:
        assert any(re.search(pattern, command) for command in commands), pattern


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
@pytest.mark.parametrize("unit", ["briefing-desk", "briefing-desk-index"])
def test_the_units_of_systemd_are_ones(unit: str, tmp_path: Path) -> None:
    text = (REPOSITORY / "docs" / "manual" / f"{unit}.service").read_text("utf-8")
    here = tmp_path / f"{unit}.service"
    here.write_text(text.replace("/srv/briefing-desk/.venv/bin/python", sys.executable))
    told = subprocess.run(
        ["systemd-analyze", "verify", str(here)], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert unit not in told.stderr, told.stderr
    (script,) = re.findall(r"^ExecStart=\S+ (scripts/\S+)", text, re.MULTILINE)
    assert (REPOSITORY / script).is_file()
