"""The index folder: versions beside each other, and one of them current.

``DIR/versions/<version>/{manifest.json, passages.sqlite, dense.faiss, sparse/}`` and the file
``DIR/current``, which names the version in use and is replaced in one rename. A version is never
changed once it has its name, so a kill at any moment leaves the old one answering.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from index.errors import BuildInProgress, IndexBroken, IndexMissing
from index.manifest import (
    Manifest,
    build_command,
    check_files,
    facts_of,
    read_manifest,
    rebuild_fix,
)

VERSIONS_KEPT = 3
STORE_NAME = "passages.sqlite"
DENSE_NAME = "dense.faiss"
SPARSE_NAME = "sparse"

_NAME = re.compile(r"\d+-[0-9a-f]+")
_NAME_IN_FULL = re.compile(r"(?:\.building-)?\d{6,}-[0-9a-f]{16}")


def current_version(index_folder: Path) -> Path:
    """Return the folder of the version in use; raise IndexMissing or IndexBroken."""
    pointer = index_folder / "current"
    try:
        name = pointer.read_text("utf-8").strip()
    except FileNotFoundError:
        raise IndexMissing(
            f"there is no index at {index_folder}", f"run `{build_command(index_folder)}`"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        fix = f"run `{build_command(index_folder, '--rebuild')}`"
        raise IndexBroken(f"{pointer} can't be read", fix) from error
    folder = index_folder / "versions" / name
    if not _NAME.fullmatch(name) or not folder.is_dir():
        raise IndexBroken(
            f"{pointer} names no version",
            f"run `{build_command(index_folder, '--rollback')}` or "
            f"`{build_command(index_folder, '--rebuild')}`",
        )
    return folder


def is_index(folder: Path) -> bool:
    """Say whether a folder has the shape of an index: it holds versions, if only begun."""
    try:
        versions = list((folder / "versions").iterdir())
    except OSError:
        return False
    return any(_NAME_IN_FULL.fullmatch(version.name) for version in versions)


def versions_by_use(index_folder: Path) -> list[Path]:
    """Return every version: the one in use first, if it can be told, then from the newest on."""
    versions = _versions(index_folder)[::-1]
    with contextlib.suppress(IndexMissing, IndexBroken):
        current = current_version(index_folder)
        versions = [current, *(version for version in versions if version != current)]
    return versions


def verify_index(index_folder: Path) -> Manifest:
    """Check every byte of the current version; return its manifest or raise IndexBroken."""
    version = current_version(index_folder)
    manifest = read_manifest(version)
    check_files(version, manifest, in_full=True)
    return manifest


@contextlib.contextmanager
def building(index_folder: Path) -> Iterator[None]:
    """Let one builder in; raise BuildInProgress for a second. Clears what a killed one left."""
    (index_folder / "versions").mkdir(parents=True, exist_ok=True)
    with (index_folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BuildInProgress(
                f"another build is writing to {index_folder}",
                "wait for it to end, or give another folder with --index DIR",
            ) from None
        for left in (index_folder / "versions").glob(".building-*"):
            shutil.rmtree(left)
        yield


def new_version(index_folder: Path, index_id: str) -> Path:
    """Make an empty folder to write a version into; ``publish`` gives it its name, once it is
    sealed.
    """
    numbers = [_number(path) for path in _versions(index_folder)]
    folder = index_folder / "versions" / f".building-{max(numbers, default=0) + 1:06d}-{index_id}"
    folder.mkdir()
    return folder


def seal(folder: Path, manifest: Manifest) -> Manifest:
    """Write the manifest of a finished folder, with every file's checksum; return it."""
    files = tuple(
        facts_of(folder, path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    )
    sealed = manifest.model_copy(update={"files": files}).sealed()
    (folder / "manifest.json").write_text(sealed.model_dump_json(indent=1) + "\n", "utf-8")
    return sealed


def publish(index_folder: Path, folder: Path) -> Path:
    """Put a sealed folder on disk, name it, and make it the current version."""
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)
    version = folder.with_name(folder.name.removeprefix(".building-"))
    folder.rename(version)
    _sync(version.parent)
    turned_from = _newer_than_current(index_folder)
    make_current(index_folder, version)
    kept = [old for old in _versions(index_folder) if old == version or old not in turned_from]
    for old in _versions(index_folder):
        if old not in kept[-VERSIONS_KEPT:]:
            _remove(old)
    return version


def _newer_than_current(index_folder: Path) -> list[Path]:
    """Return the versions that a rollback turned away from: the next one isn't to lead there."""
    try:
        current = current_version(index_folder)
    except (IndexMissing, IndexBroken):
        return []
    return [version for version in _versions(index_folder) if _number(version) > _number(current)]


def hold(version: Path) -> int:
    """Keep a version from being removed for as long as the returned descriptor is open."""
    try:
        descriptor = os.open(version / "manifest.json", os.O_RDONLY)
    except OSError as error:
        raise IndexBroken(f"{version} can't be read", rebuild_fix(version)) from error
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _remove(version: Path) -> None:
    """Remove a version that nobody has open; one that is in use goes after a later build."""
    with contextlib.suppress(FileNotFoundError), (version / "manifest.json").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
    shutil.rmtree(version, ignore_errors=True)


def make_current(index_folder: Path, version: Path) -> None:
    """Switch to a version in one rename."""
    temporary = index_folder / ".current.new"
    temporary.write_text(version.name + "\n", "utf-8")
    _sync(temporary)
    temporary.replace(index_folder / "current")
    _sync(index_folder)


def rollback(index_folder: Path) -> Manifest:
    """Go back to the newest whole version before the current one; raise IndexMissing without."""
    with building(index_folder):
        versions = _versions(index_folder)
        with contextlib.suppress(IndexBroken):
            current = current_version(index_folder)
            versions = [version for version in versions if _number(version) < _number(current)]
        for version in reversed(versions):
            with contextlib.suppress(IndexBroken):
                manifest = read_manifest(version)
                check_files(version, manifest, in_full=True)
                make_current(index_folder, version)
                return manifest
    raise IndexMissing(
        f"{index_folder} holds no version to go back to", f"run `{build_command(index_folder)}`"
    )


def _versions(index_folder: Path) -> list[Path]:
    folders = (index_folder / "versions").glob("[0-9]*-*")
    return sorted((path for path in folders if _NAME.fullmatch(path.name)), key=_number)


def _number(version: Path) -> int:
    return int(version.name.split("-")[0])


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
