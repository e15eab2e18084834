"""Builds the index of a set of documents, or brings it up to date."""

from __future__ import annotations

import argparse
import datetime
import json
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self, TextIO

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from app.settings import (  # noqa: E402  the repository has to be on the path first
    BAD_SETTINGS,
    FILE_HELP,
    Settings,
    given_path,
    read_limits,
    settings_problems,
    use_settings_file,
)
from index import (  # noqa: E402
    BuildInProgress,
    BuildReport,
    DocumentsUnnamed,
    IndexingError,
    IndexMissing,
    ModelMissing,
    NothingToIndex,
    SkippedFile,
    UnreadableFile,
    VersionRefused,
)
from index.errors import IndexUnwritable  # noqa: E402
from index.terminals import printable  # noqa: E402
from index.types import Frozen, SkipReason  # noqa: E402

if TYPE_CHECKING:
    from index import Retriever


SHIPPED = REPOSITORY / "docs" / "sources"


class GateUnusable(IndexingError):
    """The file of pinned questions can't be read."""


class Failure(NamedTuple):
    """What went wrong: a code for programs, a sentence with the way out for people, and what was
    the reason: pinned questions, or files.
    """

    code: str
    message: str
    pins: tuple[Frozen, ...] | None = None
    unreadable: tuple[UnreadableFile, ...] | None = None
    skipped: tuple[SkippedFile, ...] | None = None


ERROR_CODES: dict[type[Exception], str] = {
    BuildInProgress: "build_in_progress",
    DocumentsUnnamed: "documents_unnamed",
    GateUnusable: "gate_unusable",
    IndexMissing: "index_missing",
    IndexUnwritable: "not_writable",
    ModelMissing: "model_missing",
    NothingToIndex: "nothing_to_index",
    VersionRefused: "version_refused",
}
FAILURES = (IndexingError, *BAD_SETTINGS, OSError)
"""What a build may end with that is no fault of the program."""


WAY_OUT: dict[SkipReason, str] = {
    "hidden": "rename it without the dot to have it read",
    "temporary": "rename it if it is a document",
    "unsupported_type": "convert it, docs/manual/documents.md names the types that are read",
    "outside_folder": "give what it leads to as a PATH of its own",
    "duplicate_path": "it is read once already",
    "too_deep": "take it out of its archive, or raise BRIEFING_DESK_ARCHIVE_DEPTH_MAX",
    "bad_name": "rename it, or the folder above it, in UTF-8",
    "index": "it is an index, with the words of documents; keep it outside of their folder",
}


def main(arguments: list[str] | None = None) -> int:
    """Build; return 0 if all is well, 1 if a file could not be read, 2 if nothing was done."""
    options = _options(arguments)
    try:
        settings = Settings()
        options.index = options.index or settings.index_folder
        options.models = options.models or settings.models_folder
        if options.rollback:
            return _roll_back(options.index, as_json=options.json)
        options.paths = options.paths or _paths_of_before(options)
        if options.watch:
            return _watch(options)
        report = _build(options)
    except FAILURES as error:
        _print_failure(_failure(error, options.index), as_json=options.json)
        return 2
    except KeyboardInterrupt:
        print(
            "build_index: stopped; the index is whole, and the next build goes on from here",
            file=sys.stderr,
        )
        return 2
    if options.json:
        print(report.model_dump_json())
    else:
        _print_table(report, options.index)
    return 1 if report.unreadable else 0


def _build(options: argparse.Namespace) -> BuildReport:
    from index import build_index

    # A service's journal is no place for bars; whoever runs a build may keep them in a file.
    with _Bar(only_on_terminals=options.watch) as bar:
        return build_index(
            options.paths,
            options.index,
            options.models,
            rebuild=options.rebuild,
            workers=options.workers,
            limits=read_limits(),
            progress=bar.show,
            gate=_gate(options),
        )


def _paths_of_before(options: argparse.Namespace) -> Sequence[Path]:
    """Return what the index was built from, and say what that is."""
    from index.builder import paths_of_before

    paths = paths_of_before(options.index, SHIPPED)
    if not options.json:
        named = ", ".join(map(str, paths))
        print(f"build_index: indexing {named}, since no PATH is given", file=sys.stderr, flush=True)
    return paths


def _gate(options: argparse.Namespace) -> Callable[[Retriever], None] | None:
    """Return what asks the pinned questions; the program that answers is imported for it alone."""
    if options.gate is None:
        return None
    from app.gate import open_gate
    from app.pins import PinsUnusable

    try:
        return open_gate(options.gate, Settings())
    except PinsUnusable as error:
        raise GateUnusable(str(error)) from error


def _watch(options: argparse.Namespace) -> int:
    """Build after every change until SIGTERM or SIGINT; say what each build that did something did.

    A build that fails is said once, not again with every try.
    """
    from index.watching import watch_and_build

    # Also where a shell started this in the background, which has it ignore SIGINT.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    last_said: object = None

    def build() -> bool:
        nonlocal last_said
        try:
            report = _build(options)
        except FAILURES as error:
            failure = _failure(error, options.index)
            if failure != last_said:
                _print_failure(failure, as_json=options.json)
            last_said = failure
            return isinstance(error, VersionRefused)  # only a change makes it another version
        options.rebuild = False  # that was meant for the first build
        news = (report.index_id, report.unreadable, report.skipped)
        if news != last_said:
            if options.json:
                print(report.model_dump_json(), flush=True)
            else:
                _print_line(report)
        last_said = news
        return True

    try:
        pinned = [] if options.gate is None else [options.gate]
        watch_and_build([*options.paths, *pinned], options.index, build)
    except KeyboardInterrupt:
        print("build_index: stopped watching; the index is whole", file=sys.stderr)
    return 0


def _failure(error: Exception, index_folder: Path) -> Failure:
    if isinstance(error, OSError):
        place = error.filename or index_folder
        return Failure(
            "not_writable",
            f"{place} can't be used: {error.strerror or error}; give another folder with --index",
        )
    if isinstance(error, BAD_SETTINGS):
        return Failure("bad_setting", "; ".join(settings_problems(error)))
    failure = Failure(ERROR_CODES.get(type(error), "indexing_failed"), str(error))
    if isinstance(error, VersionRefused):
        return failure._replace(pins=error.refusals)
    if isinstance(error, NothingToIndex):
        return failure._replace(unreadable=error.unreadable, skipped=error.skipped)
    return failure


def _print_failure(failure: Failure, *, as_json: bool) -> None:
    if as_json:
        body: dict[str, object] = {"error": {"code": failure.code, "message": failure.message}}
        for name in ("pins", "unreadable", "skipped"):
            reasons = getattr(failure, name)
            if reasons is not None:
                body[name] = [each.model_dump(mode="json") for each in reasons]
        print(json.dumps(body, ensure_ascii=False), flush=True)
    else:
        print(f"build_index: {failure.message}", file=sys.stderr, flush=True)
        _print_files(failure.unreadable or (), failure.skipped or (), file=sys.stderr)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Exit codes: 0 done, 1 done but a file could not be read, 2 nothing was done.",
    )
    parser.add_argument(
        "paths",
        nargs="*",
        type=given_path,
        metavar="PATH",
        help="folders and files to index; the index holds exactly what they hold (default: those "
        "that it was built from, docs/sources for a new one)",
    )
    parser.add_argument("--index", type=given_path, metavar="DIR", help="default var/index")
    parser.add_argument("--models", type=given_path, metavar="DIR", help="default var/models")
    parser.add_argument("--settings", type=Path, metavar="FILE", help=FILE_HELP)
    parser.add_argument("--rebuild", action="store_true", help="read and encode everything anew")
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="files read at once; one for each core, at most 8, unless given",
    )
    parser.add_argument(
        "--gate",
        type=given_path,
        metavar="FILE",
        help="pinned questions that the new version has to answer as before to be published",
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--watch",
        action="store_true",
        help="go on: build whenever a file changes, until it is stopped",
    )
    instead.add_argument(
        "--rollback",
        action="store_true",
        help="build nothing: go back to the version before the one in use",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON document on one line (with --watch, one for each build)",
    )
    options = parser.parse_args(arguments)
    if options.workers is not None and options.workers < 1:
        parser.error("--workers has to be at least 1")
    of_builds = {
        "PATH": options.paths,
        "--rebuild": options.rebuild,
        "--workers": options.workers,
        "--gate": options.gate,
    }
    given = [name for name, value in of_builds.items() if value]
    if options.rollback and given:
        parser.error(f"{', '.join(given)}: that is for builds, and --rollback builds nothing")
    use_settings_file(options.settings)
    return options


def _roll_back(index_folder: Path, *, as_json: bool) -> int:
    from index import IndexBroken, rollback
    from index.versions import current_version

    try:
        left = current_version(index_folder).name
    except IndexBroken:
        left = None  # it names no version; there may be whole ones all the same
    manifest = rollback(index_folder)
    version = current_version(index_folder)
    if as_json:
        said = {
            "index_id": manifest.index_id,
            "version": version.name,
            "version_left": left,
            "documents": len(manifest.documents),
            "passages": manifest.passages,
        }
        print(json.dumps(said))
    else:
        written = (version / "manifest.json").stat().st_mtime
        when = datetime.datetime.fromtimestamp(written).astimezone()
        print(
            f"back from {left or 'no version'} to {version.name}, built on {when:%Y-%m-%d %H:%M}: "
            f"{len(manifest.documents)} documents, {manifest.passages} passages"
        )
    return 0


class _Bar:
    """A progress bar a stage, on stderr, with counts and the time that is left."""

    def __init__(self, *, only_on_terminals: bool) -> None:
        from tqdm import tqdm

        self._tqdm = partial(tqdm, disable=None if only_on_terminals else False, file=sys.stderr)
        self._bar: tqdm[None] | None = None
        self._stage = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, stage: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` are done; a stage with nothing to do shows nothing."""
        if not total:
            return
        if self._bar is None or stage != self._stage:
            if self._bar is not None:
                self._bar.close()
            self._stage = stage
            unit = {"reading": "file", "encoding": "passage", "words": "word"}.get(stage, "step")
            self._bar = self._tqdm(total=total, desc=stage, unit=unit)
        self._bar.update(done - self._bar.n)


def _print_table(report: BuildReport, index_folder: Path) -> None:
    rows = [
        ("added", len(report.added), ", ".join(report.added)),
        ("changed", len(report.changed), ", ".join(report.changed)),
        ("unchanged", report.unchanged, ""),
        ("removed", len(report.removed), ", ".join(report.removed)),
        ("unreadable", len(report.unreadable), ""),
        ("skipped", len(report.skipped), ""),
    ]
    for name, count, paths in rows:
        shortened = paths if len(paths) <= 70 else paths[:70].rsplit(",", 1)[0] + ", …"
        print(_in_one_line(f"{name:<11}{count:>6}  {shortened}".rstrip()))
    _print_files(report.unreadable, report.skipped)
    print(f"{'passages':<11}{report.passages:>6}")
    print(f"index {report.index_id} at {index_folder}, {report.seconds:.1f} s")


def _print_line(report: BuildReport) -> None:
    """Print a build on one line, and below it the files that could not be read."""
    counts = (
        (len(report.added), "added"),
        (len(report.changed), "changed"),
        (len(report.removed), "removed"),
        (len(report.unreadable), "unreadable"),
        (report.unchanged, "unchanged"),
        (report.passages, "passages"),
    )
    said = ", ".join(f"{count} {name}" for count, name in counts if count)
    now = datetime.datetime.now().astimezone()
    print(f"{now:%H:%M:%S} index {report.index_id}: {said}, {report.seconds:.1f} s", flush=True)
    _print_files(report.unreadable)


def _print_files(
    unreadable: Sequence[UnreadableFile],
    skipped: Sequence[SkippedFile] = (),
    *,
    file: TextIO | None = None,
) -> None:
    """Print each file that isn't in the index with the reason and the way out."""
    told = [f"unreadable ({each.reason}): {each.message}" for each in unreadable]
    told += [f"skipped ({each.reason}): {each.path}; {WAY_OUT[each.reason]}" for each in skipped]
    for line in told:
        print(_in_one_line(f"  {line}"), file=file, flush=True)


def _in_one_line(text: str) -> str:
    """Return text as it may be printed: a file's name may hold anything, line breaks too."""
    return printable(text.replace("\n", "\r"))


if __name__ == "__main__":
    sys.exit(main())
