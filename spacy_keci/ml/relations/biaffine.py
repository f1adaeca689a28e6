"""The relation of each pair of spans by a deep biaffine classifier. Class 0 is "no relation".

Dozat and Manning 2017; Giorgi et al. 2019, Eq. 4-7.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from ..feedforward import feedforward, start_from_none
from ..linear import linear


class BiaffineClassifier(nn.Module):
    """Logits of h U t + W [h; t] + b (Eq. 6-7), h and t a span projected as head and as tail (Eq. 4-5).

    Same interface as :class:`~spacy_keci.ml.relations.classifier.RelationClassifier`. Each span is projected and
    multiplied by U once; only the product with the other span is computed per pair.

    hidden_width, depth: hidden layers of each projection, before one of ``width`` (``hidden_width`` if it is None).
    projection: "separate" for head and tail, "shared" by both, or "none". bilinear: whether to use the term h U t.
    """

    def __init__(
        self,
        span_width: int,
        *,
        hidden_width: int,
        depth: int,
        n_labels: int,
        pair_width: int = 0,
        width: int | None = None,
        projection: Literal["separate", "shared", "none"] = "separate",
        bilinear: bool = True,
    ):
        super().__init__()

        def make_projection() -> nn.Module:
            layers = feedforward(span_width, hidden_width, depth, width or hidden_width)
            return nn.Sequential(*layers, nn.ReLU(), nn.Dropout(0.0))

        m = span_width if projection == "none" else width or hidden_width
        self.head = nn.Identity() if projection == "none" else make_projection()
        self.tail = make_projection() if projection == "separate" else self.head
        self.bilinear = nn.Parameter(torch.zeros(m, 1 + n_labels, m)) if bilinear else None  # U
        self.linear = nn.Linear(2 * m, 1 + n_labels)  # W, b
        self.pair = nn.Linear(pair_width, 1 + n_labels, bias=False) if pair_width else None
        start_from_none(self.linear)

    def start_from_zero(self) -> None:
        """Initialize the classifier to return 0, so that it does not change the logits that it corrects."""
        for parameter in (*self.linear.parameters(), *(self.pair.parameters() if self.pair is not None else ())):
            nn.init.zeros_(parameter)

    def forward(
        self, spans: Tensor, first: Tensor, second: Tensor, pairs: Tensor | None = None, *, both_ways: bool
    ) -> Tensor:
        """As :meth:`~spacy_keci.ml.relations.classifier.RelationClassifier.forward`."""
        heads, tails = self.head(spans), self.tail(spans)
        shared = self.pair(pairs) if self.pair is not None and pairs is not None else None
        if both_ways:
            first, second = torch.cat([first, second]), torch.cat([second, first])
            shared = shared.repeat(2, 1) if shared is not None else None
        head_weight, tail_weight = self.linear.weight.chunk(2, dim=1)
        logits = linear(heads, head_weight, self.linear.bias).index_select(0, first)
        logits = logits + linear(tails, tail_weight).index_select(0, second)
        if self.bilinear is not None:
            moved = torch.einsum("sm,mcn->scn", heads, self.bilinear)  # h U
            logits = logits + torch.einsum("pcn,pn->pc", moved.index_select(0, first), tails.index_select(0, second))
        return (logits if shared is None else logits + shared).float()
