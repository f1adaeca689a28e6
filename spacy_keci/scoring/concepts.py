"""The official score of BioRED (Luo et al. 2022): relations between concepts, of documents as a whole."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from spacy.training import Example

from ..corpora.interactions import ConceptRelation, has_relations, read_concept_relations
from ..tokens import SPANS_KEY
from .counts import CountTable, Statistic, micro
from .strict import StrictScorer

# the thresholds to choose from
GRID = np.arange(2, 99) / 100


def make_concept_scorer(spans_key: str = SPANS_KEY, symmetric: list[str] | None = None) -> "ConceptScorer":
    """Registered as ``spacy_keci.concept_scorer.v1``.

    symmetric: relation labels whose head and tail may be swapped, for the strict scores.
    """
    return ConceptScorer(spans_key, frozenset(symmetric or ()))


@dataclass(frozen=True)
class ConceptScorer(StrictScorer):
    """The scores ``concepts_pair_*``, ``concepts_typed_*`` and ``concepts_novel_*`` (``_p``, ``_r``, ``_f``), with the
    strict scores beside them.

    What is compared are sets of (document, unordered pair of identifiers), with the label, and with the label and
    novelty; micro averages over the corpus, as the official program has them. Predictions of systems that relate
    mentions are collapsed to the identifiers of their mentions. Documents whose relations are not annotated do not
    count.
    """

    statistics: ClassVar[dict[str, tuple[str, Statistic]]] = {
        "concepts_pair": ("concepts_pair", micro),
        "concepts_typed": ("concepts_typed", micro),
        "concepts_novel": ("concepts_novel", micro),
        **StrictScorer.statistics,
    }

    def __call__(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Those of the strict scores, with the above, and ``concepts_per_type``, by label."""
        examples = list(examples)
        scores = super().__call__(examples, **kwargs)
        typed = self.configured(kwargs.get("spans_key")).tables(examples)["concepts_typed"]
        return {**scores, "concepts_per_type": typed.per_type()}

    def tables(self, examples: Iterable[Example]) -> dict[str, CountTable]:
        """Counts per document and label of ``concepts_pair``, ``concepts_typed`` and ``concepts_novel``, and those of
        the strict scores."""
        examples = list(examples)
        read = [_read(example, self.spans_key) for example in examples]
        tables = {
            name: CountTable.from_sets([items(gold) for gold, _ in read], [items(found) for _, found in read])
            for name, items in (("concepts_pair", _pairs), ("concepts_typed", _typed), ("concepts_novel", _novel))
        }
        return tables | super().tables(examples)


def best_threshold(golds: Sequence[Doc], docs: Sequence[Doc], spans_key: str = SPANS_KEY) -> tuple[float, float, float]:
    """The threshold of the scores of relations with the highest mean of pair and typed F1, and these two; of several,
    the one in the middle.

    docs: predicted with a threshold below all that are tried.
    """
    read = [_read(Example(doc, gold), spans_key) for doc, gold in zip(docs, golds, strict=True)]
    counts = np.zeros((2, len(GRID), 3), dtype="int64")
    for gold, found in read:
        for k, items in enumerate((_pairs, _typed)):
            truth = items(gold)
            scores: dict[tuple[str, ...], float] = {}
            for relation in found:
                (item,) = items([relation])
                scores[item] = max(relation.score, scores.get(item, 0.0))
            right = _reached([score for item, score in scores.items() if item in truth])
            all_ = _reached(list(scores.values()))
            counts[k] += np.stack([right, all_ - right, len(truth) - right], axis=1)
    tp, fp, fn = np.moveaxis(counts, -1, 0)
    f = 2 * tp / np.maximum(2 * tp + fp + fn, 1)
    means = f.mean(axis=0)
    best = np.flatnonzero(means >= means.max() - 1e-9)
    middle = int(best[len(best) // 2])
    return float(GRID[middle]), float(f[0, middle]), float(f[1, middle])


def _reached(scores: Sequence[float]) -> NDArray[np.int64]:
    """How many scores reach each threshold."""
    return (np.array(scores)[None, :] >= GRID[:, None]).sum(axis=1) if scores else np.zeros(len(GRID), dtype="int64")


def _read(example: Example, spans_key: str) -> tuple[list[ConceptRelation], list[ConceptRelation]]:
    """The relations of gold and prediction; none of either where the gold is not annotated."""
    gold, found = example.reference.spans.get(spans_key), example.predicted.spans.get(spans_key)
    if gold is None or not has_relations(gold):
        return [], []
    return read_concept_relations(gold), [] if found is None else read_concept_relations(found)


def _ends(relation: ConceptRelation) -> tuple[str, str]:
    head, tail = sorted((relation.head, relation.tail))
    return head, tail


def _pairs(relations: Iterable[ConceptRelation]) -> set[tuple[str, ...]]:
    return {(*_ends(r), "related") for r in relations}


def _typed(relations: Iterable[ConceptRelation]) -> set[tuple[str, ...]]:
    return {(*_ends(r), r.label) for r in relations}


def _novel(relations: Iterable[ConceptRelation]) -> set[tuple[str, ...]]:
    return {(*_ends(r), f"{r.label}, {r.novelty}" if r.novelty else r.label) for r in relations}
