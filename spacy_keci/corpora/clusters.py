"""Relations between entities: what they say of mentions, and how identifiers of concepts make entities of mentions.

Corpora of whole abstracts (BioRED, BC5CDR) relate concepts, not mentions. Here their entities are ``clusters``: for
each identifier the mentions that carry it; their relations are ``interactions`` between clusters, one for one as in
the file; and ``relations`` are the interactions spelled out over all pairs of mentions, as BigBIO does it.
"""

from collections.abc import Iterable, Sequence
from itertools import product

from ..identifiers import identifiers
from ..interactions import Interaction as ConceptRelation
from ..interactions import concept_clusters, name_clusters
from ..reports import Report
from .annotation import AnnotatedText, Interaction, Mention, RelationTriple


def relate_concepts(text: AnnotatedText, relations: Iterable[ConceptRelation], report: Report) -> AnnotatedText:
    """The text with ``relations`` as its interactions, spelled out before the relations between mentions that it has
    already. Relations of identifiers that no mention carries are dropped and counted."""
    ids, clusters = concept_clusters([mention.kb_id for mention in text.mentions])
    index = {identifier: i for i, identifier in enumerate(ids) if identifier}

    def find(end: str) -> int | None:
        # the end of a relation may have all the keys of a variant, of which mentions have some
        return next((index[each] for each in (end, *identifiers(end)) if each in index), None)

    interactions = []
    for relation in relations:
        head, tail = find(relation.head), find(relation.tail)
        where = f"{text.name}: {relation.label} of {relation.head} and {relation.tail}"
        if not relation.label:
            report.drop("relation without a label", where)
        elif head is None or tail is None:
            report.drop("relation of a concept that no mention has", where)
        else:
            interactions.append(Interaction(head, tail, relation.label, relation.score, relation.novelty))
    if interactions:
        text.clusters, text.interactions = clusters, interactions
        text.relations = spell_out(text.mentions, clusters, interactions, report) + text.relations
    return text


def concept_relations(text: AnnotatedText) -> tuple[list[ConceptRelation], list[RelationTriple]]:
    """The inverse of :func:`relate_concepts`: relations between identifiers that the interactions state, and the
    relations between mentions that these do not spell out, all of them where clusters have no identifier."""
    clusters, interactions = text.clusters or [], text.interactions or []
    names = name_clusters((mention.kb_id for mention in text.mentions), clusters)
    stated = [each for each in interactions if names[each.head] and names[each.tail]]
    spelled = set(spell_out(text.mentions, clusters, stated, Report()))
    return (
        [ConceptRelation(names[each.head], names[each.tail], *each[2:]) for each in stated],
        [relation for relation in text.relations if relation not in spelled],
    )


def spell_out(
    mentions: Sequence[Mention],
    clusters: Sequence[Sequence[int]],
    interactions: Sequence[Interaction],
    report: Report,
    symmetric: bool = False,
) -> list[RelationTriple]:
    """Relations between mentions, each pair once per label. Where interactions have no direction (``symmetric``), and
    within a cluster, the head is the first in the text."""
    # The same mention may belong to two entities: relations name its first occurrence.
    first = {mention: i for i, mention in reversed(list(enumerate(mentions)))}
    relations: dict[RelationTriple, None] = {}
    for a, b, label, score, *_ in interactions:
        pairs = {(x, y) for x, y in product(*([mentions[i] for i in clusters[c]] for c in (a, b))) if x != y}
        if symmetric or a == b:
            pairs = {(min(pair), max(pair)) for pair in pairs}
        if not pairs:
            report.count("interactions without a pair of mentions, kept as interactions only")
        relations |= {RelationTriple(first[head], first[tail], label, score): None for head, tail in sorted(pairs)}
    return list(relations)
