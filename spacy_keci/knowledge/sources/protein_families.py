"""Pfam and InterPro families, as tables of names in clulab/bioresources."""

import re
from collections.abc import Iterator
from pathlib import Path

from ..semantic_types import TypeTable
from .files import read_lines
from .source import ConceptRecord, SourceReport

_CODE = re.compile(r"(?:PTHR|SSF|SF|G3DSA|PIRSF|TIGR)\d")


def read_pfam(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """Name and Pfam accession on a line, as in ``PFAM-families.tsv`` of clulab/bioresources."""
    yield from _read_families(paths, "PFAM", types, report)


def read_interpro(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """Name, InterPro accession and species on a line, as in ``ProteinFamilies.tsv`` of clulab/bioresources."""
    yield from _read_families(paths, "IPR", types, report)


def _read_families(
    paths: list[Path], vocabulary: str, types: TypeTable, report: SourceReport
) -> Iterator[ConceptRecord]:
    names: dict[str, dict[str, None]] = {}
    for path in paths:
        for number, line in read_lines(path, report):
            fields = line.split("\t")
            if len(fields) < 2 or not fields[0].strip() or not fields[1].strip():
                report.malformed(path, number, "expected name<TAB>accession")
            else:
                names.setdefault(fields[1].strip(), {})[fields[0].strip()] = None
    for accession, each in names.items():
        # a description reads better than a short name, and is longer; codes of other databases are no names
        first = max(each, key=lambda name: (not _CODE.match(name), len(name)))
        yield ConceptRecord(
            f"{vocabulary}:{accession}",
            first,
            tuple(n for n in each if n != first),
            types.vocabulary(f"{vocabulary}:"),
        )
