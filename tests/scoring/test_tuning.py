"""Thresholds are found by filtering: compared with filtering item by item."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Span, SpanGroup

from spacy_keci.scoring.counts import precision_recall_f
from spacy_keci.scoring.tuning import GRID, ScoredItems, choose_thresholds, compare, f_scores

PROBABILITIES = st.one_of(st.sampled_from([0.05, 0.5, 0.99, 1.0]), st.floats(0.05, 1.0))


def make_items(scores: Sequence[float], correct: Sequence[bool], ends: np.ndarray, gold: int) -> ScoredItems:
    right = np.array(correct, bool)
    return ScoredItems(np.array(scores, float), right, ends, gold, right)


@st.composite
def predictions(draw: st.DrawFn) -> tuple[ScoredItems, ScoredItems]:
    items = []
    n_mentions = draw(st.integers(0, 8))
    for n, n_ends in ((n_mentions, 0), (draw(st.integers(0, 8)) if n_mentions else 0, 2)):
        scores = draw(st.lists(PROBABILITIES, min_size=n, max_size=n))
        correct = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=bool)
        ends = [[draw(st.integers(0, n_mentions - 1)) for _ in range(n_ends)] for _ in range(n)]
        gold = int(correct.sum()) + draw(st.integers(0, 3))
        items.append(make_items(scores, correct, np.array(ends, int).reshape(n, n_ends), gold))
    return items[0], items[1]


def f_at(mentions: ScoredItems, relations: ScoredItems, low: float, high: float) -> tuple[float, float]:
    kept = [bool(score >= low) for score in mentions.scores]
    related = [
        bool(score >= high) and kept[head] and kept[tail]
        for score, (head, tail) in zip(relations.scores, relations.ends, strict=True)
    ]
    found = []
    for items, which in ((mentions, kept), (relations, related)):
        right = sum(k and c for k, c in zip(which, items.correct.tolist(), strict=True))
        counts = np.array([right, sum(which) - right, items.gold - right])
        found.append(float(precision_recall_f(counts)[2]))
    return found[0], found[1]


@given(predictions())
def test_no_thresholds_are_better(items: tuple[ScoredItems, ScoredItems]) -> None:
    mentions, relations = items
    mention_f = f_scores(mentions, mentions.scores)
    relation_f = f_scores(relations, mentions.scores[relations.ends].min(axis=1, initial=1.0), relations.scores)
    for i, j in ((0, 0), (45, 60), (94, 94)):
        assert (mention_f[i], relation_f[i, j]) == f_at(mentions, relations, GRID[i], GRID[j])
    low, high = choose_thresholds(mentions, relations)
    best = ((mention_f[:, None] + relation_f) / 2).max()
    if low is not None and high is not None:
        assert np.isclose(sum(f_at(mentions, relations, low, high)) / 2, best)


def test_a_threshold_that_nothing_depends_on_is_not_chosen() -> None:
    """No relation is right; all mentions have the same score, as given ones do."""
    ends, none = np.zeros((2, 0), int), np.zeros((0, 2), int)
    mentions = make_items([0.9, 0.3], [True, False], ends, 1)
    low, high = choose_thresholds(mentions, make_items([], [], none, 4))
    assert low is not None and 0.3 < low <= 0.9 and high is None
    given_mentions = make_items([1, 1], [True, False], ends, 1)
    relations = make_items([0.4, 0.8], [False, True], np.array([[0, 1], [1, 0]]), 1)
    low, high = choose_thresholds(given_mentions, relations)
    assert low is None and high is not None and 0.4 < high <= 0.8


def test_items_of_documents(nlp: Language) -> None:
    """A symmetric relation the other way round is right; a label that is not the gold one is wrong."""
    gold, doc = nlp("FK506 binds FKBP12."), nlp("FK506 binds FKBP12.")
    gold.spans["entities"] = SpanGroup(
        gold,
        spans=[Span(gold, 0, 1, "drug"), Span(gold, 2, 3, "protein")],
        attrs={"relations": [[0, 1, "binds", 1.0], [0, 1, "inhibits", 1.0]]},
    )
    doc.spans["entities"] = SpanGroup(
        doc,
        spans=[Span(doc, 2, 3, "protein"), Span(doc, 0, 1, "drug"), Span(doc, 1, 2, "drug")],
        attrs={"scores": [0.9, 0.8, 0.3], "relations": [[0, 1, "binds", 0.7], [0, 1, "inhibits", 0.6]]},
    )
    empty = nlp("Nothing.")
    empty.spans["entities"] = SpanGroup(empty, attrs={"scores": [], "relations": []})
    mentions, relations = compare([empty, doc], [empty, gold], "entities", ["binds"])
    assert mentions.scores.tolist() == [0.9, 0.8, 0.3] and mentions.correct.tolist() == [True, True, False]
    assert relations.ends.tolist() == [[0, 1], [0, 1]] and relations.correct.tolist() == [True, False]
    assert (mentions.gold, relations.gold) == (2, 2)
    assert choose_thresholds(mentions, relations)[0] is not None


def test_a_relation_holds_whatever_the_types_of_its_mentions(nlp: Language) -> None:
    gold, doc = nlp("FK506 binds FKBP12 here"), nlp("FK506 binds FKBP12 here")
    for each, types in ((gold, ("drug", "protein")), (doc, ("chemical", "protein"))):
        spans = [Span(each, 0, 1, types[0]), Span(each, 2, 3, types[1]), Span(each, 3, 4, "site")]
        each.spans["entities"] = SpanGroup(each, spans=spans, attrs={"scores": [0.9] * 3})
    gold.spans["entities"].attrs["relations"] = [[0, 1, "binds", 1.0], [1, 2, "inhibits", 1.0]]
    doc.spans["entities"].attrs["relations"] = [
        [1, 0, "binds", 0.8],
        [0, 2, "binds", 0.7],
        [1, 2, "inhibits", 0.6],
        [2, 1, "inhibits", 0.5],
    ]
    _, relations = compare([doc], [gold], "entities", ["binds"])
    assert relations.correct.tolist() == [False, False, True, False]
    assert relations.holds.tolist() == [True, False, True, False]
