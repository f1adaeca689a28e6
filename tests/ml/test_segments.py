import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.ml.segments import mean_of_spans, segment_logsumexp, segment_max, segment_softmax, segment_sum


def rows_of(owners: list[int], width: int = 3) -> tuple[torch.Tensor, torch.Tensor, int]:
    generator = torch.Generator().manual_seed(len(owners))
    rows = torch.randn(len(owners), width, generator=generator) * 5
    return rows, torch.tensor(owners, dtype=torch.int64), max(owners) + 1


owners_of_rows = st.lists(st.integers(0, 5), min_size=1, max_size=20).map(
    lambda owners: [sorted(set(owners)).index(owner) for owner in owners]
)


class TestSegments:
    @given(owners_of_rows)
    def test_each_group_is_what_torch_computes_of_its_rows(self, owners: list[int]) -> None:
        rows, owner, n = rows_of(owners)
        weights = segment_softmax(rows[:, 0], owner, n)
        for group in range(n):
            mine = rows[owner == group]
            torch.testing.assert_close(segment_sum(rows, owner, n)[group], mine.sum(dim=0))
            torch.testing.assert_close(segment_max(rows, owner, n)[group], mine.max(dim=0).values)
            torch.testing.assert_close(segment_logsumexp(rows, owner, n)[group], mine.logsumexp(dim=0))
            torch.testing.assert_close(weights[owner == group], mine[:, 0].softmax(dim=0))

    def test_large_values_do_not_overflow(self) -> None:
        rows = torch.tensor([[1000.0], [999.0], [-1000.0]])
        owner = torch.tensor([0, 0, 1])
        assert torch.isfinite(segment_logsumexp(rows, owner, 2)).all()
        assert torch.isfinite(segment_softmax(rows[:, 0], owner, 2)).all()

    def test_gradients_are_those_of_torch(self) -> None:
        rows, owner, n = rows_of([0, 1, 0, 1, 1])
        rows = rows.double().requires_grad_()
        assert torch.autograd.gradcheck(lambda r: segment_logsumexp(r, owner, n), (rows,))
        assert torch.autograd.gradcheck(lambda r: segment_softmax(r[:, 0], owner, n), (rows,))

    def test_groups_without_rows_are_zero(self) -> None:
        rows = torch.ones(1, 2)
        assert segment_max(rows, torch.tensor([1]), 3).tolist() == [[0, 0], [1, 1], [0, 0]]

    def test_spans_may_overlap(self) -> None:
        tokens = torch.arange(10.0).reshape(5, 2)
        means = mean_of_spans(tokens, torch.tensor([0, 1, 4]), torch.tensor([3, 2, 5]))
        assert means.tolist() == [[2, 3], [2, 3], [8, 9]]
