"""The attention of a model to the concepts of each semantic type (Lai et al. 2021, Sec. 3.4, Table 5)."""

from collections import defaultdict
from collections.abc import Iterable
from statistics import fmean
from typing import NamedTuple

from spacy.tokens import Doc

from ..span_groups import per_mention


class TypeAttention(NamedTuple):
    """A semantic type (TUI), and the mean attention weight and number of its candidate concepts."""

    type: str
    mean: float
    candidates: int


def attention_by_type(docs: Iterable[Doc], concepts_key: str = "concepts") -> list[TypeAttention]:
    """Mean weight of the candidate concepts of each type, lowest first; empty if no document has attention weights.

    A candidate counts once for each of its spans that is a node of the span graph.
    """
    weights: dict[str, list[float]] = defaultdict(list)
    for doc in docs:
        group = doc.spans.get(concepts_key)
        if group is None:
            continue
        for concept, weight in zip(group, per_mention(group, "attention", None), strict=True):
            if weight is not None:
                weights[concept.label_].append(weight)
    found = [TypeAttention(type_, fmean(values), len(values)) for type_, values in weights.items()]
    return sorted(found, key=lambda each: (each.mean, each.type))
