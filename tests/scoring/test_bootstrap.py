import hypothesis.strategies as st
import numpy as np
import pytest
import spacy
from hypothesis import given

from spacy_keci.scoring.biorelex import BioRelExScorer
from spacy_keci.scoring.bootstrap import _totals, confidence_intervals, paired_p_values

from .graphs import make_example

NLP = spacy.blank("en")
SCORER = BioRelExScorer()
GOLD = [(0, 1, "GENE"), (2, 3, "DRUG")], [(0, 1, "binds")]
ANSWERS = {
    "right": GOLD,
    "no relation": (GOLD[0], []),
    "wrong type": ([(0, 1, "DRUG"), (2, 3, "DRUG")], [(0, 1, "binds")]),
    "nothing": ([], []),
}


def tables(answers):
    return SCORER.tables([make_example(NLP, "A B", GOLD, ANSWERS[answer]) for answer in answers])


MIXED = ["right", "no relation", "wrong type", "nothing", "right"] * 8


def test_same_seed_same_intervals():
    first, second, other = (confidence_intervals(tables(MIXED), SCORER.statistics, seed=seed) for seed in (1, 1, 2))
    assert first == second != other


def test_intervals_hold_the_score():
    intervals = confidence_intervals(tables(MIXED), SCORER.statistics)
    scores = SCORER([make_example(NLP, "A B", GOLD, ANSWERS[answer]) for answer in MIXED])
    assert intervals.keys() == {name for name in scores if name[-2:] in ("_p", "_r", "_f")}
    for name, (low, high) in intervals.items():
        assert low <= scores[name] <= high, name
    low, high = intervals["relations_micro_f"]
    assert 0.05 < high - low < 0.5


def test_more_documents_are_surer():
    few, many = (confidence_intervals(tables(MIXED * n), SCORER.statistics)["entities_micro_f"] for n in (1, 10))
    assert many[1] - many[0] < 0.5 * (few[1] - few[0])


def test_like_documents_leave_no_doubt():
    intervals = confidence_intervals(tables(["no relation"] * 5), SCORER.statistics)
    assert intervals["entities_macro_f"] == (1.0, 1.0) and intervals["relations_micro_f"] == (0.0, 0.0)


@given(st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=4), st.data())
def test_weights_are_repeated_documents(answers, data):
    """A resample's scores are those of a corpus that holds each document as often as it was drawn."""
    times = data.draw(st.lists(st.integers(0, 3), min_size=len(answers), max_size=len(answers)))
    repeated = tables([answer for answer, n in zip(answers, times, strict=True) for _ in range(n)])
    drawn = tables(answers)
    for table, statistic in SCORER.statistics.values():
        resampled = statistic(_totals(drawn[table], np.array([times], dtype=float)))[0]
        assert resampled == pytest.approx(statistic(repeated[table].totals))


def test_paired():
    worse = ["nothing" if i % 3 == 0 else answer for i, answer in enumerate(MIXED)]
    same = paired_p_values(tables(MIXED), tables(MIXED), SCORER.statistics)
    assert same.keys() == {f"{name}_f" for name in SCORER.statistics} and set(same.values()) == {1.0}
    better = paired_p_values(tables(MIXED), tables(worse), SCORER.statistics)
    assert better["entities_micro_f"] < 0.01
    assert better == paired_p_values(tables(worse), tables(MIXED), SCORER.statistics)
    one_off = ["nothing", *MIXED[1:]]
    assert paired_p_values(tables(MIXED), tables(one_off), SCORER.statistics)["entities_micro_f"] > 0.05


def test_paired_wants_the_same_documents():
    with pytest.raises(ValueError, match="same documents"):
        paired_p_values(tables(MIXED), tables(MIXED[1:]), SCORER.statistics)


def test_no_documents():
    with pytest.raises(ValueError, match="no documents"):
        confidence_intervals(tables([]), SCORER.statistics)
