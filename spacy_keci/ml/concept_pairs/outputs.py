"""The scores of pairs of concepts, with their loss and decoding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from ..contrastive.loss import Projected
from ..graphs import NOT_ANNOTATED
from ..network import to_tensor
from ..objective import Objective
from ..relations.decoding import RelationRules
from ..relations.loss import relation_loss, relation_probabilities
from .graphs import GoldPairs, PredictedPairs
from .inputs import ConceptPairInput

# weight of the loss of novelty relative to that of relations
NOVELTY_WEIGHT = 0.5
# maximum number of mention pairs given as evidence of a relation
EVIDENCE = 3


@dataclass
class PairScores:
    """logits: (pairs, 1 + classes). weights: (mention pairs,) weight of each in its pair.

    novelty: (pairs, kinds) logits, or None. projected: in training with a contrastive loss, the vectors of the pairs.
    """

    logits: Tensor
    weights: Tensor
    novelty: Tensor | None = None
    projected: Projected | None = None

    def loss(self, X: ConceptPairInput, gold: GoldPairs, objective: Objective) -> Tensor:
        """The cross-entropy of the pairs and of the novelty of related ones, and the contrastive loss: sums over pairs,
        averaged over annotated documents."""
        device = self.logits.device
        total = pair_loss(self.logits, gold.targets, objective)
        if self.novelty is not None:
            kinds = to_tensor(gold.novelty, device)
            of_novelty = F.cross_entropy(self.novelty, kinds, reduction="sum", ignore_index=NOT_ANNOTATED)
            total = total + NOVELTY_WEIGHT * of_novelty
        if self.projected is not None:
            assert X.keys is not None and X.groups is not None
            labels = gold.targets.argmax(axis=1)
            labels[gold.targets.sum(axis=1) == 0] = -1
            total = total + self.projected.loss(*(to_tensor(a, device) for a in (labels, X.groups, X.keys)))
        return total / max(gold.n_documents, 1)

    def decode(self, X: ConceptPairInput, rules: RelationRules) -> PredictedPairs:
        """The relations of the pairs, in the rows of the whole input; see :func:`decode_pairs`."""
        probabilities = relation_probabilities(self.logits.double(), rules.multi_label).cpu().numpy()
        found = decode_pairs(probabilities, rules)
        if self.novelty is not None:
            found.novelty = self.novelty.argmax(dim=1).cpu().numpy()[found.pairs]
        found.evidence = self._evidence(X, found.pairs)
        found.pairs = found.pairs + X.first_pair
        return found

    def _evidence(self, X: ConceptPairInput, pairs: np.ndarray) -> list[list[tuple[int, float]]]:
        """For each of these pairs, the rows of its mention pairs in the whole input, with their weights."""
        weights = self.weights.cpu().numpy()
        begin, end = np.searchsorted(X.bags.pair, pairs), np.searchsorted(X.bags.pair, pairs, side="right")
        found = []
        for first, last in zip(begin.tolist(), end.tolist(), strict=True):
            best = np.argsort(-weights[first:last], kind="stable")[:EVIDENCE]
            found.append([(first + int(row) + X.first_mention_pair, float(weights[first + row])) for row in best])
        return found


def pair_loss(logits: Tensor, targets: np.ndarray, objective: Objective) -> Tensor:
    """The sum over pairs of the cross-entropy of their relations. logits, targets: (pairs, 1 + classes)."""
    weights = objective.class_weights(class_labels(objective.symmetric)[0])
    return relation_loss(logits, targets, objective.multi_label, weights, objective.hardest)


def class_labels(symmetric: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(classes,) the label of each class, from 0, and whether it holds from the second concept to the first.

    symmetric: (1 + labels,) of bool.
    """
    directed = np.flatnonzero(~symmetric[1:])
    labels = np.concatenate([np.arange(len(symmetric) - 1), directed])
    return labels, np.arange(len(labels)) >= len(symmetric) - 1


def decode_pairs(probabilities: np.ndarray, rules: RelationRules) -> PredictedPairs:
    """The relations of pairs, in their rows, without novelty and evidence.

    A pair is related if its probability, 1 - p(none), reaches the threshold of its most probable label. With
    ``multi_label``, each label is decided separately.
    probabilities: (pairs, 1 + classes), see :func:`class_labels`. rules: with a threshold for each label.
    """
    classes = probabilities[:, 1:]
    label, backward = class_labels(rules.symmetric)
    assert rules.threshold is not None
    threshold = rules.threshold[label]
    if rules.multi_label:
        pair, class_ = np.nonzero(classes >= threshold)
        scores = classes[pair, class_]
    else:
        related = 1.0 - probabilities[:, 0]
        best = classes.argmax(axis=1) if classes.shape[1] else np.zeros(len(classes), dtype="int64")
        pair = np.flatnonzero(related >= threshold[best]) if classes.shape[1] else best[:0]
        class_, scores = best[pair], related[pair]
    return PredictedPairs(
        pairs=pair,
        labels=label[class_],
        backward=backward[class_],
        scores=scores,
        novelty=np.full(len(pair), -1),
        evidence=[[] for _ in pair],
    )
