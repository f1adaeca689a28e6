"""Relations between concepts, read from a group of mentions on a Doc, gold or predicted, of whatever system.

``group.attrs["interactions"]`` has rows ``[cluster, cluster, label, score, novelty, evidence]``, of which the last two
may be missing, and ``attrs["clusters"]`` the mentions of each cluster. Where a group has none, its relations between
mentions stand for relations between the concepts of these mentions.
"""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from spacy.tokens import Span, SpanGroup

from ..identifiers import identifiers
from .annotation import Mention
from .clusters import concept_clusters


class ConceptRelation(NamedTuple):
    """A relation between the concepts with these identifiers; novelty is empty where nothing is known of it."""

    head: str
    tail: str
    label: str
    score: float = 1.0
    novelty: str = ""


def has_relations(group: SpanGroup) -> bool:
    """Whether relations were annotated, or predicted."""
    return "interactions" in group.attrs or "relations" in group.attrs


def read_concept_relations(group: SpanGroup) -> list[ConceptRelation]:
    """The relations between concepts, each as often as it is stated. Those of mentions without an identifier are left
    out."""
    if "interactions" in group.attrs:
        names = cluster_names(group)
        return [
            ConceptRelation(names[head], names[tail], label, float(score), rest[0] if rest else "")
            for head, tail, label, score, *rest in group.attrs["interactions"]
            if names[head] and names[tail]
        ]
    concepts = [identifiers(mention.kb_id_) for mention in group]
    return [
        ConceptRelation(a, b, label, float(score))
        for head, tail, label, score in group.attrs.get("relations", [])
        for a, b in product(concepts[head], concepts[tail])
    ]


def cluster_names(group: SpanGroup) -> list[str]:
    """The identifier of each cluster of a group, empty where it has none: what ``attrs["cluster_ids"]`` says or, where
    nothing does, the identifier that all its mentions carry. Clusters with the same mentions take theirs in order."""
    clusters = group.attrs.get("clusters", [])
    if "cluster_ids" in group.attrs:
        return list(group.attrs["cluster_ids"])
    named: dict[tuple[int, ...], list[str]] = {}
    for identifier, members in mention_clusters(group):
        named.setdefault(tuple(members), []).append(identifier)
    return [(named.get(tuple(members)) or [""]).pop(0) for members in clusters]


def mention_clusters(mentions: Sequence[Span] | SpanGroup) -> list[tuple[str, list[int]]]:
    """For each identifier the mentions that carry it, as :func:`~spacy_keci.corpora.clusters.concept_clusters`."""
    return concept_clusters([Mention(m.start_char, m.end_char, m.label_, m.kb_id_) for m in mentions])
