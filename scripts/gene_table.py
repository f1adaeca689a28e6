"""Write a gene table of the package goatools as NCBI Gene's table gene_result.txt, which it was made from.

python scripts/gene_table.py assets/linking/genes_NCBI_10090_ProteinCoding.py assets/linking/mouse_genes.tsv
"""

import ast
import csv
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("module", type=Path, help="genes_NCBI_*.py of goatools")
    parser.add_argument("table", type=Path)
    options = parser.parse_args()
    rows = list(read_rows(options.module))
    with options.table.open("w", encoding="utf8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{options.table}: {len(rows)} genes")


def read_rows(module: Path) -> Iterator[dict[str, str | int]]:
    """The lines ``21846 : NtData(tax_id=10090, …),``, which are parsed, not run."""
    for line in module.read_text(encoding="utf8").splitlines():
        _, found, arguments = line.partition(" : NtData(")
        if found:
            call = ast.parse(f"f({arguments.rstrip().removesuffix(',')}", mode="eval").body
            if isinstance(call, ast.Call):
                yield {each.arg: ast.literal_eval(each.value) for each in call.keywords if each.arg}


if __name__ == "__main__":
    main()
