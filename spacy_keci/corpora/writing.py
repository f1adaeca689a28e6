"""What the writers of JSON share."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ..reports import Report
from .annotation import AnnotatedText


def present(**values: Any) -> dict[str, Any]:
    """The values that say something: no empty text, list or object, and no score of 1."""
    return {key: value for key, value in values.items() if value not in ("", None, 1.0, {}, [])}


def meta_for_json(text: AnnotatedText, report: Report, default: Callable[[Any], Any] | None = None) -> dict[str, Any]:
    """The entries of ``meta`` that JSON can hold; the others are dropped and counted. default: as of ``json.dumps``."""
    meta = {}
    for key, value in text.meta.items():
        try:
            json.dumps({key: value}, allow_nan=False, default=default)
        except (TypeError, ValueError):
            report.drop("entry of meta that JSON cannot hold", f"{text.name}: {key!r}: {value!r}")
        else:
            meta[key] = value
    return meta


def write_lines(objects: Iterable[Any], path: Path) -> None:
    """One a line."""
    with path.open("w", encoding="utf8") as file:
        file.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in objects)


def write_list(objects: Iterable[Any], path: Path) -> None:
    """A list of them, one a line."""
    with path.open("w", encoding="utf8") as file:
        file.write("[")
        for number, each in enumerate(objects):
            file.write(("," if number else "") + "\n" + json.dumps(each, ensure_ascii=False))
        file.write("\n]\n")
