"""Contrastive learning: vectors with the same label attract, others repel.

The losses come from pytorch-metric-learning; the compared pairs are chosen here.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..feedforward import feedforward
from .negatives import HardNegatives, Vectors, is_positive
from .settings import ContrastiveSettings


class Contrastive(nn.Module):
    """A projection (as in SimCLR, Chen et al. 2020, Sec. 2.1), and the loss of the projected vectors.

    Rows without a label ("none", class 0) repel, but attract nothing: unrelated pairs have nothing in common.
    """

    def __init__(self, width: int, settings: ContrastiveSettings) -> None:
        super().__init__()
        self.settings = settings
        self.projection = feedforward(width, width, 1, settings.width)
        self.negatives = HardNegatives(settings.negatives)
        self.updates = 0
        self._loss = _make_loss(settings)

    def of(self, hidden: Tensor) -> Projected:
        """(rows, width) -> vectors of length 1, to be compared when the labels are known."""
        return Projected(self, F.normalize(self.projection(hidden).float(), dim=1))

    def loss(self, batch: Vectors) -> Tensor:
        """The mean over related rows of a batch (of triplets: over those that are not apart by the margin yet), times
        the number of rows, a scalar; 0 before ``begin`` updates."""
        others, negatives = self.negatives.choose(batch)
        self.updates += 1
        nothing = batch.vectors.sum() * 0.0
        if self.updates <= self.settings.begin:
            return nothing
        attract = is_positive(batch, others)
        repel = negatives >= 0
        n_anchors = int((attract.any(dim=1) & repel.any(dim=1)).sum())
        if not n_anchors:
            return nothing
        if self.settings.loss == "supcon":
            chosen = self._pairs(attract, negatives, repel)
        else:
            chosen = self._triplets(batch, others, attract, negatives, repel)
        mean = self._loss(batch.vectors, indices_tuple=chosen, ref_emb=others.vectors)
        return self.settings.weight * n_anchors * mean

    @staticmethod
    def _pairs(attract: Tensor, negatives: Tensor, repel: Tensor) -> tuple[Tensor, ...]:
        """Anchors and the rows that they attract, anchors and the rows that they repel."""
        both = (attract.any(dim=1) & repel.any(dim=1)).unsqueeze(1)
        anchor, positive = torch.nonzero(attract & both, as_tuple=True)
        other, column = torch.nonzero(repel & both, as_tuple=True)
        return anchor, positive, other, negatives[other, column]

    @staticmethod
    def _triplets(
        batch: Vectors, others: Vectors, attract: Tensor, negatives: Tensor, repel: Tensor
    ) -> tuple[Tensor, ...]:
        """The nearest positive of each anchor, with each of its negatives."""
        with torch.no_grad():
            similar = (batch.vectors @ others.vectors.T).masked_fill(~attract, float("-inf"))
            nearest = similar.argmax(dim=1)
        anchor, column = torch.nonzero(repel & attract.any(dim=1, keepdim=True), as_tuple=True)
        return anchor, nearest[anchor], negatives[anchor, column]


class Projected:
    """The projected vectors of a batch, for the loss when labels are known."""

    def __init__(self, owner: Contrastive, vectors: Tensor) -> None:
        self.owner, self.vectors = owner, vectors

    def loss(self, labels: Tensor, groups: Tensor, keys: Tensor) -> Tensor:
        """labels: (rows,) class, 0 for none, -1 for unknown. groups, keys: as in :class:`Vectors`."""
        return self.owner.loss(Vectors(self.vectors, labels, groups, keys))


def _make_loss(settings: ContrastiveSettings) -> Any:
    try:
        from pytorch_metric_learning import distances, losses  # takes seconds, so only if used
    except ImportError as error:
        raise ImportError(
            "The contrastive loss needs the package pytorch-metric-learning: pip install "
            "'.[contrastive]' in the clone, or set contrastive = null in the model."
        ) from error
    if settings.loss == "supcon":
        return losses.SupConLoss(temperature=settings.temperature)
    return losses.TripletMarginLoss(margin=settings.margin, distance=distances.CosineSimilarity())
