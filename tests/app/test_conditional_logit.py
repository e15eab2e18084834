from __future__ import annotations

import numpy as np
import pytest

from app.conditional_logit import Choice, fit_utility, regress


def choice(
    features: list[float],
    right: list[bool],
    hidden: list[float] | None = None,
    *,
    is_written: bool = False,
) -> Choice:
    """Make a question of pieces with one feature and one hidden state each."""
    states = hidden or [0.0] * len(features)
    return Choice(
        np.array(features)[:, None],
        np.array(states, np.float32)[:, None],
        np.array(right),
        is_written=is_written,
    )


def drawn(count: int, seed: int, *, is_written: bool = False) -> list[Choice]:
    """Make questions of three pieces. The first feature and the state of the right one are larger
    than those of others by two deviations; a third of the questions have no right one.
    """
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        right = np.arange(3) == (number % 9 if number % 3 else -1) % 3
        right &= bool(number % 3)
        features = rng.normal(size=3) + 2 * right
        states = rng.normal(size=3) + 2 * right
        made.append(choice([*features], [*map(bool, right)], [*states], is_written=is_written))
    return made


def test_the_right_piece_is_worth_most_and_no_piece_where_none_is_right() -> None:
    utility = fit_utility(drawn(600, 1))
    assert utility.weights[0] > 0
    assert utility.hidden[0] > 0
    hits = [
        bool(one.right[int(np.argmax(found))]) if found.max() > 0 else not one.right.any()
        for one in drawn(300, 2)
        for found in [utility.of(one)]
    ]
    assert np.mean(hits) > 0.75


def test_the_pieces_probabilities_are_right_as_often_as_they_say() -> None:
    utility = fit_utility(drawn(900, 1))
    chosen = [(utility.of(one), one) for one in drawn(900, 2)]
    best = np.array([found.max() for found, _ in chosen])
    right = np.array([one.right[int(np.argmax(found))] for found, one in chosen])
    slope, shift = regress(best, right)
    said = 1.0 / (1.0 + np.exp(-(slope * best + shift)))
    assert said.mean() == pytest.approx(right.mean(), abs=0.01)


def test_written_questions_say_what_a_state_is_worth_but_not_what_a_feature_is() -> None:
    # in the written ones the feature of the right piece is the smaller
    misleading = [one._replace(features=-one.features) for one in drawn(600, 3, is_written=True)]
    few = drawn(60, 1)
    utility = fit_utility([*few, *misleading])
    assert utility.weights[0] > 0
    assert utility.hidden[0] > fit_utility(few).hidden[0] > 0


def test_several_right_pieces_share_the_choice() -> None:
    choices = [choice([2.0, 2.0, 0.0], [True, True, False])] * 20
    found = fit_utility(choices).of(choices[0])
    assert found[0] == pytest.approx(found[1])
    assert found[0] > found[2]


def test_a_utility_is_scaled_as_a_whole() -> None:
    questions = drawn(60, 1)
    utility = fit_utility(questions)
    scaled = utility.scaled(2.0, -1.0).of(questions[0])
    assert scaled.tolist() == pytest.approx((2.0 * utility.of(questions[0]) - 1.0).tolist())


def test_without_a_piece_of_a_question_put_to_a_collection_nothing_is_fitted() -> None:
    with pytest.raises(ValueError, match="nothing was read"):
        fit_utility(drawn(3, 1, is_written=True))
