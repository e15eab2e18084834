"""The small model that turns features of evidence into a probability of being right.

Logistic regression (Cox 1958) over the fields of ``Features``, standardised, and over the reader's
hidden states; the weights lie in ``calibration.json`` where people can read them, with the
risk–coverage curve (El-Yaniv and Wiener 2010) that turns a tolerated error rate into a threshold.
``scripts/calibrate.py`` writes the file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from app.types import Confidence, Features
from index import Frozen

CALIBRATION_FILE: Final = Path(__file__).parent / "calibration.json"


class Weight(Frozen):
    """One feature's mean and standard deviation over the calibration set, and its weight."""

    mean: float
    deviation: float = Field(gt=0)
    weight: float


class RiskPoint(Frozen):
    """At this threshold, the share of given answers that were wrong, and of questions answered."""

    threshold: Confidence
    risk: Confidence
    coverage: Confidence


class Calibration(Frozen):
    """The weights, the intercept, and the curve, with what they were measured on.

    ``hidden`` has a weight for each number of ``Evidence.hidden``, as it is, not standardised;
    empty where they aren't weighed.
    """

    measured_on: str
    command: str
    questions: int
    intercept: float
    weights: dict[str, Weight]
    hidden: tuple[float, ...] = ()
    curve: tuple[RiskPoint, ...]

    @cached_property
    def _hidden(self) -> NDArray[np.float64]:
        return np.array(self.hidden, dtype=np.float64)

    def probability(
        self, features: Features, hidden: Sequence[float] | NDArray[np.float32]
    ) -> float:
        """Return the probability that evidence with these features and hidden states answers the
        question.
        """
        logit = self.intercept + sum(
            weight.weight * (getattr(features, name) - weight.mean) / weight.deviation
            for name, weight in self.weights.items()
        )
        if self.hidden:
            logit += float(self._hidden @ np.asarray(hidden))
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))

    def threshold(self, answer_risk: float) -> float:
        """Return the lowest threshold at which the measured risk is within ``answer_risk``; 1.0
        where there is none.

        Of few answers one wrong one is a large share, so that a curve that leaves the tolerated
        risk at its upper end and comes back to it is taken where it comes back.
        """
        within = (point.threshold for point in self.curve if point.risk <= answer_risk)
        return min(within, default=1.0)


def load_calibration(file: Path = CALIBRATION_FILE) -> Calibration:
    """Return the calibration that is shipped."""
    return Calibration.model_validate_json(file.read_text(encoding="utf-8"))
