"""Compute in bfloat16 where it is safe and the device has instructions for it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch


def computes_in_bfloat16(device: str) -> bool:
    """Whether PyTorch uses bfloat16 instructions on a type of device: ``cuda``, or ``cpu`` with AVX512-BF16.

    Otherwise bfloat16 is emulated in single precision: on a CPU with only AVX2, the forward pass takes ten times as
    long, and the backward pass twenty times.
    """
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # private; if an old PyTorch lacks it, single precision is always right
    return device == "cpu" and getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()


@contextmanager
def autocast(shim: Any, wanted: bool) -> Iterator[bool]:
    """Run the network of a Thinc shim in bfloat16 inside, if ``wanted``, safe and fast. Yields whether it does.

    For CUDA, the shim opens its own region, and the innermost one counts: it must be enabled together with ours, and
    then uses our type.
    """
    device = shim.device.type
    enabled = wanted and computes_in_bfloat16(device)
    shim._mixed_precision = enabled and device == "cuda"
    with torch.autocast(device, dtype=torch.bfloat16) if enabled else single_precision(shim.device):
        yield enabled


def single_precision(device: torch.device) -> AbstractContextManager:
    """Compute inside in the precision of the tensors, even in a region of autocast."""
    if not torch.is_autocast_enabled(device.type):
        return nullcontext()  # much faster
    return torch.autocast(device.type, enabled=False)
