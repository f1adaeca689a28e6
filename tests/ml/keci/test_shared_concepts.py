import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_keci.ml.keci.shared_concepts import NamedConcepts, shared_concepts

N_SPANS, N_NODES = 5, 6
links_ = st.sets(st.tuples(st.integers(0, N_SPANS - 1), st.integers(0, N_NODES - 1)), max_size=12)
edges_ = st.sets(st.tuples(st.integers(0, N_NODES - 1), st.integers(0, N_NODES - 1)), max_size=8)


@settings(deadline=None, max_examples=100)
@given(links=links_, edges=edges_, seed=st.integers(0, 5))
def test_against_loops(links: set[tuple[int, int]], edges: set[tuple[int, int]], seed: int) -> None:
    edges = {(u, v) for u, v in edges if u != v}
    links_list = list(links)
    weights = torch.rand(len(links), generator=torch.Generator().manual_seed(seed))
    beta = dict(zip(links_list, weights.tolist(), strict=True))
    first, second = torch.triu_indices(N_SPANS, N_SPANS, offset=1)
    span, node = torch.tensor(links_list, dtype=torch.long).reshape(-1, 2).T
    named = NamedConcepts(span, node, weights, torch.tensor(list(edges), dtype=torch.long).reshape(-1, 2).T)
    expected = []
    for i, j in zip(first.tolist(), second.tolist(), strict=True):
        same = sum(beta.get((i, c), 0.0) * beta.get((j, c), 0.0) for c in range(N_NODES))
        related = sum(
            beta.get((i, u), 0.0) * beta.get((j, v), 0.0) + beta.get((i, v), 0.0) * beta.get((j, u), 0.0)
            for u, v in edges
        )
        expected.append([same, related])
    torch.testing.assert_close(shared_concepts(N_SPANS, first, second, named), torch.tensor(expected))


def test_no_pairs() -> None:
    nothing = torch.zeros(0, dtype=torch.long)
    named = NamedConcepts(nothing, nothing, torch.zeros(0), nothing.view(2, 0))
    assert shared_concepts(1, nothing, nothing, named).shape == (0, 2)
