"""What is read off the scores of a graph."""

import numpy as np
import pytest
import torch

from spacy_keci.ml.decoding import decode
from spacy_keci.ml.span_graph import SpanGraph

CANDIDATES = np.array([[0, 0, 1], [0, 2, 3]])


def graph(relation_logits: list[float]) -> SpanGraph:
    """Two mentions, and one pair."""
    two, one = torch.arange(2), torch.arange(1)
    entity_logits = torch.tensor([[0.0, 9.0], [0.0, 9.0]])
    return SpanGraph(two, entity_logits, two, one, one + 1, torch.tensor([relation_logits]))


@pytest.mark.parametrize(("multi_label", "expected"), [(False, [1]), (True, [1, 2])])
def test_a_threshold_lets_through_as_many_relations_as_may_hold(multi_label: bool, expected: list[int]) -> None:
    found = decode(
        graph([0.0, 1.5, 1.4]),
        CANDIDATES,
        np.array([False, True, True]),
        threshold=None,
        relation_threshold=np.array([0.4, 0.4]),
        multi_label=multi_label,
    )
    assert found.relations.tolist() == [[0, 1, label] for label in expected]


def test_without_relation_labels() -> None:
    symmetric, none = np.array([False]), np.zeros(0)
    found = decode(graph([0.0]), CANDIDATES, symmetric, threshold=None, relation_threshold=none, multi_label=False)
    assert len(found.spans) == 2 and not len(found.relations)
