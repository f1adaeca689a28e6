"""Find gold mentions among candidate spans, without a loop over spans."""

import numpy as np
from thinc.api import to_numpy
from thinc.types import Ragged

from ..graphs import NOT_ANNOTATED, GoldGraphs


def candidate_array(spans: Ragged) -> np.ndarray:
    """Suggested spans as an int64 array on the CPU: (spans, 3) document, start, end."""
    offsets, lengths = to_numpy(spans.dataXd), to_numpy(spans.lengths)
    doc = np.repeat(np.arange(len(lengths)), lengths)
    return np.concatenate([doc[:, None], offsets.reshape(-1, 2)], axis=1).astype("int64")


def in_order(candidates: np.ndarray) -> np.ndarray:
    """Suggested spans, (spans, 3), in the order that the networks need: by document, start and end, without duplicates.
    Some suggesters, such as spaCy's, order them by length."""
    doc, start, end = np.diff(candidates, axis=0).T
    if ((doc > 0) | (doc == 0) & ((start > 0) | (start == 0) & (end > 0))).all():
        return candidates
    return np.unique(candidates, axis=0)


def entity_targets(candidates: np.ndarray, gold: GoldGraphs) -> tuple[np.ndarray, np.ndarray]:
    """Find the gold mentions among the candidate spans.

    candidates: (spans, 3) document, start and end.
    Returns the label of each candidate, 0 if it is not a mention and ``NOT_ANNOTATED`` if the document has no
    annotation, and the row of its gold mention, -1 for none. Of several gold mentions with the same offsets, the first
    counts.
    """
    row = find_spans(candidates, gold.spans)
    labels = np.append(gold.labels, 0)[row]
    labels[~gold.has_mentions[candidates[:, 0]]] = NOT_ANNOTATED
    return labels, row


def find_spans(spans: np.ndarray, among: np.ndarray) -> np.ndarray:
    """For each span, the first row of the same span in ``among``, -1 if missing; both (n, 3): document, start, end."""
    size = 1 + max((int(a[:, 1:].max()) for a in (spans, among) if len(a)), default=0)
    weights = np.array([size * size, size, 1], dtype="int64")
    return look_up(spans @ weights, among @ weights)


def look_up(keys: np.ndarray, table: np.ndarray) -> np.ndarray:
    """For each key, its first position in the table, -1 if missing."""
    if not len(table):
        return np.full(len(keys), -1, dtype="int64")
    unique, position = np.unique(table, return_index=True)
    slot = np.minimum(np.searchsorted(unique, keys), len(unique) - 1)
    return np.where(unique[slot] == keys, position[slot], -1)
