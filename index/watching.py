"""Files change, builds follow: one after each quiet moment, and none while nothing changes."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from watchfiles import Change, watch

QUIET_MS = 500
"""A build begins when nothing has changed for so long: a copy of many files is one build."""

GATHERED_MS_MAX = 10_000
"""It begins after so long at the latest, however much goes on changing."""

LOOK_MS = 1_000
"""How often paths are looked at that give no notice: files, and folders that are put in place of
others."""

RETRY_SECONDS = 30.0
"""After a build that failed the next try comes so much later, or with the next change."""


def watch_and_build(
    paths: Sequence[Path],
    index_folder: Path,
    build: Callable[[], bool],
    *,
    retry_seconds: float = RETRY_SECONDS,
) -> NoReturn:
    """Call ``build`` at once and after every change under the paths, until KeyboardInterrupt.

    ``build`` says whether it succeeded. Changes while it runs are followed by another build.
    """
    is_due = True
    retry_at: float | None = None
    while True:
        before = [_state(path) for path in paths]
        # Where links lead now: notices name the real places, and a link may be given another.
        folders = [path.resolve() for path in paths if path.is_dir()]
        matters = partial(_matters, folders=folders, index_folder=index_folder.resolve())
        for changes in watch(
            *folders,
            watch_filter=matters,
            step=QUIET_MS,
            debounce=GATHERED_MS_MAX,
            rust_timeout=LOOK_MS,
            yield_on_timeout=True,
            ignore_permission_denied=True,
        ):
            if changes or is_due or (retry_at is not None and time.monotonic() >= retry_at):
                is_due = False
                retry_at = None if build() else time.monotonic() + retry_seconds
            if [_state(path) for path in paths] != before:
                is_due = True
                break  # whatever lies there now is watched from here on


def _state(path: Path) -> tuple[int, ...]:
    """Return what tells another file or folder of the same name apart, and a changed file."""
    try:
        state = path.stat()
    except OSError:
        return ()
    if stat.S_ISDIR(state.st_mode):
        return (state.st_dev, state.st_ino)
    return (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)


def _matters(_change: Change, changed: str, *, folders: Sequence[Path], index_folder: Path) -> bool:
    """Say whether a change may be one of the documents, not of the index or of a hidden file."""
    path = Path(changed)
    return not path.is_relative_to(index_folder) and any(
        not any(part.startswith(".") for part in path.relative_to(folder).parts)
        for folder in folders
        if path.is_relative_to(folder)
    )
