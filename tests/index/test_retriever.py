"""A question in, ranked passages out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import IndexBroken, IndexMissing, Models, Retriever, build_index
from index.retriever import fuse

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def retriever(briefing_index: Path, models: Models) -> Retriever:
    return Retriever.open(briefing_index, models)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How long are the repaired canals?", "763 kilometres"),
        ("Сколько километров каналов отремонтировали?", "763 kilometres"),
        ("How many people took the train?", "nine million"),
        ("Кто был председателем правления?", "Арман Әлиев"),
        ("How long is the Desert line?", "Desert | 845"),
    ],
)
def test_the_passage_that_answers_comes_first(
    question: str, words: str, retriever: Retriever
) -> None:
    first, second = retriever.search(question, 2)
    assert words in first.passage.text
    assert (first.rank, second.rank) == (1, 2)
    assert 0 <= second.score <= first.score <= 1


def test_every_passage_is_its_documents_own_text(retriever: Retriever) -> None:
    for summary in retriever.documents():
        document = retriever.document(summary.document_id)
        passages = retriever.passages_of(summary.document_id)
        assert len(passages) == summary.passages
        assert summary.characters == len(document.text)
        for passage in passages:
            assert document.text[passage.start : passage.end] == passage.text
            assert retriever.passage(passage.passage_id) == passage


def test_a_search_within_documents_stays_there(retriever: Retriever) -> None:
    rail = next(s.document_id for s in retriever.documents() if s.path == "rail.md")
    found = retriever.search("How long are the canals?", 10, documents=frozenset({rail}))
    assert {ranked.passage.document_id for ranked in found} == {rail}
    assert retriever.search("canals", 10, documents=frozenset()) == ()
    assert retriever.search("canals", 10, documents=frozenset({"unknown"})) == ()


def test_other_words_will_do_for_a_word_of_the_question(retriever: Retriever) -> None:
    def sparse(others: dict[str, frozenset[str]] | None) -> list[str]:
        found = retriever.search("каналов", 50, others=others)
        return [ranked.passage.text for ranked in found if ranked.sparse > 0]

    assert not any("763 kilometres" in text for text in sparse(None))
    assert any("763 kilometres" in text for text in sparse({"каналов": frozenset({"canals"})}))


def test_asking_for_more_than_there_is_gives_what_there_is(retriever: Retriever) -> None:
    found = retriever.search("canals", 1000)
    assert len(found) == sum(summary.passages for summary in retriever.documents())
    assert len({ranked.passage.passage_id for ranked in found}) == len(found)


@pytest.mark.parametrize("question", ["", " ", "?", "\x00", "🙂" * 500, "слово " * 2000])
def test_any_text_is_a_question(question: str, retriever: Retriever) -> None:
    assert len(retriever.search(question, 3)) == 3


def test_unknown_ids_are_key_errors(retriever: Retriever) -> None:
    for ask in (retriever.document, retriever.source_state):
        with pytest.raises(KeyError):
            ask("unknown")
    with pytest.raises(KeyError):
        retriever.passage(10_000)
    assert retriever.passages_of("unknown") == ()


def test_terms_count_the_passages_a_word_stands_in(retriever: Retriever) -> None:
    terms = retriever.terms()
    assert terms["763"] == 1
    assert terms["kilometres"] == 3  # one sentence, and the header of two rows
    assert "алиев" in terms
    assert "canal" not in terms


def test_threads_share_a_retriever(retriever: Retriever) -> None:
    questions = ["canals", "passengers", "dams", "директор"] * 5
    alone = [retriever.search(question, 5) for question in questions]
    together: dict[int, Any] = {}
    threads = [
        threading.Thread(
            target=lambda n=number: together.update({n: retriever.search(questions[n], 5)})
        )
        for number in range(len(questions))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[number] for number in range(len(questions))] == alone


def test_a_changed_and_a_vanished_source_are_said(tmp_path: Path, models: Models) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("a", "b", "c", "d"):
        (docs / f"{name}.md").write_text(f"Words of {name}.", "utf-8")
    build_index([docs], tmp_path / "index", models.folder)
    (docs / "a.md").write_text("Words of A.", "utf-8")
    (docs / "b.md").unlink()
    os.utime(docs / "c.md", (1, 1))
    retriever = Retriever.open(tmp_path / "index", models)
    states = {s.path: retriever.source_state(s.document_id) for s in retriever.documents()}
    assert states == {
        "a.md": "changed",
        "b.md": "missing",
        "c.md": "unchanged",
        "d.md": "unchanged",
    }


def test_a_new_version_is_noticed_and_the_old_one_answers_until_closed(
    tmp_path: Path, models: Models
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("Old words.", "utf-8")
    build_index([docs], tmp_path / "index", models.folder)
    old = Retriever.open(tmp_path / "index", models)
    assert not old.newer_version_exists()
    (docs / "a.md").write_text("New words.", "utf-8")
    build_index([docs], tmp_path / "index", models.folder)
    assert old.newer_version_exists()
    new = old.reopened()
    assert not new.newer_version_exists()
    assert new.encoder is old.encoder
    assert old.search("words", 1)[0].passage.text == "Old words."
    assert new.search("words", 1)[0].passage.text == "New words."


def test_an_index_of_another_encoder_is_refused_with_the_fix(
    tmp_path: Path, briefing_index: Path, models: Models
) -> None:
    shutil.copytree(briefing_index, tmp_path / "index")
    other = models.manifest.model_copy(
        update={
            "encoders": tuple(
                facts.model_copy(update={"sha256": "0" * 64}) for facts in models.manifest.encoders
            )
        }
    )
    with pytest.raises(IndexBroken, match=r"--rebuild.*--encoder e5-small"):
        Retriever.open(tmp_path / "index", Models(models.folder, other))


def test_a_folder_without_an_index_is_said(tmp_path: Path, models: Models) -> None:
    with pytest.raises(IndexMissing):
        Retriever.open(tmp_path, models)


def test_answering_never_imports_torch(briefing_index: Path, models_folder: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path; from index import Models, Retriever\n"
        "retriever = Retriever.open(Path(sys.argv[2]), Path(sys.argv[3]))\n"
        "assert retriever.search('canals', 3)\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'pandas', 'tokenizers'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program, REPOSITORY, briefing_index, models_folder]
    outcome = subprocess.run([*map(str, command)], check=True, capture_output=True, text=True)
    assert outcome.stdout.strip() == "[]"


scores = st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=20)


@given(scores, st.floats(0, 1))
def test_fused_scores_lie_between_nought_and_one_and_keep_a_lone_order(
    dense: list[float], weight: float
) -> None:
    vector = np.array(dense, np.float32)
    fused = fuse(vector, np.zeros(len(dense), np.float32), weight=weight)
    assert ((fused >= 0) & (fused <= 1)).all()
    order = np.argsort(vector, kind="stable")
    assert (np.diff(fused[order]) >= -1e-6).all()


def test_fusion_can_be_redone_by_hand() -> None:
    dense = np.array([0.9, 0.8, 0.7], np.float32)
    sparse = np.array([0.0, 4.0, 8.0], np.float32)
    fused = fuse(dense, sparse, weight=0.7)
    assert fused.tolist() == pytest.approx([0.7, 0.7 * 0.5 + 0.3 * 0.5, 0.3], abs=1e-5)
