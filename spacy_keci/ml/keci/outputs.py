"""The scores of KECI's networks, with their loss (Eq. 10) and decoding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..graphs import GoldGraphs, PredictedGraphs, SpanGraph
from ..objective import Objective
from ..relations.decoding import RelationRules, decode_relations
from ..relations.loss import relation_loss, relation_probabilities
from ..relations.targets import pair_relation_targets
from ..spans.classifier import entity_loss, is_entity
from ..spans.targets import entity_targets
from .inputs import SpanGraphInput

FINAL_WEIGHT = 2.0  # weight of the losses of the final graph, as in the authors' program


@dataclass
class SpanGraphs:
    """The scores of a network: one graph, or a first and a final one.

    attention: (concepts,) weight β_ij of each concept of the input in the final graph, NaN if its span is not a node;
        None if the network has no attention to concepts.
    concept_types: (concepts, entity types) log-probability of the type of a mention of this concept; None without a
        prior, and in training.
    prior: in training, the prior's scores of spans with knowledge, as a graph without pairs.
    """

    graphs: list[SpanGraph]
    attention: Tensor | None = None
    concept_types: Tensor | None = None
    prior: SpanGraph | None = None

    def loss(self, X: SpanGraphInput, gold: GoldGraphs, objective: Objective) -> Tensor:
        """Eq. 10: the weighted cross-entropies of spans and pairs of all graphs, a mean over annotated documents.

        Not a mean over spans: a sentence has hundreds, and the gradients of the encoder would be too small compared
        with Adam's ε.
        """
        progress = objective.progress
        weights = [1.0, FINAL_WEIGHT * progress][: len(self.graphs)]
        learned = [(graph, weight, progress) for graph, weight in zip(self.graphs, weights, strict=True)]
        if self.prior is not None:
            learned.append((self.prior, 1.0, 0.0))
        labels, row = entity_targets(X.candidates, gold)
        scores = np.append(gold.scores, np.float32(1))[row]
        doc, device = X.candidates[:, 0], self.graphs[0].entity_logits.device
        total = torch.zeros((), device=device)
        for graph, weight, relation_weight in learned:
            scored = graph.scored.cpu().numpy()
            loss = entity_loss(graph.entity_logits, labels[scored], scores[scored])
            nodes, first, second = (each.cpu().numpy() for each in (graph.nodes, graph.first, graph.second))
            both_ways = len(graph.relation_logits) > len(first)
            targets = pair_relation_targets(first, second, both_ways, row[nodes], doc[nodes], gold, objective.symmetric)
            of_pairs = relation_loss(
                graph.relation_logits, targets, objective.multi_label, objective.class_weights(), objective.hardest
            )
            total = total + weight * (loss + relation_weight * of_pairs)
        return total / max(int((gold.has_mentions | gold.has_relations).sum()), 1)

    def decode(self, X: SpanGraphInput, rules: RelationRules, *, initial: bool = False) -> PredictedGraphs:
        """The mentions and relations of the final graph or the first one; for prediction only."""
        graph = self.graphs[0 if initial else -1]
        # double precision: single precision rounds to 1, whose log-odds cannot be calibrated
        types = graph.entity_logits.index_select(0, graph.kept).double().softmax(dim=-1)
        predicted = is_entity(types, X.pruning.threshold).cpu().numpy()
        place = np.cumsum(predicted) - 1
        kept = graph.nodes.cpu().numpy()[predicted]
        entity_scores = types[:, 1:].cpu().numpy()[predicted]
        first, second = graph.first.cpu().numpy(), graph.second.cpu().numpy()
        probabilities = relation_probabilities(graph.relation_logits.double(), rules.multi_label).cpu().numpy()
        among = predicted[first] & predicted[second]
        probabilities = probabilities[np.tile(among, len(probabilities) // max(len(first), 1))]
        relations, scores = decode_relations(place[first[among]], place[second[among]], probabilities, rules)
        return PredictedGraphs(
            spans=X.candidates[kept],
            labels=1 + entity_scores.argmax(axis=1) if len(kept) else np.zeros(0, dtype="int64"),
            scores=entity_scores.max(axis=1) if len(kept) else np.zeros(0, dtype="float32"),
            relations=relations,
            relation_scores=scores,
        )
