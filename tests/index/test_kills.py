"""A kill -9 at any moment of a build leaves the old version or the new one, whole.

``python -m tests.killing --kills 200`` is the long form; docs/results/builder.md has its figures.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from index import Encoder, Models, Retriever, build_index, builder, verify_index
from index.types import Vectors
from tests import killing

REPOSITORY = Path(__file__).resolve().parent.parent.parent
KILLS = 6
KILLS_OF_THE_SCRIPT = 2


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Encode without sentence-transformers, which takes seconds to import."""
    monkeypatch.setattr(
        builder, "embed_passages", lambda encoder, texts: iter([encoder.encode_passages(texts)])
    )


def test_kills_in_every_phase_leave_an_index_that_opens_and_cites_rightly(
    tmp_path: Path, models_folder: Path
) -> None:
    outcome = killing.run(KILLS, seed=20, folder=tmp_path, models_folder=models_folder)
    assert outcome.failures == []
    assert sum(outcome.kills.values()) == sum(outcome.left.values()) == KILLS
    assert outcome.rebuilds_after >= KILLS
    assert outcome.citations_proved > 0


@pytest.mark.parametrize("harm", ["vectors exchanged", "a file changed", "another encoder's text"])
def test_whoever_looks_at_what_is_left_sees_harm(
    harm: str, tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    def embed(encoder: Encoder, texts: Sequence[str]) -> Iterator[Vectors]:
        vectors = encoder.encode_passages(texts)
        yield vectors[::-1] if harm == "vectors exchanged" else vectors

    documents = Path(shutil.copytree(killing.HARBOUR, tmp_path / "documents"))
    monkeypatch.setattr(builder, "embed_passages", embed)
    build_index([documents], tmp_path / "index", models.folder)
    if harm == "a file changed":
        (documents / "market.md").write_text("# Market\n\nIt is closed.\n", "utf-8")
    examiner = killing.Examiner(models, killing.Outcome(seed=0))
    if harm == "another encoder's text":
        monkeypatch.setattr(killing, "embedded_text", lambda document, passage: "Other words.")
    with pytest.raises(killing.Wrong, match="of no state" if "file" in harm else "not its own"):
        examiner.examine(tmp_path / "index", [documents], "Who runs the market?")


def answers_rightly(index_folder: Path, models: Models, texts: set[str]) -> str:
    """Check that the index opens, and quotes only what one of the two states holds."""
    verify_index(index_folder)
    retriever = Retriever.open(index_folder, models)
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


KILLED_BEFORE = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import index.builder as builder, index.vector_cache as vector_cache, index.versions as versions
builder.embed_passages = lambda encoder, texts: (encoder.encode_passages([t]) for t in texts)
builder.BATCH_TEXTS = 1
owner, _, name = sys.argv[5].rpartition(".")
owner = eval(owner)
left = int(sys.argv[6])
function = getattr(owner, name)
def killed(*values, **named):
    global left
    left -= 1
    if left:
        return function(*values, **named)
    if name == "write_text":
        function(values[0], values[1][: len(values[1]) // 2])
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, name, killed)
builder.build_index([Path(sys.argv[2])], Path(sys.argv[3]), Path(sys.argv[4]))
"""
"""Builds, and dies when a function is called for the n-th time; a text is half written by then."""


def write_version(sources: Path, version: str) -> set[str]:
    texts = set()
    for number in range(4):
        text = f"Version {version} words of document {number}.\n"
        (sources / f"{number}.md").write_text(text, "utf-8")
        texts.add(text)
    return texts


@pytest.mark.parametrize(
    ("function", "call", "left"),
    [
        ("vector_cache.VectorCache.add", 3, "old"),
        ("builder.write_store", 1, "old"),
        ("builder.DenseIndex.write", 1, "old"),
        ("builder.SparseIndex.write", 1, "old"),
        ("Path.write_text", 1, "old"),  # the manifest
        ("versions._sync", 2, "old"),
        ("Path.rename", 1, "old"),  # the version gets its name
        ("Path.write_text", 2, "old"),  # the pointer, beside the one in use
        ("Path.replace", 1, "old"),  # the pointer takes the other's place
        ("vector_cache.VectorCache.shrink", 1, "new"),
    ],
)
@pytest.mark.usefixtures("without_torch")
def test_a_kill_at_a_step_leaves_the_version_that_it_should(
    function: str, call: int, left: str, tmp_path: Path, sources: Path, models: Models
) -> None:
    texts = write_version(sources, "old")
    build_index([sources], tmp_path / "index", models.folder)
    texts |= write_version(sources, "new")
    command = [sys.executable, "-c", KILLED_BEFORE, REPOSITORY, sources, tmp_path / "index"]
    command += [models.folder, function, call]
    outcome = subprocess.run(list(map(str, command)), check=False, capture_output=True)
    assert outcome.returncode == -signal.SIGKILL, outcome.stderr
    assert answers_rightly(tmp_path / "index", models, texts) == left
    build_index([sources], tmp_path / "index", models.folder)
    assert answers_rightly(tmp_path / "index", models, texts) == "new"
    assert not list((tmp_path / "index" / "versions").glob(".building-*"))


def test_kills_at_random_moments_of_the_real_script_lose_nothing(
    tmp_path: Path, sources: Path, models: Models
) -> None:
    texts = write_version(sources, "old")
    command = [
        sys.executable,
        str(REPOSITORY / "scripts" / "build_index.py"),
        str(sources),
        "--index",
        str(tmp_path / "index"),
        "--models",
        str(models.folder),
    ]
    began = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    whole = time.monotonic() - began
    dice = random.Random(7)
    for number in range(KILLS_OF_THE_SCRIPT):
        texts |= write_version(sources, f"new{number}")
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0.3, 1.0) * whole)
        process.kill()
        process.wait()
        answers_rightly(tmp_path / "index", models, texts)
    subprocess.run(command, check=True, capture_output=True)
    last = answers_rightly(tmp_path / "index", models, texts)
    assert last == f"new{KILLS_OF_THE_SCRIPT - 1}"
