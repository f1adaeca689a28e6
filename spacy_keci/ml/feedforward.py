"""Feedforward networks, and how their last layers start."""

import math

import torch
from torch import nn


def feedforward(n_in: int, hidden_width: int, depth: int, n_out: int) -> nn.Sequential:
    """``depth`` hidden layers with ReLU and dropout, then a linear layer. The dropout rate is set from outside."""
    layers: list[nn.Module] = []
    for i in range(depth):
        layers += [nn.Linear(n_in if i == 0 else hidden_width, hidden_width), nn.ReLU(), nn.Dropout(0.0)]
    layers.append(nn.Linear(hidden_width if depth else n_in, n_out))
    return nn.Sequential(*layers)


def start_from_none(classifier: nn.Sequential) -> None:
    """Let an untrained classifier give class 0 a probability of about 0.99.

    Almost all spans and pairs are nothing. A network that has to find that out first sees gradients a hundred times as
    large as those that follow. Adam remembers them for long, and takes small steps for hundreds of updates.
    """
    output = classifier[-1]
    assert isinstance(output, nn.Linear)
    none_bias(output)


def none_bias(output: nn.Linear) -> None:
    """The same for its last layer."""
    nn.init.constant_(output.bias, -math.log(99 * max(output.out_features - 1, 1)))
    with torch.no_grad():
        output.bias[0] = 0.0


def start_from_zero(output: nn.Module) -> None:
    """Let an untrained linear layer return 0, so that what it corrects stays as it is."""
    assert isinstance(output, nn.Linear)
    nn.init.zeros_(output.weight)
    nn.init.zeros_(output.bias)
