"""The relation of each pair of spans (KECI, Eq. 3). Class 0 is "no relation"."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..feedforward import feedforward, start_from_none, start_from_zero
from ..linear import linear


class RelationClassifier(nn.Module):
    """Logits of FFNN_r([s_i, s_j, s_i∘s_j]) (Eq. 3), optionally with further features of the pair.

    As in the span encoder, the first layer is a sum of linear layers: each span is projected once as head and once as
    tail; only the product is projected per pair, once for both directions.
    """

    def __init__(self, span_width: int, *, hidden_width: int, depth: int, n_labels: int, pair_width: int = 0):
        super().__init__()
        if depth < 1:
            raise ValueError("The relation classifier needs at least one hidden layer: head_depth must be 1 or more.")
        self.hidden = nn.Linear(3 * span_width, hidden_width)
        self.pair = nn.Linear(pair_width, hidden_width, bias=False) if pair_width else None
        self.dropout = nn.Dropout(0.0)
        self.layers = feedforward(hidden_width, hidden_width, depth - 1, 1 + n_labels)
        start_from_none(self.layers[-1])

    def start_from_zero(self) -> None:
        """Initialize the classifier to return 0, so that it does not change the logits that it corrects."""
        start_from_zero(self.layers[-1])

    def forward(
        self, spans: Tensor, first: Tensor, second: Tensor, pairs: Tensor | None = None, *, both_ways: bool
    ) -> Tensor:
        """
        spans: (spans, span width). first, second: (pairs,) indices of the spans of a pair.
        pairs: (pairs, pair width) further features, the same for both directions.
        Returns (pairs, 1 + relation types) for first -> second; with ``both_ways``, (2 * pairs, 1 + relation types),
        the second half for second -> first.
        """
        head_weight, tail_weight, product_weight = self.hidden.weight.chunk(3, dim=1)
        as_head = linear(spans, head_weight, self.hidden.bias)
        as_tail = linear(spans, tail_weight)
        shared = linear(spans.index_select(0, first) * spans.index_select(0, second), product_weight)
        if self.pair is not None and pairs is not None:
            shared = shared + self.pair(pairs)
        if both_ways:
            first, second = torch.cat([first, second]), torch.cat([second, first])
            shared = shared.repeat(2, 1)
        hidden = as_head.index_select(0, first) + as_tail.index_select(0, second) + shared
        return self.layers(self.dropout(F.relu(hidden))).float()
