import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_keci.ml.relations.context import PairContext


@settings(deadline=None, max_examples=50)
@given(
    spans=st.lists(st.tuples(st.integers(0, 19), st.integers(1, 5)), min_size=2, max_size=8),
    seed=st.integers(0, 100),
)
def test_maximum_of_the_tokens_between(spans: list[tuple[int, int]], seed: int) -> None:
    spans = sorted((start, min(start + length, 20)) for start, length in spans)
    context = PairContext(3, 4)
    starts, ends = torch.tensor(spans).T
    first, second = torch.triu_indices(len(spans), len(spans), offset=1)
    results = []
    for is_plain in (False, True):
        tokens = torch.randn(20, 3, generator=torch.Generator().manual_seed(seed)).requires_grad_()
        context.zero_grad()
        if is_plain:
            rows = []
            for i, j in zip(first.tolist(), second.tolist(), strict=True):
                between = context.features(tokens[ends[i] : max(starts[j], ends[i])])
                rows.append(between.max(dim=0).values if len(between) else torch.zeros(4))
            out = torch.stack(rows)
        else:
            out = context(tokens, starts, ends, first, second)
        (out.square().sum() + 0 * tokens.sum()).backward()
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in context.parameters()]
        results.append([out, tokens.grad, *grads])
    for fast, slow in zip(*results, strict=True):
        torch.testing.assert_close(fast, slow, atol=1e-5, rtol=1e-4)


def test_no_pairs() -> None:
    nothing = torch.zeros(0, dtype=torch.long)
    out = PairContext(3, 4)(torch.randn(5, 3), torch.tensor([0]), torch.tensor([2]), nothing, nothing)
    assert out.shape == (0, 4)
