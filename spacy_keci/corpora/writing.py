"""What the writers of JSON share."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def present(**values: Any) -> dict[str, Any]:
    """The values that say something: no empty text, list or object, and no score of 1."""
    return {key: value for key, value in values.items() if value not in ("", None, 1.0, {}, [])}


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
