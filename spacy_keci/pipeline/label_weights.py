"""Training weights of relations with rare labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .label_settings import check_labels, check_values

# by label, as a section of a config or as a list of pairs; None: 1 each
LabelWeights = dict[str, float] | list[Any] | None


def check_weights(weights: LabelWeights, setting: str, name: str) -> None:
    """Raises ValueError unless each label has one positive number, and for labels that cannot be keys of a config.

    setting, name: of the component, for the message.
    """
    check_values(weights or {}, setting, name, lambda value: 0 < value < float("inf"), "above 0")


def weight_array(weights: LabelWeights, labels: Sequence[str], setting: str, name: str) -> np.ndarray | None:
    """(1 + labels,) weights, the first one for no relation; None if all are 1.

    Raises ValueError for an unknown label.
    """
    values = dict(weights or {})
    check_labels(values, labels, setting, name)
    return np.array([1.0, *(values.get(label, 1.0) for label in labels)], dtype="float32") if values else None
