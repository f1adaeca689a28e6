"""bfloat16 where that is safe, and where the device multiplies in it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch


def computes_in_bfloat16(device: str) -> bool:
    """Whether a type of device has instructions for bfloat16 that PyTorch makes use of: ``cuda``, or ``cpu`` where it
    has AVX512-BF16.

    Where it has none, bfloat16 is worked out by way of single precision: a CPU with AVX2 alone takes ten times as long
    for a forward pass, and twenty times as long for the way back.
    """
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # private; without it, in an old PyTorch, single precision is always right
    return device == "cpu" and getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()


@contextmanager
def autocast(shim: Any, wanted: bool) -> Iterator[bool]:
    """What the network of a Thinc shim computes inside is in bfloat16, where ``wanted``, safe and fast. Yields whether.

    The shim opens a region of its own, for CUDA, and the innermost counts: it has to be enabled with ours, whose type
    it then takes over.
    """
    device = shim.device.type
    enabled = wanted and computes_in_bfloat16(device)
    shim._mixed_precision = enabled and device == "cuda"
    with torch.autocast(device, dtype=torch.bfloat16) if enabled else single_precision(shim.device):
        yield enabled


def single_precision(device: torch.device) -> AbstractContextManager:
    """What is computed inside is in the precision of its tensors, also in a region of autocast."""
    if not torch.is_autocast_enabled(device.type):
        return nullcontext()  # a fraction of the time
    return torch.autocast(device.type, enabled=False)
