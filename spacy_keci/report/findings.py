"""What a prediction got right, and what kind of error the rest is."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, TypeVar

from spacy.tokens import Doc

from ..span_groups import checked_spans, per_mention

RIGHT = "right"
MENTION_ERRORS = ("missed mention", "spurious mention", "wrong type", "wrong boundaries")
RELATION_ERRORS = (
    "missed relation",
    "relation of a missed mention",
    "spurious relation",
    "wrong label",
    "wrong direction",
    "wrong type of an argument",
)


class Node(NamedTuple):
    """A typed mention, in characters."""

    start: int
    end: int
    label: str

    @property
    def offsets(self) -> tuple[int, int]:
        return self.start, self.end

    @property
    def labels(self) -> list[str]:
        return [self.label]


class Edge(NamedTuple):
    """A typed relation between typed mentions; of symmetric labels, the head stands first."""

    head: Node
    tail: Node
    label: str

    @property
    def labels(self) -> list[str]:
        """Its own and those of its mentions."""
        return [self.label, self.head.label, self.tail.label]

    @property
    def offsets(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return self.head.offsets, self.tail.offsets

    @property
    def pair(self) -> tuple[tuple[int, int], ...]:
        """The offsets without direction."""
        return tuple(sorted(self.offsets))


Item = TypeVar("Item", Node, Edge)
Items = dict[Item, None]  # as a set that keeps its order


@dataclass(frozen=True)
class Graph:
    """The items of a span graph, once each, as the strict scores count them, with their probabilities (None if they
    have none)."""

    nodes: dict[Node, float | None]
    edges: dict[Edge, float | None]

    @classmethod
    def of(cls, doc: Doc, spans_key: str, symmetric: Collection[str] = ()) -> "Graph":
        """The graph in ``doc.spans[spans_key]``, which may be missing."""
        if spans_key not in doc.spans:
            return cls({}, {})
        group = doc.spans[spans_key]
        order = [Node(span.start_char, span.end_char, span.label_) for span in checked_spans(group)]
        scores = per_mention(group, "scores", None)
        edges: dict[Edge, float | None] = {}
        for i, j, label, score in group.attrs.get("relations", []):
            head, tail = sorted((order[i], order[j])) if label in symmetric else (order[i], order[j])
            edges[Edge(head, tail, label)] = score
        return cls(dict(zip(order, scores, strict=True)), edges)


@dataclass(frozen=True)
class Finding:
    """A gold item, a predicted item or both, and what that means. ``score``: probability of the predicted item."""

    kind: str
    gold: Node | Edge | None
    predicted: Node | Edge | None
    score: float | None = None
    is_good: ClassVar[bool] = False

    @property
    def is_relation(self) -> bool:
        return isinstance(self.gold or self.predicted, Edge)

    @property
    def labels(self) -> list[str]:
        items = [item for item in (self.gold, self.predicted) if item is not None]
        return list(dict.fromkeys(label for item in items for label in item.labels))

    @property
    def confusion(self) -> list[tuple[str | None, str | None]]:
        """Cells of the table of confusions, (gold label, predicted label): one where the two are the same item with
        another label, else each for itself."""
        gold, predicted = (item and item.label for item in (self.gold, self.predicted))
        if self.kind in (RIGHT, "wrong type", "wrong label"):
            return [(gold, predicted)]
        return [cell for cell in ((gold, None), (None, predicted)) if cell != (None, None)]


def compare_graphs(gold: Graph, predicted: Graph) -> list[Finding]:
    """All items of two graphs, in the order of the text: mentions first, then relations."""
    return [*_sorted(_compare_nodes(gold, predicted)), *_sorted(_compare_edges(gold, predicted))]


def count_confusions(findings: Iterable[Finding]) -> Counter[tuple[str | None, str | None]]:
    """How often a gold label was predicted as which; None: not in the gold, or not predicted. The diagonal is what
    strict scores count as right."""
    return Counter(cell for finding in findings for cell in finding.confusion)


def _compare_nodes(gold: Graph, predicted: Graph) -> Iterator[Finding]:
    scores = predicted.nodes
    missed, spurious = _unmatched(gold.nodes, predicted.nodes)
    yield from (Finding(RIGHT, node, node, scores[node]) for node in gold.nodes if node in scores)
    for one, other in _pair(missed, spurious, lambda node: node.offsets):
        yield Finding("wrong type", one, other, scores[other])
    for one, other in _pair_overlapping(missed, spurious):
        yield Finding("wrong boundaries", one, other, scores[other])
    yield from (Finding("missed mention", node, None) for node in missed)
    yield from (Finding("spurious mention", None, node, scores[node]) for node in spurious)


def _compare_edges(gold: Graph, predicted: Graph) -> Iterator[Finding]:
    scores = predicted.edges
    missed, spurious = _unmatched(gold.edges, predicted.edges)
    yield from (Finding(RIGHT, edge, edge, scores[edge]) for edge in gold.edges if edge in scores)
    for kind, key in _EDGE_KEYS.items():
        for one, other in _pair(missed, spurious, key):
            yield Finding(kind, one, other, scores[other])
    found = {node.offsets for node in predicted.nodes}
    for edge in missed:
        kind = "missed relation" if found.issuperset(edge.offsets) else "relation of a missed mention"
        yield Finding(kind, edge, None)
    yield from (Finding("spurious relation", None, edge, scores[edge]) for edge in spurious)


# What two edges share that differ in one thing.
_EDGE_KEYS: dict[str, Callable[[Edge], Hashable]] = {
    "wrong type of an argument": lambda edge: (edge.offsets, edge.label),
    "wrong direction": lambda edge: (edge.pair, edge.label),
    "wrong label": lambda edge: edge.pair,
}


def _unmatched(gold: dict[Item, float | None], predicted: dict[Item, float | None]) -> tuple[Items[Item], Items[Item]]:
    return (
        {item: None for item in gold if item not in predicted},
        {item: None for item in predicted if item not in gold},
    )


def _pair(missed: Items[Item], spurious: Items[Item], key: Callable[[Item], Hashable]) -> list[tuple[Item, Item]]:
    """Take pairs with the same key out of both."""
    waiting: dict[Hashable, deque[Item]] = defaultdict(deque)
    for item in spurious:
        waiting[key(item)].append(item)
    pairs = [(item, waiting[key(item)].popleft()) for item in missed if waiting[key(item)]]
    for one, other in pairs:
        del missed[one], spurious[other]
    return pairs


def _pair_overlapping(missed: Items[Node], spurious: Items[Node]) -> list[tuple[Node, Node]]:
    """Take overlapping pairs of one label out of both, those that share most characters first."""
    pairs = []
    overlapping = [(-overlap, one, other) for overlap, one, other in _overlaps(missed, spurious)]
    for _, one, other in sorted(overlapping):
        if one in missed and other in spurious:
            del missed[one], spurious[other]
            pairs.append((one, other))
    return pairs


def _overlaps(missed: Iterable[Node], spurious: Iterable[Node]) -> Iterator[tuple[int, Node, Node]]:
    """Shared characters, missed and spurious mention of each overlapping pair with one label: one pass from left to
    right, with the mentions that have not ended yet."""
    both = [(node, False) for node in missed] + [(node, True) for node in spurious]
    unfinished: dict[tuple[str, bool], list[Node]] = defaultdict(list)
    for node, is_spurious in sorted(both):
        others = unfinished[node.label, not is_spurious]
        others[:] = [other for other in others if other.end > node.start]
        for other in others:
            overlap = min(node.end, other.end) - node.start
            if overlap > 0:
                yield (overlap, other, node) if is_spurious else (overlap, node, other)
        unfinished[node.label, is_spurious].append(node)


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: finding.gold or finding.predicted or ())
