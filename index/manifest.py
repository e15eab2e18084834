"""What a version of an index says about itself, and whether its files are what it says."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from index.errors import IndexBroken
from index.limits import ReadingLimits
from index.types import Frozen

FORMAT_VERSION = 3
"""Raised whenever reading, chunking or the files change, so that an older index is rebuilt."""

SAMPLE_BYTES = 64 * 1024

DEFAULT_INDEX = Path(__file__).resolve().parent.parent / "var" / "index"


class FileFacts(Frozen):
    """A file of a version, with what it takes to see that it is whole."""

    path: str
    bytes: int
    sha256: str
    sample_sha256: str


class DocumentFacts(Frozen):
    """A document's fingerprint in the manifest."""

    document_id: str
    path: str
    sha256: str
    bytes: int
    passages: int


class IndexSettings(Frozen):
    """The settings an index was built with."""

    format_version: int
    passage_tokens_max: int
    dense: Literal["flat", "sq8"]
    reading: ReadingLimits


class EncoderUsed(Frozen):
    """The encoder that made the vectors."""

    name: str
    dimension: int
    sha256: str


class Manifest(Frozen):
    """What a version holds; ``manifest_sha256`` is of the manifest without it.

    ``paths`` are the absolute paths that it was built from; None where that isn't recorded: by an
    earlier program, or where one is no UTF-8.
    """

    index_id: str
    settings: IndexSettings
    encoder: EncoderUsed
    passages: int
    documents: tuple[DocumentFacts, ...]
    files: tuple[FileFacts, ...]
    paths: tuple[str, ...] | None = None
    manifest_sha256: str = ""

    def sealed(self) -> Manifest:
        """Return the manifest with its own hash."""
        return self.model_copy(update={"manifest_sha256": self._own_sha256()})

    def is_whole(self) -> bool:
        return self.manifest_sha256 == self._own_sha256()

    def _own_sha256(self) -> str:
        # What isn't recorded is left out, so that a manifest of before it was has the hash it had.
        bare = self.model_dump(mode="json", exclude={"manifest_sha256"}, exclude_none=True)
        return hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()


class _Recorded(BaseModel):
    """The part of a manifest of any format that says what the version was built from."""

    paths: tuple[str, ...] | None = None


def build_command(index_folder: Path, *options: str) -> str:
    """Return the command that builds an index, for people: with its folder, unless by default."""
    if index_folder.resolve() != DEFAULT_INDEX:
        options = (*options, "--index", shlex.quote(str(index_folder)))
    return " ".join(("python scripts/build_index.py", *options))


def rebuild_fix(version: Path) -> str:
    """Say how the index is mended that a version is of."""
    return f"run `{build_command(version.parent.parent, '--rebuild')}`"


def read_manifest(version: Path) -> Manifest:
    """Read a version's manifest and check its own hash and format; raise IndexBroken."""
    path = version / "manifest.json"
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise IndexBroken(f"{path} can't be read", rebuild_fix(version)) from error
    if not manifest.is_whole():
        raise IndexBroken(f"{path} does not match its own hash", rebuild_fix(version))
    if manifest.settings.format_version != FORMAT_VERSION:
        raise IndexBroken(
            f"{path} was written by another version of this program", rebuild_fix(version)
        )
    return manifest


def read_paths(version: Path) -> tuple[Path, ...] | None:
    """Return what a version was built from, None where it doesn't say; raise IndexBroken.

    The version may be damaged, or of another format: this is asked to build it anew.
    """
    path = version / "manifest.json"
    try:
        paths = _Recorded.model_validate_json(path.read_bytes()).paths
    except (OSError, ValidationError) as error:
        raise IndexBroken(f"{path} can't be read", rebuild_fix(version)) from error
    return None if paths is None else tuple(map(Path, paths))


def check_files(version: Path, manifest: Manifest, *, in_full: bool = False) -> None:
    """Raise IndexBroken, naming the file, when one differs from the manifest.

    Looks at sizes and a sample of each file; ``in_full`` hashes every byte.
    """
    for facts in manifest.files:
        path = version / facts.path
        try:
            whole = path.stat().st_size == facts.bytes and (
                _sha256(path) == facts.sha256 if in_full else _sample(path) == facts.sample_sha256
            )
        except OSError:
            whole = False
        if not whole:
            back = build_command(version.parent.parent, "--rollback")
            raise IndexBroken(
                f"{path} is damaged or missing",
                f"{rebuild_fix(version)}, or `{back}` to go back to the version before",
            )


def facts_of(folder: Path, path: Path) -> FileFacts:
    """Return what the manifest of a version says about one of its files."""
    return FileFacts(
        path=path.relative_to(folder).as_posix(),
        bytes=path.stat().st_size,
        sha256=_sha256(path),
        sample_sha256=_sample(path),
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sample(path: Path) -> str:
    """Hash the beginning, the middle and the end of a file."""
    size = path.stat().st_size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for place in sorted({0, max(0, (size - SAMPLE_BYTES) // 2), max(0, size - SAMPLE_BYTES)}):
            file.seek(place)
            digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()
