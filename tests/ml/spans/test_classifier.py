"""The loss of spans against a version with a loop."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.ml.graphs import NOT_ANNOTATED
from spacy_keci.ml.spans.classifier import entity_loss

SPANS = st.tuples(
    st.sampled_from([NOT_ANNOTATED, 0, 1, 2]), st.floats(0, 1), st.lists(st.floats(-3, 3), min_size=3, max_size=3)
)


@given(st.lists(SPANS, max_size=6))
def test_the_rest_of_a_score_is_for_none(spans: list[tuple[int, float, list[float]]]) -> None:
    expected = 0.0
    for label, score, logits in spans:
        if label != NOT_ANNOTATED:
            total = math.log(sum(math.exp(logit) for logit in logits))
            expected += score * (total - logits[label]) + (1 - score) * (total - logits[0])
    labels = np.array([label for label, _, _ in spans], dtype="int64")
    scores = np.array([score for _, score, _ in spans])
    logits = torch.tensor([each for _, _, each in spans], dtype=torch.float64).reshape(-1, 3)
    assert float(entity_loss(logits, labels, scores)) == pytest.approx(expected)
