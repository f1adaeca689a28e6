"""The gold relations of pairs of spans, without a loop over pairs."""

import numpy as np

from ..graphs import GoldGraphs
from ..spans.targets import look_up


def relation_targets(first: np.ndarray, second: np.ndarray, gold: GoldGraphs, symmetric: np.ndarray) -> np.ndarray:
    """The gold relations of ordered pairs of spans: (pairs, 1 + labels) probabilities, column 0 for none.

    first, second: (pairs,) rows of gold mentions, -1 for spans that are not mentions; no pair occurs twice.
    symmetric: (1 + labels,) whether a label holds in both directions.
    """
    head, tail, label = gold.relations.T
    both = symmetric[label]
    head, tail = np.concatenate([head, tail[both]]), np.concatenate([tail, head[both]])
    label = np.concatenate([label, label[both]])
    scores = np.concatenate([gold.relation_scores, gold.relation_scores[both]])
    n_mentions = len(gold.spans)
    is_mention = np.flatnonzero((first >= 0) & (second >= 0))
    keys = first[is_mention] * n_mentions + second[is_mention]
    found = look_up(head * n_mentions + tail, keys)
    targets = np.zeros((len(first), len(symmetric)), dtype="float32")
    is_found = found >= 0
    # of duplicates, the highest score counts
    np.maximum.at(targets, (is_mention[found[is_found]], label[is_found]), scores[is_found])
    targets[:, 0] = (1 - targets[:, 1:].sum(axis=1)).clip(min=0)
    return targets


def pair_relation_targets(
    first: np.ndarray,
    second: np.ndarray,
    both_ways: bool,
    row: np.ndarray,
    doc: np.ndarray,
    gold: GoldGraphs,
    symmetric: np.ndarray,
) -> np.ndarray:
    """The same for pairs of nodes, (pairs,) each; with ``both_ways``, the rows of second -> first follow. Pairs of
    documents without annotated relations are all 0.

    row: (nodes,) gold mention of each, -1 for none. doc: (nodes,) document.
    """
    if both_ways:
        first, second = np.concatenate([first, second]), np.concatenate([second, first])
    targets = relation_targets(row[first], row[second], gold, symmetric)
    targets[~gold.has_relations[doc[first]]] = 0
    return targets
