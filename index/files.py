"""The files under the paths that an operator gave: those to read, those left out, and why."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from index.errors import NothingToIndex
from index.formats.signature import SUFFIXES
from index.manifest import DEFAULT_INDEX, build_command
from index.types import SkippedFile, SkipReason
from index.versions import is_index

_TEMPORARY = re.compile(r"(?:~\$.*|.*~|#.*#|.*\.(?:tmp|temp|part|crdownload|download|swp|swo|bak))")
_SLUG = re.compile(r"[^\w]+")


class Source(NamedTuple):
    """A file to read: where it is, and its path relative to the PATH the operator gave.

    A path that a file under an earlier PATH has already begins with the name of its PATH's folder,
    and with those of the folders above as far as it takes.
    """

    file: Path
    path: str


class FoundFile(NamedTuple):
    """A file that is to be read, and the id that a document has which it is the whole of."""

    source: Source
    document_id: str


def document_id_of(path: str, *, told_apart_by: str = "") -> str:
    """Return a readable id for a relative path; ``told_apart_by`` parts files that share a path."""
    digest = hashlib.sha256(f"{told_apart_by}\n{path}".encode()).hexdigest()[:8]
    slug = _SLUG.sub("-", PurePosixPath(path).stem.lower()).strip("-_")[:48] or "document"
    return f"{slug}-{digest}"


def list_files(
    paths: Sequence[Path], index_folder: Path = DEFAULT_INDEX
) -> Iterator[FoundFile | SkippedFile]:
    """Yield the files under the paths: those to read, and those left out with the reason.

    Nothing is read in ``index_folder``, nor in any folder that has the shape of an index: it holds
    the words of documents. Raises NothingToIndex for a path that doesn't exist.
    """
    seen_files: set[Path] = set()
    seen_paths: set[str] = set()
    seen_ids: set[str] = set()
    for root in paths:
        if not root.exists():
            raise NothingToIndex(
                f"{root} does not exist",
                f"give a folder or a file: `{build_command(index_folder, 'PATH')}`",
            )
        folder = root if root.is_dir() else root.parent
        for source in _walk(root, index_folder):
            target = _target(source.file)
            if not _is_utf8(f"{source.path}{target}"):
                shown = os.fsencode(source.path).decode(errors="replace")
                yield SkippedFile(path=shown, reason="bad_name")
                continue
            reason = _skip_reason(source, folder, index_folder)
            if reason is None and target in seen_files:
                reason = "duplicate_path"
            if reason is not None:
                yield SkippedFile(path=source.path, reason=reason)
                continue
            seen_files.add(target)
            path = next(
                (each for each in _paths_told_apart(source.path, folder) if each not in seen_paths),
                source.path,
            )
            seen_paths.add(path)
            document_id = document_id_of(path)
            told_apart_by = ""
            while document_id in seen_ids:
                told_apart_by += "+"
                document_id = document_id_of(path, told_apart_by=told_apart_by)
            seen_ids.add(document_id)
            yield FoundFile(source._replace(path=path), document_id)


def _paths_told_apart(path: str, folder: Path) -> Iterator[str]:
    """Yield a path relative to a folder, then with the folder's name before it, and so on up."""
    yield path
    for name in reversed(_target(folder).parts[1:]):
        path = f"{name}/{path}"
        yield path


def reason_in_name(path: str) -> SkipReason | None:
    """Say why a file is left out by its name alone, that of an archive's member too."""
    parts = PurePosixPath(path).parts
    if any(part.startswith(".") or part == "__MACOSX" for part in parts):
        return "hidden"
    if _TEMPORARY.fullmatch(parts[-1]):
        return "temporary"
    if PurePosixPath(path).suffix.lower() not in SUFFIXES:
        return "unsupported_type"
    return None


def _target(file: Path) -> Path:
    """Return where a path leads; ``Path.resolve`` raises for a link that leads in a circle."""
    return Path(os.path.realpath(file))


def _is_utf8(path: str) -> bool:
    """Say whether a path can be stored and shown: systems take any bytes for a name."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_index(folder: Path, index_folder: Path) -> bool:
    return is_index(folder) or _target(folder) == _target(index_folder)


def _walk(root: Path, index_folder: Path) -> Iterator[Source]:
    """Yield files, and the folders that aren't gone into: links, indexes, hidden, locked ones."""
    if not root.is_dir() or _is_index(root, index_folder):
        yield Source(root, root.name or str(root))
        return
    locked: list[Path] = []
    for folder, folders, files in os.walk(
        root, onerror=lambda error: locked.append(Path(error.filename))
    ):
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        hidden = [name for name in folders if name.startswith(".")]
        indexes = [name for name in folders if _is_index(here / name, index_folder)]
        folders[:] = sorted(set(folders) - set(links) - set(hidden) - set(indexes))
        for name in sorted({*files, *links, *hidden, *indexes}):
            yield Source(here / name, (here / name).relative_to(root).as_posix())
    for folder_path in locked:
        path = folder_path.relative_to(root).as_posix()
        yield Source(folder_path, root.name if folder_path == root else path)


def _skip_reason(source: Source, root: Path, index_folder: Path) -> SkipReason | None:
    by_name = reason_in_name(source.file.name) if source.file.name else None
    if by_name in ("hidden", "temporary"):
        return by_name
    if source.file.is_dir() and _is_index(source.file, index_folder):
        return "index"
    if source.file.is_symlink():
        if not _target(source.file).is_relative_to(_target(root)):
            return "outside_folder"
        if source.file.is_dir():
            return "duplicate_path"
    elif source.file.is_dir():
        return None  # it may not be listed: reading says why
    if by_name is not None:
        return by_name
    try:
        if not stat.S_ISREG(source.file.stat().st_mode):
            return "unsupported_type"
    except OSError:
        return None  # it can't be looked at: reading says why
    return None
