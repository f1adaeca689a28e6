import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.ml.graphs import GoldGraphs
from spacy_keci.ml.relations.targets import relation_targets
from spacy_keci.ml.spans.targets import entity_targets

SPANS = st.tuples(st.integers(0, 2), st.integers(0, 4), st.integers(1, 4)).map(lambda t: (t[0], t[1], t[1] + t[2]))


def gold_graphs(mentions: list, relations: list, scores: list[float] | None = None) -> GoldGraphs:
    return GoldGraphs(
        spans=np.array([m for m, _ in mentions], dtype="int64").reshape(-1, 3),
        labels=np.array([label for _, label in mentions], dtype="int64"),
        scores=np.ones(len(mentions)),
        relations=np.array(relations, dtype="int64").reshape(-1, 3),
        relation_scores=np.ones(len(relations)) if scores is None else np.array(scores),
        has_mentions=np.ones(3, dtype=bool),
        has_relations=np.ones(3, dtype=bool),
    )


@given(st.lists(SPANS, unique=True, max_size=12), st.lists(st.tuples(SPANS, st.integers(1, 3)), max_size=8))
def test_entity_targets_find_the_first_mention_with_the_same_offsets(candidates: list, mentions: list) -> None:
    gold = gold_graphs(mentions, [])
    labels, rows = entity_targets(np.array(candidates, dtype="int64").reshape(-1, 3), gold)
    offsets = [m for m, _ in mentions]
    expected = [offsets.index(c) if c in offsets else -1 for c in candidates]
    assert rows.tolist() == expected
    assert labels.tolist() == [mentions[row][1] if row >= 0 else 0 for row in expected]


@given(st.data())
def test_relation_targets_against_a_dictionary(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 5))
    mentions = [((0, i, i + 1), 1) for i in range(n)]
    ids = st.integers(0, n - 1)
    relations = data.draw(st.lists(st.tuples(ids, ids, st.integers(1, 3)), max_size=8))
    pairs = data.draw(st.lists(st.tuples(st.integers(-1, n - 1), st.integers(-1, n - 1)), unique=True, max_size=10))
    symmetric = np.array([False, True, False, False])
    # two spans that are no mention may form many pairs: their key must never match
    first, second = np.array(pairs, dtype="int64").reshape(-1, 2).T
    targets = relation_targets(first, second, gold_graphs(mentions, relations), symmetric)
    for (head, tail), row in zip(pairs, targets, strict=True):
        expected = {label for h, t, label in relations if (h, t) == (head, tail)}
        expected |= {label for h, t, label in relations if (t, h) == (head, tail) and symmetric[label]}
        assert set(np.flatnonzero(row[1:]) + 1) == expected
        assert row[0] == (not expected)


def test_the_rest_of_the_scores_of_a_pair_is_for_none() -> None:
    mentions = [((0, i, i + 1), 1) for i in range(3)]
    relations, scores = [(0, 1, 1), (0, 1, 2), (1, 0, 3), (1, 2, 1), (2, 0, 2)], [0.5, 0.25, 0.25, 1.0, 0.0]
    gold = gold_graphs(mentions, relations, scores)
    first, second = np.array([(0, 1), (1, 0), (1, 2), (2, 0)]).T
    targets = relation_targets(first, second, gold, np.array([False, True, False, False]))
    expected = [[0.25, 0.5, 0.25, 0.0], [0.25, 0.5, 0.0, 0.25], [0, 1, 0, 0], [1, 0, 0, 0]]
    assert targets.tolist() == expected


def test_of_duplicate_relations_the_highest_score_counts() -> None:
    mentions = [((0, i, i + 1), 1) for i in range(2)]
    gold = gold_graphs(mentions, [(0, 1, 2), (0, 1, 2), (0, 1, 1), (1, 0, 1)], [0.5, 0.25, 0.25, 0.5])
    targets = relation_targets(np.array([0, 1]), np.array([1, 0]), gold, np.array([False, True, False]))
    assert targets.tolist() == [[0, 0.5, 0.5], [0.5, 0.5, 0]]
