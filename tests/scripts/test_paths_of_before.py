"""A build without a path is of the documents of before, and never replaces them by others."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from index import DocumentsUnnamed, verify_index
from index.builder import paths_of_before
from index.manifest import read_manifest
from index.versions import current_version
from tests.scripts.test_build_index import Run, run

__all__ = ["run"]  # the fixture


@pytest.fixture
def built(run: Run) -> Run:
    """An index of one document, built once."""
    (run.docs / "a.md").write_text("Words of a.", "utf-8")
    assert run.json()[0] == 0
    return run


def forget_paths(run: Run) -> None:
    """Make the current version one of the program that did not record what it is built from."""
    file = current_version(run.index) / "manifest.json"
    said = json.loads(file.read_bytes())
    del said["paths"], said["manifest_sha256"]
    bare = json.dumps(said, sort_keys=True).encode()
    file.write_text(json.dumps({**said, "manifest_sha256": hashlib.sha256(bare).hexdigest()}))


def test_without_a_path_the_documents_of_before_are_read_again(built: Run) -> None:
    (built.docs / "b.md").write_text("Words of b.", "utf-8")
    code, report = built.json(paths=[])
    assert (code, report["added"], report["removed"]) == (0, ["b.md"], [])
    code, _, err = built(paths=[])
    assert code == 0
    assert f"build_index: indexing {built.docs}, since" in err


def test_a_relative_path_leads_to_the_same_documents_from_elsewhere(
    built: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert built.json(paths=[Path("docs")])[1]["unchanged"] == 1
    monkeypatch.chdir(built.index)
    assert built.json(paths=[])[1]["unchanged"] == 1


@pytest.mark.parametrize("damaged", ["passages.sqlite", "dense.faiss"])
def test_the_command_that_a_broken_index_advises_mends_it(built: Run, damaged: str) -> None:
    (current_version(built.index) / damaged).write_bytes(b"damaged")
    code, report = built.json("--rebuild", paths=[])
    assert (code, report["passages"]) == (0, 1)
    assert [each.path for each in verify_index(built.index).documents] == ["a.md"]


def test_where_the_manifest_is_gone_the_version_before_says_it(built: Run) -> None:
    (built.docs / "b.md").write_text("Words of b.", "utf-8")
    assert built.json()[0] == 0
    (current_version(built.index) / "manifest.json").write_bytes(b"damaged")
    assert paths_of_before(built.index, Path("shipped")) == (built.docs,)


def test_an_index_of_before_opens_and_is_not_replaced_by_the_shipped_documents(built: Run) -> None:
    forget_paths(built)
    assert verify_index(built.index).paths is None
    before = (built.index / "current").read_bytes()
    for arguments in ([], ["--rebuild"]):
        code, said = built.json(*arguments, paths=[])
        assert (code, said["error"]["code"]) == (2, "documents_unnamed")
        assert f"build_index.py PATH --index {built.index}`" in said["error"]["message"]
    assert (built.index / "current").read_bytes() == before
    assert built.json()[1]["unchanged"] == 1
    assert read_manifest(current_version(built.index)).paths == (str(built.docs),)


def test_an_index_of_before_that_holds_the_shipped_documents_goes_on(
    built: Run, tmp_path: Path
) -> None:
    forget_paths(built)
    assert paths_of_before(built.index, built.docs) == (built.docs,)
    (current_version(built.index) / "passages.sqlite").write_bytes(b"damaged")
    with pytest.raises(DocumentsUnnamed):
        paths_of_before(built.index, built.docs)
    assert paths_of_before(tmp_path / "none yet", built.docs) == (built.docs,)
