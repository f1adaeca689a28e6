"""Checked reading of JSON: what has not the form of its schema is counted and reported, with a word on why."""

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from .annotation import Report


class Record(BaseModel):
    """Base of the schemas. Numbers in quotes and the like are errors; keys that no field names are extra."""

    model_config = ConfigDict(strict=True, extra="allow")


RecordT = TypeVar("RecordT", bound=Record)


def read_records(path: Path, schema: type[RecordT], format: str, report: Report) -> list[RecordT]:
    """The records of a JSON file that holds one list of objects; malformed ones are left out and reported.

    Raises ValueError if the file is no JSON, holds no list, or if none of its records has the form of ``schema``.
    """
    try:
        data = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not {format}: no valid JSON ({error}).") from None
    if not isinstance(data, list):
        raise ValueError(f"{path} is not {format}: expected a list of records, found {type(data).__name__}.")
    records = []
    for number, item in enumerate(data, start=1):
        try:
            records.append(schema.model_validate(item))
        except ValidationError as error:
            report.drop("malformed record", f"{_name(item, number)}: {explain(error)}")
    if data and not records:
        raise ValueError(f"{path} is not {format}. {report.examples['malformed record'][0]}.")
    return records


def read_text(path: Path) -> str:
    """The text of a file, without a byte order mark. Raises ValueError if it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text in UTF-8: {error}") from None


def explain(error: ValueError) -> str:
    """What is wrong and where, in one line."""
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'record'}: {e['msg']}" for e in error.errors()[:3])
    return str(error)


def _name(item: Any, number: int) -> str:
    name = item.get("id", item.get("orig_id")) if isinstance(item, dict) else None
    return f"record {number}" if name is None else f"record {number} (id {name})"
