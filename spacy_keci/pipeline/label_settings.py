"""Settings with a value for each label: a section of a config, or pairs if labels cannot be keys of a section."""

from collections.abc import Iterable, Sequence
from typing import Any


def check_labels(given: Iterable[str], labels: Sequence[str], setting: str, name: str, more: str = "") -> None:
    """Raises ValueError for a label that is not among those of the component.

    setting, name: of the component, for the message. more: what else is allowed.
    """
    if unknown := {*given} - {*labels}:
        raise ValueError(
            f"The setting {setting} of '{name}' has unknown labels: {', '.join(map(repr, sorted(unknown)))}. Allowed: "
            f"{', '.join(labels) or 'none'}{more}."
        )


def check_keys(value: Any, setting: str, name: str) -> None:
    """Raises ValueError for a section with a label that would be lost as a key of a config."""
    for label in value if isinstance(value, dict) else ():
        if not _may_be_a_key(label):
            raise ValueError(
                f"The setting {setting} of '{name}' has the label {label!r}, which cannot be a key in a config. Give "
                f"pairs instead: {setting} = {[list(pair) for pair in value.items()]}."
            )


def _may_be_a_key(label: str) -> bool:
    return bool(label) and label == label.strip() and label[0] not in "#;@[" and not set(label) & set(":=\n")
