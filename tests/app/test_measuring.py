from __future__ import annotations

import math

import pytest

from app.measuring import Judged, measure, risk_coverage, token_f1


def judged(*, answerable: bool, answered: bool, right: bool, confidence: float = 0.5) -> Judged:
    return Judged(
        id="q",
        language="en",
        kind="fact",
        answerable=answerable,
        answered=answered,
        right=right,
        exact=None,
        f1=None,
        citations=int(answered),
        citations_right=int(right and answered),
        confidence=confidence,
        milliseconds=10.0,
    )


def test_f1_is_the_harmonic_mean_over_words_without_articles() -> None:
    assert token_f1("the 14 projects", "14 projects") == 1.0
    # one of two given words is right, and it is all that was expected: P 1/2, R 1
    assert math.isclose(token_f1("14 roads", "14"), 2 * (1 / 2) * 1 / (1 / 2 + 1))
    assert token_f1("", "14") == 0.0


def test_shares_are_of_what_their_names_say() -> None:
    measures = measure(
        [
            judged(answerable=True, answered=True, right=True),
            judged(answerable=True, answered=True, right=False),
            judged(answerable=True, answered=False, right=False),
            judged(answerable=False, answered=False, right=True),
            judged(answerable=False, answered=True, right=False),
        ]
    )
    assert measures.answerable_right == pytest.approx(1 / 3)
    assert measures.answerable_wrong == pytest.approx(1 / 3)
    assert measures.answerable_refused == pytest.approx(1 / 3)
    assert measures.unanswerable_refused == 1 / 2
    assert measures.citation_precision == 1 / 2


def test_risk_counts_wrong_answers_from_the_most_confident_down() -> None:
    points = risk_coverage(
        [
            judged(answerable=True, answered=True, right=True, confidence=0.9),
            judged(answerable=True, answered=True, right=False, confidence=0.6),
            judged(answerable=True, answered=False, right=False),
            judged(answerable=False, answered=False, right=True),
        ]
    )
    assert [(p.confidence, p.coverage, p.risk) for p in points] == [
        (0.9, 1 / 4, 0.0),
        (0.6, 2 / 4, 1 / 2),
    ]


def test_nothing_can_be_measured_on_nothing() -> None:
    with pytest.raises(ValueError, match="no questions"):
        measure([])
