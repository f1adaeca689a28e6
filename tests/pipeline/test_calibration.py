"""Scores that are probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

from spacy_keci.pipeline.calibration import fit_temperature, with_temperature
from spacy_keci.report.calibration import calibrate


@given(st.lists(st.floats(0.01, 0.99), min_size=1), st.floats(0.2, 5))
def test_a_temperature_can_be_undone_and_keeps_the_order(scores: list[float], temperature: float) -> None:
    scaled = with_temperature(np.array(scores), temperature)
    np.testing.assert_allclose(with_temperature(scaled, 1 / temperature), scores, atol=1e-4)
    assert (np.diff(scaled[np.argsort(scores, kind="stable")]) >= 0).all()


def test_what_is_certain_or_unknown_stays() -> None:
    scaled = with_temperature(np.array([0.0, 1.0, np.nan, 0.5], dtype="float32"), 2.0)
    np.testing.assert_array_equal(scaled, np.array([0.0, 1.0, np.nan, 0.5], dtype="float32"))
    assert scaled.dtype == "float32"


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_of_overconfident_scores_is_found(temperature: float) -> None:
    rng = np.random.default_rng(0)
    true = rng.uniform(0.5, 1.0, 4000)
    right = rng.uniform(size=4000) < true
    scores = with_temperature(true, 1 / temperature)
    fitted = fit_temperature(scores, right)
    assert fitted == pytest.approx(temperature, rel=0.15)
    after = calibrate(with_temperature(scores, fitted), right)
    assert after is not None and after.error < 0.03


def test_nothing_to_fit() -> None:
    assert fit_temperature([], []) == fit_temperature([0.9, 0.8], [True, True]) == 1.0


def test_scores_change_and_predictions_do_not(trained: Language, demo_docs: list[Doc]) -> None:
    keci, text = trained.get_pipe("keci"), demo_docs[0].text
    try:
        keci.threshold = 0.9
        docs = [trained(text)]
        keci.temperature, keci.relation_temperature = 2.0, 3.0
        keci.threshold = float(with_temperature(np.array([0.9]), 2.0)[0])
        docs.append(trained(text))
    finally:
        keci.temperature = keci.relation_temperature = 1.0
        keci.threshold = None
    before, after = (doc.spans["entities"] for doc in docs)
    assert [str(m) for m in before] == [str(m) for m in after]
    expected = with_temperature(np.array(before.attrs["scores"]), 2.0)
    np.testing.assert_allclose(after.attrs["scores"], expected, atol=1e-5)
    rows = [(row[:3], row[3]) for row in before.attrs["relations"]]
    assert [row for row, _ in rows] == [row[:3] for row in after.attrs["relations"]]
    expected = with_temperature(np.array([score for _, score in rows]), 3.0)
    np.testing.assert_allclose([row[3] for row in after.attrs["relations"]], expected, atol=1e-5)
