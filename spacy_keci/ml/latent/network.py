"""Predict relations of mentions from samples of their latent representation (Eq. 13-17)."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from ..feedforward import feedforward
from ..network import Network
from .contexts import N_SPECIAL, Contexts
from .outputs import LatentScores
from .representation import Representation
from .settings import FREE_SETTINGS, LatentSettings, representation_settings
from .sizes import LatentSizes
from .vocabulary import Vocabulary

# seed of the noise that all predictions share
SEED = 0


class LatentNetwork(Network):
    """p(r | z) for z ~ q(u | x, y, c) p(z | x, y, u): a classifier on the pre-trained representation."""

    name = "latent"
    settings_type = LatentSettings
    sizes_type = LatentSizes
    free_settings = FREE_SETTINGS

    def __init__(self, token_width: int, sizes: LatentSizes, settings: LatentSettings):
        super().__init__(token_width, sizes, settings)
        self.settings = settings
        self.representation = Representation(N_SPECIAL + len(sizes.words), 1 + len(sizes.types), settings)
        self.representation.requires_grad_(not settings.freeze)
        self.dropout = nn.Dropout(0.0)
        self.classifier = feedforward(settings.latent_width, settings.hidden_width, settings.depth, 1 + sizes.n_classes)

    @classmethod
    def attributes(cls, settings: Any) -> dict[str, Any]:
        return {"representation": representation_settings(settings)}

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary(self.arguments["words"])

    def type_rows(self, labels: tuple[str, ...]) -> list[int]:
        """The row of each type in the table of the representation, by its number in the component."""
        numbers = {label: 1 + i for i, label in enumerate(self.arguments["types"])}
        return [0, *(numbers[label] for label in labels)]

    def start_from(self, pretrained: Any) -> None:
        """Copy the weights of a :class:`~spacy_keci.ml.latent.pretrained.Pretrained` representation, whose words and
        types are the first ones of this network."""
        weights = self.representation.state_dict()
        with torch.no_grad():
            for name, learned in pretrained.representation.items():
                weights[name][: len(learned)] = learned

    def forward(self, tokens: Tensor, contexts: Contexts) -> LatentScores:
        """tokens: (tokens, 0), since there is no encoder."""
        representation = self.representation
        pair = representation.pair(contexts.first, contexts.second)
        posterior = representation.posterior(pair, contexts.tokens, contexts.lengths)
        if self.training:
            u = posterior.rsample((self.settings.train_samples,))
            z = representation.prior(pair, u).rsample()
            return LatentScores(self.classifier(self.dropout(z)).float())
        mean = representation.prior(pair, posterior.mean).mean
        z = mean.unsqueeze(0)
        if self.settings.samples:
            noise = self._noise(posterior.mean.device)
            prior = representation.prior(pair, posterior.mean + posterior.stddev * noise[:, 0])
            z = prior.mean + prior.stddev * noise[:, 1]
        return LatentScores(self.classifier(z).float(), mean)

    def _noise(self, device: torch.device) -> Tensor:
        """(samples, 2, 1, latent width) standard normal noise of u and z, the same for all pairs and calls."""
        shape = (self.settings.samples, 2, 1, self.settings.latent_width)
        return torch.randn(shape, generator=torch.Generator().manual_seed(SEED)).to(device)
