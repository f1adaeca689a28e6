"""Choose the best threshold of relations between concepts from one prediction, without running a pipeline."""

from collections.abc import Sequence

import numpy as np
from spacy.tokens import Doc

from ..tokens import SPANS_KEY
from .concepts import PAIR, concept_facts, is_annotated, stated_interactions
from .tuning import GRID, ScoredItems, as_items, f_scores


def compare_concepts(
    docs: Sequence[Doc], golds: Sequence[Doc], spans_key: str = SPANS_KEY
) -> tuple[ScoredItems, ScoredItems]:
    """Compare predicted relations between concepts with the gold ones: as pairs, and with their labels.

    docs: predicted with the lowest threshold, so that they include all relations that higher ones keep. Documents whose
        gold has no annotation of relations are left out.
    """
    rows: tuple[list[tuple[float, bool]], ...] = ([], [])
    n_gold = [0, 0]
    for doc, gold in zip(docs, golds, strict=True):
        if not is_annotated(gold, spans_key):
            continue
        facts, found = concept_facts(gold, spans_key), stated_interactions(doc, spans_key)
        for k, typed in enumerate((False, True)):
            truth = {(head, tail, label if typed else PAIR) for head, tail, label, _ in facts}
            scores: dict[tuple[str, ...], float] = {}
            for each in found:
                item = (*sorted((each.head, each.tail)), each.label if typed else PAIR)
                scores[item] = max(each.score, scores.get(item, 0.0))
            rows[k].extend((score, item in truth) for item, score in scores.items())
            n_gold[k] += len(truth)
    return as_items(rows[0], 0, n_gold[0]), as_items(rows[1], 0, n_gold[1])


def choose_threshold(pairs: ScoredItems, typed: ScoredItems) -> tuple[float, float, float]:
    """The threshold with the highest mean of pair and typed F1, and both scores; of several best ones, the middle
    one."""
    f = np.stack([f_scores(items, items.scores) for items in (pairs, typed)])
    means = f.mean(axis=0)
    best = np.flatnonzero(means >= means.max() - 1e-9)
    middle = int(best[len(best) // 2])
    return float(GRID[middle]), float(f[0, middle]), float(f[1, middle])
