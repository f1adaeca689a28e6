"""Tables of NCBI Gene from the modules of goatools."""

from pathlib import Path

from scripts.gene_table import read_rows


def test_rows(tmp_path: Path) -> None:
    module = tmp_path / "genes.py"
    module.write_text(
        "import os\nGENEID2NT = {\n"
        "  21846 : NtData(tax_id=10090, GeneID=21846, Symbol='Tie1', Aliases=\"A10', TIE\"),\n"
        "  1 : NtData(tax_id=10090, GeneID=1, Symbol='B', Aliases=''),\n}\n",
        encoding="utf8",
    )
    assert list(read_rows(module)) == [
        {"tax_id": 10090, "GeneID": 21846, "Symbol": "Tie1", "Aliases": "A10', TIE"},
        {"tax_id": 10090, "GeneID": 1, "Symbol": "B", "Aliases": ""},
    ]
