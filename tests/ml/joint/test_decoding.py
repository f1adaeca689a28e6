"""Mentions from probabilities of tags, against all spans one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.ml.joint.decoding import MentionRules, find_mentions, flat_spans, type_scores
from spacy_keci.ml.joint.tags import Spans, is_legal, tags_of_spans
from spacy_keci.ml.joint.viterbi import best_legal_tags

N_TYPES = 2


def make_scores(seed: int, n_tokens: int, scale: float = 1.5) -> np.ndarray:
    logits = scale * np.random.default_rng(seed).normal(size=(n_tokens, 1 + 4 * N_TYPES))
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def probability(scores: np.ndarray, start: int, end: int, label: int) -> float:
    tags = tags_of_spans(Spans(np.array([0]), np.array([end - start]), np.array([label])), end - start)
    return float(np.exp(sum(scores[start + i, tag] for i, tag in enumerate(tags))))


@given(st.integers(0, 20))
def test_the_probability_of_a_mention_is_the_product_of_its_tags(seed: int) -> None:
    scores = make_scores(seed, 7)
    starts, ends = np.array([(s, e) for s in range(7) for e in range(s + 1, 8)]).T
    expected = [[probability(scores, s, e, k) for k in range(N_TYPES)] for s, e in zip(starts, ends, strict=True)]
    np.testing.assert_allclose(np.exp(type_scores(scores, starts, ends)), expected, rtol=1e-6)


@given(st.integers(0, 30), st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_viterbi_is_that_of_each_text(seed: int, lengths: list[int]) -> None:
    """Texts whose best tags are legal one by one are left out of the search: nothing changes by that."""
    text = np.repeat(np.arange(len(lengths)), np.array(lengths, dtype="int64"))
    scores = make_scores(seed, len(text))
    found, probabilities = find_mentions(scores, text, MentionRules())
    expected = np.concatenate([best_legal_tags(scores[None, text == i])[0] for i in range(len(lengths))])
    assert tags_of_spans(found, len(text)).tolist() == expected.tolist()
    for start, end, label, each in zip(*found, probabilities, strict=True):
        assert each == pytest.approx(probability(scores, start, end, label))


def test_argmax_takes_the_tags_as_they_are() -> None:
    tags = np.array([1, 3, 2, 3, 0, 4, 5])  # B L (one mention), I L (no beginning), O, U, B (no end)
    scores = np.log(np.full((7, 9), 0.01))
    scores[np.arange(7), tags] = np.log(0.92)
    text = np.zeros(7, dtype="int64")
    spans, _ = find_mentions(scores, text, MentionRules("argmax"))
    assert list(zip(*(each.tolist() for each in spans), strict=True)) == [(0, 2, 0), (5, 6, 0)]
    spans, _ = find_mentions(scores, text, MentionRules("viterbi"))
    assert is_legal(tags_of_spans(spans, 7), text).all()


@given(st.integers(0, 30), st.sampled_from(["viterbi", "argmax"]), st.sampled_from([None, 0.0, 0.02]))
def test_mentions_lie_in_one_text(seed: int, decoding: str, threshold: float | None) -> None:
    text = np.repeat([0, 1], 5)
    rules = MentionRules(decoding, None if threshold is None else np.full(N_TYPES, threshold))  # type: ignore[arg-type]
    spans, _ = find_mentions(make_scores(seed, 10), text, rules)
    assert (text[spans.starts] == text[spans.ends - 1]).all()


@given(st.integers(0, 50), st.sampled_from([0.0, 0.01, 0.1, 0.4]), st.sampled_from([0.05, 0.3, None]))
def test_thresholds_against_all_spans(seed: int, first: float, second: float | None) -> None:
    n, text = 8, np.array([0, 0, 0, 0, 0, 1, 1, 1])
    scores, threshold = make_scores(seed, n), np.array([first, np.nan if second is None else second])
    best, of_best = find_mentions(scores, text, MentionRules())
    best_rows = {(s, e): (p, k) for s, e, k, p in zip(*(each.tolist() for each in best), of_best.tolist(), strict=True)}
    candidates = []
    for start in range(n):
        for end in range(start + 1, n + 1):
            if text[start] == text[end - 1]:
                p, label = max((probability(scores, start, end, k), k) for k in range(N_TYPES))
                if p >= max(np.nanmin(threshold), 1e-4) or (start, end) in best_rows:
                    candidates.append((p, start, end, label))
    expected, taken = [], np.zeros(n, dtype=bool)
    for p, start, end, label in sorted(candidates, key=lambda row: (-row[0], row[1])):
        if not taken[start:end].any():
            taken[start:end] = True
            if p >= threshold[label] or (np.isnan(threshold[label]) and (start, end) in best_rows):
                expected.append((start, end, label))
    found, _ = find_mentions(scores, text, MentionRules(threshold=threshold))
    assert list(zip(*(each.tolist() for each in found), strict=True)) == sorted(expected)


def test_a_threshold_of_a_half_takes_a_part_of_the_best() -> None:
    scores, text = make_scores(3, 200, scale=4), np.zeros(200, dtype="int64")
    best, probabilities = find_mentions(scores, text, MentionRules("argmax"))
    found, _ = find_mentions(scores, text, MentionRules("argmax", np.array([0.5, 0.5])))
    likely = probabilities >= 0.5
    assert 0 < likely.sum() < len(likely)
    assert [each.tolist() for each in found] == [each[likely].tolist() for each in best]


def test_flat_spans_in_an_order() -> None:
    starts, ends = np.array([0, 1, 3, 3]), np.array([2, 4, 5, 4])
    assert flat_spans(starts, ends, np.array([1, 0, 2, 3])).tolist() == [False, True, False, False]
    assert flat_spans(starts, ends, np.array([3, 2, 1, 0])).tolist() == [True, False, False, True]
    assert not len(flat_spans(starts[:0], ends[:0], starts[:0]))
