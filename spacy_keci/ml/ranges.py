"""Many ranges of integers at once."""

import torch
from torch import Tensor


def expand_ranges(begin: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
    """All integers from ``begin`` to ``end`` (exclusive) of each range, both (ranges,); none if ``end`` is not above
    ``begin``.

    Returns the range and the integer, (integers,) each, range by range and ascending.
    """
    counts = (end - begin).clamp(min=0)
    owner = torch.repeat_interleave(counts)
    first = counts.cumsum(0) - counts
    return owner, torch.arange(len(owner), device=owner.device) - (first - begin)[owner]
