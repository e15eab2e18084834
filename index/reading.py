"""Paths in, documents out, each file parsed in a child process with limits of time and memory.

A file is data that somebody else wrote: whatever it does to its parser (a crash, a hang, a bomb)
costs that file and nothing else. Parent and child talk in lines of JSON.
"""

from __future__ import annotations

import hashlib
import math
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self, TypeAlias

from index.extracting import ExtractedPart, extract_file
from index.files import FoundFile, Source, document_id_of, list_files
from index.limits import MEBIBYTE, ReadingLimits
from index.types import Document, Frozen, SkippedFile, UnreadableFile, UnreadableReason

Problem: TypeAlias = UnreadableFile | SkippedFile
"""A file, or a part of one, that is no document."""

CHILD_FILES_MAX = 500
"""After so many files the child is replaced, so that nothing it leaks can pile up."""

START_SECONDS_MAX = 300.0
WAIT_FACTOR = 10
"""A file's time is that of the processor; one that only sleeps is waited for so many times longer,
since on a busy machine a file that is being read may wait as well."""

_REPOSITORY = Path(__file__).resolve().parent.parent
_CHILD = "import sys; sys.path.insert(0, sys.argv[1]); from index.reading import serve; serve()"


class FileOutcome(NamedTuple):
    """What became of a file: a document, or several of an archive, and what could not be read."""

    documents: tuple[Document, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_documents(
    paths: Sequence[Path], limits: ReadingLimits | None = None
) -> Iterator[Document | Problem]:
    """Yield what became of each file under the paths, in a stable order.

    Raises NothingToIndex for a path that doesn't exist.
    """
    with Parser(limits) as parser:
        for found in list_files(paths):
            if isinstance(found, SkippedFile):
                yield found
            else:
                outcome = parser.read(found)
                yield from (*outcome.documents, *outcome.problems)


def extract(file: Path, limits: ReadingLimits | None = None) -> FileOutcome:
    """Read one file on its own, as indexing would; paths begin with its name."""
    with Parser(limits) as parser:
        return parser.read(FoundFile(Source(file, file.name), document_id_of(file.name)))


class Parser:
    """A child process that reads files one after the other, replaced when one breaks it."""

    def __init__(self, limits: ReadingLimits | None = None) -> None:
        self._limits = limits or ReadingLimits()
        self._child: subprocess.Popen[bytes] | None = None
        self._files_read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def read(self, found: FoundFile) -> FileOutcome:
        """Read one file; what can't be read comes back as such and never raises."""
        source = found.source

        def unreadable(reason: UnreadableReason, message: str) -> FileOutcome:
            problem = UnreadableFile(
                path=source.path, reason=reason, message=f"{source.path}{message}"
            )
            return FileOutcome(problems=(problem,))

        try:
            size = source.file.stat().st_size
        except OSError as error:
            return unreadable(
                "denied",
                f": it can't be opened ({error.strerror}); give this user the right, or mend the "
                "link",
            )
        most = self._limits.file_bytes_max
        if size > most:
            return unreadable(
                "too_large",
                f": it has {size / MEBIBYTE:,.1f} MB, {most / MEBIBYTE:,.1f} are read at most; "
                "split it, or raise BRIEFING_DESK_FILE_BYTES_MAX",
            )
        answer = self._ask(_Request(file=source.file, path=source.path))
        if answer is None:
            return unreadable(
                "timeout",
                f": it took over {self._limits.file_seconds_max:.0f} seconds to read; split it, or "
                "raise BRIEFING_DESK_FILE_SECONDS_MAX",
            )
        if answer == b"":
            return unreadable(
                "damaged",
                ": it broke its parser; open it in a program of its kind and save it anew",
            )
        reply = _Reply.model_validate_json(answer)
        return FileOutcome(
            tuple(_document(found, part, reply) for part in reply.documents), reply.problems
        )

    def _ask(self, request: _Request) -> bytes | None:
        """Return the child's answer; None when it took too long, nothing when it died."""
        if self._child is None or self._files_read >= CHILD_FILES_MAX:
            self._stop()
            self._child = _start_child(self._limits)
            self._files_read = 0
            if _line(self._child, START_SECONDS_MAX) != b"ready\n":
                self._stop()
                return b""
        child = self._child
        self._files_read += 1
        assert child.stdin is not None
        try:
            child.stdin.write(request.model_dump_json().encode() + b"\n")
            child.stdin.flush()
        except BrokenPipeError:
            self._stop()
            return b""
        answer = _line(child, WAIT_FACTOR * self._limits.file_seconds_max)
        if answer is not None and answer.endswith(b"\n"):
            return answer
        self._stop()
        return None if answer is None or child.returncode == -signal.SIGXCPU else b""

    def abandon(self) -> None:
        """End the child at once, from another thread too: what it reads comes back as broken."""
        child = self._child
        if child is not None:
            child.kill()

    def _stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None


def _document(found: FoundFile, part: ExtractedPart, reply: _Reply) -> Document:
    """Make a document of what was extracted; one that a file holds has an id of its own."""
    is_whole = part.path == found.source.path
    extracted = part.extracted
    return Document(
        document_id=found.document_id
        if is_whole
        else document_id_of(part.path, told_apart_by=found.document_id),
        file_id=found.document_id,
        path=part.path,
        source=found.source.file.resolve(),
        title=extracted.title,
        date=extracted.date,
        language=extracted.language,
        sha256=reply.sha256,
        bytes=reply.bytes,
        modified_ns=reply.modified_ns,
        text=extracted.text,
        sections=extracted.sections,
        blocks=extracted.blocks,
        places=extracted.places,
    )


def _start_child(limits: ReadingLimits) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(_REPOSITORY), limits.model_dump_json()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _line(child: subprocess.Popen[bytes], seconds_max: float) -> bytes | None:
    """Read up to a line end, or as far as the child got; None when the time is up."""
    assert child.stdout is not None
    deadline = time.monotonic() + seconds_max
    parts: list[bytes] = []
    descriptor = child.stdout.fileno()
    while not (parts and parts[-1].endswith(b"\n")):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            return None
        part = os.read(descriptor, 2**20)
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


class _Request(Frozen):
    """A file that the child is to read, and its path for people."""

    file: Path
    path: str


class _Reply(Frozen):
    """What the child says of one file: what it holds, and what could not be read."""

    documents: tuple[ExtractedPart, ...] = ()
    problems: tuple[Problem, ...] = ()
    sha256: str = ""
    bytes: int = 0
    modified_ns: int = 0


def _read(request: _Request, limits: ReadingLimits) -> _Reply:
    """Read one file in the child."""
    try:
        with request.file.open("rb") as opened:
            state = os.fstat(opened.fileno())
            data = opened.read(limits.file_bytes_max + 1)
    except OSError as error:
        message = f"{request.path}: it can't be opened ({error.strerror}); give this user the right"
        problem = UnreadableFile(path=request.path, reason="denied", message=message)
        return _Reply(problems=(problem,))
    outcomes = list(extract_file(data, request.path, limits))
    return _Reply(
        documents=tuple(each for each in outcomes if isinstance(each, ExtractedPart)),
        problems=tuple(each for each in outcomes if not isinstance(each, ExtractedPart)),
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        modified_ns=state.st_mtime_ns,
    )


def serve() -> None:
    """Answer the parent's requests, under limits that this process can't lift again."""
    limits = ReadingLimits.model_validate_json(sys.argv[2])
    most = limits.memory_bytes_max
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    output: IO[bytes] = sys.stdout.buffer
    output.write(b"ready\n")
    output.flush()
    for line in sys.stdin.buffer:
        until = math.ceil(time.process_time() + limits.file_seconds_max)
        resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))
        reply = _read(_Request.model_validate_json(line), limits)
        output.write(reply.model_dump_json().encode() + b"\n")
        output.flush()
