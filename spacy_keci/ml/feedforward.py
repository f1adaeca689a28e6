"""Feedforward networks, and the initialization of their last layers."""

import math

import torch
from torch import nn


def feedforward(n_in: int, hidden_width: int, depth: int, n_out: int) -> nn.Sequential:
    """``depth`` hidden layers with ReLU and dropout, then a linear layer. The layer that owns the network sets the
    dropout rate."""
    layers: list[nn.Module] = []
    for i in range(depth):
        layers += [nn.Linear(n_in if i == 0 else hidden_width, hidden_width), nn.ReLU(), nn.Dropout(0.0)]
    layers.append(nn.Linear(hidden_width if depth else n_in, n_out))
    return nn.Sequential(*layers)


def start_from_none(output: nn.Module) -> None:
    """Initialize the last layer of a classifier so that class 0 has a probability of about 0.99.

    Almost all spans and pairs belong to class 0. Without this, the first gradients are a hundred times larger than
    later ones, and Adam, which averages over many steps, takes small steps for hundreds of updates.
    """
    assert isinstance(output, nn.Linear)
    nn.init.constant_(output.bias, -math.log(99 * max(output.out_features - 1, 1)))
    with torch.no_grad():
        output.bias[0] = 0.0


def start_from_zero(output: nn.Module) -> None:
    """Initialize a linear layer to return 0, so that it does not change the logits that it corrects."""
    assert isinstance(output, nn.Linear)
    nn.init.zeros_(output.weight)
    nn.init.zeros_(output.bias)
