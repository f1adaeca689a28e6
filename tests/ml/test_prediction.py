from collections.abc import Callable

import numpy as np
import pytest
import torch
from thinc.api import Adam
from torch import Tensor, nn

from spacy_keci.ml import prediction
from spacy_keci.ml.prediction import WatchingShim, in_use


class Small(nn.Module):
    """Linear layers, another one that autocast casts at every call, and a sub-module used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 8)
        self.norm = nn.LayerNorm(8)
        self.inner = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Dropout(0.5))
        self.free = nn.Parameter(torch.randn(8, 8))
        self.output = nn.Linear(8, 3)

    def forward(self, numbers: Tensor) -> Tensor:
        return self.output(self.inner(self.norm(self.embedding(numbers)) @ self.free))


NUMBERS = torch.tensor([0, 1, 4, 2])


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return Small()


def predicted(network: nn.Module) -> Tensor:
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        return in_use(network, in_bfloat16=True)(NUMBERS)


def autocast(network: nn.Module) -> Tensor:
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        return network.eval()(NUMBERS)


def test_the_same_comes_out(network: nn.Module) -> None:
    network.train()
    assert torch.equal(predicted(network), autocast(network))
    assert not network.training
    assert all(p.dtype == torch.float32 for p in network.parameters())


def test_weights_are_cast_once_and_the_others_are_shared(network: nn.Module) -> None:
    cast = in_use(network.eval(), in_bfloat16=True)
    assert in_use(network, in_bfloat16=True) is cast
    assert in_use(network, in_bfloat16=False) is network
    kinds = {name: p.dtype for name, p in cast.named_parameters()}
    assert {name for name, kind in kinds.items() if kind == torch.bfloat16} == {
        f"{layer}.{part}" for layer in ("inner.0", "output") for part in ("weight", "bias")
    }
    assert cast.embedding.weight is network.embedding.weight


def test_hooks_are_called(network: nn.Module) -> None:
    predicted(network)
    calls: list[int] = []
    network.inner.register_forward_hook(lambda *_: calls.append(1))
    predicted(network)
    assert calls == [1]


def step(network: nn.Module) -> None:
    """What Thinc does, which writes to the memory of the weights, and leaves torch out of it."""
    shim = WatchingShim(network)
    network.train()
    network(NUMBERS).sum().backward()
    predicted(network)  # as components do that annotate in training
    shim.finish_update(Adam(0.5))


def load(network: nn.Module) -> None:
    network.load_state_dict({name: p + 1 for name, p in network.state_dict().items()})


def move(network: nn.Module) -> None:
    network.double().float()
    next(network.inner.parameters()).detach().numpy()[:] += np.float32(1)


def train(network: nn.Module) -> None:
    network.train()
    network.output.weight.detach().numpy()[:] += np.float32(1)


@pytest.mark.parametrize("change", [step, load, move, train])
def test_other_weights_are_cast_anew(network: nn.Module, change: Callable[[nn.Module], None]) -> None:
    before = predicted(network)
    change(network)
    after = predicted(network)
    assert torch.equal(after, autocast(network))
    assert not torch.equal(after, before)


def test_a_network_that_is_gone_leaves_no_copy(network: nn.Module) -> None:
    predicted(network)
    n_copies = len(prediction._casts)
    other = Small()
    predicted(other)
    assert len(prediction._casts) == n_copies + 1
    del other
    assert len(prediction._casts) == n_copies
