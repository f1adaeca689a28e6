"""Span vectors from token vectors (KECI, Eq. 1)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..linear import linear

LENGTH_WIDTH = 20


class SpanEncoder(nn.Module):
    """FFNN_g([x_start, x_end, x̂, φ]): boundary tokens, attention-weighted sum and width of a span (Eq. 1).

    The first linear layer over the concatenation is applied as a sum of linear layers: each token is projected once,
    and the projections are gathered per span, so the matrix product is over tokens, not spans.
    """

    def __init__(self, token_width: int, *, hidden_width: int, span_width: int, max_length: int):
        super().__init__()
        self.max_length = max_length
        self.attention = nn.Linear(token_width, 1)
        self.length = nn.Embedding(max_length, LENGTH_WIDTH)  # φ
        self.hidden = nn.Linear(3 * token_width + LENGTH_WIDTH, hidden_width)
        self.output = nn.Linear(hidden_width, span_width)

    def forward(self, tokens: Tensor, starts: Tensor, ends: Tensor) -> Tensor:
        """
        tokens: (tokens, token width), of a batch, document by document.
        starts, ends: (spans,) offsets into ``tokens``, end exclusive. For spans longer than ``max_length``, x̂ and φ
            are those of their first ``max_length`` tokens.
        Returns (spans, span width).
        """
        token_width = tokens.shape[1]
        by_part = [token_width, token_width, token_width, self.length.embedding_dim]
        start_weight, end_weight, inside_weight, length_weight = self.hidden.weight.split(by_part, dim=1)
        widths = (ends - starts).clamp(max=self.max_length)
        longest = int(widths.max())
        # for every token and length: the sum for a span of this length that starts there, except its end
        known = linear(tokens, start_weight, self.hidden.bias).unsqueeze(1)
        known = known + linear(self.length.weight[:longest], length_weight)
        # In place, to save memory: these are the largest arrays of the model.
        self._pool(known, linear(tokens, inside_weight), self.attention(tokens).squeeze(-1))
        hidden = known.flatten(0, 1).index_select(0, starts * longest + widths - 1)
        hidden += linear(tokens, end_weight).index_select(0, ends - 1)
        return self.output(hidden.relu_()).relu_()

    @staticmethod
    def _pool(onto: Tensor, values: Tensor, scores: Tensor) -> None:
        """Add x̂ of every span from every token to ``onto``, (tokens, longest, width), in place.

        values: (tokens, width). scores: (tokens,).
        Entry [t, w] is the sum over tokens t..t+w, weighted by the softmax of their scores; entries that run past
        the last token or across documents belong to no span and are never read.
        """
        longest = onto.shape[1]
        padding = longest - 1
        windows = F.pad(values, (0, 0, 0, padding)).unfold(0, longest, 1).transpose(1, 2)  # (tokens, longest, width)
        window_scores = F.pad(scores.float(), (0, padding)).unfold(0, longest, 1)  # (tokens, longest)
        inside = torch.ones(longest, longest, dtype=torch.bool, device=values.device).tril()
        weights = window_scores.unsqueeze(1).masked_fill(~inside, float("-inf")).softmax(dim=-1)
        onto.baddbmm_(weights.to(values.dtype), windows)
