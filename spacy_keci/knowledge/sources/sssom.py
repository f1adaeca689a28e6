"""Mappings between vocabularies in SSSOM (https://mapping-commons.github.io/sssom/), such as those of Biomappings.

Matentzoglu et al. 2022, A Simple Standard for Sharing Ontological Mappings (SSSOM).
"""

from collections.abc import Iterator
from pathlib import Path

from ...identifiers import PREFIXES
from ..semantic_types import TypeTable
from .files import read_rows
from .ontology import INVERSE, read_match, read_reference
from .source import ConceptRecord, SourceReport

_COLUMNS = ("subject_id", "predicate_id", "object_id")
# SSSOM has prefixes of any case; those that are written other than in capitals here, or have another name
_PREFIXES = {name.upper(): name for name in ("NCBIGene", "NCBITaxon", *PREFIXES)} | {"INTERPRO": "IPR"}
_NOTHING = "SSSOM:NoTermFound"


def read_sssom(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """What mappings say of concepts that other sources describe: ``skos:exactMatch`` makes two of them one."""
    for path in paths:
        for number, row in read_rows(path, report, _COLUMNS, "\t", comment="#"):
            if not all(row[column] for column in _COLUMNS):
                report.malformed(path, number, "no subject, predicate or object")
            elif row.get("predicate_modifier"):
                report.drop("not a match", row["subject_id"])
            else:
                subject = read_reference(_with_our_prefix(row["subject_id"]))
                matches = read_match(row["predicate_id"], _with_our_prefix(row["object_id"]))
                if not matches:
                    report.drop("predicate that is not one of SKOS's", row["predicate_id"])
                for label, target in matches:
                    if not (subject and target) or _NOTHING in (subject, target):
                        report.drop("not from an identifier to another", f"{row['subject_id']} {row['object_id']}")
                        continue
                    yield ConceptRecord(subject, "", relations=((label, target),))
                    yield ConceptRecord(target, "", relations=((INVERSE.get(label, label), subject),))


def _with_our_prefix(curie: str) -> str:
    prefix, _, local = curie.partition(":")
    prefix = prefix.upper()
    return f"{_PREFIXES.get(prefix, prefix)}:{local}"
