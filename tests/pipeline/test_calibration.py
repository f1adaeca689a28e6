"""Scores that are probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

from spacy_keci.pipeline.calibration import Scaling, fit_scaling
from spacy_keci.report.calibration import calibrate


@given(st.lists(st.floats(0.01, 0.99), min_size=1), st.floats(0.2, 5), st.floats(-2, 2))
def test_a_scaling_can_be_undone_and_keeps_the_order(scores: list[float], temperature: float, bias: float) -> None:
    scaling = Scaling(temperature, bias)
    scaled = scaling(np.array(scores))
    np.testing.assert_allclose(scaling.inverse()(scaled), scores, atol=1e-4)
    assert (np.diff(scaled[np.argsort(scores, kind="stable")]) >= 0).all()
    twice = scaling.then(Scaling(2.0, 0.3))(np.array(scores))
    np.testing.assert_allclose(twice, Scaling(2.0, 0.3)(scaled), atol=1e-6)


def test_what_is_certain_or_unknown_stays() -> None:
    scaled = Scaling(2.0)(np.array([0.0, 1.0, np.nan, 0.5], dtype="float32"))
    np.testing.assert_array_equal(scaled, np.array([0.0, 1.0, np.nan, 0.5], dtype="float32"))
    assert scaled.dtype == "float32"


@pytest.mark.parametrize("scaling", [Scaling(0.5), Scaling(), Scaling(3.0), Scaling(4.0, -0.7)])
def test_the_scaling_of_scores_is_found(scaling: Scaling) -> None:
    rng = np.random.default_rng(0)
    true = rng.uniform(0.2, 1.0, 4000)
    right = rng.uniform(size=4000) < true
    scores = scaling.inverse()(true)
    fitted = fit_scaling(scores, right)
    assert fitted.temperature == pytest.approx(scaling.temperature, rel=0.15)
    assert fitted.bias == pytest.approx(scaling.bias, abs=0.15)
    after = calibrate(fitted(scores), right)
    assert after is not None and after.error < 0.03


def test_nothing_to_fit() -> None:
    assert fit_scaling([], []) == fit_scaling([0.9, 0.8], [True, True]) == Scaling()
    assert fit_scaling([0.9, 0.1] * 50, [False, True] * 50) == Scaling()  # the wrong way round


def test_scores_change_and_predictions_do_not(trained: Language, demo_docs: list[Doc]) -> None:
    keci, text = trained.get_pipe("keci"), demo_docs[0].text
    try:
        keci.threshold, keci.relation_threshold = 0.9, 0.5
        docs = [trained(text)]
        keci.temperature, keci.relation_temperature, keci.relation_bias = 2.0, 3.0, -0.5
        keci.threshold = float(Scaling(2.0)(np.array([0.9]))[0])
        keci.relation_threshold = float(Scaling(3.0, -0.5)(np.array([0.5]))[0])
        docs.append(trained(text))
    finally:
        keci.temperature, keci.relation_temperature, keci.relation_bias = 1.0, 1.0, 0.0
        keci.threshold = keci.relation_threshold = None
    before, after = (doc.spans["entities"] for doc in docs)
    assert [str(m) for m in before] == [str(m) for m in after]
    expected = Scaling(2.0)(np.array(before.attrs["scores"]))
    np.testing.assert_allclose(after.attrs["scores"], expected, atol=1e-5)
    rows = [(row[:3], row[3]) for row in before.attrs["relations"]]
    assert [row for row, _ in rows] == [row[:3] for row in after.attrs["relations"]]
    expected = Scaling(3.0, -0.5)(np.array([score for _, score in rows]))
    np.testing.assert_allclose([row[3] for row in after.attrs["relations"]], expected, atol=1e-5)


def test_the_default_threshold_of_several_relations_is_a_calibrated_probability(
    system: str, trained_one: Language, docs: list[Doc], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, texts = trained_one.get_pipe(system), [doc.text for doc in docs]
    assert pipe.multi_label and pipe.relation_threshold is None
    monkeypatch.setattr(pipe, "relation_bias", 12.0)

    def rows() -> list[list[list]]:
        return [doc.spans["entities"].attrs["relations"] for doc in trained_one.pipe(texts)]

    found = rows()
    monkeypatch.setattr(pipe, "relation_threshold", 0.5)
    assert found == rows()
    raw = pipe.relation_scaling.inverse()(np.array([row[3] for of_doc in found for row in of_doc]))
    assert raw.min() < 0.5
