"""NCBI Gene's tables of genes: ``gene_info`` (https://ftp.ncbi.nlm.nih.gov/gene/DATA/GENE_INFO/), and the table into
which its web site writes what a search finds (``gene_result.txt``)."""

from collections.abc import Iterator
from pathlib import Path

from ..semantic_types import TypeTable
from .files import read_rows
from .ontology import XREF
from .source import ConceptRecord, SourceReport

# relation of a gene to its species
IN_TAXON = "in_taxon"
# columns with names, of both tables, and what divides the names in them
_NAMES = {"description": "", "Synonyms": "|", "Aliases": ", ", "Other_designations": "|", "other_designations": "|"}
_MISSING = ("", "-")


def read_ncbi_gene(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """Genes of any species: symbol, name, synonyms and other designations, and the species as a relation ``in_taxon``
    to ``NCBITaxon:10090``. Identifiers of other vocabularies (``dbXrefs``) are references."""
    for path in paths:
        for number, row in read_rows(path, report, ("GeneID", "Symbol", "description"), "\t"):
            taxon = row.get("#tax_id") or row.get("tax_id") or ""
            if not (row["GeneID"].isdigit() and taxon.isdigit()) or row["Symbol"] in _MISSING:
                report.malformed(path, number, "no number, symbol or species")
                continue
            if row.get("Status") not in (None, "live"):
                report.drop("not live", row["GeneID"])
                continue
            kind = f"NCBIGene:{row.get('type_of_gene') or ''}"
            references = ((XREF, _reference(each)) for each in _split(row.get("dbXrefs"), "|"))
            yield ConceptRecord(
                f"NCBIGene:{row['GeneID']}",
                row["Symbol"],
                tuple(name for column, separator in _NAMES.items() for name in _split(row.get(column), separator)),
                types.get(kind) or types.vocabulary(kind),
                relations=((IN_TAXON, f"NCBITaxon:{taxon}"), *references),
            )


def _split(value: str | None, separator: str) -> list[str]:
    parts = (value or "").split(separator) if separator else [value or ""]
    return [part for each in parts if (part := each.strip()) not in _MISSING]


def _reference(text: str) -> str:
    """``MGI:MGI:97874`` names its vocabulary twice."""
    vocabulary, _, rest = text.partition(":")
    return rest if rest.startswith(f"{vocabulary}:") else text
