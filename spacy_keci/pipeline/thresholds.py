"""Least probabilities of what is predicted: one for all labels, or one for each."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from .label_settings import check_keys, check_labels

# One for all; or by label, as a section of a config or as a list of pairs; None: the most probable label
Threshold = float | dict[str, float] | list[Any] | None
OTHERS = "*"


def by_label(threshold: Threshold) -> dict[str, float]:
    """Label to threshold; the key "*" stands for all other labels, for which, without it, the most probable counts."""
    if threshold is None:
        return {}
    return {OTHERS: threshold} if isinstance(threshold, int | float) else dict(threshold)


def as_setting(thresholds: dict[str, float]) -> Threshold:
    """The same as one number where that is enough, else as pairs: one value of a config, whatever the labels are."""
    return thresholds.get(OTHERS) if thresholds.keys() <= {OTHERS} else [*thresholds.items()]


def check_threshold(threshold: Threshold, setting: str, name: str) -> None:
    """Raises ValueError for what is not a probability, for duplicate labels, and for labels that would be lost as keys
    of a config.

    setting, name: of the component, for the message.
    """
    try:
        thresholds = by_label(threshold)
    except (TypeError, ValueError):
        raise ValueError(
            f"The setting {setting} of '{name}' is a number, or has pairs of a label and a number, but it is "
            f"{threshold}."
        ) from None
    if isinstance(threshold, list) and len(thresholds) < len(threshold):
        counts = Counter(label for label, _ in threshold)
        twice = ", ".join(repr(label) for label, n in counts.items() if n > 1)
        raise ValueError(f"The setting {setting} of '{name}' has more than one value for {twice}: give one to each.")
    for label, value in thresholds.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            of_label = "" if isinstance(threshold, int | float) else f" for {label!r}"
            raise ValueError(f"The setting {setting} of '{name}' is a probability, but it is {value}{of_label}.")
    check_keys(threshold, setting, name)


def threshold_array(threshold: Threshold, labels: Sequence[str], setting: str, name: str) -> np.ndarray | None:
    """(labels,) thresholds, NaN where the most probable label counts; None if it does so for all.

    Raises ValueError for a label that is not among those given.
    """
    thresholds = by_label(threshold)
    check_labels(thresholds.keys() - {OTHERS}, labels, setting, name, f", and {OTHERS!r} for all others")
    if not thresholds:
        return None
    others = thresholds.get(OTHERS, np.nan)
    return np.array([thresholds.get(label, others) for label in labels], dtype="float32")
