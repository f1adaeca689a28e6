"""Settings with a value for each label: a section of a config, or pairs if labels cannot be keys of a section."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

# by label, as a section of a config or as a list of pairs; None: 1 each
LabelWeights = dict[str, float] | list[Any] | None


def check_labels(given: Iterable[str], labels: Sequence[str], setting: str, name: str, more: str = "") -> None:
    """Raises ValueError for a label that is not among those of the component.

    setting, name: of the component, for the message. more: what else is allowed.
    """
    if unknown := {*given} - {*labels}:
        raise ValueError(
            f"The setting {setting} of '{name}' has unknown labels: {', '.join(map(repr, sorted(unknown)))}. Allowed: "
            f"{', '.join(labels) or 'none'}{more}."
        )


def check_values(
    given: dict[str, Any] | list[Any], setting: str, name: str, is_right: Callable[[float], bool], what: str
) -> None:
    """Raises ValueError if the values are neither a section nor pairs, a label occurs twice or cannot be a key of a
    config, or a value is not a number or not right.

    setting, name: of the component, for the message. what: describes right values.
    """
    try:
        values = dict(given)
    except (TypeError, ValueError):
        raise ValueError(
            f"The setting {setting} of '{name}' must be pairs of a label and a number, but it is {given}."
        ) from None
    if len(values) < len(given):
        twice = [label for label, n in Counter(pair[0] for pair in given).items() if n > 1]
        raise ValueError(
            f"The setting {setting} of '{name}' has more than one value for {', '.join(map(repr, twice))}: give only "
            "one."
        )
    for label, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not is_right(value):
            raise ValueError(f"The setting {setting} of '{name}' must be {what}, but it is {value!r} for {label!r}.")
        if isinstance(given, dict) and not _may_be_a_key(label):
            raise ValueError(
                f"The setting {setting} of '{name}' has the label {label!r}, which cannot be a key in a config. Give "
                f"pairs instead: {setting} = {[list(pair) for pair in given.items()]}."
            )


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


def _may_be_a_key(label: str) -> bool:
    return bool(label) and label == label.strip() and label[0] not in "#;@[" and not set(label) & set(":=\n")
