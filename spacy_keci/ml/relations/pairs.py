"""Choose the pairs of spans that are scored, without a loop over texts or spans."""

import torch
from torch import Tensor

from ..ranges import expand_ranges


def pair_spans(starts: Tensor, text_of_span: Tensor, max_distance: int) -> tuple[Tensor, Tensor]:
    """All pairs of spans of the same text whose starts are at most ``max_distance`` tokens apart.

    starts: (spans,) token offsets in the batch. text_of_span: (spans,). Both ascending.
    Returns the indices of the first and of the second span of each pair, first < second.
    """
    # One number line for all texts, with gaps between them that no pair can bridge.
    position = starts + text_of_span * (max_distance + 1)
    end = torch.searchsorted(position, position + max_distance, right=True)
    return expand_ranges(torch.arange(1, 1 + len(starts), device=starts.device), end)
