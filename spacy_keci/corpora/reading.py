"""Read files and check them: what does not fit its schema is counted and reported, with the reason."""

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from xml.etree import ElementTree

from pydantic import BaseModel, ConfigDict, ValidationError

from ..files import files_in, without_gz
from ..reports import Report


class Record(BaseModel):
    """Base of the schemas. Numbers in quotes and the like are errors; keys that no field names are extra."""

    model_config = ConfigDict(strict=True, extra="allow")


GZIP = b"\x1f\x8b"
BOM = "\ufeff"
_FIRST_LINES = 10
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
# A byte that is not UTF-8, as Python's "surrogateescape" reads it.
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
RecordT = TypeVar("RecordT", bound=Record)
ParsedT = TypeVar("ParsedT")
_ENCODING = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z][\w.-]*)["']""")


def read_bytes(path: Path) -> bytes:
    """The content of a file, unpacked where it is gzipped. Raises ValueError if its packing is damaged."""
    data = path.read_bytes()
    if not data.startswith(GZIP):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} cannot be unpacked to its end: {error}. Is it complete?") from None


def read_xml(path: Path, format: str) -> ElementTree.Element:
    """The root of an XML file, plain or gzipped, in any encoding of Python that it declares. Raises ValueError if it is
    not XML, with the name of the format."""
    data = read_bytes(path)
    try:
        declared = _ENCODING.match(data)
        if not declared:
            return ElementTree.fromstring(data)
        # expat knows few encodings, and UTF-8 not as "utf8"
        return ElementTree.fromstring(data.decode(declared[1].decode()).removeprefix("\ufeff"))
    except (ElementTree.ParseError, LookupError, UnicodeError) as error:
        raise ValueError(f"{path} is not {format}: {error}.") from None


def find_files(path: Path, suffix: str) -> dict[Path, str]:
    """The files of a folder and those below it, plain or gzipped, whose names end so, in small letters or capitals;
    each with its name from the folder on, without the ending. They are in the order of the whole names."""
    names = sorted((without_gz(file).relative_to(path).as_posix(), file) for file in files_in(path))
    return {file: name[: -len(suffix)] for name, file in names if name.lower().endswith(suffix)}


def read_text(path: Path) -> str:
    """The text of a file, plain or gzipped, without a byte order mark; line ends stay as they are. Raises ValueError
    if it is not UTF-8."""
    try:
        return decode(read_bytes(path))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is {explain(error)}") from None


def decode(data: bytes) -> str:
    """UTF-8 as text, without a byte order mark. Raises UnicodeDecodeError."""
    return data.decode("utf8").removeprefix(BOM)


def text_lines(path: Path, report: Report | None = None) -> list[str]:
    """The lines of a text file, plain or gzipped, without their ends: LF, CRLF, or CR where there is no other.

    Bytes that are not UTF-8 are kept as surrogates: :func:`is_damaged` recognizes such a line. report: counts a file
    that does not end with a line break, often the only sign that it was cut short.
    """
    text = read_bytes(path).decode("utf8", "surrogateescape").removeprefix(BOM)
    lines = [line.removesuffix("\r") for line in text.split("\n")] if "\n" in text else text.split("\r")
    if report is not None and lines[-1]:
        report.count("files that do not end with a line break: they may be cut short")
    return lines


def is_damaged(line: str) -> bool:
    """Whether a line of :func:`text_lines` held bytes that are not UTF-8."""
    return _ESCAPED_BYTE.search(line) is not None


def shown(line: str) -> str:
    """The beginning of a line, for a report."""
    return repr(line[:80].encode("utf8", "replace").decode())


def read_records(path: Path, schema: type[RecordT], format: str, report: Report) -> list[RecordT]:
    """The objects of a file that has a list of them, one of them, or one a line; malformed ones are left out and
    reported. Raises as :func:`read_objects` and :func:`check_records`."""
    return check_records(read_objects(path, format, report), schema, path, format, report)


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


def read_lines(path: Path, parse: Callable[[Any], ParsedT], report: Report) -> Iterator[ParsedT]:
    """What ``parse`` makes of the JSON value of each line. Empty lines are skipped; lines that are not UTF-8 or not
    JSON, that give a key twice, or for which ``parse`` raises ValueError are left out and reported by number.

    Raises ValueError if no line can be read.
    """
    kept, problems = 0, []
    for number, line in enumerate(read_bytes(path).split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            parsed = parse(parse_json(decode(line)))
        except ValueError as error:
            problems.append(f"line {number}: {explain(error)}")
            report.drop_text("malformed line", problems[-1])
        else:
            kept += 1
            yield parsed
    if problems and not kept:
        is_list = read_bytes(path).removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"[")
        hint = ". Write a list of records as jsonl: one object per line, without the brackets." if is_list else ""
        raise ValueError(f"No line of {path} can be read. {problems[0]}{hint}")


def parse_json(text: str, twice: Callable[[str], None] | None = None) -> Any:
    """The value of a JSON text.

    twice: what is called with each key that occurs twice in one object, of which the last counts; without it, such a
        key is an error.
    Raises ValueError if the text is not JSON, nested too deeply, or holds half of a surrogate pair.
    """

    def to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            key = next(key for key in keys if keys.count(key) > 1)
            if twice is None:
                raise ValueError(f"the key {key[:60]!r} occurs twice in one object")
            twice(key)
        return found

    try:
        value = json.loads(text, object_pairs_hook=to_object)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeEncodeError as error:
        raise ValueError(f"it holds half of a surrogate pair ({error.reason})") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"invalid JSON ({error})") from None
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None


def read_json(path: Path, format: str, report: Report) -> Any:
    """The value of a JSON file, plain or gzipped. A key that occurs twice in one object is counted; the last counts.

    Raises ValueError if the file holds no JSON, one nested too deeply, or half of a surrogate pair.
    """
    try:
        return parse_json(read_text(path), lambda key: report.drop("value of a duplicate key in one object", key))
    except ValueError as error:
        message = str(error)
        raise ValueError(message if message.startswith(str(path)) else f"{path} is not {format}: {message}.") from None


def read_objects(path: Path, format: str, report: Report) -> list[Any]:
    """The objects of a file that has a list of them, one of them, or one a line, where malformed ones are left out and
    reported. Raises as :func:`read_json` and :func:`read_lines`."""
    head = [line for line in read_bytes(path).removeprefix(codecs.BOM_UTF8).splitlines() if line.strip()][:_FIRST_LINES]
    # printed over several lines, an object has no line that is an object itself at the margin
    if len(head) > 1 and head[0].startswith(b"{") and any(map(_is_object, head)):
        return list(read_lines(path, lambda value: value, report))
    data = read_json(path, format, report)
    return data if isinstance(data, list) else [data]


def _is_object(line: bytes) -> bool:
    try:
        return line.startswith(b"{") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def count_unknown_keys(record: Record, what: str, report: Report, known: Iterable[str] = ()) -> None:
    """Count the keys that no field names, of the record and of those inside it, apart from ``known``."""
    for key in sorted(set(_unknown_keys(record)).difference(known)):
        report.count(f"{what} with the unknown key {key[:60]!r}")


def explain(error: ValueError) -> str:
    """What is wrong and where, in one line."""
    if isinstance(error, ValidationError):
        shown = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'record'}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()[:3]
        )
        return re.sub(r"a valid dictionary or instance of \w+", "an object", shown)
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 (at byte {error.start + 1}): convert it, for example with iconv"
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
