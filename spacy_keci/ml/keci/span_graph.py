"""The span graph of a batch of texts from token vectors (KECI, Sec. 2.2 and 2.3)."""

import torch
from torch import Tensor

from ..graphs import CandidateSpans, Pruning, SpanGraph
from ..network import Network, Sizes
from ..recompute import recompute
from ..relations.biaffine import BiaffineClassifier
from ..relations.classifier import RelationClassifier
from ..relations.context import PairContext
from ..relations.pairs import pair_spans
from ..spans.classifier import EntityClassifier, apply_given, is_entity
from ..spans.encoder import SpanEncoder
from ..spans.pruning import prune_spans
from .outputs import SpanGraphs
from .settings import SpanGraphSettings

# by the setting pair_scorer; both have the same interface
PAIR_SCORERS: dict[str, type[RelationClassifier] | type[BiaffineClassifier]] = {
    "concat": RelationClassifier,
    "biaffine": BiaffineClassifier,
}


class SpanGraphNetwork(Network):
    """Eq. 1-3: the paper's SentContextOnly, and the first step of KECI.

    In training, relations are scored between the λn spans that pruning keeps; in prediction, only between predicted
    entities among them, since no other spans can have relations.
    """

    name = "span_graph"
    settings_type = SpanGraphSettings

    def __init__(self, token_width: int, sizes: Sizes, settings: SpanGraphSettings):
        super().__init__(token_width, sizes, settings)
        self.directed = sizes.directed
        self.max_span_length = settings.max_span_length
        self.span_encoder = SpanEncoder(
            token_width,
            hidden_width=settings.span_hidden_width,
            span_width=settings.span_width,
            max_length=settings.max_span_length,
        )
        self.context = PairContext(token_width, settings.context_width) if settings.context_width else None
        self.entities = EntityClassifier(
            settings.span_width,
            hidden_width=settings.head_hidden_width,
            depth=settings.head_depth,
            n_labels=sizes.n_entity_labels,
        )
        self.relations = PAIR_SCORERS[settings.pair_scorer](
            settings.span_width,
            hidden_width=settings.head_hidden_width,
            depth=settings.head_depth,
            n_labels=sizes.n_relation_labels,
            pair_width=settings.context_width,
        )

    def forward(self, tokens: Tensor, candidates: CandidateSpans, pruning: Pruning) -> SpanGraphs:
        """tokens: (tokens, token width)."""
        _, graph, _ = self.read(tokens, candidates, pruning, only_entities=not self.training)
        return SpanGraphs([graph])

    def read(
        self, tokens: Tensor, candidates: CandidateSpans, pruning: Pruning, *, only_entities: bool
    ) -> tuple[Tensor, SpanGraph, Tensor | None]:
        """Span vectors s, (spans, span width), their graph, and the context of its pairs, (pairs, context width), if
        the network has one.

        only_entities: whether nodes must be predicted to be entities.
        """
        self._check_lengths(candidates)
        spans, text_logits = recompute(self._score_spans, tokens, candidates)  # s, e
        entity_logits = apply_given(text_logits, candidates.given)
        everything = torch.arange(len(spans), device=spans.device)
        with torch.no_grad():
            null_scores = text_logits.softmax(dim=-1)[:, 0]
            budget = (candidates.text_lengths * pruning.spans_per_token).ceil().long()
            if candidates.given is not None:
                null_scores = null_scores.masked_fill(candidates.given, -1.0)
                budget = budget.maximum(torch.bincount(candidates.text[candidates.given], minlength=len(budget)))
            kept = prune_spans(null_scores, candidates.text, budget)
            if only_entities:
                kept = kept[is_entity(entity_logits[kept].softmax(dim=-1), pruning.threshold)]
            first, second = pair_spans(candidates.starts[kept], candidates.text[kept], pruning.max_pair_distance)
        context = None
        if self.context is not None:
            starts, ends = candidates.starts[kept], candidates.ends[kept]
            context = recompute(self.context, tokens, starts, ends, first, second)
        kept_spans = spans.index_select(0, kept)
        logits = recompute(self.relations, kept_spans, first, second, context, both_ways=self.directed)  # r
        return spans, SpanGraph(everything, entity_logits, kept, first, second, logits), context

    def _score_spans(self, tokens: Tensor, candidates: CandidateSpans) -> tuple[Tensor, Tensor]:
        spans = self.span_encoder(tokens, candidates.starts, candidates.ends)
        return spans, self.entities(spans)

    def _check_lengths(self, candidates: CandidateSpans) -> None:
        lengths = candidates.ends - candidates.starts
        longest = int((lengths if candidates.given is None else lengths.masked_fill(candidates.given, 0)).max())
        if longest > self.max_span_length:
            raise ValueError(
                f"The suggester proposes spans of {longest} tokens, but the model was built for at most "
                f"{self.max_span_length}: use the same length for both (max_length of the suggester, max_span_length "
                "of the model), or set suggester = null."
            )
