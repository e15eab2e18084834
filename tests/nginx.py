"""A real nginx, set up with the very lines that the manual shows."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pytest

from tests.serving import REPOSITORY

MANUAL: Final = REPOSITORY / "docs" / "manual" / "security.md"
PORT_OF_MANUAL: Final = ":7860"

AROUND: Final = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
{lines}
    }}
}}
"""


def lines_of_manual() -> str:
    """The only nginx block of docs/manual/security.md."""
    (lines,) = re.findall(
        r"^```nginx\n(.*?)^```", MANUAL.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    return str(lines)


class Nginx:
    """nginx before a server on ``upstream``; ``url`` is where it answers, the prefix left out."""

    def __init__(self, folder: Path, lines: str, upstream: int) -> None:
        executable = shutil.which("nginx", path="/usr/local/sbin:/usr/sbin:/sbin:/usr/bin")
        if executable is None:
            pytest.skip("there is no nginx on this machine; on Debian: apt-get install nginx-light")
        assert lines.count(PORT_OF_MANUAL) == 1
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        lines = lines.replace(PORT_OF_MANUAL, f":{upstream}")
        setup = folder / "nginx.conf"
        setup.write_text(AROUND.format(folder=folder, port=self.port, lines=lines), "utf-8")
        self._process = subprocess.Popen(
            [executable, "-p", str(folder), "-c", str(setup), "-e", str(folder / "error.log")],
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        pause = threading.Event()
        for _ in range(600):
            if self._process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                pause.wait(0.05)
            else:
                return self
        self._process.kill()
        raise AssertionError(f"nginx did not start: {self._process.communicate()[1]}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.communicate(timeout=30)
