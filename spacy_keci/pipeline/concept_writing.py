"""Write predicted relations of concepts or given mentions on their documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from spacy.tokens import Doc, Span

from ..ml.concept_pairs.graphs import PredictedPairs
from ..ml.concept_pairs.pairs import Bags, Concepts
from ..span_groups import per_mention, set_span_graph
from .concepts import ConceptReader

# the mentions of each concept of a document, by the concept's row; positions among the document's mentions
Clusters = Mapping[int, list[int]]


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
        first_mention = np.cumsum([0, *map(len, mentions)]).tolist()
        clusters: list[dict[int, list[int]]] = [{} for _ in docs]
        for concept, mention in zip(concepts.member_concept.tolist(), concepts.member_mention.tolist(), strict=True):
            d = int(concepts.doc[concept])
            clusters[d].setdefault(concept, []).append(mention - first_mention[d])
        related: list[list[_Related]] = [[] for _ in docs]
        for i, pair in enumerate(predicted.pairs.tolist()):
            d = int(concepts.doc[bags.first[pair]])
            related[d].append(self._read(predicted, i, bags, first_mention[d]))
        for doc, given, of_doc, found in zip(docs, mentions, clusters, related, strict=True):
            self._write(doc, given, of_doc, found, concepts.ids)

    def _read(self, predicted: PredictedPairs, i: int, bags: Bags, first_mention: int) -> _Related:
        """The relation in row i, with the mentions of its document counted from 0."""
        pair, kind, backward = (int(a[i]) for a in (predicted.pairs, predicted.novelty, predicted.backward))
        head, tail = int(bags.first[pair]), int(bags.second[pair])
        evidence: list[list[Any]] = []
        for row, weight in predicted.evidence[i]:
            left, right = int(bags.left[row]) - first_mention, int(bags.right[row]) - first_mention
            evidence.append([right, left, weight] if backward else [left, right, weight])
        return _Related(
            *((tail, head) if backward else (head, tail)),
            label=self.labels[int(predicted.labels[i])],
            score=float(predicted.scores[i]),
            novelty=self.novelties[kind] if kind >= 0 else "",
            evidence=evidence,
            extra={name: values[i] for name, values in predicted.extra.items()},
        )

    def _write(
        self, doc: Doc, given: Sequence[Span], clusters: Clusters, related: Sequence[_Related], ids: Sequence[str]
    ) -> None:
        spans = [Span(doc, m.start, m.end, m.label, kb_id=self.reader.kb_id(m), span_id=m.id) for m in given]
        scores = [1.0] * len(spans)
        if self.source in doc.spans and len(doc.spans[self.source]) == len(spans):
            scores = per_mention(doc.spans[self.source], "scores", 1.0)
        best = self._between_mentions(spans, clusters, related)
        rows = [[*ends, label, each.score] for (*ends, label), each in best.items()]
        attrs: dict[str, Any] = {}
        for (*ends, label), each in best.items():
            for name, value in each.extra.items():
                attrs.setdefault(name, []).append([*ends, label, value.tolist()])
        if self.reader.level == "concept":
            number = {concept: i for i, concept in enumerate(clusters)}
            attrs["clusters"] = list(clusters.values())
            attrs["cluster_ids"] = [ids[concept] for concept in clusters]
            attrs["interactions"] = [
                [number[each.head], number[each.tail], each.label, each.score, each.novelty, each.evidence]
                for each in related
            ]
        set_span_graph(doc, self.spans_key, spans, rows, scores=scores, symmetric=self.symmetric, **attrs)

    def _between_mentions(
        self, spans: Sequence[Span], clusters: Clusters, related: Sequence[_Related]
    ) -> dict[tuple[int, int, str], _Related]:
        """For each relation between two mentions, sorted, the one with the highest score that implies it."""
        place = [(span.start, span.end, i) for i, span in enumerate(spans)]
        best: dict[tuple[int, int, str], _Related] = {}
        for each in related:
            pairs: Iterable[tuple[int, int]] = ((a, b) for a, b, _ in each.evidence)
            if self.spell_out or self.reader.level == "mention":
                pairs = ((a, b) for a, b in product(clusters[each.head], clusters[each.tail]) if a != b)
            for a, b in pairs:
                if each.label in self.symmetric and place[b] < place[a]:
                    a, b = b, a
                key = (a, b, each.label)
                if key not in best or each.score > best[key].score:
                    best[key] = each
        return dict(sorted(best.items()))


class _Related(NamedTuple):
    """A predicted relation between two concepts, by their rows. evidence: pairs of mentions with their weights."""

    head: int
    tail: int
    label: str
    score: float
    novelty: str
    evidence: list[list[Any]]
    extra: dict[str, np.ndarray]
