"""What training minimizes (KECI, Eq. 10)."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Objective:
    """Weights of the parts of the loss.

    symmetric: (1 + relation labels,) whether a label holds in both directions. multi_label: whether several relations
    may hold for one pair.
    relation_weight: of the relation losses. final_weight: of the losses of a final graph, beside those of a first one.
    progress: from 0, where only the first mentions are learned, to 1, where everything counts.
    """

    symmetric: np.ndarray
    multi_label: bool = False
    relation_weight: float = 1.0
    final_weight: float = 2.0
    progress: float = 1.0
