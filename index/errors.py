"""What can go wrong while building or opening an index.

IndexingError
├── UnreadableDocument    one file could not be read; the build lists it and goes on
├── NothingToIndex        no readable document under the given paths
├── DocumentsUnnamed      no path was given, and the index doesn't say what it was built from
├── BuildInProgress       another builder holds the index folder
├── VersionRefused        the gate lets a new version not be published
├── IndexUnwritable       a library could not write its file of a new version: the disk is full
├── IndexMissing          no index at the folder
├── IndexBroken           a file of the index is damaged, missing, or from another version
└── ModelMissing          a prepared model file is absent or has the wrong hash

Each message says what happened, to which file, and the command that fixes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from index.types import Frozen, SkippedFile, UnreadableFile, UnreadableReason


class IndexingError(Exception):
    """The base of every error of this package; ``fix`` is the way out, where it stands apart."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(f"{what}; {fix}" if fix else what)
        self.what = what
        self.fix = fix


class UnreadableDocument(IndexingError):
    """One file could not be read."""

    def __init__(self, reason: UnreadableReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class NothingToIndex(IndexingError):
    """No readable document was found under the given paths; the files that were, and why not."""

    def __init__(
        self,
        what: str,
        fix: str,
        *,
        unreadable: Sequence[UnreadableFile] = (),
        skipped: Sequence[SkippedFile] = (),
    ) -> None:
        super().__init__(what, fix)
        self.unreadable = tuple(unreadable)
        self.skipped = tuple(skipped)


class DocumentsUnnamed(IndexingError):
    """No path was given, and the index doesn't say what it was built from."""


class BuildInProgress(IndexingError):
    """Another builder holds the index folder."""


class VersionRefused(IndexingError):
    """The gate lets a new version not be published; ``refusals`` say each why, for programs."""

    def __init__(self, message: str, refusals: Sequence[Frozen]) -> None:
        super().__init__(message)
        self.refusals = tuple(refusals)


class IndexUnwritable(IndexingError):
    """A file of a new version could not be written."""

    def __init__(self, file: Path, why: Exception) -> None:
        super().__init__(f"{file} can't be written ({why}); make room, or give another --index DIR")


class IndexMissing(IndexingError):
    """There is no index at the folder."""


class IndexBroken(IndexingError):
    """A file of the index is damaged, missing, or was written by another version."""


class ModelMissing(IndexingError):
    """A prepared model file is absent or has the wrong hash."""
