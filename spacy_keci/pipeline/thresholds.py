"""Minimum probabilities of predictions: one for all labels, or one for each."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .label_settings import check_labels, check_values

# One for all; or by label, as a section of a config or as a list of pairs; None: the most probable label
Threshold = float | dict[str, float] | list[Any] | None
OTHERS = "*"


def by_label(threshold: Threshold, default: float | None = None) -> dict[str, float]:
    """Label to threshold. The key "*" stands for all other labels; without it, the most probable label counts for
    them. default: of all other labels if the threshold has none."""
    found = {} if default is None else {OTHERS: default}
    if threshold is None:
        return found
    return found | ({OTHERS: threshold} if isinstance(threshold, int | float) else dict(threshold))


def as_setting(thresholds: dict[str, float]) -> Threshold:
    """Thresholds as a config value: one number if possible, else pairs, which allow any label."""
    return thresholds.get(OTHERS) if thresholds.keys() <= {OTHERS} else [*thresholds.items()]


def check_threshold(threshold: Threshold, setting: str, name: str) -> None:
    """Raises ValueError for values that are not probabilities, duplicate labels, and labels that cannot be keys of a
    config.

    setting, name: of the component, for the message.
    """
    if threshold is not None:
        given = threshold if isinstance(threshold, dict | list) else {OTHERS: threshold}
        check_values(given, setting, name, lambda value: 0 <= value <= 1, "a probability")


def threshold_array(
    threshold: Threshold, labels: Sequence[str], setting: str, name: str, default: float | None = None
) -> np.ndarray | None:
    """(labels,) thresholds, NaN for labels without one; None if no label has one.

    default: as in :func:`by_label`. Raises ValueError for an unknown label.
    """
    thresholds = by_label(threshold, default)
    check_labels(thresholds.keys() - {OTHERS}, labels, setting, name, f", and {OTHERS!r} for all others")
    if not thresholds:
        return None
    others = thresholds.get(OTHERS, np.nan)
    return np.array([thresholds.get(label, others) for label in labels], dtype="float32")
