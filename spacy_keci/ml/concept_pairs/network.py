"""Scores of pairs of concepts from the vectors of a document's tokens."""

from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..contrastive.loss import Contrastive
from ..feedforward import feedforward, start_from_none
from ..network import Network
from ..relations.context import PairContext
from ..segments import mean_of_spans, segment_logsumexp, segment_softmax, segment_sum
from .features import MENTION_PAIR_FEATURES, PAIR_FEATURES
from .inputs import PairTensors
from .outputs import PairScores
from .settings import ConceptPairSettings
from .sizes import ConceptPairSizes


class ConceptPairNetwork(Network):
    """Reads each pair of mentions of two concepts, and weights them by attention.

    A mention is represented by the mean of its tokens and its first token; a pair of mentions by both mentions, their
    product, the maximum over the tokens around and between them (:class:`PairContext`), and their distance. A pair of
    concepts is represented by the sum of its mention pairs, weighted by attention, the two concepts (log-sum-exp over
    all their mentions, as in BRAN (Verga et al. 2018) and ATLOP (Zhou et al. 2021, Eq. 2)), their product, their types,
    and the counts of :mod:`~spacy_keci.ml.concept_pairs.features`.
    """

    name = "concept_pairs"
    settings_type = ConceptPairSettings
    sizes_type = ConceptPairSizes
    free_settings = frozenset({"contrastive"})  # of training only

    def __init__(self, token_width: int, sizes: ConceptPairSizes, settings: ConceptPairSettings):
        super().__init__(token_width, sizes, settings)
        width = settings.hidden_width
        self.context_margin, self.context_length = settings.context_margin, settings.context_length
        self.dropout = nn.Dropout(0.0)
        self.mentions = nn.Linear(2 * token_width, width)
        self.context = PairContext(token_width, settings.context_width) if settings.context_width else None
        # first layers over a concatenation are sums of layers, so that shared parts are computed once
        self.left, self.right, self.mention_product = (nn.Linear(width, width, bias=i == 0) for i in range(3))
        self.between = nn.Linear(settings.context_width, width, bias=False) if settings.context_width else None
        self.mention_pair_features = _Features(MENTION_PAIR_FEATURES.values(), width)
        self.attention = nn.Linear(width, 1)
        self.evidence = nn.Linear(width, width)
        self.first, self.second, self.product = (nn.Linear(width, width, bias=False) for _ in range(3))
        n_types = 1 + sizes.n_entity_labels
        self.features = _Features([*PAIR_FEATURES.values(), n_types, n_types, n_types * n_types], width)
        self.n_types = n_types
        self.classifier = feedforward(width, width, settings.depth, 1 + sizes.n_classes)
        start_from_none(self.classifier[-1])
        self.novelty = nn.Linear(width, len(sizes.novelty_labels)) if sizes.novelty_labels else None
        contrastive = settings.contrastive
        self.contrastive = Contrastive(width, contrastive) if contrastive and contrastive.weight > 0 else None

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """As of any module, but the setting ``contrastive`` may differ from that of the weights: prediction needs no
        projection, and training can start with a new one."""
        fresh: dict[str, Tensor] = {}
        if self.contrastive is not None:
            new = Contrastive(self.mentions.out_features, self.contrastive.settings).state_dict()
            fresh = {f"contrastive.{name}": weight for name, weight in new.items()}
        known = {
            name: weight
            for name, weight in state_dict.items()
            if not name.startswith("contrastive.") or (name in fresh and fresh[name].shape == weight.shape)
        }
        return super().load_state_dict({**fresh, **known}, *args, **kwargs)

    def forward(self, tokens: Tensor, pairs: PairTensors) -> PairScores:
        """tokens: (tokens, token width), of the batch, document by document."""
        ends = torch.cat([mean_of_spans(tokens, pairs.starts, pairs.ends), tokens.index_select(0, pairs.starts)], dim=1)
        mentions = F.relu(self.mentions(self.dropout(ends))).float()
        vectors, weights = self._read_mention_pairs(tokens, mentions, pairs)
        hidden = self.evidence(vectors) + self._read_concepts(mentions, pairs) + self._read_features(pairs)
        hidden = F.relu(hidden)
        logits = self.classifier(self.dropout(hidden)).float()
        novelty = None if self.novelty is None else self.novelty(self.dropout(hidden)).float()
        # for the loss, which knows the labels
        contrast = None if self.contrastive is None or not self.training else self.contrastive.of(hidden)
        return PairScores(logits, weights, novelty, contrast)

    def _read_mention_pairs(self, tokens: Tensor, mentions: Tensor, pairs: PairTensors) -> tuple[Tensor, Tensor]:
        """(pairs, width) the sum over mention pairs, and (mention pairs,) their weights."""
        left, right = pairs.left, pairs.right
        product = mentions.index_select(0, left) * mentions.index_select(0, right)
        hidden = self.left(mentions).index_select(0, left) + self.right(mentions).index_select(0, right)
        hidden = hidden + self.mention_product(product) + self.mention_pair_features(pairs.mention_pair_features)
        if self.context is not None and self.between is not None:
            begin, end = self._stretch(pairs)
            rows = torch.arange(len(left), device=left.device)
            hidden = hidden + self.between(F.relu(self.context(tokens, end, begin, rows, rows)))
        hidden = F.relu(hidden).float()
        weights = segment_softmax(self.attention(hidden).squeeze(1).float(), pairs.pair, len(pairs.first))
        summed = segment_sum(self.dropout(hidden) * weights.unsqueeze(1), pairs.pair, len(pairs.first))
        return summed, weights

    def _stretch(self, pairs: PairTensors) -> tuple[Tensor, Tensor]:
        """Begin and end of the tokens read for each pair of mentions; empty if they are too far apart."""
        left, right = pairs.left, pairs.right
        begin = pairs.starts[left].minimum(pairs.starts[right])
        end = pairs.ends[left].maximum(pairs.ends[right])
        is_far = end - begin > self.context_length
        begin = (begin - self.context_margin).maximum(pairs.doc_starts[left])
        end = (end + self.context_margin).minimum(pairs.doc_ends[left])
        return begin, torch.where(is_far, begin, end)

    def _read_concepts(self, mentions: Tensor, pairs: PairTensors) -> Tensor:
        """(pairs, width) of the two concepts alone, without the text between them."""
        members = mentions.index_select(0, pairs.member_mention)
        concepts = segment_logsumexp(members, pairs.member_concept, pairs.n_concepts)
        first, second = concepts.index_select(0, pairs.first), concepts.index_select(0, pairs.second)
        as_first = self.first(concepts).index_select(0, pairs.first)
        as_second = self.second(concepts).index_select(0, pairs.second)
        return as_first + as_second + self.product(first * second)

    def _read_features(self, pairs: PairTensors) -> Tensor:
        types = [pairs.first_type, pairs.second_type, pairs.first_type * self.n_types + pairs.second_type]
        return self.features(torch.cat([pairs.features, torch.stack(types, dim=1)], dim=1))


class _Features(nn.Module):
    """The sum of learned vectors for the values of all features."""

    def __init__(self, sizes: Iterable[int], width: int):
        super().__init__()
        *begins, total = accumulate(sizes, initial=0)
        self.offsets: Tensor
        self.register_buffer("offsets", torch.tensor(begins), persistent=False)
        self.table = nn.EmbeddingBag(total, width, mode="sum")
        nn.init.normal_(self.table.weight, std=0.1)

    def forward(self, values: Tensor) -> Tensor:
        """(rows, features) -> (rows, width)."""
        return self.table(values + self.offsets)
