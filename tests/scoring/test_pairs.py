import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.scoring.pairs import best_threshold


def f1(related: np.ndarray, predicted: np.ndarray) -> float:
    return 2 * (related & predicted).sum() / max(related.sum() + predicted.sum(), 1)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])), min_size=1, max_size=12))
def test_no_threshold_is_better(pairs: list[tuple[bool, float]]) -> None:
    related, scores = np.array([r for r, _ in pairs]), np.array([s for _, s in pairs])
    chosen = best_threshold(related, scores)
    assert 0 <= chosen <= 1
    if related.any():
        best = max(f1(related, scores >= threshold) for threshold in np.linspace(0, 1, 101))
        assert f1(related, scores >= chosen) >= best - 1e-9
    else:
        assert chosen == 0.5
