"""Detect annotation under unknown keys, so that a text is not read as if it had none."""

import re
from typing import Any, ClassVar, Self

from pydantic import model_validator

from .reading import Record

_START = re.compile("start|begin|offset|from", re.IGNORECASE)
_END = re.compile("end|stop|length|to$", re.IGNORECASE)
_RANGE = re.compile("offset|span|location|position|range|indices", re.IGNORECASE)
# Parts of a text, which have offsets and are no annotation that is read here.
_PARTS = {"tokens", "sents", "sentences", "paragraphs", "sections"}
_MAX_DEPTH = 6


class TextRecord(Record):
    """Base of the schemas of records that are a text even without any annotation.

    Such a record is an error if it has no annotation under the keys of ``ANNOTATION``, and a key that the schema does
    not have looks like one: it is of another format, and its annotation would be lost.
    """

    ANNOTATION: ClassVar[tuple[str, ...]]

    @model_validator(mode="after")
    def _has_no_other_annotation(self) -> Self:
        if not any(getattr(self, name) for name in self.ANNOTATION):
            for key, value in (self.model_extra or {}).items():
                if key not in _PARTS and looks_like_annotation(value):
                    raise ValueError(
                        f"the key {key[:60]!r} looks like annotation, which this format has under "
                        f"{' or '.join(map(repr, self.ANNOTATION))}: name the format of the file, or leave the key out"
                    )
        return self


def looks_like_annotation(value: Any) -> bool:
    """Whether it is a list of objects with offsets, or with text and label, or of [start, end, label]; or an object
    that has such lists."""
    if isinstance(value, dict):
        return any(looks_like_annotation(each) for each in value.values() if isinstance(each, list))
    return isinstance(value, list) and any(_is_annotation(each, _MAX_DEPTH) for each in value)


def _is_annotation(value: Any, depth: int) -> bool:
    """``depth``: how deep to look."""
    if isinstance(value, dict):
        numbers = [key for key, each in value.items() if type(each) is int]
        starts, ends = ({key for key in numbers if pattern.search(key)} for pattern in (_START, _END))
        if (starts and ends and len(starts | ends) > 1) or {"text", "label"} <= value.keys():
            return True
        if any(_RANGE.search(key) and _is_range(each) for key, each in value.items()):
            return True
        inside = list(value.values())
    elif isinstance(value, list):
        if len(value) > 2 and _is_range(value[:2]) and isinstance(value[2], str):
            return True
        inside = value
    else:
        return False
    return depth > 0 and any(_is_annotation(each, depth - 1) for each in inside)


def _is_range(value: Any) -> bool:
    """[start, end], or a list of them."""
    match value:
        case [int(start), int(end)]:
            return start <= end
        case [list(first), *_]:
            return _is_range(first)
    return False
