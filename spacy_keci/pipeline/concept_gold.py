"""The gold relations of pairs of concepts or mentions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from spacy.tokens import Span
from spacy.training import Example

from ..alignment import align
from ..identifiers import identifiers
from ..interactions import get_interactions
from ..ml.concept_pairs.graphs import GoldPairs
from ..ml.concept_pairs.pairs import Bags, Concepts
from ..ml.graphs import NOT_ANNOTATED
from ..ml.spans.targets import look_up
from ..tokens import Relation, get_relations
from .concepts import Level
from .gold import NEW_LABELS

# Offsets of a mention, with or without its type, or the identifier of a concept.
Name = tuple[Any, ...] | str
NOT_GIVEN = "relations of concepts or mentions that are not given"
NOT_SCORED = "relations of pairs that are not scored (types, distance or sentence)"


class GoldRelation(NamedTuple):
    """A relation of an example between two mentions or concepts.

    novelty: empty if unknown. score: the probability to learn, below 1 for that of another model.
    """

    head: Name
    tail: Name
    label: str
    novelty: str = ""
    score: float = 1.0


def gold_relations(
    example: Example, spans_key: str, level: Level, *, learn_scores: bool = False
) -> list[GoldRelation] | None:
    """The relations of the reference, without duplicates; None if relations are not annotated.

    learn_scores: whether they keep their scores; otherwise all are 1.
    """
    found = _all_relations(example, spans_key, level)
    if found is None:
        return None
    return list(dict.fromkeys(found if learn_scores else (each._replace(score=1.0) for each in found)))


def _all_relations(example: Example, spans_key: str, level: Level) -> list[GoldRelation] | None:
    reference = example.reference
    attrs = reference.spans[spans_key].attrs if spans_key in reference.spans else {}
    if level == "concept" and "interactions" in attrs:
        stated = get_interactions(reference, spans_key)
        return [GoldRelation(r.head, r.tail, r.label, r.novelty, r.score) for r in stated]
    if "relations" not in attrs:
        return None
    if level == "concept":
        return [*_of_concepts(get_relations(reference, spans_key))]
    aligned = align(example, spans_key)
    # those that do not begin and end on tokens get names that no mention has
    names = [(-1, i, "") if s is None else (s.start, s.end, s.label_) for i, s in enumerate(aligned.spans)]
    return [GoldRelation(names[h], names[t], label, score=score) for h, t, label, score in aligned.relations]


def _of_concepts(relations: Iterable[Relation]) -> Iterator[GoldRelation]:
    """Relations between mentions as relations between their concepts."""
    for relation in relations:
        for head, tail in product(_concepts(relation.head), _concepts(relation.tail)):
            yield GoldRelation(head, tail, relation.label, score=relation.score)


def _concepts(mention: Span) -> Sequence[Name]:
    """The identifiers of a mention; without any, a name that no concept has."""
    return identifiers(mention.kb_id_) or [(-1, mention.start, mention.end)]


class ConceptGold:
    """Finds gold relations among the pairs of an input.

    labels: of relations. directed: labels with a direction. novelties: possible values of novelty.
    """

    def __init__(self, labels: Sequence[str], directed: Sequence[str], novelties: Sequence[str]) -> None:
        self.forward = {label: 1 + i for i, label in enumerate(labels)}
        self.backward = self.forward | {label: 1 + len(labels) + i for i, label in enumerate(directed)}
        self.novelty = {each: i for i, each in enumerate(novelties)}
        self.n_classes = len(labels) + len(directed)

    def __call__(
        self,
        relations: Sequence[list[GoldRelation] | None],
        concepts: Concepts,
        bags: Bags,
        unreachable: Counter[str] | None = None,
    ) -> GoldPairs:
        """The targets of the pairs. Relations that fit no pair are counted in ``unreachable``, by reason.

        A relation with a score below 1 is a target of that probability; the rest is for no relation.
        relations: of each document. Raises ValueError for an unknown label.
        """
        counts = unreachable if unreachable is not None else Counter()
        targets = np.zeros((len(bags), 1 + self.n_classes), dtype="float32")
        novelties = np.full(len(bags), NOT_ANNOTATED, dtype="int64")
        found = list(self._find(relations, concepts, counts))
        ends = np.array([(each.head, each.tail) for each in found], dtype="int64").reshape(-1, 2)
        pairs, is_turned = _find_pairs(bags, ends, len(concepts.doc))
        for pair, turned, (_, _, relation) in zip(pairs.tolist(), is_turned.tolist(), found, strict=True):
            if pair < 0:
                counts[NOT_SCORED] += 1
                continue
            class_ = (self.backward if turned else self.forward)[relation.label]
            targets[pair, class_] = max(targets[pair, class_], relation.score)
            novelties[pair] = self.novelty.get(relation.novelty, NOT_ANNOTATED)
        targets[:, 0] = (1 - targets.sum(axis=1)).clip(min=0)
        annotated = np.array([of_doc is not None for of_doc in relations], dtype=bool)
        if len(bags):
            targets[~annotated[concepts.doc[bags.first]]] = 0
        return GoldPairs(targets, novelties, int(annotated.sum()))

    def _find(
        self, relations: Sequence[list[GoldRelation] | None], concepts: Concepts, counts: Counter[str]
    ) -> Iterator[_Found]:
        """The relations between two given concepts."""
        for names, of_doc in zip(_rows_by_name(concepts, len(relations)), relations, strict=True):
            for relation in of_doc or ():
                if relation.label not in self.forward:
                    raise ValueError(
                        f"Unknown relation label {relation.label!r}. The component was initialized with "
                        f"{', '.join(self.forward) or 'none'}. {NEW_LABELS}"
                    )
                head, tail = _find_row(names, relation.head), _find_row(names, relation.tail)
                if head is None or tail is None:
                    counts[NOT_GIVEN] += 1
                elif head == tail:
                    counts["relations of a concept with itself"] += 1
                else:
                    yield _Found(head, tail, relation)


class _Found(NamedTuple):
    """A relation with the rows of its concepts."""

    head: int
    tail: int
    relation: GoldRelation


def _find_pairs(bags: Bags, ends: np.ndarray, n_concepts: int) -> tuple[np.ndarray, np.ndarray]:
    """(relations,) the pair of each relation, -1 for none, and whether the pair begins with its tail.

    ends: (relations, 2) rows of head and tail.
    """
    n = max(n_concepts, 1)
    table = bags.first * n + bags.second
    head, tail = ends.T
    straight, turned = look_up(head * n + tail, table), look_up(tail * n + head, table)
    return np.maximum(straight, turned), straight < 0


def _rows_by_name(concepts: Concepts, n_docs: int) -> list[dict[Name, int]]:
    """For each document, the row of each concept by identifier and by the offsets of its first mention."""
    names: list[dict[Name, int]] = [{} for _ in range(n_docs)]
    firsts = concepts.firsts.tolist()
    for row, (d, id) in enumerate(zip(concepts.doc.tolist(), concepts.ids, strict=True)):
        names[d].setdefault(id, row)
        _, start, end = concepts.mentions[concepts.member_mention[firsts[row]]].tolist()
        names[d].setdefault((start, end), row)
    return names


def _find_row(names: dict[Name, int], name: Name) -> int | None:
    if isinstance(name, str):
        return names.get(name)
    start, end, label = name
    return names.get(f"{start}:{end}:{label}", names.get((start, end)))
