"""KECI: the span graph and the graph of its concepts correct each other (Lai et al. 2021, Sec. 2.3-2.5)."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..feedforward import start_from_zero
from ..graphs import CandidateSpans, Pruning, SpanGraph
from ..network import Network, Sizes
from ..recompute import recompute
from ..relations.loss import relation_probabilities
from ..spans.classifier import EntityClassifier, apply_given, is_entity
from .fusion import ConceptAttention
from .knowledge_tensors import KnowledgeTensors
from .outputs import SpanGraphs
from .prior import KnowledgePrior, add_prior
from .relational_gcn import RelationalGCN
from .settings import RENAMED, KeciVariantSettings
from .shared_concepts import SHARED_CONCEPT_FEATURES, NamedConcepts, shared_concepts
from .span_graph import PAIR_SCORERS, SpanGraphNetwork
from .span_graph_gcn import BidirectionalGCN

# In training, the final graph scores pairs of spans whose probability of being no entity is lower.
MAX_NULL = 0.999


@dataclass
class KnowledgeSizes(Sizes):
    """Sizes with those of the knowledge base: width of the initial vectors, number of kinds and relations of
    concepts."""

    feature_width: int = 1
    n_kinds: int = 0
    n_concept_relations: int = 1


class KeciNetwork(Network):
    """A first span graph (Eq. 1-3), graph convolutions over it and over the concepts (Eq. 4-5), attention of spans to
    concepts (Eq. 6-8), and the final graph (Eq. 9).

    Without layers of both graph convolutions and without the prior, it is the paper's FlatAttention.
    """

    name = "keci"
    uses_knowledge = True
    settings_type = KeciVariantSettings
    sizes_type = KnowledgeSizes
    free_settings = frozenset({"backend", "concept_dropout"})

    def __init__(self, token_width: int, sizes: KnowledgeSizes, settings: KeciVariantSettings):
        super().__init__(token_width, sizes, settings)
        self.settings = settings
        self.initial = SpanGraphNetwork(token_width, sizes, settings)
        span_width, hidden_width, depth = settings.span_width, settings.head_hidden_width, settings.head_depth
        self.multi_label = sizes.multi_label
        self.span_graph_gcn = BidirectionalGCN(
            span_width,
            n_relations=1 + sizes.n_relation_labels,
            depth=settings.span_graph_layers,
            mean=settings.span_graph_mean,
        )
        width = settings.concept_width
        self.kinds = nn.Embedding(1 + sizes.n_kinds, width) if settings.concept_kinds else None
        if self.kinds is not None:
            nn.init.normal_(self.kinds.weight, std=0.1)  # about the scale of the projected features
        self.prior = KnowledgePrior(sizes.n_kinds, sizes.n_entity_labels) if settings.knowledge_prior else None
        self.features = nn.Linear(sizes.feature_width, width)
        self.relational_gcn = RelationalGCN(
            width,
            n_relations=sizes.n_concept_relations,
            depth=settings.concept_layers,
            bases=settings.concept_bases,
            inverse=settings.inverse_relations,
            backend=settings.backend,
        )
        self.concepts = nn.Linear(width, span_width)
        self.feature_dropout = nn.Dropout(0.0)
        self.attention = ConceptAttention(span_width, hidden_width=hidden_width, depth=depth)
        self.entities = EntityClassifier(
            span_width * len(settings.final_entity_input),
            hidden_width=hidden_width,
            depth=depth,
            n_labels=sizes.n_entity_labels,
        )
        self.relations = PAIR_SCORERS[settings.pair_scorer](
            span_width * len(settings.final_relation_input) + settings.types_in_pairs * (1 + sizes.n_entity_labels),
            hidden_width=hidden_width,
            depth=depth,
            n_labels=sizes.n_relation_labels,
            pair_width=settings.context_width + settings.concepts_in_pairs * SHARED_CONCEPT_FEATURES,
        )
        if settings.correct_entities:
            start_from_zero(self.entities.layers[-1])
        if settings.correct_relations:
            self.relations.start_from_zero()

    @classmethod
    def of_arguments(cls, arguments: dict[str, Any]) -> Network:
        for old, new in RENAMED.items():  # of weights saved by earlier versions
            if arguments.get(old, arguments[new]) != arguments[new]:
                raise ValueError(
                    f"The config says {new} = {arguments[new]!r}, but the weights were trained with {arguments[old]!r}."
                )
        return super().of_arguments(arguments)

    def forward(
        self, tokens: Tensor, candidates: CandidateSpans, pruning: Pruning, knowledge: KnowledgeTensors
    ) -> SpanGraphs:
        """tokens: (tokens, token width), of the batch, document by document."""
        spans, initial, context = self.initial.read(tokens, candidates, pruning, only_entities=False)
        kept = initial.kept
        spans = spans.index_select(0, kept)
        probabilities = relation_probabilities(initial.relation_logits.detach(), self.multi_label)
        h = self.span_graph_gcn(spans, initial.first, initial.second, probabilities)
        n = self.read_concepts(knowledge)
        # drop candidates of pruned spans
        node_of_span = torch.full_like(candidates.starts, -1)
        node_of_span[kept] = torch.arange(len(kept), device=kept.device)
        linked = node_of_span[knowledge.span] >= 0
        if self.training and self.settings.concept_dropout:
            # spans lose all their candidates together, like names missing from the knowledge base
            forgotten = torch.rand(len(candidates.starts), device=kept.device) < self.settings.concept_dropout
            linked &= ~forgotten[knowledge.span]
        span, node = node_of_span[knowledge.span[linked]], knowledge.node[linked]
        fused = self.attention(h, n, span, node)
        named = NamedConcepts(span, node, fused.attention.detach(), knowledge.edges)
        final = self.predict_final(candidates, pruning, initial, context, h, fused.vectors, named, knowledge)
        graphs = SpanGraphs([initial, final], knowledge.per_mention(fused.attention, linked))
        if self.prior is not None and self.training:
            graphs.prior = self.prior.graph(candidates, knowledge, initial.relation_logits)
        elif self.prior is not None:
            graphs.concept_types = self.prior.of_concepts(knowledge.mention_kinds)
        return graphs

    def read_concepts(self, knowledge: KnowledgeTensors) -> Tensor:
        """n of all concepts and types, (nodes, span width) (Eq. 5)."""
        nodes = self.features(self.feature_dropout(knowledge.features))
        if self.kinds is not None:
            nodes = nodes + self.kinds(knowledge.kinds)
        nodes = self.relational_gcn(nodes, knowledge.edges, knowledge.labels)
        return F.relu(self.concepts(nodes))

    def predict_final(
        self,
        candidates: CandidateSpans,
        pruning: Pruning,
        initial: SpanGraph,
        context: Tensor | None,
        h: Tensor,
        f: Tensor,
        named: NamedConcepts,
        knowledge: KnowledgeTensors,
    ) -> SpanGraph:
        """Eq. 9, from f, h or both; optionally as a correction of the first graph's logits.

        context: (pairs, context width) of the pairs of the first graph, if the network has one.
        """
        parts = {"f": f, "h": h}
        logits = self.entities(torch.cat([parts[part] for part in self.settings.final_entity_input], dim=1))
        if self.settings.correct_entities:
            logits = logits + initial.entity_logits.index_select(0, initial.kept)
        if self.prior is not None and not self.training:
            known, expected = self.prior(candidates, initial.kept, knowledge)
            better = add_prior(logits[known], expected, knowledge.type_prior, knowledge.mention_prior)
            logits = logits.index_copy(0, known, better)
        given = candidates.given
        logits = apply_given(logits, given if given is None else given[initial.kept])
        with torch.no_grad():
            types = logits.softmax(dim=-1)
            # in training also spans that are almost entities, for hard pairs
            is_node = types[:, 0] < MAX_NULL if self.training else is_entity(types, pruning.threshold)
            kept, place = is_node.nonzero().squeeze(1), is_node.cumsum(0) - 1
            chosen = (is_node[initial.first] & is_node[initial.second]).nonzero().squeeze(1)
            first, second = initial.first[chosen], initial.second[chosen]
        vectors = [parts[part] for part in self.settings.final_relation_input] + [types] * self.settings.types_in_pairs
        pairs = [] if context is None else [context.index_select(0, chosen)]
        if self.settings.concepts_in_pairs:
            pairs.append(shared_concepts(len(h), first, second, named))
        relation_logits = recompute(
            self.relations,
            torch.cat(vectors, dim=1),
            first,
            second,
            torch.cat(pairs, dim=1) if pairs else None,
            both_ways=self.initial.directed,
        )
        if self.settings.correct_relations:
            rows = torch.cat([chosen, chosen + len(initial.first)]) if self.initial.directed else chosen
            relation_logits = relation_logits + initial.relation_logits.index_select(0, rows)
        return SpanGraph(initial.kept, logits, kept, place[first], place[second], relation_logits)
