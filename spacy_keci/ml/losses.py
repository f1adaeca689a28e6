"""The loss of a span graph (KECI, Eq. 10), and the probabilities that go with it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .span_graph import SpanGraphs
from .targets import GoldGraphs, entity_targets, relation_targets

NOT_ANNOTATED = -100


class LossWeights(NamedTuple):
    """Weights of the losses of one graph in the total loss (Eq. 10)."""

    entities: float
    relations: float


def span_graph_loss(
    entity_logits: Tensor,
    relation_logits: Tensor,
    entity_labels: Tensor,
    relations: Tensor,
    weight: LossWeights,
    multi_label: bool,
) -> Tensor:
    """Weighted sum of the cross-entropy of all spans and the cross-entropy of all pairs of kept spans, sums both.

    entity_logits: (spans, 1 + entity types). entity_labels: (spans,), NOT_ANNOTATED where that is so.
    relation_logits: (pairs, 1 + relation types). relations: same shape, 0 and 1, as from :func:`relation_targets`;
        pairs whose row is all 0 are not annotated and do not count.
    multi_label: binary cross-entropy (as in the paper), summed over relation labels, instead of cross-entropy over
        labels (as in the authors' program; a pair with several labels shares its mass among them).
    """
    loss = F.cross_entropy(entity_logits, entity_labels, reduction="sum", ignore_index=NOT_ANNOTATED)
    n_labels = relations.sum(dim=1)
    if multi_label:
        per_label = F.binary_cross_entropy_with_logits(relation_logits[:, 1:], relations[:, 1:], reduction="none")
        relation_loss = per_label[n_labels > 0].sum()
    else:
        shares = relations / n_labels.clamp(min=1).unsqueeze(1)
        relation_loss = F.cross_entropy(relation_logits, shares, reduction="sum")
    return weight.entities * loss + weight.relations * relation_loss


def relation_probabilities(logits: Tensor, multi_label: bool) -> Tensor:
    """(rows, 1 + relation types) -> same shape, column 0 the probability of "no relation"."""
    if not multi_label:
        return logits.softmax(dim=-1)
    probabilities = logits[:, 1:].sigmoid()
    none = (1 - probabilities).prod(dim=-1, keepdim=True)
    return torch.cat([none, probabilities], dim=-1)


def loss_and_gradients(
    output: SpanGraphs,
    candidates: np.ndarray,
    gold: GoldGraphs,
    symmetric: np.ndarray,
    weights: Sequence[LossWeights],
    multi_label: bool,
) -> tuple[float, list[tuple[Tensor, Tensor]]]:
    """The total loss of a batch (Eq. 10), a mean over its annotated documents, and its gradients with regard to both
    kinds of logits of each graph.

    A mean over spans, of which a sentence has hundreds, would leave the encoder with gradients so small that the ε
    of Adam swallows them.

    candidates: (spans, 3) document, start, end. symmetric: (1 + relation labels,).
    weights: one for each graph that is to be learnt, the prior last.
    """
    entity_labels, row = entity_targets(candidates, gold)
    entity_labels[~gold.has_mentions[candidates[:, 0]]] = NOT_ANNOTATED
    n_documents = max(int((gold.has_mentions | gold.has_relations).sum()), 1)
    total, gradients = 0.0, []
    for graph, weight in zip(output.to_learn, weights, strict=True):
        nodes = graph.nodes.cpu().numpy()
        first, second = nodes[graph.first.cpu().numpy()], nodes[graph.second.cpu().numpy()]
        if len(graph.relation_logits) > len(first):
            first, second = np.concatenate([first, second]), np.concatenate([second, first])
        relations = relation_targets(row[first], row[second], gold, symmetric)
        relations[~gold.has_relations[candidates[first, 0]]] = 0
        device = graph.entity_logits.device
        entity_logits = graph.entity_logits.detach().requires_grad_()
        relation_logits = graph.relation_logits.detach().requires_grad_()
        loss = span_graph_loss(
            entity_logits,
            relation_logits,
            torch.from_numpy(entity_labels[graph.scored.cpu().numpy()]).to(device),
            torch.from_numpy(relations).to(device),
            weight,
            multi_label,
        )
        loss = loss / n_documents
        d_entities, d_relations = torch.autograd.grad(loss, (entity_logits, relation_logits), materialize_grads=True)
        gradients.append((d_entities, d_relations))
        total += float(loss.detach())
    return total, gradients
