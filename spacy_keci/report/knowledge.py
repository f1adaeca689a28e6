"""What the knowledge did: attention to candidate concepts, and answers that differ from the first graph to the last."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc

from .findings import Edge, Graph, Node

CHANGES = ("gained, right", "gained, wrong", "lost, right", "lost, wrong")


@dataclass(frozen=True)
class TypeAttention:
    """Attention to the candidates of one semantic type: their number, mean weight, and how many had more than their
    rivals and the sentinel."""

    type: str
    name: str
    candidates: int
    mean: float
    chosen: int


@dataclass(frozen=True)
class Attention:
    """``sentinel``: mean weight that mentions with candidates left to their own context (KECI, Eq. 7)."""

    types: list[TypeAttention]
    spans: int
    sentinel: float


def summarize_attention(
    docs: Iterable[Doc], concepts_key: str, type_names: Mapping[str, str] | None = None
) -> Attention | None:
    """Attention by semantic type, the commonest first, from ``attrs["attention"]`` of ``doc.spans[concepts_key]``;
    None where no document has it. Candidates whose weight is None are not counted: no mention stands there."""
    weights: dict[str, list[float]] = defaultdict(list)
    chosen: dict[str, int] = defaultdict(int)
    sentinels = []
    for doc in docs:
        group = doc.spans.get(concepts_key, ())
        by_span: dict[tuple[int, int], list[tuple[float, str]]] = defaultdict(list)
        for span, weight in zip(group, (group.attrs.get("attention") or []) if len(group) else (), strict=False):
            if weight is not None:
                weights[span.label_].append(weight)
                by_span[span.start, span.end].append((weight, span.label_))
        for candidates in by_span.values():
            sentinels.append(max(0.0, 1.0 - sum(weight for weight, _ in candidates)))
            weight, type_ = max(candidates)
            chosen[type_] += weight > sentinels[-1]
    if not sentinels:
        return None
    names = type_names or {}
    types = [
        TypeAttention(type_, names.get(type_, ""), len(found), sum(found) / len(found), chosen[type_])
        for type_, found in sorted(weights.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    return Attention(types, len(sentinels), sum(sentinels) / len(sentinels))


@dataclass(frozen=True)
class Change:
    """An item that only the first graph has (lost), or only the last (gained), and whether the gold has it."""

    kind: str
    item: Node | Edge

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
    for by_identity in (_mentions, _relations):
        truth, before, after = (by_identity(graph) for graph in (gold, initial, final))
        items = {**before, **after}
        changes += [
            Change(f"{'gained' if key in after else 'lost'}, {'right' if key in truth else 'wrong'}", items[key])
            for key in sorted(before.keys() ^ after.keys())
        ]
    return changes


def _mentions(graph: Graph) -> dict[tuple[Any, ...], Node | Edge]:
    return {node: node for node in graph.nodes}


def _relations(graph: Graph) -> dict[tuple[Any, ...], Node | Edge]:
    return {(edge.offsets, edge.label): edge for edge in graph.edges}
