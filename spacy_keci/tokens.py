"""The vocabulary of the package: what a span graph looks like on a spaCy Doc.

Mentions are the spans of one SpanGroup, ``doc.spans["entities"]``. Relations are plain data on the same group,
``attrs["relations"] = [[head, tail, label, score], ...]`` with ``head`` and ``tail`` indices into the group:
plain data survives ``to_bytes``, DocBin, pickle and multiprocessing, where Span objects stored on a Doc do not.
:class:`Relation` is a view on that data, made when asked for.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from spacy.tokens import Doc, Span, SpanGroup

if TYPE_CHECKING:
    import networkx

SPANS_KEY = "entities"
CONCEPTS_KEY = "concepts"


@dataclass(frozen=True)
class Relation:
    """A typed edge of the span graph, from ``head`` to ``tail``.

    symmetric: whether the label has no direction; head and tail are in the order of the text then.
    """

    head: Span
    tail: Span
    label: str
    score: float = 1.0
    symmetric: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return f"{self.head.text} --{self.label}--> {self.tail.text}"


@dataclass(frozen=True)
class Concept:
    """A candidate concept of a span: identifier, semantic type (TUI), similarity of the name (1: exact).

    attention: weight that the model gave to it, if a model read it; what is left of 1 went to the span's own context.
    """

    id: str
    type: str
    score: float = 1.0
    attention: float | None = None


def get_relations(doc: Doc, spans_key: str = SPANS_KEY) -> list[Relation]:
    """Relations among the mentions in ``doc.spans[spans_key]``, in the order in which they are stored."""
    if spans_key not in doc.spans:
        return []
    group = doc.spans[spans_key]
    rows = group.attrs.get("relations", [])
    spans = list(group) if rows else []
    symmetric = set(group.attrs.get("symmetric", ()))
    return [Relation(spans[head], spans[tail], label, score, label in symmetric) for head, tail, label, score in rows]


def filter_relations(
    relations: Iterable[Relation],
    *,
    label: str | Collection[str] | None = None,
    head: str | Collection[str] | None = None,
    tail: str | Collection[str] | None = None,
    min_score: float = 0.0,
) -> list[Relation]:
    """The relations that have one of these labels, a head and a tail of one of these types, and at least this score.

    label, head, tail: one of them, several, or None for any. Ends of a relation without direction may be swapped.
    """

    def fits(value: str, wanted: str | Collection[str] | None) -> bool:
        return wanted is None or (value == wanted if isinstance(wanted, str) else value in wanted)

    def ends_fit(relation: Relation) -> bool:
        first, second = relation.head.label_, relation.tail.label_
        forward = fits(first, head) and fits(second, tail)
        return forward or (relation.symmetric and fits(second, head) and fits(first, tail))

    return [r for r in relations if r.score >= min_score and fits(r.label, label) and ends_fit(r)]


def span_graph(doc: Doc, spans_key: str = SPANS_KEY) -> "networkx.MultiDiGraph":
    """The span graph of a document. Nodes are positions in ``doc.spans[spans_key]``, with ``text``, ``label``,
    ``kb_id``, ``start`` and ``end`` (characters) and, where known, ``score``; edges have ``label`` and ``score``."""
    import networkx

    graph = networkx.MultiDiGraph()
    if spans_key not in doc.spans:
        return graph
    group = doc.spans[spans_key]
    for i, span in enumerate(group):
        graph.add_node(
            i, text=span.text, label=span.label_, kb_id=span.kb_id_, start=span.start_char, end=span.end_char
        )
    for i, score in enumerate(group.attrs.get("scores", [])):
        graph.nodes[i]["score"] = score
    for head, tail, label, score in group.attrs.get("relations", []):
        graph.add_edge(head, tail, key=label, label=label, score=score)
    return graph


def set_relations(doc: Doc, relations: Iterable[Relation], spans_key: str = SPANS_KEY) -> None:
    """Store relations whose heads and tails are members of ``doc.spans[spans_key]``. What replaces others has no
    direction if its label had none there, or one of the new relations says so.

    Raises ValueError if a head or tail is not in the group.
    """
    group = doc.spans[spans_key] if spans_key in doc.spans else SpanGroup(doc, name=spans_key)
    index = {_identity(span): i for i, span in reversed(list(enumerate(group)))}
    rows, symmetric = [], set(group.attrs.get("symmetric", ()))
    for relation in relations:
        ends = []
        for role, span in (("head", relation.head), ("tail", relation.tail)):
            if _identity(span) not in index:
                raise ValueError(
                    f"The {role} of the relation '{relation}' ({span.label_ or 'no label'}, characters "
                    f"{span.start_char}-{span.end_char}) is not in doc.spans[{spans_key!r}]. "
                    "Add the span to that group first."
                )
            ends.append(index[_identity(span)])
        rows.append([ends[0], ends[1], relation.label, float(relation.score)])
        if relation.symmetric:
            symmetric.add(relation.label)
    group.attrs["relations"] = rows
    if symmetric:
        group.attrs["symmetric"] = sorted(symmetric)
    doc.spans[spans_key] = group


def get_concepts(span: Span, spans_key: str = CONCEPTS_KEY) -> list[Concept]:
    """Candidate concepts of exactly these tokens in ``doc.spans[spans_key]``, best first."""
    if spans_key not in span.doc.spans:
        return []
    group = span.doc.spans[spans_key]
    scores = group.attrs.get("scores") or [1.0] * len(group)
    attention = group.attrs.get("attention") or [None] * len(group)
    return [
        Concept(other.kb_id_, other.label_, score, weight)
        for other, score, weight in zip(group, scores, attention, strict=True)
        if (other.start, other.end) == (span.start, span.end)
    ]


def install_concepts_extension(concepts: str = "concepts", spans_key: str = CONCEPTS_KEY) -> None:
    """Make ``span._.concepts`` read ``doc.spans[spans_key]``; the linker calls it when it is created.

    Raises ValueError if the name is taken, by another package or for another spans key.
    """
    view = _SpanConcepts(spans_key)
    if not Span.has_extension(concepts):
        Span.set_extension(concepts, getter=view)
    elif Span.get_extension(concepts)[2] != view:
        raise ValueError(
            f"Span._.{concepts} is taken already, by another package or for another spans key. "
            "Choose a free name: concepts_attr in the settings of the component, "
            "or the argument 'concepts' of spacy_keci.install_concepts_extension()."
        )


def install_extensions(
    relations: str = "relations", spans_key: str = SPANS_KEY, span_graph: str = "span_graph"
) -> None:
    """Make ``doc._.relations`` (get and set), ``span._.relations`` (get) and ``doc._.span_graph`` (get; see
    :func:`span_graph`) read ``doc.spans[spans_key]``.

    Components of this package call it when they are created; call it yourself to read relations from a DocBin
    without a pipeline. Raises ValueError if a name is taken, by another package or for another spans key.
    """
    doc_view, span_view, graph_view = _DocRelations(spans_key), _SpanRelations(spans_key), _DocGraph(spans_key)
    views: list[tuple[type[Doc] | type[Span], str, str, object]] = [
        (Doc, "relations", relations, doc_view),
        (Span, "relations", relations, span_view),
        (Doc, "span_graph", span_graph, graph_view),
    ]
    for cls, argument, name, view in views:
        if cls.has_extension(name) and cls.get_extension(name)[2] != view:
            raise ValueError(
                f"{cls.__name__}._.{name} is taken already, by another package or for another spans key. "
                f"Choose a free name: {argument}_attr in the settings of the component, "
                f"or the argument '{argument}' of spacy_keci.install_extensions()."
            )
    if not Doc.has_extension(relations):
        Doc.set_extension(relations, getter=doc_view, setter=doc_view.set)
    if not Span.has_extension(relations):
        Span.set_extension(relations, getter=span_view)
    if not Doc.has_extension(span_graph):
        Doc.set_extension(span_graph, getter=graph_view)


@dataclass(frozen=True)
class _DocRelations:
    spans_key: str

    def __call__(self, doc: Doc) -> list[Relation]:
        return get_relations(doc, self.spans_key)

    def set(self, doc: Doc, relations: Iterable[Relation]) -> None:
        set_relations(doc, relations, self.spans_key)


@dataclass(frozen=True)
class _DocGraph:
    spans_key: str

    def __call__(self, doc: Doc) -> "networkx.MultiDiGraph":
        return span_graph(doc, self.spans_key)


@dataclass(frozen=True)
class _SpanRelations:
    spans_key: str

    def __call__(self, span: Span) -> list[Relation]:
        """Relations in which the span (same offsets; same label, if it has one) is head or tail."""

        def same(other: Span) -> bool:
            same_offsets = (other.start, other.end) == (span.start, span.end)
            return same_offsets and (not span.label or other.label == span.label)

        return [r for r in get_relations(span.doc, self.spans_key) if same(r.head) or same(r.tail)]


@dataclass(frozen=True)
class _SpanConcepts:
    spans_key: str

    def __call__(self, span: Span) -> list[Concept]:
        return get_concepts(span, self.spans_key)


def _identity(span: Span) -> tuple[int, int, int]:
    return span.start, span.end, span.label
