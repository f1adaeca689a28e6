"""The distributions of the relation between two mentions: prior and posterior."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributions import Normal
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence

from ..feedforward import feedforward
from .contexts import PADDING
from .settings import RepresentationSettings

# initial logarithms of variances are lower than 0 by this much
NARROW = 4.0


class Representation(nn.Module):
    """p(z | x, y, u) (Eq. 2) and q(u | x, y, c) (Eq. 7-9), both Gaussian with independent dimensions.

    n_words: including special ones. n_entities: including 0 for unknown ones.

    Beyond the paper, as in the authors' program: vectors of entities are normalised, u is an input of every layer of
    the prior, and the layer of the mean of z starts with large weights, so that u counts from the beginning. Both
    distributions start narrow, so that z has information about the context before the KL counts, and before there is a
    classifier.
    """

    def __init__(self, n_words: int, n_entities: int, settings: RepresentationSettings):
        super().__init__()
        hidden, width, latent = settings.hidden_width, settings.embedding_width, settings.latent_width
        self.words = nn.Embedding(n_words, width, padding_idx=PADDING)  # e(c_t)
        self.entities = nn.Embedding(n_entities, width)  # e(x), e(y)
        for table in (self.words, self.entities):
            nn.init.normal_(table.weight, std=0.1)
        with torch.no_grad():
            self.words.weight[PADDING] = 0.0
        self.dropout = nn.Dropout(0.0)
        self.encoder = nn.LSTM(width, hidden, bidirectional=True, batch_first=True)
        self.posterior_layers = feedforward(2 * hidden + 3 * width, hidden, 2, 2 * latent)
        self.prior_hidden = nn.ModuleList(
            [nn.Linear(3 * width + latent, hidden), nn.Linear(hidden + latent, hidden)],
        )
        self.prior_mean, self.prior_log_variance = (nn.Linear(hidden + latent, latent) for _ in range(2))
        nn.init.normal_(self.prior_mean.weight)
        with torch.no_grad():
            self.prior_log_variance.bias.sub_(NARROW)
            last = self.posterior_layers[-1]
            assert isinstance(last, nn.Linear)
            last.bias[latent:].sub_(NARROW)

    def pair(self, first: Tensor, second: Tensor) -> Tensor:
        """(pairs, 3 * embedding width) e(x), e(y), e(x)∘e(y)."""
        x, y = (F.normalize(self.entities(each), dim=-1) for each in (first, second))
        return torch.cat([x, y, x * y], dim=-1)

    def prior(self, pair: Tensor, u: Tensor) -> Normal:
        """p(z | x, y, u) (Eq. 2). pair: (pairs, …). u: (…, pairs, latent width)."""
        hidden = pair.expand(*u.shape[:-1], -1)
        for layer in self.prior_hidden:
            hidden = F.relu(layer(torch.cat([hidden, u], dim=-1)))
        hidden = torch.cat([hidden, u], dim=-1)
        return _gaussian(self.prior_mean(hidden), self.prior_log_variance(hidden))

    def posterior(self, pair: Tensor, tokens: Tensor, lengths: Tensor) -> Normal:
        """q(u | x, y, c) (Eq. 7-9), (contexts, latent width). tokens: (contexts, longest). lengths: (contexts,)."""
        packed = pack_padded_sequence(
            self.dropout(self.words(tokens)), lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        _, (final, _) = self.encoder(packed)  # (2, contexts, hidden): the last forward and the first backward state
        state = torch.cat([final[0], final[1], pair], dim=-1)
        return _gaussian(*self.posterior_layers(state).chunk(2, dim=-1))


def _gaussian(mean: Tensor, log_variance: Tensor) -> Normal:
    # do not validate samples: that would need a copy from the GPU
    return Normal(mean.float(), (0.5 * log_variance.float()).exp(), validate_args=False)


def standard_normal(like: Normal) -> Normal:
    """p(u) = N(0, I)."""
    return Normal(torch.zeros_like(like.mean), torch.ones_like(like.stddev), validate_args=False)
