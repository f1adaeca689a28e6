"""Read vocabularies, plain or gzipped files, by line or by row. What is skipped is counted."""

import csv
import gzip
import zlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from ...reports import Report
from ..storage import KnowledgeBaseError
from .source import SourceReport

# what reading a file may raise that is cut or damaged, compressed or not
UNREADABLE = (EOFError, zlib.error, OSError)
_LONGEST_LINE = 1 << 26  # bytes


@contextmanager
def open_file(path: Path) -> Iterator[BinaryIO]:
    """A plain or gzipped file, whatever its name, to read its bytes. Raises KnowledgeBaseError for a zip archive, and
    for text in UTF-16."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder")
    with path.open("rb") as raw:
        # a GzipFile can be read like a BufferedReader, though it is not one
        file = cast(BufferedReader, gzip.GzipFile(fileobj=raw)) if raw.peek(2)[:2] == b"\x1f\x8b" else raw
        _check_start(path, file.peek(4)[:4])
        yield file


def _check_start(path: Path, start: bytes) -> None:
    if start == b"PK\x03\x04":
        raise KnowledgeBaseError(f"{path} is a zip archive. Unpack it (unzip {path.name}), and name the files in it.")
    if start[:2] in (BOM_UTF16_LE, BOM_UTF16_BE) or b"\0" in start:
        raise KnowledgeBaseError(
            f"{path} is text in UTF-16, or none. Convert it to UTF-8: iconv -f UTF-16 -t UTF-8 {path.name}; the first "
            "line of XML must say UTF-8 too."
        )


def each_file(paths: Iterable[Path]) -> Iterator[Path]:
    """The paths, with the contents of folders in their place, sorted by name."""
    for path in paths:
        yield from sorted(path.iterdir()) if path.is_dir() else [path]


def read_lines(path: Path, report: Report) -> Iterator[tuple[int, str]]:
    """Numbered lines, from 1, of a plain or gzipped file, without line ends and byte order mark.

    Lines that are not UTF-8 are read as Latin-1 and counted. Raises KnowledgeBaseError if the file cannot be read to
    its end, or a line is longer than any line of a vocabulary (64 MB).
    """
    number = 0
    with _reading(path) as file:
        while raw := file.readline(_LONGEST_LINE + 1):
            number += 1
            if len(raw) > _LONGEST_LINE:
                raise KnowledgeBaseError(
                    f"{path}, line {number} is longer than {_LONGEST_LINE:,} bytes. Does the file have the format that "
                    "was named?"
                )
            yield number, _decode(raw, report).rstrip("\r\n").removeprefix("\ufeff")


def read_text(path: Path, report: Report) -> str:
    """The whole text of a plain or gzipped file. Errors as :func:`read_lines`."""
    with _reading(path) as file:
        return _decode(file.read(), report).removeprefix("\ufeff")


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    try:
        with open_file(path) as file:
            yield file
    except FileNotFoundError:
        raise KnowledgeBaseError(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise KnowledgeBaseError(f"{path} is a folder. Name the files in it.") from None
    except UNREADABLE as error:
        raise KnowledgeBaseError(
            f"{path} cannot be read to its end: {error}. Is it complete? Download it again."
        ) from None


def _decode(raw: bytes, report: Report) -> str:
    try:
        return raw.decode("utf8")
    except UnicodeDecodeError:
        report.count("lines not in UTF-8, read as Latin-1")
        return raw.decode("latin-1")


def split_row(line: str, delimiter: str = ",") -> list[str]:
    """The fields of a line of CSV; empty if it is not one."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a field without end
        return []


def read_rows(
    path: Path, report: SourceReport, columns: Iterable[str], delimiter: str = ",", comment: str = ""
) -> Iterator[tuple[int, dict[str, str]]]:
    """Numbered rows of a table with a head. Columns that are missing at the end of a row are empty; rows that are too
    long, or lack one of ``columns``, are counted. Each row is one line, so a quotation mark that is never
    closed loses only its row.

    columns: required columns. comment: prefix of lines before the table, which are skipped. Raises KnowledgeBaseError
    if a required column is missing, and as :func:`read_lines`.
    """
    head: list[str] = []
    needed = 0
    for number, line in read_lines(path, report):
        if not head and comment and line.startswith(comment):
            continue
        fields = split_row(line, delimiter)
        if not head:
            if missing := [column for column in columns if column not in fields]:
                raise KnowledgeBaseError(f"{path} has no columns {', '.join(missing)}: is it the right file?")
            head, needed = fields, 1 + max(fields.index(column) for column in columns)
        elif needed <= len(fields) <= len(head) and line.count('"') % 2 == 0:
            yield number, dict.fromkeys(head, "") | dict(zip(head, fields, strict=False))
        elif line.strip():
            report.malformed(path, number, f"{len(fields)} fields for {len(head)} columns")
    if not head:
        raise KnowledgeBaseError(f"{path} is empty.")
