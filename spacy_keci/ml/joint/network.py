"""Named entity recognition and relation extraction with one encoder (Giorgi et al. 2019)."""

import numpy as np
import torch
from torch import Tensor, nn

from ..feedforward import feedforward, start_from_none
from ..network import Network, Sizes, to_tensor
from ..recompute import recompute
from ..relations.biaffine import BiaffineClassifier
from ..relations.context import PairContext
from ..relations.pairs import pair_spans
from .decoding import find_mentions, type_scores
from .inputs import JointInput
from .outputs import JointGraphs
from .settings import JointModelSettings
from .tags import Spans, count_tags, last_tags


class JointNetwork(Network):
    """Computes tags of tokens (Eq. 1), and relations between the mentions of these tags (Eq. 3-7)."""

    name = "joint"
    settings_type = JointModelSettings

    def __init__(self, token_width: int, sizes: Sizes, settings: JointModelSettings):
        super().__init__(token_width, sizes, settings)
        self.directed = sizes.directed
        n_tags, width = count_tags(sizes.n_entity_labels), settings.entity_embedding_width
        self.dropout = nn.Dropout(0.0)
        self.tags = feedforward(token_width, 0, 0, n_tags)
        start_from_none(self.tags[-1])
        self.tag_vectors = nn.Embedding(n_tags, width) if width else None
        self.context = PairContext(token_width, settings.context_width) if settings.context_width else None
        self.relations = BiaffineClassifier(
            token_width + width,
            hidden_width=settings.hidden_width,
            depth=1,
            n_labels=sizes.n_relation_labels,
            pair_width=settings.context_width,
            width=settings.width,
            projection=settings.projection,
            bilinear=settings.bilinear,
        )

    def forward(self, tokens: Tensor, X: JointInput) -> JointGraphs:
        """tokens: (tokens, token width), x of Eq. 1."""
        logits = self.tags(self.dropout(tokens)).float()
        mentions, scores = self._mentions(logits, X)
        starts, ends = to_tensor(mentions.starts, tokens.device), to_tensor(mentions.ends, tokens.device)
        text = to_tensor(X.text_of_row[mentions.starts], tokens.device)
        first, second = pair_spans(starts, text, X.max_pair_distance)
        vectors = tokens.index_select(0, ends - 1)
        if self.tag_vectors is not None:  # Eq. 3
            of_tags = self.tag_vectors(to_tensor(last_tags(mentions), tokens.device))
            vectors = torch.cat([vectors, of_tags], dim=1)
        context = None
        if self.context is not None:
            context = recompute(self.context, tokens, starts, ends, first, second)
        vectors = self.dropout(vectors)
        relation_logits = recompute(self.relations, vectors, first, second, context, both_ways=self.directed)
        return JointGraphs(logits, mentions, scores, first.cpu().numpy(), second.cpu().numpy(), relation_logits)

    @staticmethod
    def _mentions(logits: Tensor, X: JointInput) -> tuple[Spans, np.ndarray]:
        """The mentions whose relations are scored, and their probabilities."""
        # double precision: single precision rounds to 0, the log-probability of what is certain
        log_probabilities = logits.detach().double().log_softmax(dim=-1).cpu().numpy()
        spans = X.spans
        if spans is None or X.given is None:
            found, probabilities = find_mentions(log_probabilities, X.segment_of_row, X.rules)
            if spans is None:
                return found, probabilities
            spans = _joined(spans, found)
        scores = type_scores(log_probabilities, spans.starts, spans.ends)
        types = np.where(spans.types < 0, scores.argmax(axis=1), spans.types)
        return spans._replace(types=types), np.exp(scores[np.arange(len(types)), types])


def _joined(spans: Spans, others: Spans) -> Spans:
    """Both, sorted and without duplicate offsets; types in ``spans`` take precedence."""
    starts, ends, types = (np.concatenate(pair) for pair in zip(spans, others, strict=True))
    size = int(ends.max(initial=0)) + 1
    _, rows = np.unique(starts * size + ends, return_index=True)
    return Spans(starts[rows], ends[rows], types[rows])
