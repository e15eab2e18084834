from __future__ import annotations

import random

from app.training.metrics import (
    Scored,
    area_under_curve,
    best_threshold,
    exact_match,
    figures_at,
    score_reading,
    token_f1,
)
from app.training.reading import Reading
from tests.app.training.conftest import PORT, asked


def test_f1_counts_shared_words_without_articles_and_case() -> None:
    assert token_f1("The Old port", ["old port"]) == 1.0
    assert token_f1("old port of Anna", ["old port"]) == 2 * 2 / (4 + 2)
    assert token_f1("quay", ["old port"]) == 0.0
    assert exact_match("the port.", ["Port"]) == 1.0


def scored(score: float, *, answerable: bool, f1: float = 0.0) -> Scored:
    return Scored(score, answerable, exact=float(f1 == 1.0), f1=f1, touches=f1 > 0)


def test_refusing_everything_is_right_for_the_unanswerable_alone() -> None:
    some = [scored(2, answerable=True, f1=1.0), scored(1, answerable=False)]
    assert figures_at(some, 9)["f1"] == 1 / 2
    assert figures_at(some, 1.5)["f1"] == 1.0
    assert figures_at(some, 0)["refused_of_unanswerable"] == 0.0


def test_no_threshold_beats_the_best_one() -> None:
    chance = random.Random(3)
    some = [
        scored(chance.random(), answerable=known, f1=chance.random() if known else 0.0)
        for known in [True, False] * 20
    ]
    best = figures_at(some, best_threshold(some))["f1"]
    for tried in [-1.0, 2.0, *(each.score for each in some)]:
        assert figures_at(some, tried)["f1"] <= best


def test_the_area_under_the_curve_counts_pairs_in_the_right_order() -> None:
    some = [
        scored(3, answerable=True), scored(1, answerable=True),
        scored(2, answerable=False), scored(1, answerable=False),
    ]  # fmt: skip
    assert area_under_curve(some) == (1 + 1 + 0 + 1 / 2) / 4


def test_a_reading_is_scored_against_every_answer() -> None:
    reading = Reading("Boris Lund closed", PORT.index("Boris"), 1.5)
    result = score_reading(asked("Who closed it?", "Boris Lund"), reading)
    assert (result.exact, result.f1, result.touches) == (0.0, 2 * 2 / (3 + 2), True)
