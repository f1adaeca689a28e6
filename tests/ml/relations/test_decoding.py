"""What is read off the scores of a graph."""

import numpy as np
import pytest
import torch

from spacy_keci.ml.graphs import PredictedGraphs, Pruning, SpanGraph
from spacy_keci.ml.keci.inputs import SpanGraphInput
from spacy_keci.ml.keci.outputs import SpanGraphs
from spacy_keci.ml.relations.decoding import RelationRules

CANDIDATES = np.array([[0, 0, 1], [0, 2, 3]])


def graph(relation_logits: list[float]) -> SpanGraph:
    """Two mentions, and one pair."""
    two, one = torch.arange(2), torch.arange(1)
    entity_logits = torch.tensor([[0.0, 9.0], [0.0, 9.0]])
    return SpanGraph(two, entity_logits, two, one, one + 1, torch.tensor([relation_logits]))


def decode(graph: SpanGraph, symmetric: list[bool], threshold: list[float], multi_label: bool) -> PredictedGraphs:
    X = SpanGraphInput([], np.zeros(3, dtype="int64"), np.zeros(3, dtype=bool), CANDIDATES, None, Pruning())
    return SpanGraphs([graph]).decode(X, RelationRules(np.array(symmetric), np.array(threshold), multi_label))


@pytest.mark.parametrize(("multi_label", "expected"), [(False, [1]), (True, [1, 2])])
def test_a_threshold_lets_through_as_many_relations_as_may_hold(multi_label: bool, expected: list[int]) -> None:
    found = decode(graph([0.0, 1.5, 1.4]), [False, True, True], [0.4, 0.4], multi_label)
    assert found.relations.tolist() == [[0, 1, label] for label in expected]


def test_without_relation_labels() -> None:
    found = decode(graph([0.0]), [False], [], multi_label=False)
    assert len(found.spans) == 2 and not len(found.relations)


def test_scores_near_1_are_not_rounded_to_it() -> None:
    """Calibration changes log-odds, and those of 1 are infinite."""
    certain = graph([0.0, 30.0])
    certain.entity_logits[:] = torch.tensor([[0.0, 20.0], [0.0, 30.0]])
    found = decode(certain, [False, True], [0.5], multi_label=False)
    assert found.scores[0] < found.scores[1] < 1 and found.relation_scores[0] < 1
