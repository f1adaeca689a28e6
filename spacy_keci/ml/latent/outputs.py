"""The scores of pairs of mentions for samples of z, with their loss and decoding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ...span_groups import UNCERTAINTIES, VECTORS
from ..concept_pairs.graphs import GoldPairs, PredictedPairs
from ..concept_pairs.outputs import class_labels, decode_pairs, pair_loss
from ..objective import Objective
from ..relations.decoding import RelationRules
from ..relations.loss import relation_probabilities
from .inputs import LatentInput


@dataclass
class LatentScores:
    """logits: (samples, pairs, 1 + classes). vectors: (pairs, latent width) mean of z; in prediction only."""

    logits: Tensor
    vectors: Tensor | None = None

    def loss(self, X: LatentInput, gold: GoldPairs, objective: Objective) -> Tensor:
        """The negative of Eq. 17: the cross-entropy of the pairs, averaged over samples, summed over pairs and averaged
        over annotated documents."""
        samples = len(self.logits)
        targets = np.tile(gold.targets, (samples, 1))
        total = pair_loss(self.logits.flatten(0, 1), targets, objective) / samples
        return total / max(gold.n_documents, 1)

    def decode(self, X: LatentInput, rules: RelationRules) -> PredictedPairs:
        """The relations of the pairs, with rows of the whole input (Eq. 16: the mean is over probabilities, not their
        logarithms), and the standard deviation of each score over samples."""
        samples, pairs, classes = self.logits.shape
        of_samples = relation_probabilities(self.logits.flatten(0, 1), rules.multi_label).view(samples, pairs, classes)
        found = decode_pairs(of_samples.mean(dim=0).cpu().numpy(), rules)
        rows = found.pairs
        if samples > 1:
            scores = of_samples[..., 1:] if rules.multi_label else 1 - of_samples[..., :1]
            spread = scores.std(dim=0, correction=0).cpu().numpy()
            class_ = {ends: i for i, ends in enumerate(zip(*class_labels(rules.symmetric), strict=True))}
            ends = zip(found.labels, found.backward, strict=True)
            found.extra[UNCERTAINTIES] = spread[rows, [class_[each] if rules.multi_label else 0 for each in ends]]
        if self.vectors is not None:
            found.extra[VECTORS] = self.vectors.cpu().numpy()[rows]
        found.pairs = rows + X.first_pair
        return found
