"""A build makes the index hold what the paths hold, whatever was there, whenever it is killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from index import (
    BuildReport,
    Models,
    NothingToIndex,
    Retriever,
    build_index,
    builder,
    verify_index,
)
from index.versions import current_version

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def with_sentence_transformers() -> None:
    """A test that asks for this encodes as a real build does."""


@pytest.fixture(autouse=True)
def without_torch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Encode without sentence-transformers, which takes seconds to import, unless asked."""
    if "with_sentence_transformers" not in request.fixturenames:
        monkeypatch.setattr(
            builder, "embed_passages", lambda encoder, texts: iter([encoder.encode_passages(texts)])
        )


@pytest.fixture
def build(tmp_path: Path, sources: Path, models_folder: Path) -> Any:
    def run(**options: Any) -> BuildReport:
        return build_index([sources], tmp_path / "index", models_folder, **options)

    return run


def state(index_folder: Path, models_folder: Path) -> list[Any]:
    """Everything an index answers with, but for when and where it was built."""
    retriever = Retriever.open(index_folder, models_folder)
    found = [
        (s, retriever.document(s.document_id).text, retriever.passages_of(s.document_id))
        for s in retriever.documents()
    ]
    searched = [
        [(r.passage, r.rank, round(r.score, 5)) for r in retriever.search(question, 5)]
        for question in ("water", "How many passengers?", "проект", "nothing of the kind")
    ]
    answer = [found, searched, dict(retriever.terms()), retriever.index_id]
    retriever.close()
    return answer


def test_added_changed_unchanged_and_removed_are_told_apart(write: Any, build: Any) -> None:
    write("a.md", "Words of a.")
    write("b/b.md", "Words of b.")
    write("c.txt", "Words of c.")
    assert set(build().added) == {"a.md", "b/b.md", "c.txt"}
    write("a.md", "Other words.")
    (write("c.txt", "x")).unlink()
    write("d.md", "Words of d.")
    write("e.md", "")
    write("f.exe", "x")
    report = build()
    assert (report.added, report.changed, report.removed) == (("d.md",), ("a.md",), ("c.txt",))
    assert report.unchanged == 1
    assert [(u.path, u.reason) for u in report.unreadable] == [("e.md", "empty")]
    assert [(s.path, s.reason) for s in report.skipped] == [("f.exe", "unsupported_type")]
    assert report.passages == 3


def test_a_build_without_a_change_writes_nothing(tmp_path: Path, write: Any, build: Any) -> None:
    file = write("a.md", "Words of a.")
    first = build()
    version = current_version(tmp_path / "index")
    file.touch()
    again = build()
    assert again.index_id == first.index_id
    assert again.unchanged == 1
    assert not again.added
    assert current_version(tmp_path / "index") == version
    assert len(list((tmp_path / "index" / "versions").iterdir())) == 1


def test_equal_content_gives_an_equal_id_wherever_it_lies(
    tmp_path: Path, write: Any, build: Any, models_folder: Path
) -> None:
    write("a.md", "Words of a.")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "a.md").write_text("Words of a.", "utf-8")
    other = build_index([tmp_path / "copy"], tmp_path / "other", models_folder)
    assert other.index_id == build().index_id


def test_an_unchanged_passage_is_never_encoded_twice(
    write: Any, build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[str] = []

    def counting(encoder: Any, texts: list[str]) -> Any:
        encoded.extend(texts)
        return iter([encoder.encode_passages(texts)])

    monkeypatch.setattr(builder, "embed_passages", counting)
    write("a.md", "# A\n\nOne.\n\n# B\n\nTwo.\n")
    write("same.md", "# A\n\nOne.\n")
    build()
    assert encoded == ["A\nOne.", "A > B\nTwo."]
    encoded.clear()
    write("a.md", "# A\n\nOne.\n\n# B\n\nChanged.\n")
    build()
    assert [text.rsplit("\n", 1)[1] for text in encoded] == ["Changed."]
    encoded.clear()
    build(rebuild=True)
    assert len(encoded) == 2


def test_a_build_goes_on_from_the_vectors_it_has(
    write: Any, build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        write(f"{number}.md", f"Words of {number}.")
    asked: list[int] = []

    def dying(encoder: Any, texts: list[str]) -> Any:
        asked.append(len(texts))
        yield encoder.encode_passages(texts[:2])
        if len(asked) == 1:
            raise KeyboardInterrupt
        yield encoder.encode_passages(texts[2:])

    monkeypatch.setattr(builder, "embed_passages", dying)
    monkeypatch.setattr(builder, "BATCH_TEXTS", 2)
    with pytest.raises(KeyboardInterrupt):
        build()
    assert build().passages == 4
    assert asked == [4, 2]


def test_nothing_readable_leaves_the_old_index(
    tmp_path: Path, write: Any, build: Any, models_folder: Path
) -> None:
    file = write("a.md", "Words of a.")
    build()
    before = state(tmp_path / "index", models_folder)
    file.write_text("", "utf-8")
    with pytest.raises(NothingToIndex, match="1 file could not be read"):
        build()
    assert state(tmp_path / "index", models_folder) == before


def test_a_damaged_index_is_built_anew(tmp_path: Path, write: Any, build: Any) -> None:
    write("a.md", "Words of a.")
    build()
    (current_version(tmp_path / "index") / "passages.sqlite").write_bytes(b"x")
    report = build()
    assert report.added == ("a.md",)
    assert verify_index(tmp_path / "index").index_id == report.index_id


def test_a_moved_folder_is_found_where_it_is_now(
    tmp_path: Path, sources: Path, write: Any, build: Any, models_folder: Path
) -> None:
    write("a.md", "Words of a.")
    first = build()
    sources.rename(tmp_path / "moved")
    second = build_index([tmp_path / "moved"], tmp_path / "index", models_folder)
    assert (second.index_id, second.unchanged) == (first.index_id, 1)
    retriever = Retriever.open(tmp_path / "index", models_folder)
    assert retriever.source_state(retriever.documents()[0].document_id) == "unchanged"


@pytest.mark.usefixtures("with_sentence_transformers")
@pytest.mark.parametrize("few", [0, 128])
def test_sentence_transformers_runs_the_same_graph(
    few: int, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    from index import embedding
    from index.embedding import embed_passages

    monkeypatch.setattr(embedding, "FEW_TEXTS", few)
    texts = ["One.", "Two words.", "Үш сөз бар."]
    (vectors,) = embed_passages(models.encoder, texts)
    assert (vectors == models.encoder.encode_passages(texts)).all()
    monkeypatch.setattr(embedding, "FEW_TEXTS", 128)
    assert not list(embed_passages(models.encoder, []))
