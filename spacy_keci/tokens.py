"""The vocabulary of the package: what a span graph looks like on a spaCy Doc.

Mentions are the spans of one SpanGroup, ``doc.spans["entities"]``. Relations are plain data on the same group,
``attrs["relations"] = [[head, tail, label, score], ...]`` with ``head`` and ``tail`` indices into the group:
plain data survives ``to_bytes``, DocBin, pickle and multiprocessing, where Span objects stored on a Doc do not.
:class:`Relation` is a view on that data, made when asked for. How the data lies on the group: ``span_groups.py``.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spacy.tokens import Doc, Span, SpanGroup

from .span_groups import (
    CONCEPTS_KEY,
    PER_MENTION,
    PER_RELATION,
    SPANS_KEY,
    Row,
    attrs_beside,
    checked_spans,
    member_at,
    per_mention,
    positions_at,
    set_span_graph,
    stored_values,
    warn_if_replaced,
)

if TYPE_CHECKING:
    import networkx


@dataclass(frozen=True, repr=False)
class Relation:
    """A typed edge of the span graph, from ``head`` to ``tail``.

    symmetric: whether the label has no direction; head and tail are in the order of the text then.

    A relation can be pickled and copied; the copy has a copy of the document. :meth:`as_dict` gives it as plain data.
    """

    head: Span
    tail: Span
    label: str
    score: float = 1.0
    symmetric: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return f"{self.head.text} --{self.label}--> {self.tail.text}"

    def __repr__(self) -> str:
        return f"<Relation {self} {self.score:.2f}>"

    def as_dict(self) -> dict[str, Any]:
        """The relation as plain data, for JSON: ``head`` and ``tail`` with ``text``, ``label``, ``start`` and ``end``
        (characters, end exclusive) and ``kb_id``; ``label``, ``score`` and ``symmetric``."""
        ends = {
            role: {
                "text": span.text,
                "label": span.label_,
                "start": span.start_char,
                "end": span.end_char,
                "kb_id": span.kb_id_,
            }
            for role, span in (("head", self.head), ("tail", self.tail))
        }
        return {**ends, "label": self.label, "score": self.score, "symmetric": self.symmetric}

    def __reduce__(self) -> tuple[Any, ...]:
        # A Span cannot be pickled (spaCy's E112), its document can; pickle writes a document that several share once.
        ends = [(s.start, s.end, s.label_, s.kb_id_, s.id_) for s in (self.head, self.tail)]
        return _restore_relation, (self.head.doc, *ends, self.label, self.score, self.symmetric)


def _restore_relation(doc: Doc, head: Any, tail: Any, label: str, score: float, symmetric: bool) -> Relation:
    first, second = (Span(doc, start, end, type_, kb_id=kb, span_id=id) for start, end, type_, kb, id in (head, tail))
    return Relation(first, second, label, score, symmetric)


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
    """Relations among the mentions in ``doc.spans[spans_key]``, in the order in which they are stored; none if there is
    no such group, as in a document that is not annotated.

    Raises ValueError if the group was edited so that it is not known whose relations they are; warns if it was replaced
    by one without relations.
    """
    if spans_key not in doc.spans:
        return []
    warn_if_replaced(doc, spans_key)
    group = doc.spans[spans_key]
    rows = group.attrs.get("relations", [])
    spans = checked_spans(group) if rows else []
    symmetric = set(group.attrs.get("symmetric", ()))
    return [Relation(spans[head], spans[tail], label, score, label in symmetric) for head, tail, label, score in rows]


def get_span_relations(span: Span, spans_key: str = SPANS_KEY) -> list[Relation]:
    """Relations in which the span (same offsets; same label, if it has one) is head or tail."""
    if spans_key not in span.doc.spans:
        return []
    warn_if_replaced(span.doc, spans_key)
    group = span.doc.spans[spans_key]
    rows, symmetric = group.attrs.get("relations", []), group.attrs.get("symmetric", ())
    positions = positions_at(group, span.start_char, span.end_char) if rows else []
    own = [i for i in positions if not span.label or group[i].label == span.label]
    incident = _rows_by_mention(rows)
    return [
        Relation(member_at(group, head), member_at(group, tail), label, score, label in symmetric)
        for head, tail, label, score in (rows[r] for r in sorted({r for i in own for r in incident.get(i, ())}))
    ]


def _rows_by_mention(rows: list[Row]) -> dict[int, list[int]]:
    """For each position in a group, which of its relations the mention has part in. The last answer is kept, so that
    to ask mention by mention takes no more than linear time."""
    global _last_rows
    last, size, index = _last_rows
    if last is not rows or size != len(rows):
        index = {}
        for r, (head, tail, *_) in enumerate(rows):
            for position in {head, tail}:
                index.setdefault(position, []).append(r)
        _last_rows = rows, len(rows), index
    return index


_last_rows: tuple[list[Row], int, dict[int, list[int]]] = [], 0, {}


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
    Raises ValueError if ``min_score`` is not between 0 and 1, and for labels that :func:`check_known_labels` refuses;
    TypeError for a document in place of relations.
    """
    if isinstance(relations, Doc):
        raise TypeError("filter_relations takes relations, not a document: pass doc._.relations.")
    if not 0 <= min_score <= 1:
        raise ValueError(f"min_score is a probability, from 0 to 1, but it is {min_score}.")
    relations = list(relations)
    docs = [r.head.doc for r in relations]
    types = {span.label_ for r in relations for span in (r.head, r.tail)}
    check_known_labels("The argument 'label'", label, {r.label for r in relations}, docs)
    check_known_labels("The argument 'head'", head, types, docs)
    check_known_labels("The argument 'tail'", tail, types, docs)

    def fits(value: str, wanted: str | Collection[str] | None) -> bool:
        return wanted is None or (value == wanted if isinstance(wanted, str) else value in wanted)

    def ends_fit(relation: Relation) -> bool:
        first, second = relation.head.label_, relation.tail.label_
        forward = fits(first, head) and fits(second, tail)
        return forward or (relation.symmetric and fits(second, head) and fits(first, tail))

    return [r for r in relations if r.score >= min_score and fits(r.label, label) and ends_fit(r)]


def check_known_labels(
    setting: str, labels: str | Collection[str] | None, present: Collection[str], docs: Iterable[Doc]
) -> None:
    """Raises ValueError for a label that none of the documents has, and that no component of their pipeline knows.

    present: the labels that the documents have. A label of the pipeline is in its vocabulary, even where no document
    has it. So are words of texts: one that differs from a label of the documents only in case, a hyphen or a plural is
    unknown. Without documents, nothing is known of labels.
    """
    strings = {id(doc.vocab): doc.vocab.strings for doc in docs}.values()
    asked = [labels] if isinstance(labels, str) else labels or ()
    alike = {_fold(label) for label in present if label not in asked}
    unknown = [
        label
        for label in asked
        if label not in present and (_fold(label) in alike or all(label not in each for each in strings))
    ]
    if strings and unknown:
        raise ValueError(
            f"{setting} has labels that neither these documents nor their pipeline are known to have: "
            f"{', '.join(map(repr, unknown))}. The documents have: {', '.join(map(repr, sorted(present))) or 'none'}. "
            "To ask for a label that some documents do not have, read them with the vocabulary of their pipeline, "
            "nlp.vocab."
        )


def _fold(label: str) -> str:
    return label.casefold().replace("-", "_").replace(" ", "_").removesuffix("s")


def span_graph(doc: Doc, spans_key: str = SPANS_KEY) -> "networkx.MultiDiGraph":
    """The span graph of a document. Nodes are positions in ``doc.spans[spans_key]``, with ``text``, ``label``,
    ``kb_id``, ``start`` and ``end`` (characters) and, where known, ``score``; edges have ``label`` and ``score``."""
    import networkx

    graph = networkx.MultiDiGraph()
    if spans_key not in doc.spans:
        return graph
    warn_if_replaced(doc, spans_key)
    group = doc.spans[spans_key]
    for i, span in enumerate(checked_spans(group)):
        graph.add_node(
            i, text=span.text, label=span.label_, kb_id=span.kb_id_, start=span.start_char, end=span.end_char
        )
    if stored_values(group.attrs, "scores"):
        for i, score in enumerate(per_mention(group, "scores", 1.0)):
            graph.nodes[i]["score"] = score
    for head, tail, label, score in group.attrs.get("relations", []):
        graph.add_edge(head, tail, key=label, label=label, score=score)
    return graph


def set_relations(doc: Doc, relations: Iterable[Relation], spans_key: str = SPANS_KEY) -> None:
    """Store relations whose heads and tails are members of ``doc.spans[spans_key]``. What replaces others has no
    direction if its label had none there, or one of the new relations says so.

    Raises ValueError if a head or tail is not in the group, or is a span of another document.
    """
    group = doc.spans[spans_key] if spans_key in doc.spans else SpanGroup(doc, name=spans_key)
    spans = checked_spans(group)
    index = {_identity(span): i for i, span in reversed(list(enumerate(spans)))}
    rows, symmetric = [], set(group.attrs.get("symmetric", ()))
    for relation in relations:
        ends = []
        for role, span in (("head", relation.head), ("tail", relation.tail)):
            place = f"({span.label_ or 'no label'}, characters {span.start_char}-{span.end_char})"
            if span.doc is not doc:
                raise ValueError(
                    f"The {role} of the relation '{relation}' {place} is a span of another document. Take the span "
                    f"with these offsets from doc.spans[{spans_key!r}]."
                )
            if _identity(span) not in index:
                raise ValueError(
                    f"The {role} of the relation '{relation}' {place} is not in doc.spans[{spans_key!r}]. Add it "
                    "first, with spacy_keci.add_mentions(doc, [span])."
                )
            ends.append(index[_identity(span)])
        rows.append([ends[0], ends[1], relation.label, float(relation.score)])
        if relation.symmetric:
            symmetric.add(relation.label)
    attrs = attrs_beside(group, "relations", "symmetric", *PER_RELATION)
    set_span_graph(doc, spans_key, spans, rows, symmetric=sorted(symmetric) or None, **attrs)


def get_concepts(span: Span, spans_key: str = CONCEPTS_KEY) -> list[Concept]:
    """Candidate concepts of exactly these tokens in ``doc.spans[spans_key]``, best first."""
    if spans_key not in span.doc.spans:
        return []
    group = span.doc.spans[spans_key]
    scores, attention = (stored_values(group.attrs, name) for name in ("scores", "attention"))
    concepts = []
    for i in positions_at(group, span.start_char, span.end_char):
        candidate = group[i]
        score = scores[i] if i < len(scores) else PER_MENTION["scores"]
        weight = attention[i] if i < len(attention) else PER_MENTION["attention"]
        concepts.append(Concept(candidate.kb_id_, candidate.label_, score, weight))
    return concepts


def _identity(span: Span) -> tuple[int, int, int]:
    return span.start, span.end, span.label
