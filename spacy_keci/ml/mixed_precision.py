"""bfloat16 where that is safe, on CPU and GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def autocast(shim: Any, enabled: bool) -> Iterator[None]:
    """What the network of a Thinc shim computes inside is in bfloat16, where ``enabled`` and safe.

    The shim opens a region of its own, for CUDA, and the innermost counts: it has to be enabled with ours, whose type
    it then takes over.
    """
    device = shim.device.type
    shim._mixed_precision = enabled and device == "cuda"
    with torch.autocast(device, dtype=torch.bfloat16, enabled=enabled):
        yield
