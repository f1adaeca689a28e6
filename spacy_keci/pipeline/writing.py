"""Write predicted span graphs to their documents as groups of spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from spacy.tokens import Doc, Span

from ..ml.graphs import PredictedGraphs
from ..span_groups import set_span_graph
from .mentions import find_mentions, read_mentions, read_scores

if TYPE_CHECKING:
    from .predictor import Predictor


def write_graphs(
    component: Predictor,
    docs: Sequence[Doc],
    graphs: PredictedGraphs,
    spans_key: str,
    concepts: Sequence[Mapping[tuple[int, int], str]],
) -> None:
    """Write the graphs that a component predicted to ``doc.spans[spans_key]``, replacing previous ones. Given mentions
    are all written, with the scores that they have.

    concepts: of each document, the concept of each mention that has one, by start and end.
    """
    labels, relation_labels, entities_from = component.labels, component.relation_labels, component.entities_from
    end_of_doc = np.searchsorted(graphs.spans[:, 0], np.arange(len(docs)), side="right").tolist()
    first_relation = np.searchsorted(graphs.relations[:, 0], [0, *end_of_doc]).tolist()
    spans, scores = graphs.spans.tolist(), graphs.scores.tolist()
    types = [labels[label - 1] for label in graphs.labels.tolist()]
    relations, relation_scores = graphs.relations.tolist(), graphs.relation_scores.tolist()
    begin = 0
    for d, (doc, end) in enumerate(zip(docs, end_of_doc, strict=True)):
        nodes = [
            (start, stop, label) for (_, start, stop), label in zip(spans[begin:end], types[begin:end], strict=True)
        ]
        if entities_from is None:
            mentions = [Span(doc, *node, kb_id=concepts[d].get(node[:2], "")) for node in nodes]
            mention_scores, mention_of_node = scores[begin:end], list(range(len(nodes)))
        else:
            given = read_mentions(doc, entities_from)
            mentions = [
                Span(doc, m.start, m.end, m.label, kb_id=concepts[d].get((m.start, m.end), m.kb_id_), span_id=m.id)
                for m in given
            ]
            mention_scores, mention_of_node = read_scores(doc, entities_from), find_mentions(given, nodes)
        of_doc = slice(*first_relation[d : d + 2])
        rows = [
            [mention_of_node[head - begin], mention_of_node[tail - begin], relation_labels[label - 1], score]
            for (head, tail, label), score in zip(relations[of_doc], relation_scores[of_doc], strict=True)
        ]
        set_span_graph(doc, spans_key, mentions, rows, scores=mention_scores, symmetric=component.symmetric)
        begin = end


def types_of_mentions(graphs: PredictedGraphs, n_docs: int) -> list[dict[tuple[int, int], int]]:
    """The entity type of each mention, from 0, by document and by start and end."""
    types: list[dict[tuple[int, int], int]] = [{} for _ in range(n_docs)]
    for (doc, start, end), label in zip(graphs.spans.tolist(), graphs.labels.tolist(), strict=True):
        types[doc][start, end] = label - 1
    return types
