"""Choose the best threshold of relations between concepts from one prediction, without running a pipeline."""

from collections.abc import Sequence

import numpy as np
from spacy.tokens import Doc

from ..interactions import get_interactions
from ..tokens import SPANS_KEY
from .concepts import PAIR, concept_facts
from .tuning import GRID, ScoredItems, as_items, f_scores


def compare_concepts(
    docs: Sequence[Doc], golds: Sequence[Doc], spans_key: str = SPANS_KEY, *, typed: bool
) -> ScoredItems:
    """Compare predicted relations between concepts with the gold ones, with their labels or as pairs.

    docs: predicted with the lowest threshold, so that they include all relations that higher ones keep.
    """
    rows: list[tuple[float, bool]] = []
    n_gold = 0
    for doc, gold in zip(docs, golds, strict=True):
        truth = {_item(*fact[:3], typed=typed) for fact in concept_facts(gold, spans_key)}
        scores: dict[tuple[str, ...], float] = {}
        for each in get_interactions(doc, spans_key):
            item = _item(min(each.head, each.tail), max(each.head, each.tail), each.label, typed=typed)
            scores[item] = max(each.score, scores.get(item, 0.0))
        rows += [(score, item in truth) for item, score in scores.items()]
        n_gold += len(truth)
    return as_items(rows, 0, n_gold)


def choose_threshold(pairs: ScoredItems, typed: ScoredItems) -> tuple[float, float, float]:
    """The threshold with the highest mean of pair and typed F1, and both scores; of several best ones, the middle
    one."""
    f = np.stack([f_scores(items, items.scores) for items in (pairs, typed)])
    means = f.mean(axis=0)
    best = np.flatnonzero(means >= means.max() - 1e-9)
    middle = int(best[len(best) // 2])
    return float(GRID[middle]), float(f[0, middle]), float(f[1, middle])


def _item(head: str, tail: str, label: str, *, typed: bool) -> tuple[str, ...]:
    return head, tail, label if typed else PAIR
