"""Real servers for tests: `scripts/serve.py` in a process of its own, on a port the system picks.

One index of the shipped briefing and one server on it are shared by the whole run, because building
and starting take seconds; whoever changes an index builds their own.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCES = REPOSITORY / "docs" / "sources"
HARBOUR = REPOSITORY / "tests" / "collections" / "harbour"

START_SECONDS = 180
"""Long enough for a machine that is busy with something else; nothing is measured here."""


class Server:
    """A server process; ``url`` is where it answers, ``said`` what it wrote to stderr."""

    def __init__(
        self, index: Path, environment: Mapping[str, str] | None = None, port: str = "0"
    ) -> None:
        self.said: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "scripts/serve.py", "--port", port, "--index", str(index)],
            cwd=REPOSITORY,
            env=_clean_environment() | dict(environment or {}),
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._ready.wait(START_SECONDS)
        addresses = re.findall(r"http://\S+", "\n".join(self.said))
        if not addresses:
            self.stop()
            raise AssertionError("the server did not start: " + "\n".join(self.said))
        self.url = addresses[0].rstrip("/")

    @property
    def pid(self) -> int:
        return self._process.pid

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.said.append(line.rstrip("\n"))
            if "http://" in line:
                self._ready.set()
        self._ready.set()

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        """Stop the process and return its exit code."""
        self._process.send_signal(with_signal)
        try:
            code = self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._reader.join()
        if self._process.stderr is not None:
            self._process.stderr.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def run_serve(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `scripts/serve.py` where it is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "scripts/serve.py", *arguments],
        cwd=REPOSITORY,
        env=_clean_environment(),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


def build(sources: Sequence[Path], index: Path, *, may_fall_short: bool = False) -> Path:
    """Build an index as an operator does; it may fall short where some files can't be read."""
    done = subprocess.run(
        [
            sys.executable,
            "scripts/build_index.py",
            *map(str, sources),
            "--index",
            str(index),
            "--json",
        ],
        cwd=REPOSITORY,
        env=_clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    assert done.returncode == 0 or (may_fall_short and done.returncode == 1), done.stderr
    return index


@cache
def briefing_index() -> Path:
    """The index of the shipped briefing; don't change it."""
    folder = Path(tempfile.mkdtemp(prefix="briefing-desk-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return build([SOURCES], folder / "index")


@cache
def briefing_server() -> Server:
    """The server of the shipped briefing, for tests that only ask."""
    server = Server(briefing_index())
    atexit.register(server.stop)
    return server


def _clean_environment() -> dict[str, str]:
    """This process's environment without settings of the program."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith("BRIEFING_DESK_")
    }
