"""The loss of pairs against a version with loops."""

import math

import numpy as np
import pytest
import torch

from spacy_keci.ml.relations.loss import relation_loss

LOGITS = torch.tensor(
    [[0.5, 1.0, -1.0], [2.0, 0.0, 0.5], [0.1, -0.3, 0.7], [0.4, -2.0, 1.0], [1.0, 1.0, 1.0]], dtype=torch.float64
)
# the third pair has both labels, the fourth has probabilities, the fifth is not annotated
TARGETS = np.array([[0, 1, 0], [1, 0, 0], [0, 1, 1], [0.2, 0.5, 0.3], [0, 0, 0]], dtype="float64")
WEIGHTS = np.array([1.0, 3.0, 0.5])


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_cross_entropy(weights):
    expected = 0.0
    for scores, row in zip(LOGITS.tolist(), TARGETS, strict=True):
        total = math.log(sum(math.exp(score) for score in scores))
        for label, is_true in enumerate(row):
            weight = 1 if weights is None else weights[label]
            expected -= weight * is_true / max(row.sum(), 1) * (scores[label] - total)
    assert float(relation_loss(LOGITS, TARGETS, False, weights)) == pytest.approx(expected)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_binary_cross_entropy(weights):
    expected = 0.0
    for scores, row in zip(LOGITS[:4].tolist(), TARGETS[:4], strict=True):
        for label in (1, 2):
            probability = 1 / (1 + math.exp(-scores[label]))
            weight = 1 if weights is None else weights[label]
            expected -= weight * row[label] * math.log(probability) + (1 - row[label]) * math.log(1 - probability)
    assert float(relation_loss(LOGITS, TARGETS, True, weights)) == pytest.approx(expected)


@pytest.mark.parametrize("multi_label", [False, True])
def test_the_hardest_unrelated_pairs(multi_label):
    """Of three unrelated pairs, the one or two that look most like related ones."""
    logits = torch.tensor([[0.0, 3.0], [1.0, 0.0], [0.0, 2.0], [5.0, -5.0], [0.0, 9.0]], dtype=torch.float64)
    targets = np.array([[0, 1], [1, 0], [1, 0], [1, 0], [0, 0]], dtype="float64")  # the last is not annotated
    of_each = [float(relation_loss(logits[i : i + 1], targets[i : i + 1], multi_label)) for i in range(5)]
    related, easy, hard, easiest, unknown = of_each
    assert hard > easy > easiest > 0 and unknown == 0
    losses = [float(relation_loss(logits, targets, multi_label, hardest=k)) for k in (0, 1, 2, 3, 9)]
    everything = related + easy + hard + easiest
    assert losses == pytest.approx([everything, related + hard, related + hard + easy, everything, everything])
    # where nothing is related, as if one pair were
    assert float(relation_loss(logits[1:], targets[1:], multi_label, hardest=1)) == pytest.approx(hard)
    assert float(relation_loss(logits[:1], targets[:1], multi_label, hardest=1)) == pytest.approx(related)
    # a pair that is probably related counts as one
    targets[2] = [0.4, 0.6]
    probable = float(relation_loss(logits[2:3], targets[2:3], multi_label))
    losses = [float(relation_loss(logits, targets, multi_label, hardest=k)) for k in (1, 2)]
    assert losses == pytest.approx([related + probable + easy + easiest] * 2)
