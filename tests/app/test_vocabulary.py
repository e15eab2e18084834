from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.vocabulary import Vocabulary

WORDS = [f"word{number}" for number in range(40)]


def rows(first: float) -> NDArray[np.float32]:
    """Forty words at about one cosine from the question's word, and one at another."""
    angles = np.arccos(np.array([first, *np.linspace(0.84, 0.86, len(WORDS) - 1)]))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.tile(np.array([1.0, 0.0], np.float32), (len(texts), 1))


def test_a_word_counts_where_it_stands_out_among_its_neighbours() -> None:
    assert Vocabulary(WORDS, rows(0.93), encode).near("x") == (("word0", 1.0),)
    ((word, worth),) = Vocabulary(WORDS, rows(0.895), encode).near("x")
    assert word == "word0"
    assert 0 < worth < 1


def test_words_that_are_all_as_near_count_for_nothing() -> None:
    assert Vocabulary(WORDS, rows(0.86), encode).near("x") == ()


def test_a_collection_without_words_has_no_near_ones() -> None:
    none = np.zeros((0, 2), np.float32)
    assert Vocabulary([], none, encode).near("x") == ()
