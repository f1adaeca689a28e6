"""BC5CDR with the labels of BioRED, to train on before BioRED.

Abstracts that BioRED has too, about one in eight, are left out: those of its development and test parts would give the
answers away.

python scripts/cdr_like_biored.py assets/cdr assets/biored corpus/cdr.PubTator
"""

import gzip
import re
import sys
from pathlib import Path

LABELS = {
    "\tChemical\t": "\tChemicalEntity\t",
    "\tDisease\t": "\tDiseaseOrPhenotypicFeature\t",
    "\tCID\t": "\tPositive_Correlation\t",  # "chemical-induced disease"
}
TITLE = re.compile(r"^(\d+)\|t\|", re.MULTILINE)


def main(cdr: Path, biored: Path, output: Path) -> None:
    known = {id for path in biored.glob("*.PubTator") for id in TITLE.findall(path.read_text(encoding="utf8"))}
    if not known:
        raise SystemExit(f"{biored} has no .PubTator files: run spacy project run data")
    kept = []
    for path in sorted(cdr.glob("CDR_*.PubTator.txt.gz")):
        with gzip.open(path, "rt", encoding="utf8") as file:
            documents = file.read().strip().split("\n\n")
        new = [text for text in documents if TITLE.findall(text)[0] not in known]
        print(f"{path.name}: {len(new)} of {len(documents)} abstracts, the others are in BioRED")
        kept += new
    if not kept:
        raise SystemExit(f"{cdr} has no files of BC5CDR: run python scripts/get_data.py cdr")
    text = "\n\n".join(kept)
    for label, name in LABELS.items():
        text = text.replace(label, name)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(f"{text}\n", encoding="utf8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
