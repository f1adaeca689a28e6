"""FamPlex: families and complexes of proteins, as an OBO file and a table of relations."""

from collections.abc import Iterator
from pathlib import Path

from ..semantic_types import TypeTable
from .files import read_lines, split_row
from .obo import read_obo
from .source import ConceptRecord, SourceReport


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
                report.malformed(path, number, "expected namespace, id, relation, namespace, id")
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
