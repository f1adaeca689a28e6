"""Count how often a pipeline predicts a relation for co-occurrence, negation or conjecture.

    python scripts/false_positives.py en_keci_biorelex assets/demo/negatives.jsonl --label bind

A false positive is a predicted relation with one of the labels that is not gold for the two mentions. A sentence counts
once, however many it has. Sentences are grouped by ``meta["kind"]``; the share of gold relations (``bind_negative``,
...) that is found is also printed.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.tokens import Doc

from spacy_keci.cli.options import Model
from spacy_keci.corpora.annotation import AnnotatedText
from spacy_keci.corpora.formats import read_any
from spacy_keci.reports import Report
from spacy_keci.tokens import SPANS_KEY, get_relations

# The two mentions as characters, and the label. Direction does not matter here.
Pair = tuple[frozenset[tuple[int, int]], str]


def main(
    model: Model,
    corpus: Annotated[Path, typer.Argument(help="Sentences with gold relations", exists=True)],
    label: Annotated[list[str] | None, typer.Option(help="Labels of false positives; default: all that occur")] = None,
    threshold: Annotated[float, typer.Option(help="Exit with 1 if a larger share of the sentences has some")] = 1.0,
    spans_key: Annotated[str, typer.Option(help="Where the pipeline writes mentions")] = SPANS_KEY,
) -> None:
    """Print the share of sentences with false positives, by kind of sentence."""
    nlp = spacy.load(model)
    report = Report()
    texts = list(read_any(corpus, report=report))
    n_texts, n_wrong, n_gold, n_found = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for text, doc in zip(texts, nlp.pipe(text.text for text in texts), strict=True):
        kind = str(text.meta.get("kind", "other"))
        gold, predicted = gold_pairs(text), predicted_pairs(doc, spans_key)
        wrong = [pair for pair in predicted - gold if not label or pair[1] in label]
        for name in (kind, "all"):
            n_texts[name] += 1
            n_wrong[name] += bool(wrong)
            n_gold[name] += len(gold)
            n_found[name] += len(gold & predicted)
    print("| kind | sentences | with false positives | % | gold relations | found |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name in sorted(n_texts, key=lambda name: (name == "all", name)):
        share = f"{100 * n_wrong[name] / n_texts[name]:.1f}"
        print(f"| {name} | {n_texts[name]} | {n_wrong[name]} | {share} | {n_gold[name]} | {n_found[name]} |")
    if report.dropped:
        print("Some of the sentences could not be read:", "; ".join(report.summary()))
    if n_wrong["all"] > threshold * n_texts["all"]:
        raise typer.Exit(1)


def gold_pairs(text: AnnotatedText) -> set[Pair]:
    spans = [(mention.start, mention.end) for mention in text.mentions]
    return {(frozenset((spans[r.head], spans[r.tail])), r.label) for r in text.relations}


def predicted_pairs(doc: Doc, spans_key: str) -> set[Pair]:
    return {
        (frozenset((span.start_char, span.end_char) for span in (relation.head, relation.tail)), relation.label)
        for relation in get_relations(doc, spans_key)
    }


if __name__ == "__main__":
    typer.run(main)
