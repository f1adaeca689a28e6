"""The open vocabulary of DrugBank."""

from collections.abc import Iterator
from pathlib import Path

from ..semantic_types import TypeTable
from .files import read_rows
from .source import ConceptRecord, SourceReport


def read_drugbank(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """The open vocabulary of DrugBank (https://go.drugbank.com/releases/latest#open-data), a CSV file."""
    for path in paths:
        for number, row in read_rows(path, report, ("DrugBank ID", "Common name", "Synonyms")):
            if not row["DrugBank ID"] or not row["Common name"]:
                report.malformed(path, number, "no identifier or name")
                continue
            yield ConceptRecord(
                f"DRUGBANK:{row['DrugBank ID']}",
                row["Common name"],
                tuple(s.strip() for s in row["Synonyms"].split(" | ") if s.strip()),
                types.vocabulary("DRUGBANK:"),
            )
