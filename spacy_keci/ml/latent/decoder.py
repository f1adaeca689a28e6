"""The words of a context, given its relation: p(c | z)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..feedforward import feedforward
from .contexts import START, UNKNOWN
from .settings import RepresentationSettings

Softmax = Literal["full", "adaptive"]


class Decoder(nn.Module):
    """An LSTM language model that reads z with every word (Eq. 4-5).

    softmax: "full": over all words, with the vectors of the input words (Eq. 4); "adaptive": over frequent words and
        groups of rarer ones (Grave et al. 2017), for large vocabularies, with separate output vectors.

    Beyond the paper, as in the authors' program: z passes through two layers into the LSTM, and is also concatenated
    with its output.
    """

    def __init__(self, n_words: int, settings: RepresentationSettings, softmax: Softmax = "full"):
        super().__init__()
        hidden, width, latent = settings.hidden_width, settings.embedding_width, settings.latent_width
        self.relation = nn.Sequential(feedforward(latent, hidden, 1, hidden), nn.ReLU())
        self.language_model = nn.LSTM(width + hidden, hidden, batch_first=True)
        self.output = nn.Linear(hidden + latent, width)  # W
        self.adaptive: nn.AdaptiveLogSoftmaxWithLoss | None = None
        if softmax == "adaptive":
            n = n_words - UNKNOWN
            cutoffs = [cutoff for cutoff in (n // 20, n // 4) if 0 < cutoff < n] or [max(1, n // 2)]
            self.adaptive = nn.AdaptiveLogSoftmaxWithLoss(width, n, sorted(set(cutoffs)))

    def forward(
        self, words: nn.Embedding, z: Tensor, tokens: Tensor, lengths: Tensor, token_dropout: float = 0.0
    ) -> Tensor:
        """(contexts,) log p(c | z), in nats.

        words: e. z: (contexts, latent width). tokens: (contexts, longest). lengths: (contexts,).
        token_dropout: share of the words that the LSTM does not read.
        """
        before = F.pad(tokens[:, :-1], (1, 0), value=START)  # c_{t-1}
        read = words(before)
        if token_dropout:
            kept = torch.rand(tokens.shape, device=z.device) >= token_dropout
            kept[:, 0] = True
            read = read * (kept / (1 - token_dropout)).unsqueeze(-1)
        relation = self.relation(z).unsqueeze(1).expand(-1, tokens.shape[1], -1)
        states, _ = self.language_model(torch.cat([read, relation], dim=-1))
        is_word = torch.arange(tokens.shape[1], device=z.device) < lengths.unsqueeze(1)
        context = is_word.nonzero()[:, 0]
        outputs = self.output(torch.cat([states[is_word], z.index_select(0, context)], dim=-1))
        targets = tokens[is_word] - UNKNOWN  # padding and the start are never predicted
        if self.adaptive is not None:
            of_words = self.adaptive(outputs, targets).output
        else:
            of_words = -F.cross_entropy(outputs @ words.weight[UNKNOWN:].T, targets, reduction="none")
        return torch.zeros(len(tokens), device=z.device).index_add(0, context, of_words.float())
