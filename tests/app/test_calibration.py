from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.calibration import Calibration, RiskPoint, Weight, load_calibration
from app.types import Features

CURVE = (
    RiskPoint(threshold=0.9, risk=0.0, coverage=0.1),
    RiskPoint(threshold=0.6, risk=0.1, coverage=0.5),
    RiskPoint(threshold=0.3, risk=0.3, coverage=1.0),
)


def calibration(**weights: Weight) -> Calibration:
    return Calibration(
        measured_on="by hand",
        command="none",
        questions=3,
        intercept=0.0,
        weights=weights,
        curve=CURVE,
    )


def test_a_feature_at_its_mean_with_no_intercept_says_one_half(features: Features) -> None:
    model = calibration(margin=Weight(mean=3.0, deviation=2.0, weight=1.5))
    assert model.probability(features, ()) == 0.5


def test_the_probability_is_the_logistic_of_the_weighted_sum(features: Features) -> None:
    model = calibration(margin=Weight(mean=1.0, deviation=2.0, weight=1.5))
    assert math.isclose(model.probability(features, ()), 1.0 / (1.0 + math.exp(-1.5)))


def test_hidden_states_count_as_they_are(features: Features) -> None:
    model = calibration().model_copy(update={"hidden": (0.5, -1.0)})
    found = model.probability(features, np.array([4.0, 1.0], np.float32))
    assert math.isclose(found, 1.0 / (1.0 + math.exp(-1.0)))


def test_the_threshold_is_the_lowest_that_keeps_the_risk() -> None:
    model = calibration()
    assert model.threshold(0.05) == 0.9
    assert model.threshold(0.1) == 0.6
    assert model.threshold(0.5) == 0.3


def test_one_wrong_answer_among_the_surest_few_doesnt_close_the_desk() -> None:
    unlucky = RiskPoint(threshold=0.95, risk=1.0, coverage=0.01)
    model = calibration().model_copy(update={"curve": (unlucky, *CURVE)})
    assert model.threshold(0.1) == 0.6


def test_where_no_threshold_keeps_the_risk_nothing_is_answered() -> None:
    model = Calibration(
        measured_on="by hand",
        command="none",
        questions=1,
        intercept=0.0,
        weights={},
        curve=(RiskPoint(threshold=0.5, risk=0.5, coverage=1.0),),
    )
    assert model.threshold(0.1) == 1.0


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_a_higher_tolerated_risk_never_answers_less(one: float, other: float) -> None:
    low, high = sorted((one, other))
    model = load_calibration()
    assert model.threshold(high) <= model.threshold(low)


def test_what_is_shipped_was_fitted_on_many_questions_and_says_on_which() -> None:
    model = load_calibration()
    assert model.questions >= 300
    assert model.command == "python scripts/calibrate.py"
    assert set(model.weights) == set(Features.model_fields)
    assert len(model.hidden) == 768
