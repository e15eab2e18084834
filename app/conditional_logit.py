"""The choice between a question's pieces of evidence and none of them, fitted to questions whose
right pieces are known.

A conditional logit (McFadden 1974): each piece has a utility, none of them has 0, and a choice is
as probable as the exponential of its utility is large among all. Where several pieces are right,
any of them is a right choice; where none is, none of them. A utility is linear in the piece's
features and in the reader's hidden states.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

RIDGE: Final = 1.0
"""Weight of the penalty on the squared weights of features; it only keeps them finite."""
HIDDEN_RIDGE: Final = 300.0
"""The same for those of hidden states, of which there are hundreds. 100 to 1,000 gave the same on
collections left out, within a point."""
INTERCEPT_RIDGE: Final = 1e-6
WRITTEN_WEIGHT: Final = 0.1
"""What a question about a passage of its own counts, beside one put to a collection: there are ten
of them to each one of those, and nothing competes with their passage."""
DEVIATION_MIN: Final = 1e-3
"""A feature that never varies on the set (all of it is English) gets this, and no weight."""
ITERATIONS_MAX: Final = 150
"""Hidden states gain nothing more after these."""

Floats: TypeAlias = NDArray[np.float64]


class Choice(NamedTuple):
    """One question: its pieces' features, shape ``(pieces, features)``, their hidden states, shape
    ``(pieces, states)``, and which of them are right. ``is_written``: its passage was given, so
    that the retriever's features don't mean what they do in use.
    """

    features: Floats
    hidden: NDArray[np.float32]
    right: NDArray[np.bool_]
    is_written: bool


class Utility(NamedTuple):
    """What a piece is worth: weights of the standardised features, and of the hidden states as
    they are.
    """

    mean: Floats
    deviation: Floats
    weights: Floats
    hidden: Floats
    intercept: float

    def of(self, choice: Choice) -> Floats:
        """Return the utility of each piece, shape ``(pieces,)``."""
        standardised = (choice.features - self.mean) / self.deviation
        return np.asarray(
            standardised @ self.weights + choice.hidden @ self.hidden + self.intercept
        )

    def scaled(self, slope: float, shift: float) -> Utility:
        """Return the utility times ``slope``, plus ``shift``."""
        intercept = self.intercept * slope + shift
        return Utility(
            self.mean, self.deviation, self.weights * slope, self.hidden * slope, intercept
        )


def fit_utility(choices: Sequence[Choice]) -> Utility:
    """Return the utility under which the right choices are most probable.

    Features have weights of their own for questions that are written about a passage, which are
    left behind; hidden states have one set of weights for both.

    Raises ValueError where there is no piece to choose, or no weights are found.
    """
    choices = [one for one in choices if len(one.right)]
    if all(one.is_written for one in choices):
        raise ValueError("nothing was read for any question")
    sizes = [len(one.right) for one in choices]
    question = np.repeat(np.arange(len(choices)), sizes)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    written = np.array([one.is_written for one in choices])
    features = np.concatenate([one.features for one in choices])
    hidden = np.concatenate([one.hidden for one in choices])
    right = np.concatenate([one.right for one in choices])
    mean, deviation = _standard(features[~written[question]])
    hidden_mean, hidden_deviation = _standard(hidden)
    inputs = np.hstack([(features - mean) / deviation, np.ones((len(features), 1))])
    aside = written[question][:, None]
    design = np.hstack(
        [
            inputs * ~aside,
            inputs * aside,
            (hidden - hidden_mean) / hidden_deviation,
        ]
    ).astype(np.float32)
    penalty = np.array([*[RIDGE] * features.shape[1], INTERCEPT_RIDGE] * 2)
    penalty = np.concatenate([penalty, np.full(hidden.shape[1], HIDDEN_RIDGE)])
    counts = np.where(written, WRITTEN_WEIGHT, 1.0)
    has_right = np.logical_or.reduceat(right, first)

    def loss(solution: Floats) -> tuple[float, Floats]:
        utilities = (design @ solution.astype(np.float32)).astype(np.float64)
        largest = np.maximum(np.maximum.reduceat(utilities, first), 0.0)
        worth = np.exp(utilities - largest[question])
        of_all = np.add.reduceat(worth, first) + np.exp(-largest)
        of_pieces = np.add.reduceat(worth * right, first)
        of_right = np.where(has_right, of_pieces, np.exp(-largest))
        of_right = np.maximum(of_right, np.finfo(np.float64).tiny)
        wanted = worth * right / of_right[question]  # 0 for all pieces where none is right
        excess = (worth / of_all[question] - wanted) * counts[question]
        gradient = excess.astype(np.float32) @ design + penalty * solution
        value = counts @ (np.log(of_all) - np.log(of_right))
        return float(value + 0.5 * penalty @ solution**2), np.asarray(gradient, np.float64)

    fitted = minimize(
        loss,
        np.zeros(design.shape[1]),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": ITERATIONS_MAX},
    )
    # Near the optimum a search along a line may end in float32's rounding, which is no failure.
    if not np.isfinite(fitted.fun):
        raise ValueError(f"no weights were found: {fitted.message}")
    own = features.shape[1] + 1
    of_hidden = fitted.x[2 * own :] / hidden_deviation
    intercept = float(fitted.x[own - 1] - hidden_mean @ of_hidden)
    return Utility(mean, deviation, fitted.x[: own - 1], of_hidden, intercept)


def _standard(values: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """Return the mean and the standard deviation of each column."""
    wide = values.astype(np.float64)
    return wide.mean(axis=0), np.maximum(wide.std(axis=0), DEVIATION_MIN)


def regress(utilities: Floats, right: NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and intercept of the logistic regression that turns the utility of the piece
    that is chosen into the logit of its being right (Platt 1999), by Newton's method with a ridge
    penalty on the slope.
    """
    design = np.stack([utilities, np.ones_like(utilities)], axis=1)
    penalty = np.diag([RIDGE, INTERCEPT_RIDGE])
    solution = np.zeros(2)
    for _ in range(50):
        probability = 1.0 / (1.0 + np.exp(-np.clip(design @ solution, -30, 30)))
        gradient = design.T @ (probability - right) + penalty @ solution
        hessian = (design.T * (probability * (1 - probability))) @ design + penalty
        step = np.linalg.solve(hessian, gradient)
        solution -= step
        if float(np.abs(step).max()) < 1e-8:
            break
    return float(solution[0]), float(solution[1])
