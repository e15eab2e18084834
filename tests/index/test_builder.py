"""A build makes the index hold what the paths hold, whatever was there, whenever it is killed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
KILLS = 3


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
    with pytest.raises(NothingToIndex, match="1 could not be read"):
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


TEXTS = st.sampled_from(
    ["", "Water is wet.\n", "# Rail\n\nNine million passengers.\n", "Проект г. Алматы.\n",
     "| a | b |\n|---|---|\n| 1 | 2 |\n", "\x00\x01"]
)  # fmt: skip
FOLDERS = st.dictionaries(st.sampled_from(["a.md", "b.txt", "c/d.md", "e.html"]), TEXTS, min_size=1)


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(histories=st.lists(FOLDERS, min_size=2, max_size=3))
def test_updating_equals_rebuilding(
    histories: list[dict[str, str]],
    tmp_path_factory: pytest.TempPathFactory,
    models_folder: Path,
) -> None:
    root = tmp_path_factory.mktemp("history")
    docs = root / "docs"
    for folder in histories:
        for old in [path for path in docs.rglob("*") if path.is_file()]:
            old.unlink()
        for name, text in folder.items():
            (docs / name).parent.mkdir(parents=True, exist_ok=True)
            (docs / name).write_text(text, "utf-8")
        try:
            build_index([docs], root / "updated", models_folder)
            build_index([docs], root / "fresh", models_folder, rebuild=True)
        except NothingToIndex:
            continue
        assert state(root / "updated", models_folder) == state(root / "fresh", models_folder)


def answers_rightly(index_folder: Path, models_folder: Path, texts: set[str]) -> str:
    """Check that the index opens, and quotes only what one of the two states holds."""
    verify_index(index_folder)
    retriever = Retriever.open(index_folder, models_folder)
    found = retriever.search("words of the document", 10)
    assert found
    for ranked in found:
        document = retriever.document(ranked.passage.document_id)
        assert document.text[ranked.passage.start : ranked.passage.end] == ranked.passage.text
        assert document.text in texts
    versions = {retriever.document(s.document_id).text.split()[1] for s in retriever.documents()}
    retriever.close()
    assert len(versions) == 1, "the answer mixes two versions"
    return versions.pop()


STAGED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import index.builder as builder, index.vector_cache as vector_cache, index.versions as versions
left = int(sys.argv[5])
def ticking(function):
    def tick(*values, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*values, **named)
    return tick
builder.embed_passages = lambda encoder, texts: (encoder.encode_passages([t]) for t in texts)
builder.BATCH_TEXTS = 1
builder.write_store = ticking(builder.write_store)
builder.DenseIndex.write = ticking(builder.DenseIndex.write)
builder.SparseIndex.write = ticking(builder.SparseIndex.write)
versions._sync = ticking(versions._sync)
vector_cache.VectorCache.add = ticking(vector_cache.VectorCache.add)
Path.rename = ticking(Path.rename)
Path.replace = ticking(Path.replace)
Path.write_text = ticking(Path.write_text)
builder.build_index([Path(sys.argv[2])], Path(sys.argv[3]), Path(sys.argv[4]))
"""


def write_version(sources: Path, version: str) -> set[str]:
    texts = set()
    for number in range(4):
        text = f"Version {version} words of document {number}.\n"
        (sources / f"{number}.md").write_text(text, "utf-8")
        texts.add(text)
    return texts


@pytest.mark.parametrize("step", [3, 6, 8, 22, 24, 26, 28])
def test_a_kill_at_any_step_leaves_the_old_index_or_the_new_one(
    step: int, tmp_path: Path, sources: Path, build: Any, models_folder: Path
) -> None:
    texts = write_version(sources, "old")
    build()
    texts |= write_version(sources, "new")
    command = [sys.executable, "-c", STAGED, REPOSITORY, sources, tmp_path / "index", models_folder]
    outcome = subprocess.run([*map(str, command), str(step)], check=False, capture_output=True)
    assert outcome.returncode in (0, -signal.SIGKILL), outcome.stderr
    answers_rightly(tmp_path / "index", models_folder, texts)
    build()
    assert answers_rightly(tmp_path / "index", models_folder, texts) == "new"
    assert not list((tmp_path / "index" / "versions").glob(".building-*"))


@pytest.mark.usefixtures("with_sentence_transformers")
def test_kills_at_random_moments_of_the_real_script_lose_nothing(
    tmp_path: Path, sources: Path, models_folder: Path
) -> None:
    texts = write_version(sources, "old")
    command = [
        sys.executable,
        str(REPOSITORY / "scripts" / "build_index.py"),
        str(sources),
        "--index",
        str(tmp_path / "index"),
        "--models",
        str(models_folder),
    ]
    began = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    whole = time.monotonic() - began
    dice = random.Random(7)
    for number in range(KILLS):
        texts |= write_version(sources, f"new{number}")
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0.3, 1.0) * whole)
        process.kill()
        process.wait()
        answers_rightly(tmp_path / "index", models_folder, texts)
    subprocess.run(command, check=True, capture_output=True)
    last = answers_rightly(tmp_path / "index", models_folder, texts)
    assert last == f"new{KILLS - 1}"


@pytest.mark.usefixtures("with_sentence_transformers")
def test_sentence_transformers_runs_the_same_graph(models: Models) -> None:
    from index.embedding import embed_passages

    texts = ["One.", "Two words.", "Үш сөз бар."]
    (vectors,) = embed_passages(models.encoder, texts)
    assert (vectors == models.encoder.encode_passages(texts)).all()
    assert not list(embed_passages(models.encoder, []))
