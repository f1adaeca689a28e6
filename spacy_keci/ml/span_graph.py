"""The span graph of a batch of documents from its token vectors (KECI, Sec. 2.2 and 2.3)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .heads import EntityClassifier, RelationClassifier
from .pruning import Pruning, pair_spans, prune_spans
from .span_encoder import SpanEncoder


@dataclass
class SpanGraph:
    """Scores of the candidate spans of a batch, and of the pairs among those that were kept.

    entity_logits: (spans, 1 + entity types).
    kept: (kept,) indices of the spans that are nodes of the graph, ascending.
    first, second: (pairs,) indices into ``kept``, first < second.
    relation_logits: (pairs, 1 + relation types) for first -> second; where relations have a direction
        (2 * pairs, 1 + relation types), the second half for second -> first.
    """

    entity_logits: Tensor
    kept: Tensor
    first: Tensor
    second: Tensor
    relation_logits: Tensor


class SpanGraphNetwork(nn.Module):
    """Eq. 1 to 3: the paper's SentContextOnly, and the first step of KECI.

    In training, relations are scored among the λn spans that pruning keeps; in use, only among those of them that
    are predicted to be entities, as no others can have a relation.
    """

    def __init__(
        self,
        token_width: int,
        n_entity_labels: int,
        n_relation_labels: int,
        *,
        directed: bool,
        span_hidden_width: int,
        span_width: int,
        length_width: int,
        head_hidden_width: int,
        head_depth: int,
        max_span_length: int,
    ):
        super().__init__()
        self.directed = directed
        self.span_encoder = SpanEncoder(
            token_width,
            hidden_width=span_hidden_width,
            span_width=span_width,
            max_length=max_span_length,
            length_width=length_width,
        )
        self.entities = EntityClassifier(
            span_width, hidden_width=head_hidden_width, depth=head_depth, n_labels=n_entity_labels
        )
        self.relations = RelationClassifier(
            span_width, hidden_width=head_hidden_width, depth=head_depth, n_labels=n_relation_labels
        )

    def forward(
        self,
        tokens: Tensor,
        doc_lengths: Tensor,
        starts: Tensor,
        ends: Tensor,
        doc_of_span: Tensor,
        pruning: Pruning,
    ) -> SpanGraph:
        """
        tokens: (tokens, token width), the documents of the batch one after the other.
        doc_lengths: (documents,) in tokens.
        starts, ends, doc_of_span: (spans,) offsets into ``tokens`` and document of each span, ordered by document,
            start and end. At least one span.
        """
        spans = self.span_encoder(tokens, starts, ends)  # s
        entity_logits = self.entities(spans)  # e
        with torch.no_grad():
            probabilities = entity_logits.softmax(dim=-1)
            budget = (doc_lengths * pruning.spans_per_token).ceil().long()
            kept = prune_spans(probabilities[:, 0], doc_of_span, budget)
            if not self.training:
                kept = kept[is_entity(probabilities[kept], pruning.threshold)]
            first, second = pair_spans(starts[kept], doc_of_span[kept], pruning.max_pair_distance)
        relation_logits = self.relations(spans.index_select(0, kept), first, second, both_ways=self.directed)  # r
        return SpanGraph(entity_logits, kept, first, second, relation_logits)


def is_entity(probabilities: Tensor, threshold: float | None) -> Tensor:
    """(spans, 1 + entity types) -> (spans,): whether a span is taken for an entity of its most probable type."""
    best = probabilities[:, 1:].amax(dim=-1) if probabilities.shape[1] > 1 else torch.zeros_like(probabilities[:, 0])
    return best > probabilities[:, 0] if threshold is None else best >= threshold
