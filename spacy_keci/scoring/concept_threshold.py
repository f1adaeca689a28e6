"""Choose the best threshold of relations between concepts from one prediction, without running a pipeline."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc

from ..interactions import get_interactions
from ..tokens import SPANS_KEY
from .concepts import PAIR, concept_facts
from .counts import precision_recall_f

# the thresholds to choose from
GRID = np.arange(2, 99) / 100
LOWEST = float(GRID[0])


def choose_threshold(
    docs: Sequence[Doc], golds: Sequence[Doc], spans_key: str = SPANS_KEY
) -> tuple[float, float, float]:
    """The threshold with the highest mean of pair and typed F1, and both scores; of several best ones, the middle one.

    docs: predicted with the lowest threshold, so that they include all relations that higher ones keep.
    """
    counts = np.zeros((2, len(GRID), 3), dtype="int64")
    for doc, gold in zip(docs, golds, strict=True):
        for k, typed in enumerate((False, True)):
            truth = {_item(*fact[:3], typed=typed) for fact in concept_facts(gold, spans_key)}
            scores: dict[tuple[str, ...], float] = {}
            for each in get_interactions(doc, spans_key):
                item = _item(min(each.head, each.tail), max(each.head, each.tail), each.label, typed=typed)
                scores[item] = max(each.score, scores.get(item, 0.0))
            right = _reached([score for item, score in scores.items() if item in truth])
            everything = _reached(list(scores.values()))
            counts[k] += np.stack([right, everything - right, len(truth) - right], axis=1)
    f = precision_recall_f(counts)[..., 2]
    means = f.mean(axis=0)
    best = np.flatnonzero(means >= means.max() - 1e-9)
    middle = int(best[len(best) // 2])
    return float(GRID[middle]), float(f[0, middle]), float(f[1, middle])


def _item(head: str, tail: str, label: str, *, typed: bool) -> tuple[str, ...]:
    return head, tail, label if typed else PAIR


def _reached(scores: Sequence[float]) -> NDArray[np.int64]:
    """Number of scores that reach each threshold."""
    return (np.array(scores, dtype="float64")[None, :] >= GRID[:, None]).sum(axis=1)
