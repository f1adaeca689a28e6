"""Read texts to annotate from files, folders and streams, one after the other, however many there are."""

import gzip
import os
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from pydantic_core import from_json

from ..doc_operations import id_text
from ..files import files_in, without_gz
from ..reports import Report
from .annotation import AnnotatedText
from .formats import get_format, read_any, tell_format
from .jsonl import KEYS
from .pubmed import read_pubmed
from .reading import Record, decode, explain

STDIN = "-"
# one text a file, one text a line, one JSON object with a "text" a line, PubMed's XML
STREAMS = ("txt", "lines", "jsonl", "pubmed")
PLAIN_FORMATS = (*STREAMS, "parquet")
SUFFIXES = {".txt": "txt", ".jsonl": "jsonl", ".parquet": "parquet"}
FIELDS = "text", "id"  # of jsonl and Parquet, unless others are named
MAX_BYTES = 64 << 20  # of a line, or of a file that is a text: many times what a pipeline reads


class Text(NamedTuple):
    """A text. place: where it was found, for messages. data: what is copied to the output, such as ``group`` and
    ``meta``."""

    text: str
    id: str
    place: str
    data: dict[str, Any]


class _Line(Record):
    text: str
    id: str | int | float | None = None
    group: str | int | float | None = None
    meta: dict[str, Any] | None = None


class _TextReport(Report):
    """Passes on to another report which texts are lost, and not what is lost of their annotation."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report

    def drop_text(self, reason: str, case: str) -> None:
        self._report.drop_text(reason, case)


def name_unfinished(output: Path) -> Path:
    """The folder for the parts of a file that is there when it is complete, and not before."""
    return output.with_name(f"unfinished.{output.name}")


class TextSource:
    """The texts of a file, of a folder with its subfolders (files in the order of their names), or of standard input.

    path: ``-`` for standard input.
    format: one of PLAIN_FORMATS, whose files may be compressed (``.gz``), or a format of annotated text, whose
        annotation is ignored. None: as the suffix of each file says; standard input is read as lines.
    report: what cannot be read is left out and reported with its place, and so are texts of nothing but whitespace, and
        lines and text files of more than :data:`MAX_BYTES` bytes. Records of jsonl without ``id_field``, if it is not
        "id", are counted, and so are lines of standard input that are JSON objects, if no format is named.
    output: where the results go: no file there, or below it, is read.
    text_field, id_field: of the objects in jsonl, and columns of Parquet. Their further fields go into ``meta``, apart
        from annotation.

    A text without an id gets the name of its file, with the number of its line where files have several texts.
    Raises FileNotFoundError if there is no such file, ValueError if the format is unclear or has no such fields, if the
    path is the output or below it, or if it is a folder of annotated texts with the output in it.
    """

    def __init__(
        self,
        path: str,
        format: str | None,
        report: Report,
        output: Path | None = None,
        text_field: str = FIELDS[0],
        id_field: str = FIELDS[1],
    ) -> None:
        self._path, self._format, self._report = Path(path), format, report
        self._fields = text_field, id_field
        self._is_plain = format is None or format in PLAIN_FORMATS
        if path == STDIN and format not in (None, *STREAMS):
            raise ValueError(f"Standard input is read as {' or '.join(STREAMS)}, not as {format}.")
        self._files = None if path == STDIN else self._find_files(output and output.resolve())
        if self._fields != FIELDS and not self._have_fields():
            raise ValueError(f"{path} has no fields that could be named: only jsonl and Parquet have.")
        # as they are now: files may go while others are read
        self._sizes = {file: file.stat().st_size for file in self._files or ()}
        self._bytes_before = 0
        self._raw: BinaryIO | None = None

    def _have_fields(self) -> bool:
        formats = [self._format] if self._files is None else [_plain_format(f, self._format) for f in self._files]
        return "jsonl" in formats or "parquet" in formats

    @property
    def size(self) -> int | None:
        """Bytes there are to read; None for standard input, and for files that are read as a whole."""
        if not self._files or any(_plain_format(file, self._format) not in STREAMS for file in self._files):
            return None
        return sum(self._sizes.values())

    @property
    def position(self) -> int:
        """Bytes read so far, of ``size``."""
        return self._bytes_before + (0 if self._raw is None or self._raw.closed else self._raw.tell())

    def __iter__(self) -> Iterator[Text]:
        for text in self._read():
            if text.text.strip():
                yield text
            else:
                self._report.drop("empty text", text.place)

    def _find_files(self, output: Path | None) -> list[Path]:
        if not self._path.exists():
            raise FileNotFoundError(f"There is no file or folder {self._path}.")

        def is_output(path: Path) -> bool:
            written = (output, name_unfinished(output)) if output else ()
            return any(path.resolve().is_relative_to(each) for each in written)

        # the reader of a folder of annotated texts reads all that is in it
        holds_output = output and not self._is_plain and output.is_relative_to(self._path.resolve())
        if holds_output or is_output(self._path):
            raise ValueError(f"{output} is {self._path}, or one is inside the other: name another output.")
        if self._path.is_file() or not self._is_plain:
            _plain_format(self._path, self._format)
            return [self._path]
        by_format = {None: tuple(SUFFIXES), "jsonl": (".jsonl",), "parquet": (".parquet",), "pubmed": (".xml",)}
        suffixes = by_format.get(self._format, (".txt",))
        files = [f for f in files_in(self._path) if _split_name(f)[1] in suffixes and not is_output(f)]
        if not files:
            raise FileNotFoundError(f"{self._path} holds no files {' or '.join(suffixes)}, compressed (.gz) or not.")
        return files

    def _read(self) -> Iterator[Text]:
        if self._files is None:
            yield from self._read_plain(sys.stdin.buffer, self._format or "lines", Path("stdin"), "stdin")
            return
        for file in self._files:
            name = file.relative_to(self._path) if file != self._path else Path(file.name)
            stem = os.fsencode(_split_name(name)[0]).decode("utf8", "backslashreplace")  # names may be of any bytes
            format = _plain_format(file, self._format)
            if format not in STREAMS:
                read = self._read_annotated if format is None else self._read_parquet
                yield from read(file, stem)
                continue
            try:
                with file.open("rb") as self._raw:
                    stream: BinaryIO = self._raw
                    if file.suffix.lower() == ".gz":
                        # a GzipFile is read as a BinaryIO is, though it is none
                        stream = cast(BinaryIO, gzip.GzipFile(fileobj=self._raw))
                    yield from self._read_plain(stream, format, name, stem)
            except (OSError, EOFError, zlib.error) as error:
                self._report.drop("file that cannot be read to its end", f"{name}: {error}")
            self._bytes_before += self._sizes[file]

    def _read_annotated(self, file: Path, stem: str) -> Iterator[Text]:
        for number, text in enumerate(read_any(file, self._format, _TextReport(self._report)), start=1):
            yield Text(text.text, text.id or f"{stem}-{number}", f"{file.name}, text {number}", _data(text))

    def _read_parquet(self, file: Path, stem: str) -> Iterator[Text]:
        from .parquet import read_text_columns

        for number, (text, id, data) in enumerate(read_text_columns(file, *self._fields), start=1):
            place = f"{file.name}, row {number}"
            if text is None:
                self._report.drop("malformed text", f"{place}: no text")
            else:
                yield Text(text, id or f"{stem}-{number}", place, data)

    def _read_plain(self, stream: BinaryIO, format: str, name: Path, stem: str) -> Iterator[Text]:
        if format == "pubmed":
            for citation in read_pubmed(stream, str(name), self._report):
                yield Text(citation.text, citation.pmid, f"{name}, PMID {citation.pmid}", {"meta": citation.meta})
            return
        whole = [(stream.read(MAX_BYTES + 1), stem, str(name))] if format == "txt" else None
        for data, id, place in whole or _lines(stream, name, stem):
            try:
                if len(data) > MAX_BYTES:
                    raise ValueError(f"more than {MAX_BYTES:,} bytes")
                if self._format is None and format == "lines" and _is_record(data):
                    self._report.count("lines that are JSON objects read as text: name --from jsonl")
                yield self._parse_json(data, id, place) if format == "jsonl" else Text(decode(data), id, place, {})
            except ValueError as error:
                self._report.drop("malformed text", f"{place}: {explain(error)}")

    def _parse_json(self, data: bytes, id: str, place: str) -> Text:
        text, own_id = self._fields
        if (text, own_id) == ("text", "id"):
            line = _Line.model_validate_json(decode(data))
        else:
            record = from_json(decode(data))
            if not isinstance(record, dict) or text not in record:
                raise ValueError(f"no object with {text!r}")
            line = _Line.model_validate(record | {"text": record[text], "id": record.get(own_id)})
            if own_id != FIELDS[1] and own_id not in record:
                self._report.count(f"records without the field {own_id!r}: their ids are made of file and line")
        known = {*KEYS, text, own_id}
        further = {key: value for key, value in (line.model_extra or {}).items() if key not in known}
        line.meta = (line.meta or {}) | further
        return Text(line.text, id_text(line.id) or id, place, _data(line))


def _lines(stream: BinaryIO, name: Path, stem: str) -> Iterator[tuple[bytes, str, str]]:
    """Lines; only the beginning of one that is too long."""
    number = 0
    while line := stream.readline(MAX_BYTES + 1):
        number += 1
        rest = line if len(line) > MAX_BYTES else b""
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(1 << 20)
        if line.strip():
            yield line.rstrip(b"\r\n"), f"{stem}-{number}", f"{name}, line {number}"


def _is_record(line: bytes) -> bool:
    """Whether a line is a JSON object with a text."""
    try:
        return line.lstrip().startswith(b"{") and FIELDS[0] in from_json(line)
    except ValueError:
        return False


def _data(text: AnnotatedText | _Line) -> dict[str, Any]:
    kept = {"group": id_text(text.group), "meta": text.meta}
    return {key: value for key, value in kept.items() if value}


def _plain_format(path: Path, name: str | None) -> str | None:
    """The plain format of that name, else the one that the suffix tells; None for a format of annotated text, which its
    content may tell.

    Raises ValueError if it is neither.
    """
    name = name or SUFFIXES.get(_split_name(path)[1])
    if name in PLAIN_FORMATS:
        return name
    try:
        get_format(path, name) if name else tell_format(path)
    except ValueError as error:
        raise ValueError(f"{error} Or one of {', '.join(PLAIN_FORMATS)}.") from None
    return None


def _split_name(path: Path) -> tuple[str, str]:
    """What a file is called without suffix, its folder included, and its suffix in lower case, apart from .gz."""
    path = without_gz(path)
    return path.with_suffix("").as_posix(), path.suffix.lower()
