from collections.abc import Callable

import torch
from torch import nn

from spacy_keci.ml.recompute import recompute


def test_same_values_and_gradients_with_less_kept() -> None:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 2))
    inputs = torch.randn(100, 8, requires_grad=True)

    def run(function: Callable, *args: nn.Module) -> tuple[list[torch.Tensor], int]:
        sizes: list[int] = []
        torch.manual_seed(1)
        with torch.autograd.graph.saved_tensors_hooks(lambda x: sizes.append(x.numel()) or x, lambda x: x):
            output = function(*args, inputs)
        (output * torch.randn(100, 2)).sum().backward()
        gradients = [p.grad for p in layers.parameters()] + [inputs.grad]
        layers.zero_grad()
        inputs.grad = None
        return [output, *gradients], sum(sizes)

    plain, kept = run(layers)
    again, kept_again = run(recompute, layers)
    for a, b in zip(plain, again, strict=True):
        torch.testing.assert_close(a, b)
    assert kept_again < kept / 10


def test_without_gradients_it_is_a_call() -> None:
    with torch.no_grad():
        assert recompute(lambda x, y: x + y, torch.ones(1), y=2) == 3
