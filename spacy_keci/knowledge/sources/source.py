"""What a source of concepts is: how it is read, what it yields, and what it reports."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ...reports import Report
from ..semantic_types import TypeTable
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

    versions, licences: what the files themselves say of their version and their licence.
    """

    def __init__(self, max_errors: int = 1000) -> None:
        super().__init__()
        self.max_errors = max_errors
        self.versions: list[str] = []
        self.licences: list[str] = []
        self._errors = 0

    def malformed(self, path: Path, line: int, why: str) -> None:
        self.drop("malformed", f"{path.name}, line {line}: {why}")
        self._errors += 1
        if self._errors > self.max_errors:
            raise KnowledgeBaseError(
                f"{path}: more than {self.max_errors} malformed lines, the last is line {line} ({why}). "
                "Does the file have the format that was named?"
            )


@dataclass(frozen=True)
class Source:
    """A format of vocabularies. ``read(paths, types, report)`` yields the concepts."""

    name: str
    read: Callable[[list[Path], TypeTable, SourceReport], Iterator[ConceptRecord]]
    licence: str = ""
