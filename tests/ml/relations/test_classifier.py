"""Eq. 2 and 3 against plain versions."""

import pytest
import torch

from spacy_keci.ml.relations.classifier import RelationClassifier
from spacy_keci.ml.spans.classifier import EntityClassifier


def test_values_and_gradients_of_equation_3() -> None:
    torch.manual_seed(0)
    head = RelationClassifier(5, hidden_width=7, depth=2, n_labels=3)
    first, second = torch.tensor([0, 0, 2]), torch.tensor([1, 3, 3])
    results = []
    for is_plain in (False, True):
        spans = torch.randn(4, 5, generator=torch.Generator().manual_seed(1)).requires_grad_()
        head.zero_grad()
        if is_plain:
            rows = []
            pairs = list(zip(first.tolist(), second.tolist(), strict=True))
            for i, j in [*pairs, *((j, i) for i, j in pairs)]:
                features = torch.cat([spans[i], spans[j], spans[i] * spans[j]])
                rows.append(head.layers(torch.relu(head.hidden(features))))
            logits = torch.stack(rows)
        else:
            logits = head(spans, first, second, both_ways=True)
        logits.square().sum().backward()
        results.append([logits, spans.grad, *(p.grad for p in head.parameters())])
    for fast, slow in zip(*results, strict=True):
        torch.testing.assert_close(fast, slow)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_entity_logits_have_a_class_for_no_entity(depth: int) -> None:
    head = EntityClassifier(5, hidden_width=7, depth=depth, n_labels=4)
    assert head(torch.randn(3, 5)).shape == (3, 5)
