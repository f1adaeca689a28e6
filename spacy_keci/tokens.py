"""The vocabulary of the package: what a span graph looks like on a spaCy Doc.

Mentions are the spans of one SpanGroup, ``doc.spans["entities"]``. Relations are plain data on the same group,
``attrs["relations"] = [[head, tail, label, score], ...]`` with ``head`` and ``tail`` indices into the group:
plain data survives ``to_bytes``, DocBin, pickle and multiprocessing, where Span objects stored on a Doc do not.
:class:`Relation` is a view on that data, made when asked for.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from spacy.tokens import Doc, Span, SpanGroup

SPANS_KEY = "entities"
CONCEPTS_KEY = "concepts"


@dataclass(frozen=True)
class Relation:
    """A typed edge of the span graph, from ``head`` to ``tail`` (in text order, where the label is symmetric)."""

    head: Span
    tail: Span
    label: str
    score: float = 1.0

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
    return [Relation(spans[head], spans[tail], label, score) for head, tail, label, score in rows]


def set_relations(doc: Doc, relations: Iterable[Relation], spans_key: str = SPANS_KEY) -> None:
    """Store relations whose heads and tails are members of ``doc.spans[spans_key]``.

    Raises ValueError if a head or tail is not in the group.
    """
    group = doc.spans[spans_key] if spans_key in doc.spans else SpanGroup(doc, name=spans_key)
    index = {_identity(span): i for i, span in reversed(list(enumerate(group)))}
    rows = []
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
    group.attrs["relations"] = rows
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


def install_extensions(relations: str = "relations", spans_key: str = SPANS_KEY) -> None:
    """Make ``doc._.relations`` (get and set) and ``span._.relations`` (get) read ``doc.spans[spans_key]``.

    Components of this package call it when they are created; call it yourself to read relations from a DocBin
    without a pipeline. Raises ValueError if the name is taken, by another package or for another spans key.
    """
    doc_view, span_view = _DocRelations(spans_key), _SpanRelations(spans_key)
    for cls, view in ((Doc, doc_view), (Span, span_view)):
        if cls.has_extension(relations) and cls.get_extension(relations)[2] != view:
            raise ValueError(
                f"{cls.__name__}._.{relations} is taken already, by another package or for another spans key. "
                "Choose a free name: relations_attr in the settings of the component, "
                "or the argument 'relations' of spacy_keci.install_extensions()."
            )
    if not Doc.has_extension(relations):
        Doc.set_extension(relations, getter=doc_view, setter=doc_view.set)
    if not Span.has_extension(relations):
        Span.set_extension(relations, getter=span_view)


@dataclass(frozen=True)
class _DocRelations:
    spans_key: str

    def __call__(self, doc: Doc) -> list[Relation]:
        return get_relations(doc, self.spans_key)

    def set(self, doc: Doc, relations: Iterable[Relation]) -> None:
        set_relations(doc, relations, self.spans_key)


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
