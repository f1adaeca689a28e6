"""Calibrate scores to probabilities by Platt scaling (Platt 1999): a temperature and a bias for the log-odds of
predictions. Without a bias it is temperature scaling (Guo et al. 2017)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_EPSILON = 1e-12
# weight of the squared distance from a temperature of 1 and a bias of 0, for few data
_PRIOR = 0.1


class Scaling(NamedTuple):
    """Log-odds of a probability = log-odds of a score / temperature + bias."""

    temperature: float = 1.0
    bias: float = 0.0

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """The probabilities of scores; NaN, 0 and 1 do not change."""
        if self == Scaling() or not len(scores):
            return scores
        inside = (scores > 0) & (scores < 1)
        odds = _log_odds(np.where(inside, scores, 0.5))
        return np.where(inside, _sigmoid(odds / self.temperature + self.bias), scores).astype(scores.dtype)

    def inverse(self) -> "Scaling":
        """From probabilities back to scores."""
        return Scaling(1 / self.temperature, -self.bias * self.temperature)

    def then(self, other: "Scaling") -> "Scaling":
        """This scaling followed by the other one."""
        return Scaling(self.temperature * other.temperature, self.bias / other.temperature + other.bias)


def fit_scaling(scores: Sequence[float] | np.ndarray, right: Sequence[bool] | np.ndarray) -> Scaling:
    """Fit a scaling by logistic regression of correctness on the log-odds of scores, with Newton's method. Returns the
    neutral scaling if there is nothing to fit, or if higher scores are not more often right.

    scores, right: the score of each prediction, and whether it is right.
    """
    x, y = _log_odds(np.asarray(scores, dtype="float64")), np.asarray(right, dtype="float64")
    if not len(x) or y.min() == y.max():
        return Scaling()
    features = np.stack([x, np.ones_like(x)], axis=1)
    neutral = np.array([1.0, 0.0])
    weights = neutral.copy()
    for _ in range(100):
        p = _sigmoid(features @ weights)
        gradient = features.T @ (p - y) + _PRIOR * (weights - neutral)
        curvature = (features * (p * (1 - p))[:, None]).T @ features + _PRIOR * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-9:
            break
    if weights[0] <= 0:
        return Scaling()
    return Scaling(float(1 / weights[0]), float(weights[1]))


def _log_odds(probabilities: np.ndarray) -> np.ndarray:
    p = probabilities.astype("float64").clip(_EPSILON, 1 - _EPSILON)
    return np.log(p / (1 - p))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x.clip(-700, 700)))
