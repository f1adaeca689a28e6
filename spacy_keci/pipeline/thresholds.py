"""Minimum probabilities of predictions: one for all labels, or one for each."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from .label_settings import check_keys, check_labels

# One for all; or by label, as a section of a config or as a list of pairs; None: the most probable label
Threshold = float | dict[str, float] | list[Any] | None
OTHERS = "*"


def by_label(threshold: Threshold) -> dict[str, float]:
    """Label to threshold. The key "*" stands for all other labels; without it, the most probable label counts for
    them."""
    if threshold is None:
        return {}
    return {OTHERS: threshold} if isinstance(threshold, int | float) else dict(threshold)


def as_setting(thresholds: dict[str, float]) -> Threshold:
    """Thresholds as a config value: one number if possible, else pairs, which allow any label."""
    return thresholds.get(OTHERS) if thresholds.keys() <= {OTHERS} else [*thresholds.items()]


def check_threshold(threshold: Threshold, setting: str, name: str) -> None:
    """Raises ValueError for values that are not probabilities, duplicate labels, and labels that cannot be keys of a
    config.

    setting, name: of the component, for the message.
    """
    try:
        thresholds = by_label(threshold)
    except (TypeError, ValueError):
        raise ValueError(
            f"The setting {setting} of '{name}' must be a number or pairs of a label and a number, but it is "
            f"{threshold}."
        ) from None
    if isinstance(threshold, list) and len(thresholds) < len(threshold):
        counts = Counter(label for label, _ in threshold)
        twice = ", ".join(repr(label) for label, n in counts.items() if n > 1)
        raise ValueError(f"The setting {setting} of '{name}' has more than one value for {twice}: give only one.")
    for label, value in thresholds.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            of_label = "" if isinstance(threshold, int | float) else f" for {label!r}"
            raise ValueError(f"The setting {setting} of '{name}' must be a probability, but it is {value}{of_label}.")
    check_keys(threshold, setting, name)


def threshold_array(threshold: Threshold, labels: Sequence[str], setting: str, name: str) -> np.ndarray | None:
    """(labels,) thresholds, NaN for labels without one; None if no label has one.

    Raises ValueError for an unknown label.
    """
    thresholds = by_label(threshold)
    check_labels(thresholds.keys() - {OTHERS}, labels, setting, name, f", and {OTHERS!r} for all others")
    if not thresholds:
        return None
    others = thresholds.get(OTHERS, np.nan)
    return np.array([thresholds.get(label, others) for label in labels], dtype="float32")
