"""The span graph of a batch of documents from its token vectors (KECI, Sec. 2.2 and 2.3)."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from .heads import EntityClassifier, RelationClassifier
from .knowledge_tensors import KnowledgeTensors
from .pair_context import PairContext
from .pruning import Pruning, pair_spans, prune_spans
from .recompute import recompute
from .span_encoder import SpanEncoder


@dataclass
class CandidateSpans:
    """Candidate spans of the documents of a batch, which stand one after the other. Sentences that are read each by
    itself are documents here.

    doc_lengths: (documents,) in tokens.
    starts, ends, doc: (spans,) offsets into the tokens of the batch, and document; ordered by document, start and end;
        at least one.
    given: (spans,) of bool, where somebody else found the mentions: whether it is one. Those are not pruned, and no
        others come out; None where mentions are to be found.
    """

    doc_lengths: Tensor
    starts: Tensor
    ends: Tensor
    doc: Tensor
    given: Tensor | None = None


@dataclass
class SpanGraph:
    """Scores of spans, and of pairs among those that are nodes.

    scored: (scored,) candidate spans, ascending. entity_logits: (scored, 1 + entity types).
    kept: (kept,) rows of ``scored`` that are nodes of the graph, ascending.
    first, second: (pairs,) indices into ``kept``, first < second.
    relation_logits: (pairs, 1 + relation types) for first -> second; where relations have a direction
        (2 * pairs, 1 + relation types), the second half for second -> first.
    """

    scored: Tensor
    entity_logits: Tensor
    kept: Tensor
    first: Tensor
    second: Tensor
    relation_logits: Tensor

    @property
    def nodes(self) -> Tensor:
        """(kept,) the candidate spans that are nodes."""
        return self.scored.index_select(0, self.kept)


@dataclass
class SpanGraphs:
    """What a network predicts: one graph, or a first and a final one.

    attention: (candidates,) weight β_ij of each row of the ``mentions`` of the concept graphs in the final graph, NaN
        where the span is no node of it; None where no attention tells spans' concepts.
    concept_types: (candidates, entity types) log-probability of the type of a mention that is known to name that
        candidate; None where nothing learns it, and in training.
    prior: in training, what a prior expects of the spans of which it expects anything: a graph without pairs.
    """

    graphs: list[SpanGraph]
    attention: Tensor | None = None
    concept_types: Tensor | None = None
    prior: SpanGraph | None = None

    @property
    def to_learn(self) -> list[SpanGraph]:
        """All that a loss is computed of: the graphs, then the prior, if there is one."""
        return self.graphs if self.prior is None else [*self.graphs, self.prior]


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
        context_width: int,
        head_hidden_width: int,
        head_depth: int,
        max_span_length: int,
    ):
        super().__init__()
        self.directed = directed
        self.max_span_length = max_span_length
        self.span_encoder = SpanEncoder(
            token_width,
            hidden_width=span_hidden_width,
            span_width=span_width,
            max_length=max_span_length,
            length_width=length_width,
        )
        self.context = PairContext(token_width, context_width) if context_width else None
        self.entities = EntityClassifier(
            span_width, hidden_width=head_hidden_width, depth=head_depth, n_labels=n_entity_labels
        )
        self.relations = RelationClassifier(
            span_width,
            hidden_width=head_hidden_width,
            depth=head_depth,
            n_labels=n_relation_labels,
            pair_width=context_width,
        )

    def forward(
        self, tokens: Tensor, candidates: CandidateSpans, pruning: Pruning, knowledge: KnowledgeTensors | None
    ) -> SpanGraphs:
        """tokens: (tokens, token width). Knowledge is not looked at."""
        _, graph, _ = self.read(tokens, candidates, pruning, only_entities=not self.training)
        return SpanGraphs([graph])

    def read(
        self, tokens: Tensor, candidates: CandidateSpans, pruning: Pruning, *, only_entities: bool
    ) -> tuple[Tensor, SpanGraph, Tensor | None]:
        """Span vectors s, (spans, span width), the graph that follows from them, and the context of its pairs, (pairs,
        context width), if that is looked at.

        only_entities: whether nodes must be predicted to be entities.
        """
        self._check_lengths(candidates)
        spans, text_logits = recompute(self._score_spans, tokens, candidates)  # s, e
        entity_logits = settle_entities(text_logits, candidates.given)
        everything = torch.arange(len(spans), device=spans.device)
        with torch.no_grad():
            null_scores = text_logits.softmax(dim=-1)[:, 0]
            budget = (candidates.doc_lengths * pruning.spans_per_token).ceil().long()
            if candidates.given is not None:
                null_scores = null_scores.masked_fill(candidates.given, -1.0)
                budget = budget.maximum(torch.bincount(candidates.doc[candidates.given], minlength=len(budget)))
            kept = prune_spans(null_scores, candidates.doc, budget)
            if only_entities:
                kept = kept[is_entity(entity_logits[kept].softmax(dim=-1), pruning.threshold)]
            first, second = pair_spans(candidates.starts[kept], candidates.doc[kept], pruning.max_pair_distance)
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
                f"The suggester proposes spans of {longest} tokens, but the model was built for {self.max_span_length} "
                "at most: give both the same length (max_length of the suggester, max_span_length of the model)."
            )


def settle_entities(entity_logits: Tensor, given: Tensor | None) -> Tensor:
    """(spans, 1 + entity types) -> same shape, where it is given which spans are mentions, (spans,) of bool: these
    cannot be "none", and the others can be nothing else."""
    if given is None:
        return entity_logits
    impossible = ~given.unsqueeze(1).expand_as(entity_logits).clone()
    impossible[:, 0] = given
    return entity_logits.masked_fill(impossible, float("-inf"))


def is_entity(probabilities: Tensor, threshold: np.ndarray | None) -> Tensor:
    """(spans, 1 + entity types) -> (spans,): whether a span is taken for an entity of its most probable type.

    threshold: (entity types,) least probability of each, NaN where the type must be more probable than none; None if it
        is so for all.
    """
    best, label = probabilities[:, 1:].max(dim=-1)
    is_best = best > probabilities[:, 0]
    if threshold is None:
        return is_best
    least = torch.as_tensor(threshold, dtype=best.dtype, device=best.device)[label]
    return torch.where(least.isnan(), is_best, best >= least)
