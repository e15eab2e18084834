"""Paths in, documents out, each file parsed in a child process with limits of time and memory.

A file is data that somebody else wrote: whatever it does to its parser (a crash, a hang, a bomb)
costs that file and nothing else. Parent and child talk in lines of JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import select
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, NamedTuple, Self, TypeAlias, cast

from index.errors import NothingToIndex, UnreadableDocument
from index.extracting import FORMATS, Extracted, extract_text
from index.types import Document, Frozen, SkippedFile, UnreadableFile

FileOutcome: TypeAlias = Document | UnreadableFile | SkippedFile
UnreadableReason: TypeAlias = Literal[
    "damaged", "encrypted", "empty", "not_text", "too_large", "timeout", "denied"
]

FILE_BYTES_MAX = 16 * 2**20
FILE_SECONDS_MAX = 60.0
CHILD_MEMORY_BYTES_MAX = 3 * 2**30
CHILD_FILES_MAX = 500
"""After so many files the child is replaced, so that nothing it leaks can pile up."""

_TEMPORARY = re.compile(r"(?:~\$.*|.*~|#.*#|.*\.(?:tmp|temp|part|crdownload|download|swp|swo|bak))")
_SLUG = re.compile(r"[^\w]+")
_REPOSITORY = Path(__file__).resolve().parent.parent
_CHILD = "import sys; sys.path.insert(0, sys.argv[1]); from index.reading import serve; serve()"


class Source(NamedTuple):
    """A file to read: where it is, and its path relative to the PATH the operator gave."""

    file: Path
    path: str


def read_documents(paths: Sequence[Path]) -> Iterator[FileOutcome]:
    """Yield what became of each file under the paths, in a stable order.

    Raises NothingToIndex for a path that doesn't exist.
    """
    with Parser() as parser:
        for found in list_files(paths):
            yield parser.read(found) if isinstance(found, FoundFile) else found


def read_document(file: Path, root: Path) -> Document:
    """Read one file of a folder; raise UnreadableDocument when it can't be read."""
    path = file.relative_to(root).as_posix()
    with Parser() as parser:
        outcome = parser.read(FoundFile(Source(file, path), document_id_of(path)))
    if isinstance(outcome, UnreadableFile):
        raise UnreadableDocument(outcome.reason, outcome.message)
    return outcome


def extract(file: Path) -> Document:
    """Read one file on its own, as indexing would; raise UnreadableDocument when it can't be."""
    return read_document(file, file.parent)


def document_id_of(path: str, *, told_apart_by: str = "") -> str:
    """Return a readable id for a relative path; ``told_apart_by`` parts files that share a path."""
    digest = hashlib.sha256(f"{told_apart_by}\n{path}".encode()).hexdigest()[:8]
    slug = _SLUG.sub("-", Path(path).stem.lower()).strip("-_")[:48] or "document"
    return f"{slug}-{digest}"


class FoundFile(NamedTuple):
    """A file that is to be read, and the id it will have."""

    source: Source
    document_id: str


def list_files(paths: Sequence[Path]) -> Iterator[FoundFile | SkippedFile]:
    """Yield the files under the paths: those to read, and those left out with the reason."""
    seen_files: set[Path] = set()
    seen_ids: set[str] = set()
    for root in paths:
        if not root.exists():
            raise NothingToIndex(
                f"{root} does not exist; give a folder or a file: "
                "`python scripts/build_index.py PATH`"
            )
        for source in _walk(root):
            reason = _skip_reason(source, root if root.is_dir() else root.parent)
            if reason is None and source.file.resolve() in seen_files:
                reason = "duplicate_path"
            if reason is not None:
                yield SkippedFile(path=source.path, reason=reason)
                continue
            seen_files.add(source.file.resolve())
            document_id = document_id_of(source.path)
            told_apart_by = root.resolve().name
            while document_id in seen_ids:
                document_id = document_id_of(source.path, told_apart_by=told_apart_by)
                told_apart_by += "+"
            seen_ids.add(document_id)
            yield FoundFile(source, document_id)


def _walk(root: Path) -> Iterator[Source]:
    if not root.is_dir():
        yield Source(root, root.name)
        return
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        hidden = [name for name in folders if name.startswith(".")]
        folders[:] = sorted(set(folders) - set(links) - set(hidden))
        for name in sorted({*files, *links, *hidden}):
            yield Source(here / name, (here / name).relative_to(root).as_posix())


def _skip_reason(
    source: Source, root: Path
) -> Literal["hidden", "temporary", "unsupported_type", "outside_folder", "duplicate_path"] | None:
    name = source.file.name
    if name.startswith("."):
        return "hidden"
    if _TEMPORARY.fullmatch(name):
        return "temporary"
    if source.file.is_symlink():
        if not source.file.resolve().is_relative_to(root.resolve()):
            return "outside_folder"
        if source.file.is_dir():
            return "duplicate_path"
    if source.file.suffix.lower() not in FORMATS:
        return "unsupported_type"
    try:
        if not stat.S_ISREG(source.file.stat().st_mode):
            return "unsupported_type"
    except OSError:
        return None  # it can't be looked at: reading says why
    return None


class Parser:
    """A child process that reads files one after the other, replaced when one breaks it."""

    def __init__(self, *, seconds_max: float = FILE_SECONDS_MAX) -> None:
        self._seconds_max = seconds_max
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

    def read(self, found: FoundFile) -> Document | UnreadableFile:
        """Read one file; what can't be read comes back as such and never raises."""
        source, document_id = found

        def unreadable(reason: UnreadableReason, message: str) -> UnreadableFile:
            return UnreadableFile(path=source.path, reason=reason, message=message)

        try:
            size = source.file.stat().st_size
        except OSError as error:
            return unreadable("denied", f"{source.path} can't be opened: {error.strerror}")
        if size > FILE_BYTES_MAX:
            return unreadable(
                "too_large",
                f"{source.path} has {size / 2**20:.0f} MB, {FILE_BYTES_MAX // 2**20} are read at "
                "most; split it",
            )
        answer = self._ask(str(source.file.resolve()))
        if answer is None:
            return unreadable(
                "timeout", f"{source.path} took over {self._seconds_max:.0f} seconds to read"
            )
        if answer == b"":
            return unreadable("damaged", f"{source.path} broke its parser")
        reply = _Reply.model_validate_json(answer)
        if reply.extracted is None:
            return unreadable(reply.reason, f"{source.path}: {reply.message}")
        return Document(
            document_id=document_id,
            path=source.path,
            source=source.file.resolve(),
            title=reply.extracted.title,
            date=reply.extracted.date,
            language=reply.extracted.language,
            sha256=reply.sha256,
            bytes=reply.bytes,
            modified_ns=reply.modified_ns,
            text=reply.extracted.text,
            sections=reply.extracted.sections,
            blocks=reply.extracted.blocks,
        )

    def _ask(self, file: str) -> bytes | None:
        """Return the child's answer; None when it took too long, nothing when it died."""
        if self._child is None or self._files_read >= CHILD_FILES_MAX:
            self._stop()
            self._child = _start_child()
            self._files_read = 0
            if _line(self._child, self._seconds_max) != b"ready\n":
                self._stop()
                return b""
        child = self._child
        self._files_read += 1
        assert child.stdin is not None
        try:
            child.stdin.write(json.dumps(file).encode() + b"\n")
            child.stdin.flush()
        except BrokenPipeError:
            self._stop()
            return b""
        answer = _line(child, self._seconds_max)
        if not answer or not answer.endswith(b"\n"):
            self._stop()
        return answer if answer is None or answer.endswith(b"\n") else b""

    def _stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None


def _start_child() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(_REPOSITORY)],
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


class _Reply(Frozen):
    """What the child says of one file: the extracted text, or why there is none."""

    extracted: Extracted | None = None
    sha256: str = ""
    bytes: int = 0
    modified_ns: int = 0
    reason: UnreadableReason = "damaged"
    message: str = ""


def _read(file: Path) -> _Reply:
    """Read one file in the child; whatever its parser raises becomes a reason."""
    try:
        with file.open("rb") as opened:
            state = os.fstat(opened.fileno())
            data = opened.read(FILE_BYTES_MAX + 1)
        extracted = extract_text(data, FORMATS[file.suffix.lower()], file.stem)
    except UnreadableDocument as error:
        return _Reply(reason=cast(UnreadableReason, error.reason), message=error.message)
    except PermissionError:
        return _Reply(reason="denied", message="it may not be opened by this user")
    except MemoryError:
        return _Reply(message="reading it takes more memory than is allowed")
    except Exception as error:  # noqa: BLE001  a parser may raise anything; one file is lost
        return _Reply(message=f"its parser failed ({type(error).__name__})")
    return _Reply(
        extracted=extracted,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        modified_ns=state.st_mtime_ns,
    )


def serve() -> None:
    """Answer the parent's requests, under limits that this process can't lift again."""
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_MEMORY_BYTES_MAX, CHILD_MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    output: IO[bytes] = sys.stdout.buffer
    output.write(b"ready\n")
    output.flush()
    for request in sys.stdin.buffer:
        output.write(_read(Path(json.loads(request))).model_dump_json().encode() + b"\n")
        output.flush()
