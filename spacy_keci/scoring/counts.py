"""Counts of correct and wrong predictions per document and label; every score is computed from their sums."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from spacy.training import Example

from ..corpora.annotation import AnnotatedText
from ..corpora.documents import from_doc

# (..., labels, 3) counts to (..., 3) precision, recall and F1
Statistic = Callable[[NDArray[Any]], NDArray[np.float64]]


@dataclass(frozen=True)
class CountTable:
    """``counts``: (documents, labels, 3), the last axis true positives, false positives, false negatives."""

    labels: list[str]
    counts: NDArray[np.int64]

    @classmethod
    def from_sets(
        cls, gold: Sequence[AbstractSet[tuple[Any, ...]]], predicted: Sequence[AbstractSet[tuple[Any, ...]]]
    ) -> "CountTable":
        """Compare a set of gold items with a set of predicted items per document. An item is a tuple that ends with its
        label. ``labels`` are the labels that occur in either."""
        labels = sorted({item[-1] for items in (*gold, *predicted) for item in items})
        column = {label: i for i, label in enumerate(labels)}
        counts = np.zeros((len(gold), len(labels), 3), dtype=np.int64)
        for row, truth, guess in zip(counts, gold, predicted, strict=True):
            for kind, items in enumerate((truth & guess, guess - truth, truth - guess)):
                for item in items:
                    row[column[item[-1]], kind] += 1
        return cls(labels, counts)

    @property
    def totals(self) -> NDArray[np.int64]:
        """(labels, 3): counts of the whole corpus."""
        return self.counts.sum(axis=0)

    def sizes(self, name: str) -> dict[str, int]:
        """``{name}_gold`` and ``{name}_predicted``: numbers of items, the denominators of recall and precision."""
        tp, fp, fn = self.totals.sum(axis=0).tolist()
        return {f"{name}_gold": tp + fn, f"{name}_predicted": tp + fp}

    def per_type(self) -> dict[str, dict[str, float]]:
        """Precision, recall, F and support (number of gold items) of each label."""
        rows = zip(self.labels, precision_recall_f(self.totals).tolist(), self.totals.tolist(), strict=True)
        return {label: {"p": p, "r": r, "f": f, "support": tp + fn} for label, (p, r, f), (tp, _, fn) in rows}


def summarize(tables: Mapping[str, CountTable], statistics: Mapping[str, tuple[str, Statistic]]) -> dict[str, Any]:
    """``{name}_p``, ``{name}_r`` and ``{name}_f`` of each score whose table is there, and the sizes of all tables."""
    scores: dict[str, Any] = {}
    for name, (table, statistic) in statistics.items():
        if table in tables:
            values = statistic(tables[table].totals).tolist()
            scores |= {f"{name}_{what}": value for what, value in zip("prf", values, strict=True)}
    for name, counts in tables.items():
        scores |= counts.sizes(name)
    return scores


def as_examples(docs: Sequence[Doc], golds: Sequence[Doc]) -> list[Example]:
    """Predicted documents, each with its gold one."""
    return [Example(doc, gold) for doc, gold in zip(docs, golds, strict=True)]


def precision_recall_f(counts: NDArray[Any]) -> NDArray[np.float64]:
    """(..., 3) counts to (..., 3) precision, recall and F1, with 0 in place of 0 / 0."""
    tp, fp, fn = np.moveaxis(counts, -1, 0)
    pairs = ((tp, tp + fp), (tp, tp + fn), (2 * tp, 2 * tp + fp + fn))
    return np.stack([above / np.maximum(below, 1) for above, below in pairs], axis=-1)


def micro(counts: NDArray[Any]) -> NDArray[np.float64]:
    """(..., labels, 3) counts to (..., 3) precision, recall and F1 of their sums."""
    return precision_recall_f(counts.sum(axis=-2))


def macro(counts: NDArray[Any]) -> NDArray[np.float64]:
    """(..., labels, 3) counts to (..., 3): the means of precision, recall and F1 over the labels that occur in gold
    or prediction, as SpERT computes them (Eberts and Ulges 2020); 0 where no label occurs."""
    occurs = counts.any(axis=-1).sum(axis=-1)
    return precision_recall_f(counts).sum(axis=-2) / np.maximum(occurs, 1)[..., None]


def read_graphs(examples: Iterable[Example], spans_key: str) -> list[tuple[AnnotatedText, AnnotatedText]]:
    """Gold and predicted span graph of each example, with character offsets, so that tokens may differ.

    A predicted doc without the spans key has no predictions. If the gold group has no ``attrs["relations"]``, relations
    are not annotated, and predicted ones are left out, as in training.
    Raises ValueError, naming the document, for a reference doc without the key, and if the two texts differ.
    """
    graphs = []
    for i, example in enumerate(examples, start=1):
        gold, predicted = from_doc(example.reference, spans_key), from_doc(example.predicted, spans_key)
        name = f"document {i} ({gold.id or repr(gold.text[:40])})"
        if spans_key not in example.reference.spans:
            raise ValueError(
                f"Cannot score {name}: its gold annotation has no doc.spans[{spans_key!r}]. Set the key, to an empty "
                "group if the document has no mentions, or choose another spans_key for the scorer."
            )
        if gold.text != predicted.text:
            raise ValueError(f"Cannot score {name}: the predicted document has other text: {predicted.text[:40]!r}.")
        if "relations" not in example.reference.spans[spans_key].attrs:
            predicted = replace(predicted, relations=[])
        graphs.append((gold, predicted))
    return graphs
