"""Attention of each span to its candidate concepts or to itself (KECI, Eq. 6-8)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..feedforward import feedforward
from ..linear import linear
from ..segments import segment_softmax


@dataclass
class Fused:
    """vectors: (spans, width), f. attention: (links,), β_ij of each span and candidate; the rest of 1 is the share of
    the span's sentinel, β_i."""

    vectors: Tensor
    attention: Tensor


class ConceptAttention(nn.Module):
    """Softmax attention of a span over its candidate concepts and a sentinel, its own context (Eq. 6-8).

    The first layer of FFNN_c over [h_i, n_j] is applied as a sum of two: spans and concepts are projected once each.
    """

    def __init__(self, width: int, *, hidden_width: int, depth: int):
        super().__init__()
        self.sentinel = nn.Linear(width, width)  # FFNN_s
        self.hidden = nn.Linear(2 * width, hidden_width)
        self.dropout = nn.Dropout(0.0)
        self.score = feedforward(hidden_width, hidden_width, depth - 1, 1)

    def forward(self, spans: Tensor, concepts: Tensor, span: Tensor, concept: Tensor) -> Fused:
        """
        spans: (spans, width), h. concepts: (concepts, width), n.
        span, concept: (links,) a span and one of its candidates, in any order.
        """
        n_spans = len(spans)
        sentinel = F.relu(self.sentinel(spans))  # c
        span_weight, concept_weight = self.hidden.weight.chunk(2, dim=1)
        from_span = linear(spans, span_weight, self.hidden.bias)
        from_sentinel = linear(sentinel, concept_weight)
        from_concept = linear(concepts, concept_weight)
        # one list: a sentinel for each span, then all candidates
        owner = torch.cat([torch.arange(n_spans, device=span.device), span])
        known = from_concept.index_select(0, concept)
        hidden = from_span.index_select(0, owner) + torch.cat([from_sentinel, known])
        scores = self.score(self.dropout(F.relu(hidden))).squeeze(-1).float()  # α
        weights = segment_softmax(scores, owner, n_spans)  # β
        own, attention = weights[:n_spans], weights[n_spans:]
        weighted = concepts.index_select(0, concept) * attention.unsqueeze(1)
        vectors = (sentinel * own.unsqueeze(1)).float().index_add(0, span, weighted.float())
        return Fused(vectors, attention)
