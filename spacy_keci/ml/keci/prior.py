"""Predicts the types of spans from the knowledge base alone, as a second expert besides the network that reads the
text."""

import math

import torch
from torch import Tensor, nn

from ..graphs import CandidateSpans, SpanGraph
from ..mixed_precision import single_precision
from ..ranges import expand_ranges
from .knowledge_tensors import KnowledgeTensors

# position of a span with a name of the knowledge base, relative to an overlapping span
SAME, AROUND, AT_END, AT_START, WITHIN, ACROSS = POSITIONS = range(6)
# rows: the name starts before, with or after the span; columns: it ends before, with or after the span
PLACES = [[ACROSS, AROUND, AROUND], [AT_START, SAME, AROUND], [WITHIN, AT_END, ACROSS]]
LONGEST = 6  # tokens; longer spans share a weight
# Scale of the weights: at the learning rate of the other layers, unscaled ones would grow too slowly.
SCALE = 30.0


class KnowledgePrior(nn.Module):
    """log p(type | knowledge): a log-linear model. Its features are the names of the knowledge base that a span equals,
    contains, is contained in or crosses, with the vocabularies and semantic types of their concepts, and the length of
    the span.

    It has its own loss, and is combined with the final graph in prediction: a product of experts (Hinton 2002). A
    network that reads text and knowledge together memorizes its training texts before it learns how useful knowledge is
    in new ones; this model cannot, since it does not see the text.
    """

    def __init__(self, n_kinds: int, n_entity_labels: int):
        super().__init__()
        self.n_labels = 1 + n_entity_labels
        self.lengths = nn.Parameter(torch.zeros(LONGEST, self.n_labels))
        with torch.no_grad():  # almost no span is a mention
            self.lengths[:, 1:] = -math.log(99 * max(n_entity_labels, 1)) / SCALE
        self.kinds = nn.Parameter(torch.zeros(1 + n_kinds, len(POSITIONS) * self.n_labels))
        self.dropout = nn.Dropout(0.0)

    def forward(self, candidates: CandidateSpans, rows: Tensor, knowledge: KnowledgeTensors) -> tuple[Tensor, Tensor]:
        """Logits of the candidate spans in ``rows`` (spans,) that overlap with a name of the knowledge base.

        Returns the indices of these spans, (known,), and their logits, (known, 1 + entity types), always in single
        precision.
        """
        with single_precision(rows.device):
            starts, ends = candidates.starts[rows], candidates.ends[rows]
            known = knowledge.mentions[:, 0] >= 0
            size = 1 + int(candidates.text_lengths.sum())
            first, after = knowledge.mentions[known].T
            names, name_of_kinds = (first * size + after).unique(return_inverse=True)
            name_starts, name_ends = names // size, names % size
            span, name = overlaps(starts, ends, name_starts, name_ends)
            position = positions(starts[span], ends[span], name_starts[name], name_ends[name])
            kinds = self.kinds.new_zeros(len(names), len(self.kinds))
            kinds[name_of_kinds.unsqueeze(1), knowledge.mention_kinds[known]] = 1.0
            from_names = (self.dropout(kinds) @ self.kinds).view(-1, self.n_labels)
            logits = self.lengths[(ends - starts).clamp(max=LONGEST) - 1]
            logits = logits.index_add(0, span, from_names[name * len(POSITIONS) + position])
            touched = torch.zeros_like(rows, dtype=torch.bool)
            touched[span] = True
            return touched.nonzero().squeeze(1), SCALE * logits[touched]

    def of_concepts(self, kinds: Tensor) -> Tensor:
        """log p(type | a mention of the concept), (concepts, entity types).

        kinds: (concepts, 2) vocabulary and semantic type of each.
        """
        weights = self.kinds.view(-1, len(POSITIONS), self.n_labels)[:, SAME, 1:]
        return (SCALE * weights[kinds].sum(dim=1)).log_softmax(dim=-1)

    def graph(self, candidates: CandidateSpans, knowledge: KnowledgeTensors, relation_logits: Tensor) -> SpanGraph:
        """The prior of all candidate spans as a graph without pairs, for training.

        relation_logits: any relation logits of the network, for their shape.
        """
        rows = torch.arange(len(candidates.starts), device=candidates.starts.device)
        scored, logits = self(candidates, rows, knowledge)
        none = scored[:0]
        return SpanGraph(scored, logits, none, none, none, relation_logits[:0])


def add_prior(logits: Tensor, expected: Tensor, type_weight: float, mention_weight: float) -> Tensor:
    """Add the prior's logits ``expected`` to the logits of spans, both (spans, 1 + entity types).

    type_weight: weight of its types given that the span is a mention; does not change the probability of a mention.
    mention_weight: weight of its log-odds that the span is a mention.
    """
    mention = logits[:, 1:].logsumexp(dim=-1, keepdim=True)
    expected = expected.log_softmax(dim=-1)
    expected_mention = expected[:, 1:].logsumexp(dim=-1, keepdim=True)
    types = (logits[:, 1:] + type_weight * (expected[:, 1:] - expected_mention)).log_softmax(dim=-1)
    none = logits[:, :1] + mention_weight * expected[:, :1]
    return torch.cat([none, types + mention + mention_weight * expected_mention], dim=-1)


def overlaps(starts: Tensor, ends: Tensor, other_starts: Tensor, other_ends: Tensor) -> tuple[Tensor, Tensor]:
    """All pairs of a span and another span that overlap, as indices (pairs,) of both.

    starts, ends: (spans,). other_starts, other_ends: (others,), sorted by start. Time and memory grow with the number
    of pairs whose starts are close.
    """
    longest = (other_ends - other_starts).max() if len(other_starts) else 0
    low = torch.searchsorted(other_starts, starts - longest, right=True)
    high = torch.searchsorted(other_starts, ends)
    span, other = expand_ranges(low, high)
    meet = other_ends[other] > starts[span]
    return span[meet], other[meet]


def positions(starts: Tensor, ends: Tensor, other_starts: Tensor, other_ends: Tensor) -> Tensor:
    """(pairs,) position of the other span relative to a span that it overlaps: one of ``POSITIONS``."""
    places = torch.tensor(PLACES, device=starts.device)
    return places[(other_starts - starts).sign() + 1, (other_ends - ends).sign() + 1]
