"""Collect sentences about binding molecules from corpora of mentions in columns (CoNLL), without relations.

    python scripts/unlabelled_text.py assets/iob corpus/unlabelled.jsonl --without corpus/biorelex/dev.spacy

A pipeline can annotate them, and another one can be trained on its annotations (scripts/release.py). A sentence is kept
if it has two mentions of genes, proteins or chemicals and a word for binding, and is in no file of ``--without``. The
corpora have only tokens; the text is made from them with the usual English spacing, and may differ slightly from the
original.
"""

import re
from argparse import ArgumentParser
from pathlib import Path

import spacy
import srsly
from wasabi import msg

from spacy_keci.corpora.conll import read_conll
from spacy_keci.corpora.docbin import load_docs
from spacy_keci.reports import Report

MOLECULES = {"Protein", "GENE", "Gene_or_gene_product", "GGP", "Chemical", "CHEBI", "Simple_chemical", "Complex", "SO"}
BINDING = re.compile(r"\b(co)?(bind|bound|interact|associat|complex|dimer|heterodimer|ligand|affinit|recruit)", re.I)
NO_SPACE_BEFORE = re.compile(r" ([.,;:!?%)\]}])")
NO_SPACE_AFTER = re.compile(r"([(\[{]) ")
NO_SPACE_AROUND = re.compile(r" ?([-/]) ?")


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="of corpora, each a folder of .tsv files")
    parser.add_argument("output", type=Path, help="file to write, .jsonl")
    parser.add_argument("--without", type=Path, nargs="*", default=[], help="corpora (.spacy) whose sentences to avoid")
    args = parser.parse_args()
    vocab = spacy.blank("en").vocab
    seen = {letters(doc.text) for path in args.without for doc in load_docs(path, vocab)}
    n_avoided, report = len(seen), Report()
    found: list[dict[str, str]] = []
    for path in sorted(args.folder.glob("*/*.tsv")):
        for text in read_conll(path, report):
            key = letters(text.text)
            if key in seen or sum(mention.label in MOLECULES for mention in text.mentions) < 2:
                continue
            if BINDING.search(text.text):
                seen.add(key)
                found.append({"id": f"{path.parent.name}-{len(found)}", "text": spaced(text.text)})
    if not found:
        raise SystemExit(f"{args.folder} has no sentence on molecules that bind.")
    args.output.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_jsonl(args.output, found)
    msg.good(f"{len(found):,} sentences, without {n_avoided:,} that were to be avoided")
    for line in report.summary():
        msg.warn(line)


def letters(text: str) -> str:
    """The letters and digits of a sentence, to compare two forms of it."""
    return re.sub(r"\W+", "", text).lower()


def spaced(tokens: str) -> str:
    """Convert space-separated tokens to text."""
    text = NO_SPACE_AROUND.sub(r"\1", NO_SPACE_AFTER.sub(r"\1", NO_SPACE_BEFORE.sub(r"\1", tokens)))
    return " ".join(text.split())


if __name__ == "__main__":
    main()
