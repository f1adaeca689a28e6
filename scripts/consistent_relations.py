"""What it would bring if mentions of the same name shared their relations: scores of predictions before and after.

    spacy keci evaluate en_keci_biorelex corpus/biorelex/dev.spacy --predictions dev.predicted.spacy
    python scripts/consistent_relations.py --of corpus/biorelex/dev.spacy dev.predicted.spacy

"Same string": mentions of a sentence with the same text and type. "Abbreviation": a long form and the short form that
the sentence defines for it. A relation that is predicted for one of them is added for the others. Scores are BioRelEx's
official ones, which compare pairs of names, and the strict ones, which compare pairs of mentions.
"""

import json
from argparse import ArgumentParser
from collections import defaultdict
from itertools import product
from pathlib import Path
from typing import Any

import spacy
from spacy.tokens import Doc, SpanGroup

from spacy_keci.cli.provenance import describe_corpus
from spacy_keci.corpora.docbin import load_docs
from spacy_keci.knowledge.abbreviations import find_abbreviations
from spacy_keci.scoring.biorelex import BioRelExScorer
from spacy_keci.scoring.counts import as_examples

VOCAB = spacy.blank("en").vocab
RULES: dict[str, tuple[str, ...]] = {
    "as predicted": (),
    "abbreviation": ("abbreviation",),
    "same string": ("string",),
    "both": ("abbreviation", "string"),
}


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--of", nargs=2, action="append", type=Path, metavar=("GOLD", "PREDICTED"), required=True)
    parser.add_argument("--output", type=Path, help="result file to write, .json")
    args = parser.parse_args()
    rows: dict[str, dict[str, dict[str, float]]] = {}
    for gold_path, predicted_path in args.of:
        golds, predicted = (list(load_docs(path, VOCAB)) for path in (gold_path, predicted_path))
        labels = {row[2] for doc in golds for row in doc.spans["entities"].attrs["relations"]}
        scorer = BioRelExScorer("entities", frozenset(labels))
        rows[gold_path.name] = {}
        for rule, parts in RULES.items():
            added = [missing(doc, parts) for doc in predicted]
            docs = [with_relations(doc, rows_of_doc) for doc, rows_of_doc in zip(predicted, added, strict=True)]
            scores = scorer(as_examples(docs, golds))
            rows[gold_path.name][rule] = {
                "added": sum(map(len, added)),
                "official": 100 * scores["biorelex_relations_f"],
                "strict": 100 * scores["relations_micro_f"],
            }
    lines = ["| | rule | relations added | official | strict |", "| --- | --- | ---: | ---: | ---: |"]
    for name, of_corpus in rows.items():
        for rule, row in of_corpus.items():
            lines.append(f"| {name} | {rule} | {row['added']} | {row['official']:.1f} | {row['strict']:.1f} |")
    print("\n".join(lines))
    if args.output:
        result = {
            "name": args.output.stem,
            "group": args.output.stem,
            "corpora": [describe_corpus(path) for pair in args.of for path in pair],
            "rows": rows,
            "markdown": "\n".join(lines),
        }
        args.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")


def missing(doc: Doc, parts: tuple[str, ...]) -> list[list[Any]]:
    """The relations that mentions of the same name would share."""
    group = doc.spans["entities"]
    name_of = names(doc, group, parts)
    mentions_of = defaultdict(list)
    for mention, name in enumerate(name_of):
        mentions_of[name].append(mention)
    rows = group.attrs["relations"]
    known = {(frozenset(row[:2]), row[2]) for row in rows}
    added = []
    for head, tail, label, score in rows:
        for pair in product(mentions_of[name_of[head]], mentions_of[name_of[tail]]):
            if name_of[head] != name_of[tail] and (frozenset(pair), label) not in known:
                known.add((frozenset(pair), label))
                added.append([*pair, label, score])
    return added


def names(doc: Doc, group: SpanGroup, parts: tuple[str, ...]) -> list[int]:
    """Of each mention the number of its name."""
    numbers = list(range(len(group)))

    def merge(mentions: list[int]) -> None:
        merged = {numbers[i] for i in mentions}
        numbers[:] = [min(merged) if number in merged else number for number in numbers]

    if "string" in parts:
        alike = defaultdict(list)
        for i, span in enumerate(group):
            alike[span.text, span.label_].append(i)
        for mentions in alike.values():
            merge(mentions)
    if "abbreviation" in parts:
        for abbreviation in find_abbreviations(doc):
            forms = (tuple(abbreviation.short), tuple(abbreviation.long))
            merge([i for i, span in enumerate(group) if (span.start, span.end) in forms])
    return numbers


def with_relations(doc: Doc, rows: list[list[Any]]) -> Doc:
    copy = doc.copy()
    copy.spans["entities"].attrs["relations"] = [*doc.spans["entities"].attrs["relations"], *rows]
    return copy


if __name__ == "__main__":
    main()
