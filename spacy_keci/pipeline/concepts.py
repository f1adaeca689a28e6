"""Read the concepts of documents and the gold relations between them, and write predicted relations on documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..alignment import align
from ..identifiers import identifiers, linked
from ..interactions import concept_members, get_interactions
from ..ml.concept_pairs.graphs import GoldPairs, PredictedPairs
from ..ml.concept_pairs.pairs import Bags, Concepts
from ..ml.graphs import NOT_ANNOTATED
from ..ml.spans.targets import look_up
from ..sentences import sentences
from ..span_groups import per_mention, set_span_graph
from ..tokens import Relation, get_concepts, get_relations

# Offsets of a mention, with or without its type, or the identifier of a concept.
Name = tuple[Any, ...] | str
NOT_GIVEN = "relations of concepts or mentions that are not given"


class GoldRelation(NamedTuple):
    """A relation of an example between two mentions or concepts.

    novelty: empty if unknown. score: below 1 for the probability that another model gave it.
    """

    head: Name
    tail: Name
    label: str
    novelty: str = ""
    score: float = 1.0


@dataclass(frozen=True)
class ConceptReader:
    """Finds the concepts that mentions name.

    by_mention: whether each mention is a concept of its own. concepts_key: the span group in which mentions without an
    identifier take the first candidate with their offsets; None for no group. type_numbers: number of each type, from
    1.
    """

    by_mention: bool
    concepts_key: str | None
    type_numbers: dict[str, int]

    def __call__(self, docs: Sequence[Doc], mentions: Sequence[Sequence[Span]]) -> Concepts:
        """The concepts of a batch. The rows of mentions are the given ones, document by document."""
        rows: list[tuple[int, int, int]] = []
        types: list[int] = []
        of_sentence: list[int] = []
        of_concept: list[tuple[int, int]] = []
        members: list[tuple[int, int]] = []
        ids: list[str] = []
        for d, (doc, given) in enumerate(zip(docs, mentions, strict=True)):
            first = len(rows)
            rows += [(d, span.start, span.end) for span in given]
            types += [self.type_numbers.get(span.label_, 0) for span in given]
            of_sentence += _sentence_numbers(doc, given)
            for id, positions in self._clusters(given):
                held = [first + i for i in positions if given[i].start < given[i].end]
                if held:
                    members += [(len(ids), i) for i in held]
                    of_concept.append((d, types[held[0]]))
                    ids.append(id)
        return Concepts(
            mentions=_array(rows, 3),
            sentences=np.array(of_sentence, dtype="int64"),
            doc=_array(of_concept, 2)[:, 0],
            types=_array(of_concept, 2)[:, 1],
            member_concept=_array(members, 2)[:, 0],
            member_mention=_array(members, 2)[:, 1],
            ids=ids,
        )

    def kb_id(self, mention: Span) -> str:
        """The identifier of a mention, or the linker's first candidate; empty if there is neither."""
        own = linked(mention.kb_id_)
        if own or self.concepts_key is None:
            return own
        return next((concept.id for concept in get_concepts(mention, self.concepts_key)), "")

    def _clusters(self, given: Sequence[Span]) -> list[tuple[str, list[int]]]:
        if self.by_mention:
            return [(f"{m.start}:{m.end}:{m.label_}", [i]) for i, m in enumerate(given)]
        return [*concept_members(self.kb_id(m) for m in given).items()]


def pair_keys(docs: Sequence[Doc], concepts: Concepts, bags: Bags, by_mention: bool) -> tuple[np.ndarray, np.ndarray]:
    """For each pair, a number that is unique in the corpus, and a number shared by all pairs of the same two concepts:
    those with the same identifiers or, if each mention is a concept, the same two texts."""
    texts = [doc.text for doc in docs]
    names = concepts.ids
    if by_mention:
        spans = concepts.mentions[concepts.member_mention]
        names = [docs[d][start:end].text.lower() for d, start, end in spans.tolist()]
    keys, groups = [], []
    for first, second in zip(bags.first.tolist(), bags.second.tolist(), strict=True):
        text = texts[int(concepts.doc[first])]
        keys.append(_number(text, concepts.ids[first], concepts.ids[second]))
        groups.append(_number(*sorted((names[first], names[second]))))
    return np.array(keys, dtype="int64"), np.array(groups, dtype="int64")


def gold_relations(example: Example, spans_key: str, by_mention: bool) -> list[GoldRelation] | None:
    """The relations of the reference, without duplicates; None if relations are not annotated."""
    reference = example.reference
    attrs = reference.spans[spans_key].attrs if spans_key in reference.spans else {}
    if not by_mention and "interactions" in attrs:
        stated = get_interactions(reference, spans_key)
        return list(dict.fromkeys(GoldRelation(r.head, r.tail, r.label, r.novelty, r.score) for r in stated))
    if "relations" not in attrs:
        return None
    if not by_mention:
        return list(dict.fromkeys(_of_concepts(get_relations(reference, spans_key))))
    aligned = align(example, spans_key)
    # those that do not begin and end on tokens get names that no mention has
    names = [(-1, i, "") if s is None else (s.start, s.end, s.label_) for i, s in enumerate(aligned.spans)]
    return list(dict.fromkeys(GoldRelation(names[h], names[t], label) for h, t, label in aligned.relations))


def _of_concepts(relations: Iterable[Relation]) -> Iterator[GoldRelation]:
    """Relations between mentions as relations between their concepts."""
    for relation in relations:
        for head, tail in product(identifiers(relation.head.kb_id_), identifiers(relation.tail.kb_id_)):
            yield GoldRelation(head, tail, relation.label)


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

        relations: of each document. Raises ValueError for an unknown label.
        """
        counts = unreachable if unreachable is not None else Counter()
        found: list[tuple[int, int, int, int]] = []
        scores: list[float] = []
        by_name = _rows_by_name(concepts, len(relations))
        for names, of_doc in zip(by_name, relations, strict=True):
            for head, tail, label, novelty, score in of_doc or ():
                if label not in self.forward:
                    raise ValueError(
                        f"Unknown relation label {label!r}. The component was initialized with "
                        f"{', '.join(self.forward) or 'none'}. Add it to the component's labels "
                        "([initialize.components.NAME.labels]) and train again, or remove it from the corpus."
                    )
                ends = _find(names, head), _find(names, tail)
                if None in ends:
                    counts[NOT_GIVEN] += 1
                elif ends[0] == ends[1]:
                    counts["relations of a concept with itself"] += 1
                else:
                    found.append((*ends, self.forward[label], self.novelty.get(novelty, NOT_ANNOTATED)))  # type: ignore[arg-type]
                    scores.append(score)
        annotated = np.array([of_doc is not None for of_doc in relations], dtype=bool)
        targets = np.zeros((len(bags), 1 + self.n_classes), dtype="float32")
        novelties = np.full(len(bags), NOT_ANNOTATED, dtype="int64")
        rows = _array(found, 4)
        n = max(len(concepts.doc), 1)
        table = bags.first * n + bags.second
        straight, turned = look_up(rows[:, 0] * n + rows[:, 1], table), look_up(rows[:, 1] * n + rows[:, 0], table)
        backward = np.zeros(1 + len(self.forward), dtype="int64")
        for label, number in self.forward.items():
            backward[number] = self.backward[label]
        class_ = np.where(straight >= 0, rows[:, 2], backward[rows[:, 2]])
        pair = np.maximum(straight, turned)
        reached = pair >= 0
        counts["relations of pairs that are not scored (types, distance or sentence)"] += int((~reached).sum())
        targets[pair[reached], class_[reached]] = np.array(scores, dtype="float32")[reached]
        novelties[pair[reached]] = rows[reached, 3]
        targets[:, 0] = (1 - targets.sum(axis=1)).clip(min=0)
        if len(bags):
            targets[~annotated[concepts.doc[bags.first]]] = 0
        return GoldPairs(targets, novelties, int(annotated.sum()))


@dataclass(frozen=True)
class RelationWriter:
    """Writes predicted relations to ``doc.spans[spans_key]``, replacing previous ones.

    source: where the mentions and their scores were read. novelties: possible values of novelty.
    spell_out: whether ``relations`` has all mention pairs of two related concepts; otherwise only the evidence.
    """

    spans_key: str
    source: str | None
    reader: ConceptReader
    labels: Sequence[str]
    symmetric: Sequence[str]
    novelties: Sequence[str]
    spell_out: bool

    def __call__(
        self,
        docs: Sequence[Doc],
        mentions: Sequence[Sequence[Span]],
        concepts: Concepts,
        bags: Bags,
        predicted: PredictedPairs,
    ) -> None:
        """mentions: of each document, the mentions from which ``concepts`` were read."""
        firsts = np.cumsum([0, *map(len, mentions)])  # mentions
        clusters: list[dict[int, list[int]]] = [{} for _ in docs]
        for concept, mention in zip(concepts.member_concept.tolist(), concepts.member_mention.tolist(), strict=True):
            d = int(concepts.doc[concept])
            clusters[d].setdefault(concept, []).append(mention - int(firsts[d]))
        rows: list[list[tuple[int, int, str, float, str, list[list[Any]]]]] = [[] for _ in docs]
        extra: list[list[dict[str, Any]]] = [[] for _ in docs]
        for i, pair in enumerate(predicted.pairs.tolist()):
            head, tail = int(bags.first[pair]), int(bags.second[pair])
            d, turned = int(concepts.doc[head]), bool(predicted.backward[i])
            label, kind = self.labels[int(predicted.labels[i])], int(predicted.novelty[i])
            novelty = self.novelties[kind] if kind >= 0 else ""
            ends = (tail, head) if turned else (head, tail)
            evidence: list[list[Any]] = []
            for row, weight in predicted.evidence[i]:
                left, right = int(bags.left[row] - firsts[d]), int(bags.right[row] - firsts[d])
                evidence.append([right, left, weight] if turned else [left, right, weight])
            rows[d].append((*ends, label, float(predicted.scores[i]), novelty, evidence))
            extra[d].append({name: values[i] for name, values in predicted.extra.items()})
        for doc, given, of_doc, related, others in zip(docs, mentions, clusters, rows, extra, strict=True):
            self._write(doc, given, of_doc, related, others, concepts.ids)

    def _write(
        self,
        doc: Doc,
        given: Sequence[Span],
        clusters: dict[int, list[int]],
        related: list,
        extra: list[dict[str, Any]],
        ids: list[str],
    ) -> None:
        spans = [Span(doc, m.start, m.end, m.label, kb_id=self.reader.kb_id(m), span_id=m.id) for m in given]
        scores = [1.0] * len(spans)
        if self.source in doc.spans and len(doc.spans[self.source]) == len(spans):
            scores = per_mention(doc.spans[self.source], "scores", 1.0)
        attrs: dict[str, Any] = {}
        position = [(span.start, span.end, i) for i, span in enumerate(spans)]
        relations: dict[tuple[int, int, str], tuple[float, int]] = {}
        for number, (head, tail, label, score, _, evidence) in enumerate(related):
            pairs: Iterable[tuple[int, int]] = ((a, b) for a, b, _ in evidence)
            if self.spell_out or self.reader.by_mention:
                pairs = ((a, b) for a, b in product(clusters[head], clusters[tail]) if a != b)
            for a, b in pairs:
                if label in self.symmetric and position[b] < position[a]:
                    a, b = b, a
                if (a, b, label) not in relations or score > relations[a, b, label][0]:
                    relations[a, b, label] = score, number
        rows = [[a, b, label, score] for (a, b, label), (score, _) in sorted(relations.items())]
        for (a, b, label), (_, number) in sorted(relations.items()):
            for name, value in extra[number].items():
                attrs.setdefault(name, []).append([a, b, label, value.tolist()])
        if not self.reader.by_mention:
            position_of = {concept: i for i, concept in enumerate(clusters)}
            attrs["clusters"] = list(clusters.values())
            attrs["cluster_ids"] = [ids[concept] for concept in clusters]
            attrs["interactions"] = [[position_of[head], position_of[tail], *rest] for head, tail, *rest in related]
        set_span_graph(doc, self.spans_key, spans, rows, scores=scores, symmetric=self.symmetric, **attrs)


def _rows_by_name(concepts: Concepts, n_docs: int) -> list[dict[Name, int]]:
    """For each document, the row of each concept by identifier and by the offsets of its first mention."""
    names: list[dict[Name, int]] = [{} for _ in range(n_docs)]
    firsts = concepts.firsts.tolist()
    for row, (d, id) in enumerate(zip(concepts.doc.tolist(), concepts.ids, strict=True)):
        names[d].setdefault(id, row)
        _, start, end = concepts.mentions[concepts.member_mention[firsts[row]]].tolist()
        names[d].setdefault((start, end), row)
    return names


def _find(names: dict[Name, int], name: Name) -> int | None:
    if isinstance(name, str):
        return names.get(name)
    start, end, label = name
    return names.get(f"{start}:{end}:{label}", names.get((start, end)))


def _sentence_numbers(doc: Doc, given: Sequence[Span]) -> list[int]:
    """The sentence in which each mention begins."""
    if not given:
        return []
    starts = np.array([sentence.start for sentence in sentences(doc)], dtype="int64")
    return (np.searchsorted(starts, [m.start for m in given], side="right") - 1).tolist()


def _number(*parts: str) -> int:
    """A number of 63 bits, the same in every process."""
    return int.from_bytes(blake2b("\n".join(parts).encode(), digest_size=8).digest(), "big") >> 1


def _array(rows: Sequence[Any], width: int) -> np.ndarray:
    return np.array(rows, dtype="int64").reshape(-1, width)
