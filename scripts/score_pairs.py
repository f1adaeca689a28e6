"""Score how well a pipeline separates related and unrelated pairs of gold mentions.

    python scripts/score_pairs.py training/gad/model-best corpus/gad/1/test.spacy

Precision, recall and F1 of "related" at the pipeline's threshold; accuracy, the Matthews correlation coefficient (MCC),
and average precision, which does not depend on the threshold; compared with predicting that all pairs are related.
"""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import spacy
from sklearn.metrics import average_precision_score, matthews_corrcoef, precision_recall_fscore_support
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_keci.alignment import align
from spacy_keci.cli.load import find_extractor
from spacy_keci.corpora.docbin import load_docs
from spacy_keci.corpora.documents import mark_sentences

MEASURES = ("precision", "recall", "f1", "accuracy", "mcc", "average_precision")


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("model", help="trained pipeline: a folder or the name of a package")
    parser.add_argument("corpus", type=Path, help="gold documents, .spacy")
    parser.add_argument("--output", type=Path, help="result file to write, .json")
    args = parser.parse_args()
    nlp = spacy.load(args.model)
    golds = list(load_docs(args.corpus, nlp.vocab))
    related, scores = score_pairs(nlp, golds)
    found = {"model": measures(related, scores), "all positive": measures(related, np.ones(len(scores)))}
    print_table(found)
    if args.output is not None:
        args.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf8")


def score_pairs(nlp: Language, golds: Sequence[Doc]) -> tuple[np.ndarray, np.ndarray]:
    """(pairs,) whether they are related in the gold, and the score of the pipeline, whose threshold is 0.5.

    The last component that predicts relations gets the gold mentions. All pairs of mentions of a text count.
    """
    name, extractor = find_extractor(nlp)
    assert extractor.entities_from is not None, f"'{name}' must read given mentions: set entities_from."
    extractor.relation_threshold = 0.0
    docs = []
    for gold in golds:
        doc = nlp.make_doc(gold.text)
        mark_sentences(doc, [0])
        doc.spans[extractor.entities_from] = align(Example(doc, gold), extractor.spans_key).found
        docs.append(doc)
    related, scores = [], []
    for doc, gold in zip(nlp.pipe(docs), golds, strict=True):
        group = gold.spans[extractor.spans_key]
        mentions = [(m.start_char, m.end_char) for m in group]
        true = {frozenset((mentions[row[0]], mentions[row[1]])) for row in group.attrs["relations"]}
        found: dict[frozenset, float] = {}
        for relation in doc._.relations:
            pair = frozenset((m.start_char, m.end_char) for m in (relation.head, relation.tail))
            found[pair] = max(found.get(pair, 0.0), relation.score)
        for i, first in enumerate(mentions):
            for second in mentions[i + 1 :]:
                pair = frozenset((first, second))
                related.append(pair in true)
                scores.append(found.get(pair, 0.0))
    return np.array(related), np.array(scores)


def measures(related: np.ndarray, scores: np.ndarray, threshold: float = 0.5) -> dict[str, float]:
    """The measures of scores; scores of at least the threshold count as related."""
    predicted = scores >= threshold
    p, r, f, _ = precision_recall_fscore_support(related, predicted, average="binary", zero_division=0.0)
    rest = (
        np.mean(predicted == related),
        matthews_corrcoef(related, predicted),
        average_precision_score(related, scores),
    )
    return dict(zip(MEASURES, map(float, (p, r, f, *rest)), strict=True))


def print_table(systems: dict[str, dict[str, float]]) -> None:
    print(f"{'':16}" + "".join(f"{name:>19}" for name in MEASURES))
    for system, found in systems.items():
        print(f"{system:16}" + "".join(f"{100 * found[name]:19.1f}" for name in MEASURES))


if __name__ == "__main__":
    main()
