"""What training minimizes (KECI, Eq. 10)."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Objective:
    """What a loss depends on besides scores and gold.

    symmetric: (1 + relation labels,) whether a label holds in both directions. multi_label: whether several relations
    may hold for one pair.
    progress: from 0, where only the first mentions are learned, to 1, where everything counts.
    """

    symmetric: np.ndarray
    multi_label: bool = False
    progress: float = 1.0
