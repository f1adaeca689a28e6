"""Relations between concepts, which hold in a whole document: what BioRED and BC5CDR annotate.

They are plain data in the SpanGroup of the mentions: ``attrs["clusters"]`` lists for each concept the mentions that
name it, ``attrs["cluster_ids"]`` its identifier, and ``attrs["interactions"]`` has rows ``[cluster, cluster, label,
score, novelty, evidence]``, of which the last two may be missing. :class:`Interaction` is a view on that data.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc, SpanGroup

from .identifiers import composite_parts, identifiers
from .span_groups import SPANS_KEY, attrs_beside, checked_spans, set_span_graph


@dataclass(frozen=True)
class Interaction:
    """A relation between the concepts with the identifiers ``head`` and ``tail``.

    novelty: "Novel" where the text reports it as a finding of its own, "No" where as known before, "" if unknown.
    evidence: pairs of mentions that say so, as positions in the SpanGroup, each with its weight if it has one.
    """

    head: str
    tail: str
    label: str
    score: float = 1.0
    novelty: str = ""
    evidence: tuple[tuple[float, ...], ...] = ()


def concept_members(kb_ids: Iterable[str]) -> dict[str, list[int]]:
    """For each identifier the positions of the mentions that carry it, in order of first appearance.

    kb_ids: the identifiers of each mention, as its ``kb_id_``. A mention with several is listed for each of them, and
    one with a composite identifier, "D007674|D006937", also for its parts, since corpora relate either.
    """
    members: dict[str, list[int]] = {}
    for i, kb_id in enumerate(kb_ids):
        for key in dict.fromkeys(key for each in identifiers(kb_id) for key in (each, *composite_parts(each))):
            members.setdefault(key, []).append(i)
    return members


def concept_clusters(kb_ids: Sequence[str]) -> tuple[list[str], list[list[int]]]:
    """The identifiers of :func:`concept_members` and their mentions; then, with an empty identifier, every mention that
    has none, alone."""
    members = concept_members(kb_ids)
    alone = [[i] for i, kb_id in enumerate(kb_ids) if not identifiers(kb_id)]
    return [*members, *[""] * len(alone)], [*members.values(), *alone]


def name_clusters(kb_ids: Iterable[str], clusters: Iterable[Sequence[int]]) -> list[str]:
    """The identifier of each cluster, "" for one without: that which all of its mentions and no others carry. Clusters
    with the same mentions take their identifiers in order."""
    named: dict[tuple[int, ...], list[str]] = {}
    for identifier, members in concept_members(kb_ids).items():
        named.setdefault(tuple(members), []).append(identifier)
    return [(named.get(tuple(sorted(cluster))) or [""]).pop(0) for cluster in clusters]


def get_interactions(doc: Doc, spans_key: str = SPANS_KEY) -> list[Interaction]:
    """Interactions in ``doc.spans[spans_key]``, in the order in which they are stored; those of clusters without an
    identifier are left out. Raises ValueError if the group was edited so that it is not known whose they are."""
    group = doc.spans.get(spans_key, SpanGroup(doc))
    rows = group.attrs.get("interactions", []) if "clusters" in group.attrs else []
    names = cluster_ids(group) if rows else []
    return [
        Interaction(names[head], names[tail], label, *rest[:2], *(tuple(map(tuple, evidence)) for evidence in rest[2:]))
        for head, tail, label, *rest in rows
        if names[head] and names[tail]
    ]


def set_interactions(doc: Doc, interactions: Iterable[Interaction], spans_key: str = SPANS_KEY) -> None:
    """Store interactions between concepts of the mentions in ``doc.spans[spans_key]``, in place of those that are
    there. Its clusters become those of its concepts; relations between mentions stay as they are.

    Raises ValueError if no mention has one of the identifiers, or evidence is of a mention that is not there.
    """
    group = doc.spans[spans_key] if spans_key in doc.spans else SpanGroup(doc, name=spans_key)
    spans = checked_spans(group)
    ids, clusters = concept_clusters([span.kb_id_ for span in spans])
    number = {identifier: i for i, identifier in enumerate(ids) if identifier}
    rows: list[list[Any]] = []
    for each in interactions:
        for role, identifier in (("head", each.head), ("tail", each.tail)):
            if identifier not in number:
                raise ValueError(
                    f"The {role} {identifier!r} of the interaction '{each.label}' is not the identifier (kb_id_) of a "
                    f"mention in doc.spans[{spans_key!r}]."
                )
        if not all(0 <= i < len(spans) for pair in each.evidence for i in pair[:2]):
            raise ValueError(f"The interaction {each} has a missing mention as evidence: there are {len(spans)}.")
        evidence = [list(pair) for pair in each.evidence]
        row = [number[each.head], number[each.tail], each.label, float(each.score), each.novelty, evidence]
        rows.append(row[: 6 if evidence else 5 if each.novelty else 4])
    attrs = attrs_beside(group, "relations")
    attrs |= {"clusters": clusters, "cluster_ids": ids, "interactions": rows}
    set_span_graph(doc, spans_key, spans, group.attrs.get("relations"), **attrs)


def cluster_ids(group: SpanGroup) -> list[str]:
    """The identifier of each cluster of a group, as stored, else as of :func:`name_clusters`."""
    spans, clusters = checked_spans(group), group.attrs.get("clusters", [])
    stored: Sequence[str] = group.attrs.get("cluster_ids", [])
    return list(stored) if len(stored) == len(clusters) else name_clusters((s.kb_id_ for s in spans), clusters)
