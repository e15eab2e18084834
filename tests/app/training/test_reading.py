from __future__ import annotations

import numpy as np

from app.training.reading import best_span, pieces_of
from tests.app.training.conftest import PORT


def test_the_best_span_does_not_end_before_it_starts() -> None:
    start = np.array([0.0, 1.0, 5.0], dtype=np.float32)
    end = np.array([9.0, 2.0, 1.0], dtype=np.float32)
    assert best_span(start, end) == (0, 0, 9.0)
    assert best_span(start, np.array([-9, 2, 1], np.float32)) == (2, 2, 6.0)


def test_the_best_span_is_the_one_that_trying_every_pair_finds() -> None:
    chance = np.random.default_rng(1)
    for _ in range(20):
        start, end = chance.normal(size=(2, 12)).astype(np.float32)
        pairs = [(i, j) for i in range(12) for j in range(i, min(12, i + 4))]
        first, last = max(pairs, key=lambda pair: start[pair[0]] + end[pair[1]])
        assert best_span(start, end, 4)[:2] == (first, last)


def test_pieces_of_a_long_context_cover_every_character() -> None:
    context = PORT + " " + PORT + " " + PORT
    pieces = pieces_of(context, 140)
    assert all(end - start <= 140 for start, end in pieces)
    covered = {place for start, end in pieces for place in range(start, end)}
    assert covered == set(range(len(context)))
    assert pieces_of(PORT) == [(0, len(PORT))]
