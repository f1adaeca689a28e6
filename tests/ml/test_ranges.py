"""Many ranges at once, against Python's own."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.ml.ranges import expand_ranges


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_ranges_are_those_of_python(ranges: list[tuple[int, int]]) -> None:
    begin, end = torch.tensor(ranges, dtype=torch.long).reshape(-1, 2).T
    owner, number = expand_ranges(begin, end)
    found = list(zip(owner.tolist(), number.tolist(), strict=True))
    assert found == [(i, n) for i, bounds in enumerate(ranges) for n in range(*bounds)]
