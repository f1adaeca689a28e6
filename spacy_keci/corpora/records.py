"""Checked reading of JSON: what has not the form of its schema is counted and reported, with a word on why."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ..reports import Report


class Record(BaseModel):
    """Base of the schemas. Numbers in quotes and the like are errors; keys that no field names are extra."""

    model_config = ConfigDict(strict=True, extra="allow")


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
RecordT = TypeVar("RecordT", bound=Record)
ParsedT = TypeVar("ParsedT")


def read_records(path: Path, schema: type[RecordT], format: str, report: Report) -> list[RecordT]:
    """The records of a JSON file that holds one list of objects; malformed ones are left out and reported.

    Raises ValueError if the file is no JSON, holds no list, or if none of its records has the form of ``schema``.
    """
    data = read_json(path, format)
    if not isinstance(data, list):
        raise ValueError(f"{path} is not {format}: expected a list of records, found {type(data).__name__}.")
    return check_records(data, schema, path, format, report)


def check_records(
    items: Iterable[Any], schema: type[RecordT], path: Path, format: str, report: Report
) -> list[RecordT]:
    """The objects that have the form of ``schema``; the others are left out and reported by number and id.

    Raises ValueError if there are objects and none has the form.
    """
    records, problems = [], []
    for number, item in enumerate(items, start=1):
        try:
            records.append(schema.model_validate(item))
        except ValidationError as error:
            problems.append(f"{_name(item, number)}: {explain(error)}")
            report.drop_text("malformed record", problems[-1])
    if problems and not records:
        raise ValueError(f"{path} is not {format}. {problems[0]}.")
    return records


def read_lines(path: Path, parse: Callable[[str], ParsedT], report: Report) -> Iterator[ParsedT]:
    """What ``parse`` makes of the lines of a file. Empty lines are skipped; those for which it raises ValueError are
    left out and reported by number.

    Raises ValueError if no line can be read.
    """
    kept, problems = 0, []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            parsed = parse(line)
        except ValueError as error:
            problems.append(f"line {number}: {explain(error)}")
            report.drop_text("malformed line", problems[-1])
        else:
            kept += 1
            yield parsed
    if problems and not kept:
        raise ValueError(f"No line of {path} can be read. {problems[0]}")


def read_json(path: Path, format: str) -> Any:
    """The value of a JSON file. Raises ValueError if it holds none, one nested too deeply, or half a character."""
    text = read_text(path)
    try:
        value = json.loads(text)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeEncodeError as error:
        raise ValueError(f"{path} is not {format}: it holds half of a surrogate pair ({error.reason}).") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not {format}: no valid JSON ({error}).") from None
    except RecursionError:
        raise ValueError(f"{path} is not {format}: its JSON is nested too deeply.") from None


def count_unknown_keys(record: Record, what: str, report: Report, known: Iterable[str] = ()) -> None:
    """Count the keys that no field names, of the record and of those inside it, apart from ``known``."""
    for key in sorted(set(_unknown_keys(record)).difference(known)):
        report.count(f"{what} with the unknown key {key[:60]!r}")


def check_end(text: str, report: Report) -> None:
    """Count a text that does not end with a line break: where lines are whole, nothing else tells a file cut short."""
    if text and not text.endswith("\n"):
        report.count("files that do not end with a line break: they may be cut short")


def read_text(path: Path) -> str:
    """The text of a file, without a byte order mark. Raises ValueError if it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text in UTF-8: {error}") from None


def id_text(id: object) -> str:
    """An identifier as text, empty where there is none; some files count from 0."""
    return "" if id is None else str(id)


def explain(error: ValueError) -> str:
    """What is wrong and where, in one line."""
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'record'}: {e['msg']}" for e in error.errors()[:3])
    return str(error)


def _unknown_keys(record: Record) -> Iterator[str]:
    yield from record.model_extra or ()
    for name in type(record).model_fields:
        value = getattr(record, name)
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, Record):
                yield from (f"{name}.{key}" for key in _unknown_keys(part))


def _name(item: Any, number: int) -> str:
    name = item.get("id", item.get("orig_id")) if isinstance(item, dict) else None
    return f"record {number}" if name is None else f"record {number} (id {name})"
