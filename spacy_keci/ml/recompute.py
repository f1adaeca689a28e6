"""Large arrays that take little time are computed again on the way back, and not kept in memory until then."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

# elsewhere, PyTorch does not bring the random numbers back that dropout took
_DEVICES = ("cpu", "cuda")


def recompute(function: Callable, inputs: Tensor, *args: Any, **kwargs: Any) -> Any:
    """What the function of these arguments returns; in training, nothing of what it has computed on the way is kept.

    The way back runs it once more, with the same dropout and in the same precision.
    """
    if not torch.is_grad_enabled() or inputs.device.type not in _DEVICES:
        return function(inputs, *args, **kwargs)
    return checkpoint(function, inputs, *args, use_reentrant=False, **kwargs)
