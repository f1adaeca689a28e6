"""The loss of a span graph (KECI, Eq. 10), and the probabilities that go with it."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .span_graph import SpanGraph
from .targets import GoldGraphs, entity_targets, relation_targets

NOT_ANNOTATED = -100


def span_graph_loss(
    entity_logits: Tensor,
    relation_logits: Tensor,
    entity_labels: Tensor,
    relations: Tensor,
    relation_weight: float,
    multi_label: bool,
) -> Tensor:
    """Cross-entropy of all spans, plus cross-entropy of all pairs of kept spans: sums.

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
    return loss + relation_weight * relation_loss


def relation_probabilities(logits: Tensor, multi_label: bool) -> Tensor:
    """(rows, 1 + relation types) -> same shape, column 0 the probability of "no relation"."""
    if not multi_label:
        return logits.softmax(dim=-1)
    probabilities = logits[:, 1:].sigmoid()
    none = (1 - probabilities).prod(dim=-1, keepdim=True)
    return torch.cat([none, probabilities], dim=-1)


def loss_and_gradients(
    graph: SpanGraph,
    candidates: np.ndarray,
    gold: GoldGraphs,
    symmetric: np.ndarray,
    relation_weight: float,
    multi_label: bool,
) -> tuple[float, tuple[Tensor, Tensor]]:
    """The loss of a batch, a mean over its annotated documents, and its gradients with regard to both kinds of logits.

    A mean over spans, of which a sentence has hundreds, would leave the encoder with gradients so small that the ε
    of Adam swallows them.

    candidates: (spans, 3) document, start, end. symmetric: (1 + relation labels,).
    """
    entity_labels, row = entity_targets(candidates, gold)
    kept = graph.kept.cpu().numpy()
    first, second = kept[graph.first.cpu().numpy()], kept[graph.second.cpu().numpy()]
    if len(graph.relation_logits) > len(first):
        first, second = np.concatenate([first, second]), np.concatenate([second, first])
    relations = relation_targets(row[first], row[second], gold, symmetric)
    relations[~gold.has_relations[candidates[first, 0]]] = 0
    entity_labels[~gold.has_mentions[candidates[:, 0]]] = NOT_ANNOTATED
    device = graph.entity_logits.device
    entity_logits = graph.entity_logits.detach().requires_grad_()
    relation_logits = graph.relation_logits.detach().requires_grad_()
    loss = span_graph_loss(
        entity_logits,
        relation_logits,
        torch.from_numpy(entity_labels).to(device),
        torch.from_numpy(relations).to(device),
        relation_weight,
        multi_label,
    ) / max(int(gold.has_mentions.sum()), 1)
    d_entities, d_relations = torch.autograd.grad(loss, (entity_logits, relation_logits), materialize_grads=True)
    return float(loss.detach()), (d_entities, d_relations)
