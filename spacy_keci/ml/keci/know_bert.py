"""Knowledge attention and recontextualization of KnowBert (Peters et al. 2019, Sec. 3.3): a baseline of KECI."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from ..feedforward import feedforward, start_from_zero
from ..graphs import CandidateSpans, Pruning
from ..network import Network
from ..ranges import expand_ranges
from ..segments import segment_softmax
from .knowledge_tensors import KnowledgeTensors
from .network import KnowledgeSizes
from .outputs import SpanGraphs
from .settings import KnowBertSettings
from .span_graph import SpanGraphNetwork


class KnowBertNetwork(Network):
    """Adds the concepts of the text to token vectors, then predicts a span graph in one pass (Eq. 1-3)."""

    name = "know_bert"
    uses_knowledge = True
    settings_type = KnowBertSettings
    sizes_type = KnowledgeSizes

    def __init__(self, token_width: int, sizes: KnowledgeSizes, settings: KnowBertSettings):
        super().__init__(token_width, sizes, settings)
        self.recontextualize = KnowledgeAttention(
            token_width,
            sizes.feature_width,
            sizes.n_kinds if settings.concept_kinds else 0,
            width=settings.concept_width,
            n_heads=settings.n_heads,
        )
        self.graph = SpanGraphNetwork(token_width, sizes, settings)

    def forward(
        self, tokens: Tensor, candidates: CandidateSpans, pruning: Pruning, knowledge: KnowledgeTensors
    ) -> SpanGraphs:
        """tokens: (tokens, token width), of the batch, document by document."""
        tokens, weights = self.recontextualize(tokens, candidates, knowledge)
        output = self.graph(tokens, candidates, pruning)
        return SpanGraphs(output.graphs, knowledge.per_mention(weights, torch.ones_like(weights, dtype=torch.bool)))


class KnowledgeAttention(nn.Module):
    """KAR: mention spans are pooled from projected tokens, attend to each other, and are combined with a weighted sum
    of their candidate concepts; then all tokens of the document attend to them.

    Differences from KnowBert: mentions are all spans that may name a concept; all candidates of a mention have the same
    prior; there is no loss for entity linking.
    """

    def __init__(self, token_width: int, feature_width: int, n_kinds: int, *, width: int, n_heads: int):
        super().__init__()
        self.project = nn.Linear(token_width, width)  # W_1
        self.pool = nn.Linear(width, 1)
        self.among_mentions = nn.TransformerEncoderLayer(
            width, n_heads, dim_feedforward=4 * width, dropout=0.0, activation="gelu", batch_first=True
        )
        self.features = nn.Linear(feature_width, width)
        self.kinds = nn.Embedding(1 + n_kinds, width) if n_kinds else None
        self.score = feedforward(2, 100, 1, 1)  # ψ: of the prior and the product of span and concept
        self.no_concept = nn.Parameter(torch.zeros(width))
        self.to_tokens = nn.MultiheadAttention(width, n_heads, batch_first=True, add_zero_attn=True)
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Dropout(0.0), nn.Linear(4 * width, width))
        self.mlp_norm = nn.LayerNorm(width)
        self.back = nn.Linear(width, token_width)  # W_2
        start_from_zero(self.back)

    def forward(self, tokens: Tensor, candidates: CandidateSpans, knowledge: KnowledgeTensors) -> tuple[Tensor, Tensor]:
        """
        tokens: (tokens, token width).
        Returns the new token vectors, and (links,) the weight of each candidate concept of a mention.
        """
        mentions, mention_of_link = torch.unique_consecutive(knowledge.span, return_inverse=True)
        doc_of_mention = candidates.text[mentions]
        projected = self.project(tokens)
        spans = self._pool(projected, candidates.starts[mentions], candidates.ends[mentions])
        mentions_of_doc = torch.bincount(doc_of_mention, minlength=len(candidates.text_lengths))
        padded, is_mention = _pad(spans, mentions_of_doc)
        # a document without mentions attends to padding, which is ignored but avoids NaN
        first = torch.arange(padded.shape[1], device=spans.device) == 0
        spans = self.among_mentions(padded, src_key_padding_mask=~(is_mention | first))[is_mention]
        known, weights = self._attend(spans, knowledge, mention_of_link)
        keys, _ = _pad(spans + known, mentions_of_doc)
        queries, is_token = _pad(projected, candidates.text_lengths)
        heard = self.to_tokens(queries, keys, keys, key_padding_mask=~is_mention, need_weights=False)[0]
        heard = self.norm(queries + heard)
        heard = self.mlp_norm(heard + self.mlp(heard))[is_token]
        return tokens + self.back(heard), weights

    def _pool(self, tokens: Tensor, starts: Tensor, ends: Tensor) -> Tensor:
        """Attention-weighted sum of the tokens of each span: (spans, width)."""
        span, token = expand_ranges(starts, ends)
        weights = segment_softmax(self.pool(tokens).squeeze(-1).float()[token], span, len(starts))
        pooled = tokens.new_zeros(len(starts), tokens.shape[1], dtype=torch.float32)
        return pooled.index_add(0, span, tokens.index_select(0, token).float() * weights.unsqueeze(1))

    def _attend(self, spans: Tensor, knowledge: KnowledgeTensors, mention_of_link: Tensor) -> tuple[Tensor, Tensor]:
        """Weighted sum of the candidates of each span and of a vector for no concept; weights of the candidates."""
        nodes = self.features(knowledge.features)
        if self.kinds is not None:
            nodes = nodes + self.kinds(knowledge.kinds)
        n_spans = len(spans)
        owner = torch.cat([torch.arange(n_spans, device=spans.device), mention_of_link])
        concepts = torch.cat([self.no_concept.expand(n_spans, -1), nodes.index_select(0, knowledge.node)]).float()
        prior = 1.0 / torch.bincount(owner, minlength=n_spans)[owner]
        product = (spans.float().index_select(0, owner) * concepts).sum(dim=1) / concepts.shape[1] ** 0.5
        scores = self.score(torch.stack([prior, product], dim=1)).squeeze(-1).float()
        weights = segment_softmax(F.leaky_relu(scores), owner, n_spans)
        known = torch.zeros_like(spans, dtype=torch.float32).index_add(0, owner, concepts * weights.unsqueeze(1))
        return known.to(spans.dtype), weights[n_spans:]


def _pad(rows: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of all documents, in order -> (documents, longest, width), with at least one row, and (documents, longest)
    whether each is a row and not padding.

    counts: (documents,) rows of each.
    """
    room = rows.new_zeros(1, rows.shape[1])
    padded = pad_sequence([*rows.split(counts.tolist()), room], batch_first=True)[:-1]
    return padded, torch.arange(padded.shape[1], device=rows.device) < counts.unsqueeze(1)
