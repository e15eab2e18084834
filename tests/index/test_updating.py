"""An updated index is the index that a fresh build makes, row for row, vector for vector."""

from __future__ import annotations

import io
import shutil
import sqlite3
import zipfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from index import BuildReport, Models, NothingToIndex, Retriever, build_index, builder
from index.manifest import read_manifest
from index.versions import current_version

QUESTIONS = ("water", "How many passengers?", "проект в Алматы", "crossings", "nothing of the kind")


def zipped(members: dict[str, bytes]) -> bytes:
    """Return a ZIP file that is the same whenever it is made."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return held.getvalue()


CONTENTS = (
    b"Water is wet.\n",
    b"# Rail\n\nNine million passengers.\n\n## Coast\n\nThe railway goes along the coast.\n",
    "Проект г. Алматы.\n\nСу құбыры жөнделді.\n".encode(),
    b"| a | b |\n|---|---|\n| 1 | 2 |\n",
    b"name,crossings\nGannet,12\nHeron,7\n",
    b"<html><title>Ferries</title><body><p>Two ferries cross at noon.</p></body></html>",
    zipped({"in.md": b"# Inside\n\nWater in an archive.\n", "bad.pdf": b"%PDF-", ".x.md": b"x"}),
    b"",
    b"\x00\x01",
)
NAMES = ("a.md", "b.txt", "c/d.md", "c/e.html", "f.csv", "g.zip", "h.unknown")


class Change(NamedTuple):
    """What happens to a file: it gets a content, or another name, or goes away."""

    kind: str
    name: str
    other_name: str
    content: bytes


WATER = Change("write", "a.md", "a.md", CONTENTS[0])
ARCHIVE_UNDER_ANOTHER_NAME = Change("write", "b.txt", "b.txt", CONTENTS[6])
"""A file that gives no document, only a problem."""

CHANGES = st.lists(
    st.builds(
        Change,
        st.sampled_from(["write", "write", "write", "rename", "remove"]),
        st.sampled_from(NAMES),
        st.sampled_from(NAMES),
        st.sampled_from(CONTENTS),
    ),
    min_size=2,
    max_size=6,
)


def make(changes: Sequence[Change], folder: Path) -> None:
    for change in changes:
        file, other = folder / change.name, folder / change.other_name
        if change.kind == "write":
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(change.content)
        elif file.exists() and change.kind == "remove":
            file.unlink()
        elif file.exists():
            other.parent.mkdir(parents=True, exist_ok=True)
            file.rename(other)


def searched(index_folder: Path, models: Models) -> list[Any]:
    """Return what an index says and finds, with the scores."""
    retriever = Retriever.open(index_folder, models)
    documents = [
        retriever.document(one.document_id).model_copy(update={"modified_ns": 0})
        for one in retriever.documents()
    ]
    found = [
        [(one.passage, one.rank, one.score, one.dense, one.sparse) for one in hits]
        for hits in (retriever.search(question, 5) for question in QUESTIONS)
    ]
    answer = [documents, found, dict(retriever.terms()), retriever.index_id]
    retriever.close()
    return answer


def files_of(index_folder: Path) -> dict[str, str]:
    """Return the checksums of a version's files, without those that tantivy and SQLite number."""
    files = read_manifest(current_version(index_folder)).files
    assert {"dense.faiss", "passages.sqlite"} <= {each.path for each in files}
    return {
        each.path: each.sha256
        for each in files
        if each.path != "passages.sqlite" and not each.path.startswith("sparse/")
    }


def rows_of(index_folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, without the times at which files were last written."""
    file = current_version(index_folder) / "passages.sqlite"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
        tables = [
            name for (name,) in store.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        ]
        columns = {
            table: [
                column
                for (column,) in store.execute("SELECT name FROM pragma_table_info(?)", [table])
                if column != "modified_ns"
            ]
            for table in tables
        }
        quoted = '", "'
        return {
            table: store.execute(f'SELECT "{quoted.join(names)}" FROM {table}').fetchall()
            for table, names in columns.items()
        }


def told(report: BuildReport) -> list[Any]:
    """Return what a report says that doesn't depend on what was there before."""
    return [report.index_id, set(report.unreadable), set(report.skipped), report.passages]


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(CHANGES, min_size=2, max_size=4))
@example(steps=[[WATER], [ARCHIVE_UNDER_ANOTHER_NAME]])
def test_updating_equals_building_anew(
    steps: list[list[Change]],
    tmp_path_factory: pytest.TempPathFactory,
    models: Models,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        builder, "embed_passages", lambda encoder, texts: iter([encoder.encode_passages(texts)])
    )
    root = tmp_path_factory.mktemp("history")
    sources, updated, fresh = root / "sources", root / "updated", root / "fresh"
    sources.mkdir()
    for changes in steps:
        make(changes, sources)
        try:
            update = build_index([sources], updated, models.folder, workers=1)
        except NothingToIndex:
            event("nothing to index")
            with pytest.raises(NothingToIndex):
                build_index([sources], fresh, models.folder, workers=1)
            continue
        shutil.rmtree(fresh, ignore_errors=True)
        anew = build_index([sources], fresh, models.folder, workers=1)
        event(f"{min(len(update.changed), 1)} changed, {min(len(update.removed), 1)} removed")
        assert told(update) == told(anew)
        assert files_of(updated) == files_of(fresh)
        assert rows_of(updated) == rows_of(fresh)
        assert searched(updated, models) == searched(fresh, models)
