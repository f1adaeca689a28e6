"""The loss of pairs of spans (KECI, Eq. 10), and the matching probabilities."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..network import to_tensor


def relation_loss(
    logits: Tensor, targets: np.ndarray, multi_label: bool, class_weights: np.ndarray | None = None, hardest: int = 0
) -> Tensor:
    """The sum over pairs of the cross-entropy of their relations; with ``hardest``, of the unrelated pairs only over so
    many for each related pair, those with the highest loss (Liu et al. 2016, Sec. 2.2).

    logits: (pairs, 1 + relation types). targets: same shape, 0 and 1, as from
        :func:`~spacy_keci.ml.relations.targets.relation_targets`, or probabilities; pairs whose row is all 0 are not
        annotated and do not count.
    multi_label: binary cross-entropy (as in the paper), summed over relation labels, instead of cross-entropy over
        labels (as in the authors' program; a pair with several labels shares its mass among them).
    class_weights: (1 + relation types,) weight of pairs with each relation; None: 1 each.
    """
    wanted = to_tensor(targets, logits.device)
    weights = None if class_weights is None else to_tensor(class_weights, logits.device)
    n_labels = wanted.sum(dim=1)
    if multi_label:
        # the weight of a label counts only if the label holds: otherwise it would make the label rarer
        positive = None if weights is None else weights[1:]
        per_label = F.binary_cross_entropy_with_logits(
            logits[:, 1:], wanted[:, 1:], reduction="none", pos_weight=positive
        )
        losses = per_label.sum(dim=1) * (n_labels > 0)
    else:
        shares = wanted / n_labels.clamp(min=1).unsqueeze(1)
        losses = F.cross_entropy(logits, shares, weight=weights, reduction="none")
    if not hardest:
        return losses.sum()
    is_unrelated = wanted[:, 0] > 0.5
    unrelated, n_related = losses[is_unrelated], int(((n_labels > 0) & ~is_unrelated).sum())
    n = min(hardest * max(n_related, 1), len(unrelated))
    return losses[~is_unrelated].sum() + unrelated.topk(n).values.sum()


def relation_probabilities(logits: Tensor, multi_label: bool) -> Tensor:
    """(rows, 1 + relation types) -> same shape, column 0 the probability of "no relation"."""
    if not multi_label:
        return logits.softmax(dim=-1)
    probabilities = logits[:, 1:].sigmoid()
    none = (1 - probabilities).prod(dim=-1, keepdim=True)
    return torch.cat([none, probabilities], dim=-1)
