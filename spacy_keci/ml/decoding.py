"""From the scores of a span graph to mentions and relations."""

from dataclasses import dataclass

import numpy as np

from .losses import relation_probabilities
from .span_graph import SpanGraph, is_entity


@dataclass
class PredictedGraphs:
    """The predicted span graphs of a batch as arrays, ordered by document; labels count from 1.

    spans: (mentions, 3) document, start and end in tokens of that document. labels, scores: (mentions,).
    relations: (relations, 3) head and tail as rows of ``spans``, label. relation_scores: (relations,).
    """

    spans: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    relations: np.ndarray
    relation_scores: np.ndarray

    @classmethod
    def empty(cls) -> "PredictedGraphs":
        ints, floats = np.zeros((0, 3), dtype="int64"), np.zeros(0, dtype="float32")
        return cls(ints, np.zeros(0, dtype="int64"), floats, ints, floats)


def decode(
    graph: SpanGraph,
    candidates: np.ndarray,
    symmetric: np.ndarray,
    *,
    threshold: np.ndarray | None,
    relation_threshold: np.ndarray | None,
    multi_label: bool,
) -> PredictedGraphs:
    """Read off the mentions and relations of a graph that was computed for use, not for training.

    candidates: (spans, 3) document, start, end. symmetric: (1 + relation labels,) of bool.
    threshold, relation_threshold: (labels,) least probability of mentions of each type, of relations of each label;
        NaN, or None for all, takes the most probable, or for relations 0.5 where labels do not exclude each other.
    A symmetric relation is scored by the mean of both directions and given once, in the order of the text.
    """
    types = graph.entity_logits.index_select(0, graph.kept).softmax(dim=-1)
    predicted = is_entity(types, threshold).cpu().numpy()
    place = np.cumsum(predicted) - 1
    kept = graph.nodes.cpu().numpy()[predicted]
    entity_scores = types[:, 1:].cpu().numpy()[predicted]
    first, second = graph.first.cpu().numpy(), graph.second.cpu().numpy()
    probabilities = relation_probabilities(graph.relation_logits, multi_label).cpu().numpy()
    among = predicted[first] & predicted[second]
    probabilities = probabilities[np.tile(among, len(probabilities) // max(len(first), 1))]
    first, second = place[first[among]], place[second[among]]
    n_pairs = len(first)
    is_forward = np.arange(len(probabilities)) < n_pairs
    if len(probabilities) > n_pairs:
        probabilities[:n_pairs, symmetric] = probabilities[n_pairs:, symmetric] = (
            probabilities[:n_pairs, symmetric] + probabilities[n_pairs:, symmetric]
        ) / 2
        first, second = np.concatenate([first, second]), np.concatenate([second, first])
    holds = probabilities >= (0.5 if multi_label else probabilities.max(axis=1, keepdims=True))
    if relation_threshold is not None:
        enough = probabilities[:, 1:] >= relation_threshold
        if not multi_label:
            enough &= probabilities[:, 1:] == probabilities[:, 1:].max(axis=1, keepdims=True, initial=0.0)
        holds[:, 1:] = np.where(np.isnan(relation_threshold), holds[:, 1:], enough)
    holds[:, 0] = False
    holds &= is_forward[:, None] | ~symmetric
    row, label = np.nonzero(holds)
    order = np.lexsort((label, second[row], first[row]))
    row, label = row[order], label[order]
    return PredictedGraphs(
        spans=candidates[kept],
        labels=1 + entity_scores.argmax(axis=1) if len(kept) else np.zeros(0, dtype="int64"),
        scores=entity_scores.max(axis=1) if len(kept) else np.zeros(0, dtype="float32"),
        relations=np.stack([first[row], second[row], label], axis=1),
        relation_scores=probabilities[row, label],
    )
