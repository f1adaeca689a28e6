"""Scores that are probabilities: temperature scaling (Guo et al. 2017) of the log-odds of what was predicted."""

from collections.abc import Sequence

import numpy as np

_EPSILON = 1e-12


def with_temperature(scores: np.ndarray, temperature: float) -> np.ndarray:
    """The scores whose log-odds are those of ``scores`` divided by the temperature; NaN, 0 and 1 stay."""
    if temperature == 1.0 or not len(scores):
        return scores
    inside = (scores > 0) & (scores < 1)
    p = np.where(inside, scores, 0.5).astype("float64").clip(_EPSILON, 1 - _EPSILON)
    scaled = 1 / (1 + np.exp(-np.log(p / (1 - p)) / temperature))
    return np.where(inside, scaled, scores).astype(scores.dtype)


def fit_temperature(scores: Sequence[float] | np.ndarray, right: Sequence[bool] | np.ndarray) -> float:
    """The temperature, from 0.1 to 20, with which the scores explain best what was right: the least negative
    log-likelihood. 1 where there is nothing to fit.

    scores, right: of each prediction its score without a temperature, and whether it is right.
    """
    p, is_right = np.asarray(scores, dtype="float64"), np.asarray(right, dtype=bool)
    if not len(p) or is_right.all() or not is_right.any():
        return 1.0
    candidates = np.exp(np.arange(-230, 301) / 100)  # 1 is among them
    losses = []
    for temperature in candidates:
        scaled = with_temperature(p, float(temperature)).clip(_EPSILON, 1 - _EPSILON)
        losses.append(-np.log(np.where(is_right, scaled, 1 - scaled)).mean())
    return float(candidates[int(np.argmin(losses))])
