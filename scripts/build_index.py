"""Builds the index of a set of documents, or brings it up to date."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Self

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from index import (  # noqa: E402  the repository has to be on the path first
    BuildInProgress,
    BuildReport,
    IndexingError,
    IndexMissing,
    ModelMissing,
    NothingToIndex,
)

ERROR_CODES = {
    BuildInProgress: "build_in_progress",
    IndexMissing: "index_missing",
    ModelMissing: "model_missing",
    NothingToIndex: "nothing_to_index",
}


def main(arguments: list[str] | None = None) -> int:
    """Build; return 0 if all is well, 1 if a file could not be read, 2 if nothing was done."""
    options = _options(arguments)
    try:
        if options.rollback:
            return _roll_back(options.index, as_json=options.json)
        from index import build_index

        with _Bar() as bar:
            report = build_index(
                options.paths,
                options.index,
                options.models,
                rebuild=options.rebuild,
                progress=bar.show,
            )
    except IndexingError as error:
        if options.json:
            code = ERROR_CODES.get(type(error), "indexing_failed")
            print(json.dumps({"error": {"code": code, "message": str(error)}}, ensure_ascii=False))
        else:
            print(f"build_index: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        message = f"{error.filename or options.index} can't be written: {error.strerror}"
        if options.json:
            body = {"error": {"code": "not_writable", "message": message}}
            print(json.dumps(body, ensure_ascii=False))
        else:
            print(f"build_index: {message}; give another folder with --index", file=sys.stderr)
        return 2
    if options.json:
        print(report.model_dump_json())
    else:
        _print_table(report, options.index)
    return 1 if report.unreadable else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Exit codes: 0 done, 1 done but a file could not be read, 2 nothing was done.",
    )
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        default=[REPOSITORY / "docs" / "sources"],
        metavar="PATH",
        help="folders and files to index; the index holds exactly what they hold",
    )
    parser.add_argument("--index", type=Path, default=REPOSITORY / "var" / "index", metavar="DIR")
    parser.add_argument("--models", type=Path, default=REPOSITORY / "var" / "models", metavar="DIR")
    parser.add_argument("--rebuild", action="store_true", help="read and encode everything anew")
    parser.add_argument("--rollback", action="store_true", help="go back to the version before")
    parser.add_argument("--json", action="store_true", help="print one JSON document on one line")
    return parser.parse_args(arguments)


def _roll_back(index_folder: Path, *, as_json: bool) -> int:
    from index import rollback

    manifest = rollback(index_folder)
    if as_json:
        print(json.dumps({"index_id": manifest.index_id, "passages": manifest.passages}))
    else:
        documents = len(manifest.documents)
        print(f"back to {manifest.index_id}: {documents} documents, {manifest.passages} passages")
    return 0


class _Bar:
    """A progress bar a stage, on stderr, with counts and the time that is left."""

    def __init__(self) -> None:
        from tqdm import tqdm

        self._tqdm = tqdm
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
            unit = {"reading": "file", "encoding": "passage"}.get(stage, "step")
            self._bar = self._tqdm(total=total, desc=stage, unit=unit, file=sys.stderr)
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
        print(f"{name:<11}{count:>6}  {shortened}".rstrip())
    for unreadable in report.unreadable:
        print(f"  unreadable ({unreadable.reason}): {unreadable.message}")
    for skipped in report.skipped:
        print(f"  skipped ({skipped.reason}): {skipped.path}")
    print(f"{'passages':<11}{report.passages:>6}")
    print(f"index {report.index_id} at {index_folder}, {report.seconds:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
