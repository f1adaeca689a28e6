"""Choose the best thresholds from one prediction, without running a pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc

from .counts import as_examples, precision_recall_f, read_graphs
from .strict import triples

# the thresholds to choose from
GRID = np.arange(5, 100) / 100
LOWEST = float(GRID[0])


@dataclass(frozen=True)
class ScoredItems:
    """Predicted mentions or relations of a corpus.

    scores: (items,) probabilities. correct: (items,) whether the item is correct by the strict scores.
    ends: (items, 2) the mentions of a relation, as rows of the mentions; (items, 0) for mentions.
    gold: number of gold items.
    holds: (items,) as ``correct``, but of a relation whatever the types of its mentions, which have probabilities of
        their own.
    """

    scores: NDArray[np.float64]
    correct: NDArray[np.bool_]
    ends: NDArray[np.int64]
    gold: int
    holds: NDArray[np.bool_]

    def reaching(self, threshold: float) -> "ScoredItems":
        """Those whose score reaches a threshold."""
        kept = self.scores >= threshold
        arrays = {name: getattr(self, name)[kept] for name in ("scores", "correct", "holds", "ends")}
        return replace(self, **arrays)

    @property
    def can_be_tuned(self) -> bool:
        """Whether the choice of the threshold makes a difference."""
        return bool(self.correct.any()) and len(np.unique(self.scores)) > 1


def compare(
    docs: Sequence[Doc], golds: Sequence[Doc], spans_key: str, symmetric: Sequence[str]
) -> tuple[ScoredItems, ScoredItems]:
    """Compare predicted mentions and relations with the gold ones, as the strict scores do.

    docs: predicted with the lowest thresholds, so that they include everything that higher ones keep.
    """
    mentions: list[tuple[float, bool]] = []
    relations: list[tuple[float, bool, int, int]] = []
    holds: list[bool] = []
    n_mentions = n_relations = 0
    for doc, (gold, predicted) in zip(docs, read_graphs(as_examples(docs, golds), spans_key), strict=True):
        first = len(mentions)
        true_spans = {mention[:3] for mention in gold.mentions}
        true_triples = set(triples(gold, [mention[:3] for mention in gold.mentions], symmetric))
        untyped = set(triples(gold, [mention[:2] for mention in gold.mentions], symmetric))
        found, offsets = ([mention[:n] for mention in predicted.mentions] for n in (3, 2))
        scores = doc.spans[spans_key].attrs["scores"]
        mentions += [(score, span in true_spans) for score, span in zip(scores, found, strict=True)]
        relations += [
            (relation.score, triple in true_triples, first + relation.head, first + relation.tail)
            for relation, triple in zip(predicted.relations, triples(predicted, found, symmetric), strict=True)
        ]
        holds += [triple in untyped for triple in triples(predicted, offsets, symmetric)]
        n_mentions += len(true_spans)
        n_relations += len(true_triples)
    return as_items(mentions, 0, n_mentions), as_items(relations, 2, n_relations, holds)


def choose_thresholds(mentions: ScoredItems, relations: ScoredItems) -> tuple[float | None, float | None]:
    """One threshold for all mentions and one for all relations, from 0.05 to 0.99, with the highest mean of both strict
    micro F scores; of several best pairs, the middle one. None if the threshold makes no difference.

    A mention is kept if its score reaches the threshold, a relation if its score and those of both its mentions do.
    """
    weaker_end = mentions.scores[relations.ends].min(axis=1, initial=1.0)
    mention_f = f_scores(mentions, mentions.scores)
    relation_f = f_scores(relations, weaker_end, relations.scores)
    means = (mention_f[:, None] + relation_f) / 2
    best = np.argwhere(means >= means.max() - 1e-9)
    i, j = best[np.abs(best - best.mean(axis=0)).sum(axis=1).argmin()]
    return (
        float(GRID[i]) if mentions.can_be_tuned else None,
        float(GRID[j]) if relations.can_be_tuned else None,
    )


def as_items(
    rows: Sequence[tuple[float, ...]], n_ends: int, gold: int, holds: Sequence[bool] | None = None
) -> ScoredItems:
    """rows: score, whether it is correct, and the ends of each item. holds: None if those that are correct do."""
    array = np.array(rows, dtype="float64").reshape(-1, 2 + n_ends)
    correct = array[:, 1] > 0
    own = correct if holds is None else np.array(holds, dtype=bool)
    return ScoredItems(array[:, 0], correct, array[:, 2:].astype("int64"), gold, own)


def f_scores(items: ScoredItems, *scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """F score for each threshold of the grid, or each pair of thresholds, of those scores."""
    right = _count_kept([score[items.correct] for score in scores])
    wrong = _count_kept([score[~items.correct] for score in scores])
    return precision_recall_f(np.stack([right, wrong, items.gold - right], axis=-1))[..., 2]


def _count_kept(scores: Sequence[NDArray[np.float64]]) -> NDArray[np.int64]:
    """How many items reach the thresholds: an axis of ``GRID``'s length for each array of scores."""
    reached = tuple(np.searchsorted(GRID, score, side="right") for score in scores)
    counts = np.zeros((len(GRID) + 1,) * len(scores), dtype="int64")
    np.add.at(counts, reached, 1)
    for axis in range(len(scores)):
        counts = np.flip(np.flip(counts, axis).cumsum(axis), axis)
    return counts[(slice(1, None),) * len(scores)]
