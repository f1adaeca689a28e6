"""The formats of annotated text, by name."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from .annotation import AnnotatedText, Report
from .biorelex import read_biorelex, write_biorelex
from .docbin import read_docbin, write_docbin
from .jsonl import read_jsonl, write_jsonl
from .spert import read_spert, write_spert


class Format(NamedTuple):
    """``read(path, report)`` yields texts, ``write(texts, path, report)`` writes them.

    Formats with tokens have ``write(..., make_doc=None)`` besides.
    """

    read: Callable[[Path, Report], Iterator[AnnotatedText]]
    write: Callable[..., None]
    has_tokens: bool = False


FORMATS = {
    "biorelex": Format(read_biorelex, write_biorelex),
    "jsonl": Format(read_jsonl, write_jsonl),
    "spacy": Format(read_docbin, write_docbin, has_tokens=True),
    "spert": Format(read_spert, write_spert, has_tokens=True),
}


def get_format(path: Path, name: str | None = None) -> Format:
    """The format of that name, else the one that the suffix tells (.spacy, .jsonl). Raises ValueError if unclear."""
    name = name or path.suffix.removeprefix(".")
    if name not in FORMATS:
        raise ValueError(f"Cannot tell the format of {path}: name one of {', '.join(FORMATS)}.")
    return FORMATS[name]


def read_any(path: Path, format: str | None = None, report: Report | None = None) -> Iterator[AnnotatedText]:
    """The texts of a file in any format (default: told by its suffix), counted in the report.

    Raises ValueError if the format is unclear or the file is not of it.
    """
    report = report or Report()
    for text in get_format(path, format).read(path, report):
        report.count("texts")
        report.count("mentions", len(text.mentions))
        report.count("relations", len(text.relations))
        yield text
