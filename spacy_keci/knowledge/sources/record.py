"""What every reader yields, and how readers read lines and report what they skip."""

import csv
import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from ...reports import Report
from ..storage import KnowledgeBaseError


class ConceptRecord(NamedTuple):
    """A concept as one source describes it. Records with the same identifier are merged.

    ``alt_ids`` are other identifiers by which relations of this or other sources may point at the concept.
    A record without a name adds to what another one says.
    """

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    definition: str = ""
    relations: tuple[tuple[str, str], ...] = ()
    alt_ids: tuple[str, ...] = ()


class SourceReport(Report):
    """Counts of one source; raises KnowledgeBaseError once more than ``max_errors`` lines were malformed.

    ``versions``: what the files themselves call their version.
    """

    def __init__(self, max_errors: int = 1000) -> None:
        super().__init__()
        self.max_errors = max_errors
        self.versions: list[str] = []
        self._errors = 0

    def malformed(self, path: Path, line: int, why: str) -> None:
        self.drop("malformed", f"{path.name}, line {line}: {why}")
        self._errors += 1
        if self._errors > self.max_errors:
            raise KnowledgeBaseError(
                f"{path}: more than {self.max_errors} malformed lines, the last is line {line} ({why}). "
                "Is the file of the format that was named?"
            )


@dataclass(frozen=True)
class Source:
    """A format of vocabularies. ``read(paths, types, report)`` yields the concepts."""

    name: str
    read: "Callable[[list[Path], TypeTable, SourceReport], Iterator[ConceptRecord]]"
    licence: str = ""


class TypeTable:
    """Which semantic types (TUIs) the branches of vocabularies get; see ``semantic_types.tsv``.

    A line is a branch, its types (comma-separated) and a note, divided by tabs. A branch is a vocabulary (``DOID:``),
    a concept, and with it what lies below (``GO:0005575``), a tree number (``MESH:C04``), or a class of the source's
    own (``HGNC:pseudogene``). The nearest branch counts.
    """

    def __init__(self, *paths: Path) -> None:
        self._types: dict[str, tuple[str, ...]] = {}
        for path in (Path(__file__).parent.parent / "semantic_types.tsv", *paths):
            for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
                if line.strip() and not line.startswith("#"):
                    branch, _, rest = line.partition("\t")
                    tuis = tuple(t.strip() for t in rest.partition("\t")[0].split(",") if t.strip())
                    if not tuis:
                        raise KnowledgeBaseError(f"{path}, line {number}: a branch, a tab and a type are wanted")
                    self._types[branch.strip()] = tuis

    def get(self, branch: str) -> tuple[str, ...]:
        """Types of exactly this branch; () if the table does not have it."""
        return self._types.get(branch, ())

    def vocabulary(self, concept: str) -> tuple[str, ...]:
        """Types of the vocabulary that the identifier belongs to."""
        return self.get(concept.partition(":")[0] + ":")

    def tree(self, vocabulary: str, number: str) -> tuple[str, ...]:
        """Types of the longest tree number of the table that ``number`` begins with: C04.588 is below C04."""
        while number:
            types = self.get(f"{vocabulary}:{number}")
            if types:
                return types
            number = number.rpartition(".")[0] if "." in number else number[:-1]
        return ()


# what reading a file may raise that is cut or damaged, compressed or not
UNREADABLE = (EOFError, zlib.error, OSError)


def open_file(path: Path) -> BinaryIO:
    """A plain or gzipped file, to read its bytes."""
    # a GzipFile is read as a BinaryIO is, though it is none
    return cast(BinaryIO, gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def read_lines(path: Path, report: Report) -> Iterator[tuple[int, str]]:
    """Numbered lines, from 1, of a plain or gzipped file, without line ends and byte order mark.

    Lines that are not UTF-8 are read as Latin-1 and counted. Raises KnowledgeBaseError if the file cannot be read to
    its end.
    """
    number = 0
    try:
        with open_file(path) as file:
            for number, raw in enumerate(file, 1):
                try:
                    line = raw.decode("utf8")
                except UnicodeDecodeError:
                    line = raw.decode("latin-1")
                    report.count("lines not in UTF-8, read as Latin-1")
                yield number, line.rstrip("\r\n").removeprefix("\ufeff")
    except FileNotFoundError:
        raise KnowledgeBaseError(f"There is no file {path}.") from None
    except UNREADABLE as error:
        raise KnowledgeBaseError(
            f"{path} cannot be read beyond line {number}: {error}. Is it complete? Download it again."
        ) from None


def split_row(line: str, delimiter: str = ",") -> list[str]:
    """The fields of a line of CSV; none of a line that is none."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a field without end
        return []


def read_rows(
    path: Path, report: SourceReport, columns: Iterable[str], delimiter: str = ","
) -> Iterator[tuple[int, dict[str, str]]]:
    """Numbered rows of a table with a head; those of another length than that are counted. Each is a line, so that a
    quotation mark that is never closed costs one of them.

    columns: which the table has to have. Raises KnowledgeBaseError without them, and as :func:`read_lines`.
    """
    head: list[str] = []
    for number, line in read_lines(path, report):
        fields = split_row(line, delimiter)
        if not head:
            if missing := [column for column in columns if column not in fields]:
                raise KnowledgeBaseError(f"{path} has no columns {', '.join(missing)}: is it the right file?")
            head = fields
        elif len(fields) == len(head):
            yield number, dict(zip(head, fields, strict=True))
        elif line.strip():
            report.malformed(path, number, f"{len(fields)} fields for {len(head)} columns")
    if not head:
        raise KnowledgeBaseError(f"{path} is empty.")


def read_text(path: Path, report: Report) -> str:
    """The whole text of a plain or gzipped file. Errors as :func:`read_lines`."""
    return "\n".join(line for _, line in read_lines(path, report))


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        for chunk in iter(lambda: file.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()
