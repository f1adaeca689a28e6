"""The objective of training (KECI, Eq. 10)."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Objective:
    """The arguments of a loss besides scores and gold.

    symmetric: (1 + relation labels,) whether a label holds in both directions. multi_label: whether one pair may have
        several relations.
    progress: from 0, which trains only the mentions of the first graph, to 1, which trains everything.
    label_weights: (1 + relation labels,) weight of pairs with each label; None: 1 each.
    hardest: number of unrelated pairs that count for each related one, those with the highest loss; 0 for all.
    """

    symmetric: np.ndarray
    multi_label: bool = False
    progress: float = 1.0
    label_weights: np.ndarray | None = None
    hardest: int = 0

    def class_weights(self, labels: np.ndarray | None = None) -> np.ndarray | None:
        """(1 + classes,) the weight of each class, for networks whose classes differ from the labels.

        labels: (classes,) the label of each class, from 0.
        """
        if self.label_weights is None or labels is None:
            return self.label_weights
        return self.label_weights[np.concatenate([[0], 1 + labels])]
