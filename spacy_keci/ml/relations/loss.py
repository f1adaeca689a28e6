"""The loss of pairs of spans (KECI, Eq. 10), and the probabilities that go with it."""

import torch
from torch import Tensor
from torch.nn import functional as F


def relation_loss(logits: Tensor, targets: Tensor, multi_label: bool) -> Tensor:
    """The sum over pairs of the cross-entropy of their relations.

    logits: (pairs, 1 + relation types). targets: same shape, 0 and 1, as from
        :func:`~spacy_keci.ml.relations.targets.relation_targets`; pairs whose row is all 0 are not annotated and do
        not count.
    multi_label: binary cross-entropy (as in the paper), summed over relation labels, instead of cross-entropy over
        labels (as in the authors' program; a pair with several labels shares its mass among them).
    """
    n_labels = targets.sum(dim=1)
    if multi_label:
        per_label = F.binary_cross_entropy_with_logits(logits[:, 1:], targets[:, 1:], reduction="none")
        return per_label[n_labels > 0].sum()
    shares = targets / n_labels.clamp(min=1).unsqueeze(1)
    return F.cross_entropy(logits, shares, reduction="sum")


def relation_probabilities(logits: Tensor, multi_label: bool) -> Tensor:
    """(rows, 1 + relation types) -> same shape, column 0 the probability of "no relation"."""
    if not multi_label:
        return logits.softmax(dim=-1)
    probabilities = logits[:, 1:].sigmoid()
    none = (1 - probabilities).prod(dim=-1, keepdim=True)
    return torch.cat([none, probabilities], dim=-1)
