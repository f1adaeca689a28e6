"""HGNC's complete set (https://www.genenames.org/download/): human genes, with a table head."""

from collections.abc import Iterator
from pathlib import Path

from ..semantic_types import TypeTable
from .files import read_rows
from .source import ConceptRecord, SourceReport


def read_hgnc(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """Approved genes: symbol, name, aliases and previous symbols and names, gene groups as relations.

    Alternative identifiers: ``HGNC:`` and symbol, present or previous (unless other genes had it, or have it now),
    ``UP:`` and UniProt accession, ``NCBIGene:`` and Entrez id.
    """
    groups: dict[str, str] = {}
    previous: dict[str, set[str]] = {}
    for path in paths:
        for number, row in read_rows(path, report, ("hgnc_id", "symbol", "name"), "\t"):
            if not row["hgnc_id"] or not row["symbol"]:
                report.malformed(path, number, "no identifier or symbol")
                continue
            if row.get("status") not in (None, "Approved"):
                report.drop("not approved", row["hgnc_id"])
                continue
            kind = f"HGNC:{row.get('locus_group') or ''}"
            names = [row["name"], *(n for c in _NAMES for n in _split(row.get(c)))]
            members = list(zip(_split(row.get("gene_group_id")), _split(row.get("gene_group")), strict=False))
            groups.update(members)
            alt_ids = [f"HGNC:{row['symbol']}", *(f"UP:{u}" for u in _split(row.get("uniprot_ids")))]
            for symbol in _split(row.get("prev_symbol")):
                previous.setdefault(symbol, set()).add(row["hgnc_id"])
            if row.get("entrez_id"):
                alt_ids.append(f"NCBIGene:{row['entrez_id']}")
            yield ConceptRecord(
                row["hgnc_id"],
                row["symbol"],
                tuple(n for n in names if n),
                types.get(kind) or types.vocabulary(kind),
                relations=tuple(("member_of", f"HGNC_GROUP:{number}") for number, _ in members),
                alt_ids=tuple(alt_ids),
            )
    # after all present symbols: these come first
    for symbol, genes in previous.items():
        if len(genes) == 1:
            yield ConceptRecord(genes.pop(), "", alt_ids=(f"HGNC:{symbol}",))
    for group, name in groups.items():
        yield ConceptRecord(f"HGNC_GROUP:{group}", name, types=types.vocabulary("HGNC_GROUP:"))


_NAMES = ("alias_symbol", "alias_name", "prev_symbol", "prev_name")


def _split(value: str | None) -> list[str]:
    return [part for each in (value or "").split("|") if (part := each.strip())]
