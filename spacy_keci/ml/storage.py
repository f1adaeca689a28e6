"""Weights on disk: in single or half precision, or in 8 bits. In memory they are always in single precision."""

from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

Storage = Literal["single", "half", "8bit"]

_SCALE = ".scale_of_8bit"


def pack(state: dict[str, Tensor], storage: Storage) -> dict[str, Tensor]:
    """The weights in their saved format.

    8bit: each row of a matrix as integers from -127 to 127 times its own scale; everything else in half precision.
    """
    if storage == "single":
        return state
    packed = {}
    for name, weights in state.items():
        if weights.dtype != torch.float32:
            packed[name] = weights
        elif storage == "8bit" and weights.dim() > 1:
            scale = weights.abs().flatten(1).amax(dim=1).clamp(min=1e-12).div(127).view(-1, *[1] * (weights.dim() - 1))
            packed[name] = (weights / scale).round().to(torch.int8)
            packed[name + _SCALE] = scale
        else:
            packed[name] = weights.half()
    return packed


def unpack(state: dict[str, Any]) -> dict[str, Tensor]:
    """The weights in single precision, however they were saved."""
    scales = {name.removesuffix(_SCALE): scale for name, scale in state.items() if name.endswith(_SCALE)}
    unpacked = {}
    for name, weights in state.items():
        if name in scales:
            unpacked[name] = weights.float() * scales[name]
        elif not name.endswith(_SCALE):
            unpacked[name] = weights.float() if weights.dtype == torch.float16 else weights
    return unpacked


class UnfilledWeights(TorchFunctionMode):
    """Skip the random initialization of weights made in this thread: saved weights replace them."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _FILL:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


# torch passes some functions of torch.nn.init to a mode, for others the tensor method that they call
_FILL = (init.kaiming_uniform_, init.normal_, init.uniform_, Tensor.normal_, Tensor.uniform_)
