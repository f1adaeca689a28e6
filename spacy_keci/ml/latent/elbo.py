"""The whole model, and the bound on log p(c | x, y) that pre-training maximizes."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.distributions import kl_divergence

from .decoder import Decoder, Softmax
from .representation import Representation, standard_normal
from .settings import RepresentationSettings


class Elbo(NamedTuple):
    """The two terms of Eq. 21, in nats.

    log_likelihood: (contexts,) log p(c | z) for one sample. kl: (contexts, latent width) KL(q(u) || p(u)).
    """

    log_likelihood: Tensor
    kl: Tensor

    @property
    def bound(self) -> Tensor:
        """(contexts,) Eq. 21."""
        return self.log_likelihood - self.kl.sum(dim=1)

    def loss(self, lengths: Tensor, kl_weight: float = 1.0, free_bits: float = 0.0, per_token: bool = False) -> Tensor:
        """The loss of pre-training, in nats per token of the batch.

        kl_weight: from 0 to 1 (KL annealing). free_bits: nats of each dimension that are free, in the mean of the batch
            (Kingma et al. 2016): the KL cannot collapse below their sum.
        per_token: whether both terms of a context are divided by its length, as in the authors' program, so that words
            of short contexts count more. The paper does not divide.
        """
        likelihood, kl = self.log_likelihood, self.kl
        if per_token:
            likelihood, kl = likelihood / lengths, kl / lengths.unsqueeze(1)
            n, free_bits = len(lengths), free_bits * float((1 / lengths).mean())
        else:
            n = int(lengths.sum())
        return (kl_weight * len(lengths) * kl.mean(dim=0).clamp(min=free_bits).sum() - likelihood.sum()) / n


class RelationModel(nn.Module):
    """p(c | x, y) with its inference distribution (Eq. 1-9)."""

    def __init__(self, n_words: int, n_entities: int, settings: RepresentationSettings, softmax: Softmax = "full"):
        super().__init__()
        self.representation = Representation(n_words, n_entities, settings)
        self.decoder = Decoder(n_words, settings, softmax)

    def forward(
        self, tokens: Tensor, lengths: Tensor, first: Tensor, second: Tensor, token_dropout: float = 0.0
    ) -> Elbo:
        """Eq. 6 with one sample; arguments as in :class:`~spacy_keci.ml.latent.contexts.Contexts`. z has no KL: it is
        drawn from the model's own p(z | x, y, u)."""
        pair = self.representation.pair(first, second)
        posterior = self.representation.posterior(pair, tokens, lengths)
        z = self.representation.prior(pair, posterior.rsample()).rsample()
        likelihood = self.decoder(self.representation.words, z, tokens, lengths, token_dropout)
        return Elbo(likelihood, kl_divergence(posterior, standard_normal(posterior)))

    def gain(self, tokens: Tensor, lengths: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """(contexts,) the decoder's gain in nats from the u of a context, compared with the u of the previous context.

        If it is about 0, u has no information, whatever the KL: a posterior that is the same for all contexts, but
        narrower than the prior, also has a KL.
        """
        pair = self.representation.pair(first, second)
        u = self.representation.posterior(pair, tokens, lengths).sample()
        own, other = (
            self.decoder(self.representation.words, self.representation.prior(pair, each).mean, tokens, lengths)
            for each in (u, u.roll(1, dims=0))
        )
        return own - other
