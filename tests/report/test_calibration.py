"""Calibration against its definition, and against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from spacy_keci.report.calibration import calibrate


def test_two_bins():
    found = calibrate([0.15, 0.15, 0.9, 1.0], [False, True, True, True])
    assert [(b.count, b.accuracy) for b in found.bins] == [(2, 0.5), (2, 1.0)]
    assert found.bins[1].confidence == pytest.approx(0.95)
    assert found.error == pytest.approx((2 * 0.35 + 2 * 0.05) / 4)
    assert found.bins[0].low == pytest.approx(0.0945, abs=1e-4)  # Wilson's interval of 1 in 2
    assert found.bins[0].high == pytest.approx(0.9055, abs=1e-4)


def test_nothing_predicted():
    assert calibrate([], []) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_like_scikit_learn(predictions):
    scores, right = (np.array(column) for column in zip(*predictions, strict=True))
    # a score on the boundary of two bins may go either way
    scores = np.floor(scores * 999) / 1000 + 0.0005
    found = calibrate(scores.tolist(), right.tolist())
    accuracy, confidence = calibration_curve(right, scores, n_bins=10)
    assert [b.accuracy for b in found.bins] == pytest.approx(accuracy.tolist())
    assert [b.confidence for b in found.bins] == pytest.approx(confidence.tolist())
    assert all(0 <= b.low <= b.accuracy <= b.high <= 1 for b in found.bins)
    assert sum(b.count for b in found.bins) == found.count == len(predictions)
