"""The entity type of each candidate span (KECI, Eq. 2). Class 0 is "no entity"."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..feedforward import feedforward, start_from_none
from ..graphs import NOT_ANNOTATED
from ..network import to_tensor


class EntityClassifier(nn.Module):
    """Logits of FFNN_e(s_i) (Eq. 2): (spans, span width) -> (spans, 1 + entity types)."""

    def __init__(self, span_width: int, *, hidden_width: int, depth: int, n_labels: int):
        super().__init__()
        self.layers = feedforward(span_width, hidden_width, depth, 1 + n_labels)
        start_from_none(self.layers[-1])

    def forward(self, spans: Tensor) -> Tensor:
        return self.layers(spans).float()


def entity_loss(logits: Tensor, labels: np.ndarray, scores: np.ndarray) -> Tensor:
    """The sum of the cross-entropies of spans; what a score leaves of 1 is the probability of "none".

    logits: (spans, 1 + entity types). labels: (spans,), ``NOT_ANNOTATED`` for spans that do not count. scores: (spans,)
        the probability of the label.
    """
    wanted = to_tensor(labels, logits.device)
    losses = F.cross_entropy(logits, wanted, reduction="none", ignore_index=NOT_ANNOTATED)
    uncertain = np.flatnonzero((scores < 1) & (labels != NOT_ANNOTATED))
    if len(uncertain):
        rows, of_label = to_tensor(uncertain, logits.device), to_tensor(scores[uncertain], logits.device)
        of_none = F.cross_entropy(logits[rows], torch.zeros_like(rows), reduction="none")
        losses = losses.index_put((rows,), of_label * losses[rows] + (1 - of_label) * of_none)
    return losses.sum()


def apply_given(entity_logits: Tensor, given: Tensor | None) -> Tensor:
    """(spans, 1 + entity types) -> same shape. given: (spans,) of bool; given mentions cannot be "none", and other
    spans can only be "none". None if mentions are predicted."""
    if given is None:
        return entity_logits
    impossible = ~given.unsqueeze(1).expand_as(entity_logits).clone()
    impossible[:, 0] = given
    return entity_logits.masked_fill(impossible, float("-inf"))


def is_entity(probabilities: Tensor, threshold: np.ndarray | None) -> Tensor:
    """(spans, 1 + entity types) -> (spans,): whether a span is predicted to be an entity of its most probable type.

    threshold: (entity types,) minimum probability of each type; NaN for a type, or None for all, if it must only be
        more probable than "none".
    """
    best, label = probabilities[:, 1:].max(dim=-1)
    is_best = best > probabilities[:, 0]
    if threshold is None:
        return is_best
    minimum = torch.as_tensor(threshold, dtype=best.dtype, device=best.device)[label]
    return torch.where(minimum.isnan(), is_best, best >= minimum)
