"""What training minimizes (KECI, Eq. 10)."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Objective:
    """What a loss depends on besides scores and gold.

    symmetric: (1 + relation labels,) whether a label holds in both directions. multi_label: whether several relations
    may hold for one pair.
    progress: from 0, where only the first mentions are learned, to 1, where everything counts.
    label_weights: (1 + relation labels,) what a pair with that label counts; None: 1 each.
    hardest: how many unrelated pairs count for each related one, those with the highest loss; 0: all.
    """

    symmetric: np.ndarray
    multi_label: bool = False
    progress: float = 1.0
    label_weights: np.ndarray | None = None
    hardest: int = 0

    def class_weights(self, labels: np.ndarray | None = None) -> np.ndarray | None:
        """(1 + classes,) the weight of each class, where a network has others than the labels.

        labels: (classes,) the label of each class, from 0.
        """
        if self.label_weights is None or labels is None:
            return self.label_weights
        return self.label_weights[np.concatenate([[0], 1 + labels])]
