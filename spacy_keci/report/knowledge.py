"""What the knowledge did: attention to candidate concepts, and answers that differ from the first graph to the last."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, ClassVar

from spacy.tokens import Doc

from ..scoring.attention import TypeAttention, attention_by_type
from ..span_groups import per_mention
from .findings import Edge, Graph, Node

CHANGES = ("gained, right", "gained, wrong", "lost, right", "lost, wrong")


@dataclass(frozen=True)
class Attention:
    """``types``: weights by semantic type, the commonest first. ``sentinel``: mean weight that the ``spans`` with
    candidates left to their own context (Lai et al. 2021, Eq. 7)."""

    types: list[TypeAttention]
    spans: int
    sentinel: float


def summarize_attention(docs: Sequence[Doc], concepts_key: str) -> Attention | None:
    """Attention in ``attrs["attention"]`` of ``doc.spans[concepts_key]``; None where no document has it."""
    types = attention_by_type(docs, concepts_key)
    sentinels: list[float] = []
    for doc in docs:
        rest: dict[tuple[int, int], float] = {}
        if concepts_key not in doc.spans:
            continue
        group = doc.spans[concepts_key]
        for span, weight in zip(group, per_mention(group, "attention", None), strict=True):
            if weight is not None:
                rest[span.start, span.end] = rest.get((span.start, span.end), 1.0) - weight
        sentinels += rest.values()
    if not sentinels:
        return None
    types.sort(key=lambda each: (-each.candidates, each.type))
    return Attention(types, len(sentinels), max(0.0, fmean(sentinels)))


@dataclass(frozen=True)
class Change:
    """An item that only the first graph has (lost), or only the last (gained), and whether the gold has it."""

    kind: str
    item: Node | Edge
    score: ClassVar[None] = None

    @property
    def labels(self) -> list[str]:
        return self.item.labels

    @property
    def is_good(self) -> bool:
        return self.kind in ("gained, right", "lost, wrong")


def find_changes(gold: Graph, initial: Graph, final: Graph) -> list[Change]:
    """Mentions, then relations, in the order of the text. A relation is the same if label and offsets are: where the
    type of a mention changes, its relations do not."""
    changes = []
    for truth, before, after in zip(*map(_by_identity, (gold, initial, final)), strict=True):
        items = {**before, **after}
        changes += [
            Change(f"{'gained' if key in after else 'lost'}, {'right' if key in truth else 'wrong'}", items[key])
            for key in sorted(before.keys() ^ after.keys())
        ]
    return changes


def _by_identity(graph: Graph) -> tuple[dict[tuple[Any, ...], Node | Edge], ...]:
    """Mentions and relations, by what makes two of them the same."""
    return {node: node for node in graph.nodes}, {(edge.offsets, edge.label): edge for edge in graph.edges}
