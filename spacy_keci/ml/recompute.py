"""Recompute large but cheap arrays in the backward pass, instead of keeping them in memory."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

# PyTorch restores the random state of dropout only for these devices
_DEVICES = ("cpu", "cuda")


def recompute(function: Callable, inputs: Tensor, *args: Any, **kwargs: Any) -> Any:
    """Call the function; in training, its intermediate results are not kept.

    The backward pass runs it again, with the same dropout and precision.
    """
    if not torch.is_grad_enabled() or inputs.device.type not in _DEVICES:
        return function(inputs, *args, **kwargs)
    return checkpoint(function, inputs, *args, use_reentrant=False, **kwargs)
