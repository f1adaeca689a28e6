"""Show the effect of labels in the input: a warning about scores that look too good.

A published program for relation extraction from BioRED was scored on strings that contain the label, such as ``D001943
- Positive_Correlation - 672``. This script trains a linear classifier of character n-grams on such strings of one
corpus, with and without the label, and scores it on another. docs/concept_relations.md has the figures.

    python scripts/label_leak.py corpus/biored/train.spacy corpus/biored/test.spacy
"""

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

import spacy
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline

from spacy_keci.corpora.docbin import load_docs
from spacy_keci.interactions import Interaction, get_interactions


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    paths = parser.parse_args()
    vocab = spacy.blank("en").vocab
    train, test = (
        [each for doc in load_docs(path, vocab) for each in get_interactions(doc)] for path in (paths.train, paths.test)
    )
    truth = [each.label for each in test]
    print(f"{len(test)} relations; which are related is given, what their label is, is asked.")
    answers = {
        "the label, read from the string": [with_label(each).split(" - ")[1] for each in test],
        "classifier, label in the string": classify(train, test, with_label),
        "classifier, identifiers alone": classify(train, test, without_label),
        "the most frequent label": [max({*truth}, key=[each.label for each in train].count)] * len(test),
    }
    print(f"{'':34} accuracy  macro F1")
    for title, answer in answers.items():
        macro = f1_score(truth, answer, average="macro", zero_division=0)
        print(f"{title:34} {accuracy_score(truth, answer):8.3f}  {macro:8.3f}")


def with_label(each: Interaction) -> str:
    return f"{each.head} - {each.label} - {each.tail}"


def without_label(each: Interaction) -> str:
    return f"{each.head} - {each.tail}"


def classify(train: list[Interaction], test: list[Interaction], as_text: Callable[[Interaction], str]) -> list[str]:
    model = make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4)), LogisticRegression(C=10, max_iter=2000)
    )
    model.fit([as_text(each) for each in train], [each.label for each in train])
    return list(model.predict([as_text(each) for each in test]))


if __name__ == "__main__":
    main()
