"""Which format a file has, by its content, where the name does not tell: many tools write .json, .jsonl, .xml, .tsv."""

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..files import files_in, without_gz
from .label_studio import is_minimal
from .reading import BOM, GZIP, read_text

_HEAD = 1 << 20
_MAX_RECORDS = 200
# What must be among the keys of an object: the first that fits.
_MARKS = [
    (name, set(keys.split()))
    for name, several in (
        ("bigbio", ("passages entities",)),
        ("bioc-json", ("passages", "documents", "PubTator3")),
        ("pubannotation", ("denotations", "tracks")),
        ("dygie", ("sentences doc_key", "sentences ner")),
        ("label-studio", ("data annotations", "data predictions")),
        ("spert", ("tokens entities",)),
        ("jsonl", ("text entities interactions clusters",)),
        ("biorelex", ("text entities interactions",)),
        ("prodigy", ("text spans", "text answer", "text _task_hash")),
        ("doccano", ("text label", "text labels", "text Comments", "data label")),
    )
    for keys in several
]
_ROOT = re.compile(r"<(?![?!])([\w.-]+)")
_TAG = re.compile(r"(?:[BISELU]-\S+|O)$")
_MASK = re.compile(r"@[^\s@$]+\$")


def sniff(path: Path) -> str | None:
    """The name of the format of an existing file or folder; None if it is not recognized."""
    if path.is_dir():
        return _sniff_folder(path)
    if not path.is_file():
        return None
    head = _head(path)
    start = head.lstrip()[:1]
    if start in ("{", "["):
        return _sniff_json(path, head)
    if start == "<":
        root = _ROOT.search(head)
        return {"collection": "bioc-xml", "document": "ddi"}.get(root[1] if root else "")
    return _sniff_lines(head)


def _head(path: Path) -> str:
    """The beginning of a text file, plain or gzipped; empty where it cannot be read."""
    with path.open("rb") as file:
        is_packed = file.read(2) == GZIP
    try:
        with gzip.open(path) if is_packed else path.open("rb") as file:
            return file.read(_HEAD).decode("utf8", "replace").removeprefix(BOM)
    except (EOFError, OSError, zlib.error):
        return ""


def _sniff_folder(path: Path) -> str | None:
    names = [without_gz(file).name.lower() for file in files_in(path)]
    if any(name.endswith(".ann") for name in names):
        return "brat"
    if any(name.endswith((".a1", ".a2")) for name in names):
        return "bionlp"
    if any(re.search(r"abstrac\w*\.tsv$", name) for name in names):
        return "chemprot"
    if any(name.endswith(".xml") for name in names):
        return "ddi"
    return "pubannotation" if any(name.endswith(".json") for name in names) else "brat"


def _sniff_json(path: Path, head: str) -> str | None:
    plain = False
    for record in _records(path, head):
        if not isinstance(record, dict):
            continue
        if is_minimal(record):
            return "label-studio"
        keys = record.keys()
        for name, needed in _MARKS:
            if needed <= keys:
                return name
        for key in ("entities", "annotations"):
            match record.get(key):
                case [{"start_offset": _}, *_]:
                    return "doccano"
                case [{}, *_] if key == "entities":
                    return "jsonl"
        plain = plain or "text" in keys
    return "jsonl" if plain else None


def _records(path: Path, head: str) -> Iterator[Any]:
    """The first records of a list, of lines, or of a single object, of those that the head holds whole."""
    decoder = json.JSONDecoder()
    rest = head.lstrip().removeprefix("[").lstrip()
    for number in range(_MAX_RECORDS):
        try:
            record, end = decoder.raw_decode(rest)
        except (ValueError, RecursionError):
            if number == 0 and len(head) >= _HEAD:
                yield from _first_of(path)
            _, line_end, rest = rest.partition("\n")  # a line that is malformed
            if not line_end:
                return
        else:
            yield record
            rest = rest[end:].lstrip(" \t\r\n,")


def _first_of(path: Path) -> Iterator[Any]:
    """The first record of a file whose head does not hold one."""
    try:
        text = read_text(path)
        data = json.loads(text if text.lstrip().startswith("[") else text.partition("\n")[0])
    except (ValueError, RecursionError):
        return
    yield from data[:_MAX_RECORDS] if isinstance(data, list) else [data]


def _sniff_lines(head: str) -> str | None:
    lines = [line for line in head.split("\n")[:_MAX_RECORDS] if line.strip()]
    if any(re.match(r"[^|\t]+\|t\|", line) for line in lines):
        return "pubtator"
    if any(len(_MASK.findall(line)) > 1 and "\t" in line for line in lines):
        return "masked"
    tags = [line.split()[-1] for line in lines[:-1] if len(line.split()) > 1 and not line.startswith("-DOCSTART-")]
    return "conll" if tags and all(map(_TAG.match, tags)) else None
