"""The gold and the predicted relations of pairs of concepts, as arrays in the order of an input's pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class GoldPairs:
    """targets: (pairs, 1 + classes) of 0 and 1, or probabilities if another model gave them; column 0 is for none.
        Rows are all 0 where relations are not annotated.

    novelty: (pairs,) number of the novelty, from 0, or ``NOT_ANNOTATED``.
    n_documents: number of documents with annotated relations.
    """

    targets: np.ndarray
    novelty: np.ndarray
    n_documents: int


@dataclass
class PredictedPairs:
    """The predicted relations, ordered by pair.

    pairs: (relations,) rows of the input's pairs. labels: (relations,) number of the label, from 0. backward:
    (relations,) whether it holds from the second concept to the first. scores: (relations,) probability.
    novelty: (relations,) number of the novelty, or -1.
    evidence: for each relation, rows of the input's mention pairs with their weights, highest first.
    extra: further arrays, (relations, …), by the name of the attribute to which they are written.
    """

    pairs: np.ndarray
    labels: np.ndarray
    backward: np.ndarray
    scores: np.ndarray
    novelty: np.ndarray
    evidence: list[list[tuple[int, float]]]
    extra: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def joined(cls, parts: Sequence[PredictedPairs]) -> PredictedPairs:
        """Join the relations of the parts of an input, with rows of the whole input."""
        if not parts:
            ints = np.zeros(0, dtype="int64")
            return cls(ints, ints, ints.astype(bool), np.zeros(0, dtype="float32"), ints, [])
        names = ("pairs", "labels", "backward", "scores", "novelty")
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        extra = {name: np.concatenate([part.extra[name] for part in parts]) for name in parts[0].extra}
        return cls(**arrays, evidence=[rows for part in parts for rows in part.evidence], extra=extra)
