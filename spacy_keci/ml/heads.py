"""Classifiers of spans and of pairs of spans (KECI, Eq. 2 and 3). Class 0 is "no entity" and "no relation"."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def feedforward(n_in: int, hidden_width: int, depth: int, n_out: int) -> nn.Sequential:
    """``depth`` hidden layers with ReLU and dropout, then a linear layer. The rate of dropout is set from outside."""
    layers: list[nn.Module] = []
    for i in range(depth):
        layers += [nn.Linear(n_in if i == 0 else hidden_width, hidden_width), nn.ReLU(), nn.Dropout(0.0)]
    layers.append(nn.Linear(hidden_width if depth else n_in, n_out))
    return nn.Sequential(*layers)


def start_from_none(classifier: nn.Sequential) -> None:
    """Let an untrained classifier give class 0 a probability of about 0.99.

    Almost all spans and pairs are nothing. A network that has to find that out first meets gradients a hundred times
    those that follow, and Adam, whose memory of them is long, then takes small steps for hundreds of updates.
    """
    output = classifier[-1]
    assert isinstance(output, nn.Linear)
    nn.init.constant_(output.bias, -math.log(99 * max(output.out_features - 1, 1)))
    with torch.no_grad():
        output.bias[0] = 0.0


def start_from_zero(output: nn.Module) -> None:
    """Let an untrained linear layer give 0: what it corrects stays as it is."""
    assert isinstance(output, nn.Linear)
    nn.init.zeros_(output.weight)
    nn.init.zeros_(output.bias)


class EntityClassifier(nn.Module):
    """Logits of FFNN_e(s_i) (Eq. 2): (spans, span width) -> (spans, 1 + entity types)."""

    def __init__(self, span_width: int, *, hidden_width: int, depth: int, n_labels: int):
        super().__init__()
        self.layers = feedforward(span_width, hidden_width, depth, 1 + n_labels)
        start_from_none(self.layers)

    def forward(self, spans: Tensor) -> Tensor:
        return self.layers(spans).float()


class RelationClassifier(nn.Module):
    """Logits of FFNN_r([s_i, s_j, s_i∘s_j]) (Eq. 3), on request with further features of the pair.

    As in the span encoder the first layer is a sum of linear layers: spans are projected once each as head and as
    tail, and only the product is projected per pair, once for both directions.
    """

    def __init__(self, span_width: int, *, hidden_width: int, depth: int, n_labels: int, pair_width: int = 0):
        super().__init__()
        if depth < 1:
            raise ValueError("The relation classifier needs at least one hidden layer.")
        self.hidden = nn.Linear(3 * span_width, hidden_width)
        self.pair = nn.Linear(pair_width, hidden_width, bias=False) if pair_width else None
        self.dropout = nn.Dropout(0.0)
        self.layers = feedforward(hidden_width, hidden_width, depth - 1, 1 + n_labels)
        start_from_none(self.layers)

    def forward(
        self, spans: Tensor, first: Tensor, second: Tensor, pairs: Tensor | None = None, *, both_ways: bool
    ) -> Tensor:
        """
        spans: (spans, span width). first, second: (pairs,) indices of the spans of a pair.
        pairs: (pairs, pair width) further features, the same for both directions.
        Returns (pairs, 1 + relation types) for first -> second; with ``both_ways`` the logits of second -> first
        follow below them: (2 * pairs, 1 + relation types).
        """
        head_weight, tail_weight, product_weight = self.hidden.weight.chunk(3, dim=1)
        as_head = F.linear(spans, head_weight, self.hidden.bias)
        as_tail = F.linear(spans, tail_weight)
        shared = F.linear(spans.index_select(0, first) * spans.index_select(0, second), product_weight)
        if self.pair is not None and pairs is not None:
            shared = shared + self.pair(pairs)
        if both_ways:
            first, second = torch.cat([first, second]), torch.cat([second, first])
            shared = shared.repeat(2, 1)
        hidden = as_head.index_select(0, first) + as_tail.index_select(0, second) + shared
        return self.layers(self.dropout(F.relu(hidden))).float()
