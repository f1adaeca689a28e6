"""How well pairs that are related are told from those that are not. Only NumPy."""

import numpy as np


def best_threshold(related: np.ndarray, scores: np.ndarray) -> float:
    """The score from which on pairs count as related, so that F1 is highest; between two scores that occur, or 0.5
    where no pair is related. Choose it on a validation part: on the test part, F1 would be too high.

    related: (pairs,) of bool. scores: (pairs,) probabilities.
    """
    if not related.any():
        return 0.5
    order = np.argsort(-scores, kind="stable")
    ordered, found = scores[order], np.cumsum(related[order])
    f = 2 * found / (np.arange(1, len(order) + 1) + related.sum())
    is_last = np.append(np.diff(ordered) != 0, True)  # of those with the same score
    best = int(np.argmax(np.where(is_last, f, -1.0)))
    below = ordered[best + 1] if best + 1 < len(ordered) else 0.0
    return float((ordered[best] + below) / 2)
