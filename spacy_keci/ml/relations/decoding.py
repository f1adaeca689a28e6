"""Decode the scores of pairs to relations."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RelationRules:
    """The rules that turn probabilities into relations.

    symmetric: (1 + relation labels,) of bool.
    threshold: (relation labels,) minimum probability of each label; NaN for a label, or None for all, for the most
        probable label. With ``multi_label``, each label has one.
    multi_label: whether one pair may have several relations.
    """

    symmetric: np.ndarray
    threshold: np.ndarray | None
    multi_label: bool


def decode_relations(
    first: np.ndarray, second: np.ndarray, probabilities: np.ndarray, rules: RelationRules
) -> tuple[np.ndarray, np.ndarray]:
    """The relations of pairs as (relations, 3) head, tail and label, sorted, and (relations,) scores.

    first, second: (pairs,) nodes, first < second. probabilities: (pairs, 1 + relation labels) for first -> second, or
    (2 * pairs, …), the second half for second -> first. A symmetric relation is scored by the mean of both directions
    and returned once, first -> second.
    """
    symmetric = rules.symmetric
    n_pairs = len(first)
    is_forward = np.arange(len(probabilities)) < n_pairs
    if len(probabilities) > n_pairs:
        mean = (probabilities[:n_pairs, symmetric] + probabilities[n_pairs:, symmetric]) / 2
        probabilities = probabilities.copy()
        probabilities[:n_pairs, symmetric] = probabilities[n_pairs:, symmetric] = mean
        first, second = np.concatenate([first, second]), np.concatenate([second, first])
    none, labels = probabilities[:, :1], probabilities[:, 1:]
    threshold = np.float32(np.nan) if rules.threshold is None else rules.threshold
    holds = np.zeros(probabilities.shape, dtype=bool)
    holds[:, 1:] = labels >= np.where(np.isnan(threshold), none, threshold)
    if not rules.multi_label:
        holds[:, 1:] &= labels == labels.max(axis=1, keepdims=True, initial=0.0)
    holds &= is_forward[:, None] | ~symmetric
    row, label = np.nonzero(holds)
    order = np.lexsort((label, second[row], first[row]))
    row, label = row[order], label[order]
    return np.stack([first[row], second[row], label], axis=1), probabilities[row, label]
