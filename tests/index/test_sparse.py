"""BM25 over folded words: what matches what, and that a question is never syntax."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import IndexBroken
from index.errors import IndexUnwritable
from index.sparse import SparseEntry, SparseIndex
from tests.disks import full_disk

TEXTS = [
    "Irrigation upgrades covered 92,000 hectares",
    "The railway carried nine million passengers",
    "Гектары орошения были модернизированы",
    "Қазақстан жаңа бағдарламаны талқылады",
    "Revenue was $4.2 billion in 2024",
]


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> SparseIndex:
    folder = tmp_path_factory.mktemp("sparse")
    SparseIndex.write((SparseEntry(n, n, text) for n, text in enumerate(TEXTS)), folder)
    return SparseIndex.open(folder)


@pytest.mark.parametrize(
    ("query", "row"),
    [
        ("irrigated hectare", 0),
        ("92,000", 0),
        ("ПАССАЖИРЫ railways", 1),
        ("сколько гектаров", 2),
        ("Казакстан талкылады", 3),
        ("ҚАЗАҚСТАН", 3),
        ("4.2", 4),
    ],
)
def test_words_match_in_any_case_form_and_keyboard(
    query: str, row: int, sparse: SparseIndex
) -> None:
    rows, scores = sparse.search(query, 5)
    assert rows[0] == row
    assert scores[0] > 0


@pytest.mark.parametrize("query", ["", "?!", "zebra", "  "])
def test_nothing_matches_nothing(query: str, sparse: SparseIndex) -> None:
    assert len(sparse.search(query, 5)[0]) == 0


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=60) | st.sampled_from(['"', "a AND", "words:x", "[* TO *]", "-x +(", "*:*"])
)
def test_no_question_is_query_syntax(sparse: SparseIndex, query: str) -> None:
    sparse.search(query, 5)


def test_operators_are_words_like_any_other(sparse: SparseIndex) -> None:
    plain = sparse.search("railway hectares", 5)[0].tolist()
    assert sorted(plain) == [0, 1]
    assert sparse.search("+railway -hectares", 5)[0].tolist() == plain


def test_a_search_within_documents_stays_there(sparse: SparseIndex) -> None:
    assert sparse.search("railway hectares", 5, documents=[1])[0].tolist() == [1]
    assert sparse.search("railway hectares", 5, documents=[])[0].tolist() == []
    whole = dict(zip(*(part.tolist() for part in sparse.search("railway", 5)), strict=True))
    part = sparse.search("railway", 5, documents=[1])
    assert part[1][0] == pytest.approx(whole[1])


def test_a_folder_that_is_no_index_is_named(tmp_path: Path) -> None:
    with pytest.raises(IndexBroken, match="can't be read"):
        SparseIndex.open(tmp_path / "nothing")


def test_a_disk_that_is_full_is_said(tmp_path: Path) -> None:
    entries = [SparseEntry(row, 0, f"word{row} of its own") for row in range(500)]
    with full_disk(1_000), pytest.raises(IndexUnwritable, match="sparse can't be written"):
        SparseIndex.write(entries, tmp_path / "sparse")
