"""Whether probabilities mean what they say."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Bin:
    """Predictions of similar probability: their number, mean probability, and the share that is right with its 95%
    interval (Wilson 1927)."""

    count: int
    confidence: float
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Calibration:
    """``error``: the expected calibration error (Guo et al. 2017, eq. 3), the mean distance of probability and share
    of right answers over all predictions."""

    bins: list[Bin]
    count: int
    error: float


N_BINS = 10


def calibrate(scores: Sequence[float] | np.ndarray, right: Sequence[bool] | np.ndarray) -> Calibration | None:
    """Bins of equal width, without the empty ones; None if there are no predictions.

    scores, right: of each prediction its probability, 0 to 1, and whether it is right.
    """
    if not len(scores):
        return None
    probabilities, hits = np.asarray(scores, dtype=float), np.asarray(right, dtype=float)
    places = np.minimum((probabilities * N_BINS).astype(int), N_BINS - 1)
    counts = np.bincount(places, minlength=N_BINS)
    used = np.flatnonzero(counts)
    n = counts[used]
    confidence = np.bincount(places, probabilities, N_BINS)[used] / n
    accuracy = np.bincount(places, hits, N_BINS)[used] / n
    z2 = 1.959964**2
    center = (accuracy + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (accuracy * (1 - accuracy) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    low, high = np.minimum(center - half, accuracy), np.maximum(center + half, accuracy)  # except for rounding
    rows = np.stack([confidence, accuracy, low, high], axis=1).clip(0.0, 1.0).tolist()
    bins = [Bin(int(count), *row) for count, row in zip(n, rows, strict=True)]
    return Calibration(bins, len(scores), float((np.abs(accuracy - confidence) * n).sum() / n.sum()))
