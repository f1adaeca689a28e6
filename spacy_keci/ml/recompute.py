"""Large arrays that take little time are computed again on the way back, and not kept in memory until then."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint


def recompute(function: Callable, *args: Any, **kwargs: Any) -> Any:
    """What the function returns; in training, nothing of what it has computed on the way is kept.

    The way back runs it once more, with the same dropout and in the same precision.
    """
    if not torch.is_grad_enabled():
        return function(*args, **kwargs)
    return checkpoint(function, *args, use_reentrant=False, **kwargs)
