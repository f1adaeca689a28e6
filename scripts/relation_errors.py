"""List the false and missed relations of a pipeline by sentence, to classify their causes.

    python scripts/relation_errors.py en_keci_biorelex corpus/biorelex/dev.spacy

Relations are pairs of names with any label. Names that are a mention on only one side are marked.
"""

from argparse import ArgumentParser
from pathlib import Path

import spacy
from spacy.tokens import Doc

from spacy_keci import Relation, get_relations
from spacy_keci.corpora.docbin import load_docs


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", help="trained pipeline: a folder or the name of a package")
    parser.add_argument("corpus", type=Path, help="gold documents, .spacy")
    options = parser.parse_args()
    nlp = spacy.load(options.model)
    golds = list(load_docs(options.corpus, nlp.vocab))
    for number, (gold, doc) in enumerate(zip(golds, nlp.pipe(gold.text for gold in golds), strict=True)):
        wrong = [f"  false   {line}" for line in differences(doc, gold)]
        missed = [f"  missed  {line}" for line in differences(gold, doc)]
        if wrong or missed:
            print(f"{number}: {gold.text}", *wrong, *missed, sep="\n")


def differences(doc: Doc, other: Doc) -> list[str]:
    """The relations of a document that are missing in the other document of the same text."""
    known = by_names(other).keys()
    mentions = {span.text.lower() for span in other.spans["entities"]}
    lines = []
    for names, relation in by_names(doc).items():
        if names not in known:
            strange = "".join(f" (no mention: {name})" for name in sorted(names - mentions))
            lines.append(f"{relation.head} -- {relation.tail} [{relation.label}]{strange}")
    return lines


def by_names(doc: Doc) -> dict[frozenset[str], Relation]:
    found: dict[frozenset[str], Relation] = {}
    for relation in get_relations(doc):
        found.setdefault(frozenset((relation.head.text.lower(), relation.tail.text.lower())), relation)
    return found


if __name__ == "__main__":
    main()
