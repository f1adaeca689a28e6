"""The data beside the mentions of a SpanGroup: relations, scores, attention, clusters and interactions.

They are stored in ``group.attrs`` and refer to mentions by position, but users may edit a group. So
``attrs["members"]`` records the mentions that they belong to, and every reader compares. A mention that was appended
has no relations and the score 1. Any other edit is an error that says what to do. Groups from earlier versions have no
``members``; they are read if the numbers fit.
"""

import warnings
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from spacy.tokens import Doc, Span, SpanGroup

SPANS_KEY = "entities"
CONCEPTS_KEY = "concepts"
# attributes with one value a mention, and the value of a mention that was appended
PER_MENTION: dict[str, Any] = {"scores": 1.0, "attention": None}
# attributes with a value for each relation, [head, tail, label, value]; they go when relations are replaced
UNCERTAINTIES, VECTORS = "relation_uncertainties", "relation_vectors"
PER_RELATION = (UNCERTAINTIES, VECTORS)
MEMBERS = "members"
# in doc.user_data: keys of the groups that were given relations, to notice when a group is replaced
RELATED = "span_graphs"

# [head, tail, label, score]: positions of two mentions in the group
Row = list[Any]
# start and end character, position in the group, label, concept; ordered, so that offsets are found by bisection
Member = list[Any]


def initial_key(spans_key: str) -> str:
    """Where the graph is kept that was predicted before knowledge came in: ``doc.spans["entities_initial"]``."""
    return f"{spans_key}_initial"


def set_span_graph(
    doc: Doc,
    spans_key: str,
    spans: Iterable[Span],
    rows: Iterable[Sequence[Any]] | None,
    *,
    scores: Sequence[float] | None = None,
    symmetric: Iterable[str] | None = None,
    **attrs: Any,
) -> SpanGroup:
    """Write a span graph to ``doc.spans[spans_key]``, in place of what is there, and return the group.

    rows: relations, each ``[head, tail, label, score]`` with positions in ``spans``; None: not annotated.
    scores: probability of each mention. symmetric: relation labels without direction.
    attrs: other attributes of the group, such as ``attention`` (one value a mention), ``clusters``, ``interactions``.
    Raises ValueError if there is not one score a mention, or a relation of a missing mention.
    """
    spans = list(spans)
    if rows is not None:
        attrs["relations"] = [list(row) for row in rows]
    if scores is not None:
        attrs["scores"] = list(scores)
    if symmetric is not None:
        attrs["symmetric"] = list(symmetric)
    for name in PER_MENTION.keys() & attrs.keys():
        if len(attrs[name]) != len(spans):
            raise ValueError(f"There are {len(attrs[name])} {name} for the {len(spans)} mentions of {spans_key!r}.")
    _check_rows(attrs.get("relations", ()), len(spans), spans_key)
    for label in {row[2] for row in attrs.get("relations", ())}:
        doc.vocab.strings.add(label)  # as spaCy does with the labels of spans
    attrs[MEMBERS] = members_of(spans)
    group = SpanGroup(doc, name=spans_key, spans=spans, attrs=attrs)
    doc.spans[spans_key] = group
    related = {*doc.user_data.get(RELATED, ()), spans_key} - ({spans_key} if not attrs.get("relations") else set())
    if related or RELATED in doc.user_data:
        doc.user_data[RELATED] = sorted(related)
    return group


def group_of(doc: Doc, spans_key: str) -> SpanGroup:
    """``doc.spans[spans_key]``. Raises ValueError if it is not there."""
    if spans_key not in doc.spans:
        raise ValueError(
            f"There is no doc.spans[{spans_key!r}], only {list(doc.spans) or 'no spans at all'}: run a pipeline that "
            "sets it, or give another spans_key."
        )
    return doc.spans[spans_key]


def checked_spans(group: SpanGroup) -> list[Span]:
    """The spans of a group, after a check that what lies beside them belongs to them.

    Raises ValueError, which says what to do, if the group was edited, or the tokens of the document were changed.
    """
    spans = read_spans(group)
    if not is_intact(group, spans):
        raise ValueError(edited(group, spans))
    _check_rows(group.attrs.get("relations", ()), len(spans), group.name)
    return spans


def relation_rows_of(group: SpanGroup) -> list[Row]:
    """``attrs["relations"]`` of a group, checked: ``[head, tail, label, score]``, with positions of mentions."""
    rows = group.attrs.get("relations", [])
    if rows:
        checked_spans(group)
    return list(rows)


def stored_values(attrs: Mapping[str, Any], name: str) -> list[Any]:
    """An attribute of :data:`PER_MENTION` as a list, empty if there is none. spaCy's ``spancat`` stores an array."""
    values = attrs.get(name)
    return values.tolist() if isinstance(values, np.ndarray) else values or []


def per_mention(group: SpanGroup, name: str, absent: Any) -> list[Any]:
    """``attrs["scores"]`` or ``attrs["attention"]``, a value for each mention: ``absent`` where the group has no such
    attribute, and the value of :data:`PER_MENTION` for mentions that were appended. Checked as the spans are."""
    values = stored_values(group.attrs, name)
    if not values:
        return [absent] * len(group)
    checked_spans(group)
    return [*values, *[PER_MENTION[name]] * (len(group) - len(values))]


def attrs_beside(group: SpanGroup, *replaced: str) -> dict[str, Any]:
    """The attributes of a group, checked as the spans are, with a value for each mention, to be set again; without
    those that are ``replaced``."""
    attrs = {name: value for name, value in group.attrs.items() if name not in (MEMBERS, *replaced)}
    return attrs | {name: per_mention(group, name, value) for name, value in PER_MENTION.items() if name in attrs}


def positions_at(group: SpanGroup, start_char: int, end_char: int) -> list[int]:
    """Positions of the mentions with these offsets, in order, found in logarithmic time where the group has
    ``members``. Raises ValueError if one of the positions holds another mention now."""
    members, offsets = group.attrs.get(MEMBERS, []), [start_char, end_char]
    first, last = bisect_left(members, offsets), bisect_left(members, [start_char, end_char + 1])
    found = [member[2] for member in members[first:last]]
    if len(members) > len(group) or any([*offsets_of(group[i])] != offsets for i in found):
        raise ValueError(edited(group, read_spans(group)))
    return [*found, *(i for i in range(len(members), len(group)) if [*offsets_of(group[i])] == offsets)]


def member_at(group: SpanGroup, position: int) -> Span:
    """The mention at a position. Raises ValueError if another one was stored there."""
    if position >= len(group) or position not in positions_at(group, *offsets_of(span := group[position])):
        raise ValueError(edited(group, read_spans(group)))
    return span


def warn_if_replaced(doc: Doc, spans_key: str) -> None:
    """Warn where a group had relations, and another group, without any, was put in its place."""
    if spans_key in doc.user_data.get(RELATED, ()) and "relations" not in doc.spans[spans_key].attrs:
        warnings.warn(
            f"The relations in doc.spans[{spans_key!r}] are lost: the group was replaced by another one. To take "
            "mentions out and keep the relations of the others, call spacy_keci.select_mentions(doc, keep). If you "
            "meant to drop the relations, call spacy_keci.set_relations(doc, []).",
            stacklevel=3,
        )


def offsets_of(span: Span) -> tuple[int, int]:
    return span.start_char, span.end_char


def members_of(spans: Iterable[Span]) -> list[Member]:
    """The mentions as ``attrs["members"]``."""
    return sorted([s.start_char, s.end_char, i, s.label_, s.kb_id_] for i, s in enumerate(spans))


def read_spans(group: SpanGroup) -> list[Span]:
    """The spans of a group. Raises ValueError if they are not on tokens of the document, as after retokenizing."""
    doc = group.doc
    try:
        spans = list(group)
        fit = all(
            doc[s.start].idx == s.start_char and doc[s.end - 1].idx + len(doc[s.end - 1]) == s.end_char
            for s in spans
            if s.start < s.end
        )
    except IndexError:
        fit = False
    if not fit:
        raise ValueError(
            f"The tokens of the document were changed after doc.spans[{group.name!r}] was set, and spaCy does not move "
            "spans along: retokenize before the pipeline finds mentions, or run it again on the text."
        )
    return spans


def is_intact(group: SpanGroup, spans: Sequence[Span]) -> bool:
    """Whether the mentions are those that the attributes belong to, with others behind them at most. A mention may get
    another label or concept, unless it stands on the same characters as another one, from which these tell it apart."""
    members = group.attrs.get(MEMBERS)
    if members is None:
        return all(len(stored_values(group.attrs, name)) <= len(spans) for name in PER_MENTION)
    if len(members) > len(spans):
        return False
    before: Member = []
    for member in members:
        span = spans[member[2]]
        if offsets_of(span) != (member[0], member[1]):
            return False
        if before and before[:2] == member[:2]:
            for other in (before, member):
                if [spans[other[2]].label_, spans[other[2]].kb_id_] != other[3:]:
                    return False
        before = member
    return True


def edited(group: SpanGroup, spans: Sequence[Span]) -> str:
    members = group.attrs.get(MEMBERS)
    belong = len(stored_values(group.attrs, "scores")) if members is None else len(members)
    what = f"{belong} mentions, of which some have gone or moved" if belong <= len(spans) else f"{belong} mentions"
    key = "" if group.name == SPANS_KEY else f", {group.name!r}"
    way_out = (
        ""
        if members is None
        else f"To keep what still holds, call spacy_keci.select_mentions(doc, doc.spans[{group.name!r}]{key}). "
    )
    return (
        f"doc.spans[{group.name!r}] was edited after its relations and scores were stored: these belong to {what}, and "
        f"there are {len(spans)} now. {way_out}To take mentions out or add some, use spacy_keci.select_mentions(doc, "
        "keep) and spacy_keci.add_mentions(doc, spans) instead of editing the group."
    )


def _check_rows(rows: Iterable[Sequence[Any]], n_spans: int, spans_key: str) -> None:
    for head, tail, label, *_ in rows:
        if not (0 <= head < n_spans and 0 <= tail < n_spans):
            raise ValueError(
                f"The relation [{head}, {tail}, {label!r}] in doc.spans[{spans_key!r}] refers to a missing mention: "
                f"there are {n_spans}."
            )
