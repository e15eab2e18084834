"""A change is followed by a build, whatever kind of change, and nothing else is."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from index.watching import watch_and_build

PATIENCE_SECONDS = 60.0
"""Long enough for a busy machine; a change that is never noticed fails the test after it."""


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    timer = threading.Timer(PATIENCE_SECONDS, _thread.interrupt_main)
    timer.start()
    yield
    timer.cancel()


def builds_of(
    paths: Sequence[Path], index_folder: Path, actions: Sequence[Callable[[], object]]
) -> int:
    """Do one action in each build, so that each next one is due to it; return how many there were.

    The last build ends the watching.
    """
    builds = 0

    def build() -> bool:
        nonlocal builds
        builds += 1
        if builds > len(actions):
            raise KeyboardInterrupt
        return actions[builds - 1]() is not False

    with pytest.raises(KeyboardInterrupt):
        watch_and_build(paths, index_folder, build, retry_seconds=0.0)
    return builds


def test_every_kind_of_change_in_a_folder_is_followed_by_a_build(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    actions: list[Callable[[], object]] = [
        lambda: (docs / "a.md").write_text("one", "utf-8"),
        lambda: (docs / "a.md").write_text("two", "utf-8"),
        lambda: (docs / "deep" / "deeper").mkdir(parents=True),
        lambda: (docs / "deep" / "deeper" / "b.md").write_text("one", "utf-8"),
        lambda: (docs / "deep" / "deeper" / "b.md").rename(docs / "c.md"),
        (docs / "c.md").unlink,
        lambda: (docs / "deep").rename(tmp_path / "elsewhere"),
    ]
    assert builds_of([docs], tmp_path / "index", actions) == len(actions) + 1


def test_a_path_that_is_a_file_or_is_put_in_anothers_place_is_followed(tmp_path: Path) -> None:
    file, docs = tmp_path / "a.md", tmp_path / "docs"
    file.write_text("one", "utf-8")
    docs.mkdir()

    def replace_file() -> None:
        (tmp_path / "new").write_text("two", "utf-8")
        (tmp_path / "new").rename(file)

    def replace_folder() -> None:
        docs.rename(tmp_path / "old")
        docs.mkdir()

    actions: list[Callable[[], object]] = [
        lambda: file.write_text("one more", "utf-8"),
        replace_file,
        file.unlink,
        replace_folder,
        lambda: (docs / "b.md").write_text("in the folder that is there now", "utf-8"),
        docs.joinpath("b.md").unlink,
    ]
    assert builds_of([file, docs], tmp_path / "index", actions) == len(actions) + 1


def test_a_build_that_failed_is_tried_again(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    assert builds_of([docs], tmp_path / "index", [lambda: False, lambda: False]) == 3


def test_hidden_files_and_the_index_itself_are_no_reason_to_build(tmp_path: Path) -> None:
    index_folder = tmp_path / "index"
    (tmp_path / ".git").mkdir()
    index_folder.mkdir()
    builds = 0
    later = threading.Event()

    def touch() -> None:
        for number in range(3):
            (tmp_path / ".git" / "index").write_text(str(number), "utf-8")
            (index_folder / "current").write_text(str(number), "utf-8")
            (tmp_path / f".swap-{number}").write_text("x", "utf-8")
            later.wait(1.5)
        (tmp_path / "a.md").write_text("a document at last", "utf-8")

    def build() -> bool:
        nonlocal builds
        builds += 1
        if builds == 2:
            assert (tmp_path / "a.md").exists()
            raise KeyboardInterrupt
        threading.Thread(target=touch).start()
        return True

    with pytest.raises(KeyboardInterrupt):
        watch_and_build([tmp_path], index_folder, build)
    assert builds == 2
