"""Weights that are saved in fewer bits."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.ml.storage import Storage, pack, unpack

SIZES = st.tuples(st.integers(1, 5), st.integers(1, 5))


@given(SIZES, st.floats(1e-6, 1e3), st.sampled_from(["single", "half", "8bit"]))
def test_weights_come_back_close_to_what_they_were(size: tuple[int, int], scale: float, storage: Storage) -> None:
    torch.manual_seed(0)
    state = {"matrix": scale * torch.randn(size), "bias": scale * torch.randn(size[0]), "steps": torch.tensor(3)}
    back = unpack(pack(state, storage))
    assert back.keys() == state.keys() and back["steps"] == 3
    # half precision has 11 bits, and no number closer to zero than 6e-8
    bits = {"single": 0.0, "half": 2**-11, "8bit": 0.5 / 127}[storage]
    largest = state["matrix"].abs().amax(dim=1, keepdim=True)
    assert ((back["matrix"] - state["matrix"]).abs() <= 1.01 * bits * largest + (storage == "half") * 6e-8).all()
    assert ((back["bias"] - state["bias"]).abs() <= 2**-10 * state["bias"].abs() + 6e-8).all()
    assert all(back[name].dtype == state[name].dtype for name in state)


@pytest.mark.parametrize(("storage", "bytes_per_weight"), [("single", 4), ("half", 2), ("8bit", 1)])
def test_sizes(storage: Storage, bytes_per_weight: int) -> None:
    packed = pack({"matrix": torch.randn(100, 1000)}, storage)
    assert packed["matrix"].element_size() == bytes_per_weight


def test_a_row_of_zeros() -> None:
    assert not unpack(pack({"matrix": torch.zeros(2, 3)}, "8bit"))["matrix"].any()
