"""Vocabularies that are small tables: FamPlex's relations, Pfam and InterPro families of bioresources, DrugBank."""

import re
from collections.abc import Iterator
from pathlib import Path

from .obo import read_obo
from .record import ConceptRecord, SourceReport, TypeTable, read_lines, read_rows, split_row

_CODE = re.compile(r"(?:PTHR|SSF|SF|G3DSA|PIRSF|TIGR)\d")


def read_famplex(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """FamPlex (https://github.com/sorgerlab/famplex): ``famplex.obo`` and, if given, ``relations.csv``.

    Gene symbols (``HGNC:KRAS``) and UniProt accessions in relations resolve where the HGNC source is built in too.
    """
    relations: dict[str, list[tuple[str, str]]] = {}
    for path in paths:
        if ".csv" not in path.suffixes:
            continue
        for number, line in read_lines(path, report):
            fields = split_row(line)
            if len(fields) != 5:
                report.malformed(path, number, "namespace, id, relation, namespace, id are wanted")
                continue
            head, target = f"{fields[0]}:{fields[1]}", f"{fields[3]}:{fields[4]}"
            relations.setdefault(head, []).append(
                ({"isa": "is_a", "partof": "part_of"}.get(fields[2], fields[2]), target)
            )
    for record in read_obo([p for p in paths if ".csv" not in p.suffixes], types, report):
        if not record.name:
            yield record  # a member, which another vocabulary has
            continue
        # famplex.obo hangs what has no parent under a root that it does not define
        own = [r for r in record.relations if r[1] != "FPLX:root"] + relations.pop(record.id, [])
        name = record.name.replace("-", " ").replace("_", " ")
        yield record._replace(
            relations=tuple(dict.fromkeys(own)), aliases=tuple(dict.fromkeys((*record.aliases, name)))
        )
    for head, own in relations.items():
        yield ConceptRecord(head, "", relations=tuple(own))


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
                report.malformed(path, number, "a name, a tab and an accession are wanted")
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
