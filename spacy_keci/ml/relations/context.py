"""The text between two spans (as in SpERT, Eberts and Ulges 2020, Eq. 8)."""

import torch
from torch import Tensor, nn


class PairContext(nn.Module):
    """Maximum of each feature over the tokens between two spans; zeros if there are none.

    Maxima over 1, 2, 4, … tokens from every token are computed once for the batch. Two of them cover any stretch, so a
    pair costs two look-ups, however far apart its spans are.
    """

    def __init__(self, token_width: int, width: int):
        super().__init__()
        self.features = nn.Linear(token_width, width)

    def forward(self, tokens: Tensor, starts: Tensor, ends: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """
        tokens: (tokens, token width). starts, ends: (spans,) offsets into ``tokens``, end exclusive.
        first, second: (pairs,) indices of spans, the first not starting after the second.
        Returns (pairs, width).
        """
        begin, end = ends.index_select(0, first), starts.index_select(0, second)
        length = end - begin
        between = length > 0
        longest = int(length.max()) if len(length) else 0
        maxima = [self.features(tokens)]
        for level in range(max(longest, 1).bit_length() - 1):
            shorter, half = maxima[-1], 1 << level
            maxima.append(torch.maximum(shorter[:-half], shorter[half:]))
        table = torch.cat(maxima)
        # rows for the largest power of two in a stretch; they follow the rows of smaller powers, for all tokens except
        # the last
        levels = torch.log2(length.clamp(min=1).float()).long()
        power = 1 << levels
        offset = levels * (len(tokens) + 1) + 1 - power
        left = table.index_select(0, torch.where(between, offset + begin, 0))
        right = table.index_select(0, torch.where(between, offset + end - power, 0))
        return torch.maximum(left, right) * between.unsqueeze(1)
