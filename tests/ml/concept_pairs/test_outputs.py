import numpy as np
import pytest
import torch
from spacy.lang.en import English

from spacy_keci.ml.concept_pairs.graphs import GoldPairs
from spacy_keci.ml.concept_pairs.inputs import ConceptPairInput
from spacy_keci.ml.concept_pairs.outputs import PairScores, class_labels
from spacy_keci.ml.graphs import NOT_ANNOTATED
from spacy_keci.ml.objective import Objective
from spacy_keci.ml.relations.decoding import RelationRules

from .test_pairs import bags_of, make_concepts

# two labels, of which the second has a direction: none, A, B, B from the second to the first
SYMMETRIC = np.array([False, True, False])
HALF = np.array([0.5, 0.5])


def make_input(n_pairs: int = 3) -> ConceptPairInput:
    concepts = make_concepts([[(1, [(0, 1, 0)]), *((2, [(i, 1, 0), (i + 1, 1, 0)]) for i in range(2, 2 + n_pairs))]])
    bags = bags_of(concepts).part(0, n_pairs)
    return ConceptPairInput([English()("a b c d e f g h i")], concepts, bags)


def make_scores(X: ConceptPairInput, probabilities: list[list[float]]) -> PairScores:
    weights = torch.tensor([0.3, 0.7] * len(X.bags))
    return PairScores(torch.tensor(probabilities).log(), weights)


class TestDecoding:
    def test_a_pair_is_related_by_what_is_left_of_none(self) -> None:
        X = make_input()
        scores = make_scores(X, [[0.45, 0.3, 0.15, 0.1], [0.6, 0.2, 0.1, 0.1], [0.1, 0.1, 0.2, 0.6]])
        found = scores.decode(X, RelationRules(SYMMETRIC, HALF, False))
        # 0.45 is the most probable class of the first pair, and yet it is more likely related than not
        assert found.pairs.tolist() == [0, 2]
        assert found.labels.tolist() == [0, 1]
        assert found.backward.tolist() == [False, True]
        np.testing.assert_allclose(found.scores, [0.55, 0.9], rtol=1e-5)

    def test_thresholds_are_of_the_label(self) -> None:
        X = make_input()
        scores = make_scores(X, [[0.45, 0.3, 0.15, 0.1], [0.7, 0.1, 0.1, 0.1], [0.3, 0.1, 0.5, 0.1]])
        for threshold, pairs in (([0.6, 0.6], [2]), ([0.2, 0.5], [0, 1, 2]), ([0.5, 0.8], [0])):
            rules = RelationRules(SYMMETRIC, np.array(threshold), False)
            assert scores.decode(X, rules).pairs.tolist() == pairs

    def test_several_labels_stand_for_themselves(self) -> None:
        X = make_input(1)
        scores = PairScores(torch.tensor([[0.0, 1.0, -1.0, 2.0]]), torch.tensor([0.5, 0.5]))
        found = scores.decode(X, RelationRules(SYMMETRIC, HALF, True))
        assert found.labels.tolist() == [0, 1] and found.backward.tolist() == [False, True]

    def test_evidence_has_the_highest_weights_first(self) -> None:
        X = make_input()
        scores = make_scores(X, [[0.1, 0.9, 0.0, 0.0]] * 3)
        found = scores.decode(X, RelationRules(SYMMETRIC, HALF, False))
        assert [[row for row, _ in each] for each in found.evidence] == [[1, 0], [3, 2], [5, 4]]

    def test_classes(self) -> None:
        labels, backward = class_labels(np.array([False, False, True, False]))
        assert labels.tolist() == [0, 1, 2, 0, 2]
        assert backward.tolist() == [False] * 3 + [True] * 2


class TestLoss:
    def test_is_the_cross_entropy_of_annotated_pairs(self) -> None:
        X = make_input()
        scores = make_scores(X, [[0.5, 0.2, 0.2, 0.1], [0.7, 0.1, 0.1, 0.1], [0.25, 0.25, 0.25, 0.25]])
        targets = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], dtype="float32")
        gold = GoldPairs(targets, np.full(3, NOT_ANNOTATED), 2)
        objective = Objective(SYMMETRIC)
        expected = -(np.log(0.2) + np.log(0.7)) / 2
        assert float(scores.loss(X, gold, objective)) == pytest.approx(expected, rel=1e-5)

    def test_novelty_counts_where_it_is_known(self) -> None:
        X = make_input()
        scores = make_scores(X, [[1.0, 1e-9, 1e-9, 1e-9]] * 3)
        scores.novelty = torch.tensor([[1.0, 1.0], [0.0, 0.0], [3.0, 1.0]])
        targets = np.zeros((3, 4), dtype="float32")
        gold = GoldPairs(targets, np.array([0, NOT_ANNOTATED, NOT_ANNOTATED]), 1)
        assert float(scores.loss(X, gold, Objective(SYMMETRIC))) == pytest.approx(0.5 * np.log(2), rel=1e-5)
