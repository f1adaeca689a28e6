"""The loss of a span graph (KECI, Eq. 10), and the probabilities that go with it."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .span_graph import SpanGraph
from .targets import GoldGraphs, entity_targets, relation_targets


def span_graph_loss(
    entity_logits: Tensor,
    relation_logits: Tensor,
    entity_labels: Tensor,
    relations: Tensor,
    relation_weight: float,
    multi_label: bool,
) -> Tensor:
    """Mean cross-entropy over all spans, plus mean cross-entropy over all pairs of kept spans.

    entity_logits: (spans, 1 + entity types). entity_labels: (spans,).
    relation_logits: (pairs, 1 + relation types). relations: same shape, 0 and 1, as from :func:`relation_targets`;
        pairs whose row is all 0 are not annotated and do not count.
    multi_label: binary cross-entropy per relation label (as in the paper) instead of cross-entropy over labels
        (as in the authors' program; a pair with several labels shares its mass among them).
    """
    loss = F.cross_entropy(entity_logits, entity_labels)
    weights = relations.sum(dim=1)
    annotated = weights > 0
    n_annotated = int(annotated.sum())
    if n_annotated == 0 or relations.shape[1] == 1:
        return loss
    if multi_label:
        per_label = F.binary_cross_entropy_with_logits(relation_logits[:, 1:], relations[:, 1:], reduction="none")
        per_pair = per_label.mean(dim=1) * annotated
    else:
        shares = relations / weights.clamp(min=1).unsqueeze(1)
        per_pair = F.cross_entropy(relation_logits, shares, reduction="none")
    return loss + relation_weight * per_pair.sum() / n_annotated


def relation_probabilities(logits: Tensor, multi_label: bool) -> Tensor:
    """(rows, 1 + relation types) -> same shape, column 0 the probability of "no relation"."""
    if not multi_label:
        return logits.softmax(dim=-1)
    probabilities = logits.sigmoid()
    return torch.cat([1 - probabilities[:, 1:].amax(dim=-1, keepdim=True), probabilities[:, 1:]], dim=-1)


def loss_and_gradients(
    graph: SpanGraph,
    candidates: np.ndarray,
    gold: GoldGraphs,
    symmetric: np.ndarray,
    relation_weight: float,
    multi_label: bool,
) -> tuple[float, tuple[Tensor, Tensor]]:
    """The loss of a batch and its gradients with regard to ``entity_logits`` and ``relation_logits``.

    candidates: (spans, 3) document, start, end. symmetric: (1 + relation labels,).
    """
    entity_labels, row = entity_targets(candidates, gold)
    kept = graph.kept.cpu().numpy()
    first, second = kept[graph.first.cpu().numpy()], kept[graph.second.cpu().numpy()]
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
        torch.from_numpy(entity_labels).to(device),
        torch.from_numpy(relations).to(device),
        relation_weight,
        multi_label,
    )
    d_entities, d_relations = torch.autograd.grad(loss, (entity_logits, relation_logits), materialize_grads=True)
    return float(loss.detach()), (d_entities, d_relations)
