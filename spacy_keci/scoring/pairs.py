"""Score the separation of related and unrelated pairs. Only NumPy."""

import numpy as np


def best_threshold(related: np.ndarray, scores: np.ndarray) -> float:
    """The threshold for related pairs with the highest F1, halfway between two scores; 0.5 if no pair is related.
    Choose it on validation data: on test data, F1 would be too high.

    related: (pairs,) of bool. scores: (pairs,) probabilities.
    """
    if not related.any():
        return 0.5
    order = np.argsort(-scores, kind="stable")
    ordered, found = scores[order], np.cumsum(related[order])
    f = 2 * found / (np.arange(1, len(order) + 1) + related.sum())
    is_last = np.append(np.diff(ordered) != 0, True)  # of pairs with the same score
    best = int(np.argmax(np.where(is_last, f, -1.0)))
    below = ordered[best + 1] if best + 1 < len(ordered) else 0.0
    return float((ordered[best] + below) / 2)
