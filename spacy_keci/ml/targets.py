"""Training targets: where the gold span graphs lie among candidate spans and pairs. No loop over spans or pairs."""

from dataclasses import dataclass

import numpy as np
from thinc.api import to_numpy
from thinc.types import Ragged


@dataclass
class GoldGraphs:
    """The gold span graphs of a batch as arrays. Label 0 is kept for "none", so labels count from 1.

    spans: (mentions, 3) document, start and end in tokens of that document.
    labels: (mentions,). relations: (relations, 3) head and tail as rows of ``spans``, label.
    has_mentions, has_relations: (documents,) whether mentions, and relations, were annotated.
    """

    spans: np.ndarray
    labels: np.ndarray
    relations: np.ndarray
    has_mentions: np.ndarray
    has_relations: np.ndarray


def candidate_array(spans: Ragged) -> np.ndarray:
    """Suggested spans as an int64 array on the CPU: (spans, 3) document, start, end."""
    offsets, lengths = to_numpy(spans.dataXd), to_numpy(spans.lengths)
    doc = np.repeat(np.arange(len(lengths)), lengths)
    return np.concatenate([doc[:, None], offsets.reshape(-1, 2)], axis=1).astype("int64")


def in_order(candidates: np.ndarray) -> np.ndarray:
    """Suggested spans, (spans, 3), as the networks want them: ordered by document, start and end, each once. Some
    suggesters, such as spaCy's own, order them by length."""
    doc, start, end = np.diff(candidates, axis=0).T
    if ((doc > 0) | (doc == 0) & ((start > 0) | (start == 0) & (end > 0))).all():
        return candidates
    return np.unique(candidates, axis=0)


def entity_targets(candidates: np.ndarray, gold: GoldGraphs) -> tuple[np.ndarray, np.ndarray]:
    """Find the gold mentions among the candidate spans.

    candidates: (spans, 3) document, start and end.
    Returns for each candidate its label, 0 where it is no mention, and the row of its gold mention, -1 where none.
    Where two gold mentions have the same offsets, the first counts.
    """
    row = find_spans(candidates, gold.spans)
    labels = np.append(gold.labels, 0)[row]
    return labels, row


def find_spans(spans: np.ndarray, among: np.ndarray) -> np.ndarray:
    """For each span the first row of the same span in ``among``, -1 where there is none; both (n, 3): document,
    start, end."""
    return _look_up(*_as_keys(spans, among))


def relation_targets(first: np.ndarray, second: np.ndarray, gold: GoldGraphs, symmetric: np.ndarray) -> np.ndarray:
    """Which relations hold between ordered pairs of spans: (pairs, 1 + labels) of 0 and 1, column 0 for none.

    first, second: (pairs,) rows of gold mentions, -1 for spans that are no mention; no pair stands there twice.
    symmetric: (1 + labels,) whether a label holds in both directions.
    """
    head, tail, label = gold.relations.T
    both = symmetric[label]
    head, tail = np.concatenate([head, tail[both]]), np.concatenate([tail, head[both]])
    label = np.concatenate([label, label[both]])
    n_mentions = len(gold.spans)
    is_mention = np.flatnonzero((first >= 0) & (second >= 0))
    keys = first[is_mention] * n_mentions + second[is_mention]
    found = _look_up(head * n_mentions + tail, keys)
    targets = np.zeros((len(first), len(symmetric)), dtype="float32")
    targets[is_mention[found[found >= 0]], label[found >= 0]] = 1
    targets[:, 0] = targets[:, 1:].sum(axis=1) == 0
    return targets


def _as_keys(candidates: np.ndarray, gold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One integer for each (document, start, end), the same for the same span in both arrays."""
    size = 1 + max((int(a[:, 1:].max()) for a in (candidates, gold) if len(a)), default=0)
    weights = np.array([size * size, size, 1], dtype="int64")
    return candidates @ weights, gold @ weights


def _look_up(keys: np.ndarray, table: np.ndarray) -> np.ndarray:
    """For each key the first position in the table, -1 where it is not there."""
    if not len(table):
        return np.full(len(keys), -1, dtype="int64")
    unique, position = np.unique(table, return_index=True)
    slot = np.minimum(np.searchsorted(unique, keys), len(unique) - 1)
    return np.where(unique[slot] == keys, position[slot], -1)
