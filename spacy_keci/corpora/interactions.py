"""Relations between concepts, read from a group of mentions on a Doc, gold or predicted, of whatever system.

``group.attrs["interactions"]`` has rows ``[cluster, cluster, label, score, novelty, evidence]``, of which the last two
may be missing, and ``attrs["clusters"]`` the mentions of each cluster. Where a group has none, its relations between
mentions stand for relations between the concepts of these mentions.
"""

from itertools import product
from typing import NamedTuple

from spacy.tokens import SpanGroup

from ..identifiers import identifiers
from ..interactions import cluster_ids
from ..span_groups import relation_rows_of


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
        names = cluster_ids(group)
        return [
            ConceptRelation(names[head], names[tail], label, float(score), rest[0] if rest else "")
            for head, tail, label, score, *rest in group.attrs["interactions"]
            if names[head] and names[tail]
        ]
    concepts = [identifiers(mention.kb_id_) for mention in group]
    return [
        ConceptRelation(a, b, label, float(score))
        for head, tail, label, score in relation_rows_of(group)
        for a, b in product(concepts[head], concepts[tail])
    ]
