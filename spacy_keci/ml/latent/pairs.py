"""Predict relations of pairs of concepts without a text: a classifier on the prior p(z | x, y) (Eq. 19-20)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import srsly
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...settings import at_least, check_minimums
from .pretrained import Pretrained
from .representation import Representation

FILE, WEIGHTS = "pairs.json", "pairs.pt"
NONE = "none"


class Pair(NamedTuple):
    """Two concepts and the label of their relation: ``NONE`` if unrelated, empty if unknown."""

    first: str
    second: str
    label: str = ""


@dataclass(kw_only=True)
class PairSettings:
    """Settings of the classifier of pairs and its training; the pre-trained representation does not change (Sec. 4.3).

    hidden_width: of its hidden layer, which has a linear skip connection. train_samples, samples: number of samples of
        u and z per pair, in training and in prediction. updates, batch_size, learn_rate: of Adam.
    """

    hidden_width: int = at_least(1, 300)
    train_samples: int = at_least(1, 4)
    samples: int = at_least(1, 16)
    updates: int = at_least(1, 2000)
    batch_size: int = at_least(1, 512)
    learn_rate: float = at_least(0, 1e-3)
    seed: int = 0

    def __post_init__(self) -> None:
        check_minimums(self, "the classifier of pairs")


@dataclass
class PairPredictions:
    """labels: the most probable relation of each pair. probabilities: (pairs,) of being related at all, 1 - p(none).

    uncertainties: (pairs,) their standard deviation over samples. known: (pairs,) whether both concepts occurred in
        pre-training.
    """

    labels: list[str]
    probabilities: np.ndarray
    uncertainties: np.ndarray
    known: np.ndarray


class PairClassifier(nn.Module):
    """p(r | z) with a hidden layer and a skip connection."""

    def __init__(self, latent_width: int, hidden_width: int, n_classes: int):
        super().__init__()
        self.hidden = nn.Linear(latent_width, hidden_width)
        self.output = nn.Linear(hidden_width + latent_width, n_classes)

    def forward(self, z: Tensor) -> Tensor:
        """(…, latent width) -> (…, classes), class 0 none."""
        return self.output(torch.cat([F.relu(self.hidden(z)), z], dim=-1))


class PairModel:
    """Predicts the relation of two concepts from their identifiers.

    labels: of relations. threshold: minimum probability of being related.
    """

    def __init__(self, pretrained: Pretrained, labels: Sequence[str], settings: PairSettings) -> None:
        if pretrained.kind != "concepts":
            raise ValueError(
                'Pairs of concepts need a model pre-trained on concepts: set [contexts] entities = "concepts", '
                "and run 'spacy keci pretrain-relations'."
            )
        self.pretrained, self.labels, self.settings = pretrained, list(labels), settings
        self.threshold = 0.5
        self.numbers = {id: 1 + i for i, id in enumerate(pretrained.entities)}
        self.representation: Representation = pretrained.model().representation.requires_grad_(False).eval()
        torch.manual_seed(settings.seed)
        width = pretrained.settings.latent_width
        self.classifier = PairClassifier(width, settings.hidden_width, 1 + len(self.labels))

    def learn(self, train: Sequence[Pair]) -> None:
        """Train the classifier (Eq. 20).

        ``train`` includes negatives: pairs that texts mention together, with the types of related pairs.
        """
        x, y = self._numbers(train)
        classes = {NONE: 0} | {label: 1 + i for i, label in enumerate(self.labels)}
        targets = torch.tensor([classes[pair.label] for pair in train])
        optimizer = torch.optim.Adam(self.classifier.parameters(), lr=self.settings.learn_rate)
        generator = torch.Generator().manual_seed(self.settings.seed)
        for _ in range(self.settings.updates):
            rows = torch.randint(len(train), (min(self.settings.batch_size, len(train)),), generator=generator)
            turned = torch.rand(len(rows), generator=generator) < 0.5  # without a text, a pair has no order
            first, second = torch.where(turned, y[rows], x[rows]), torch.where(turned, x[rows], y[rows])
            logits = self.classifier(self._samples(first, second, self.settings.train_samples, generator))
            target = targets[rows].expand(len(logits), -1)
            loss = F.cross_entropy(logits.flatten(0, 1), target.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    @torch.no_grad()
    def predict(self, pairs: Sequence[Pair]) -> PairPredictions:
        """Mean probabilities over samples and over both orders of a pair. Deterministic."""
        labels: list[str] = []
        probabilities, uncertainties, known = [np.zeros(0)], [np.zeros(0)], [np.zeros(0, dtype=bool)]
        for begin in range(0, len(pairs), 1024):
            x, y = self._numbers(pairs[begin : begin + 1024])
            generator = torch.Generator().manual_seed(self.settings.seed)
            noise = torch.randn(self.settings.samples, 2, 1, self.pretrained.settings.latent_width, generator=generator)
            z = [self._sample(a, b, noise) for a, b in ((x, y), (y, x))]
            of_samples = self.classifier(torch.cat(z)).softmax(dim=-1)
            mean = of_samples.mean(dim=0)
            related = 1 - of_samples[..., 0]
            labels += [self.labels[i] for i in mean[:, 1:].argmax(dim=1).tolist()]
            probabilities.append((1 - mean[:, 0]).numpy())
            uncertainties.append(related.std(dim=0, correction=0).numpy())
            known.append(((x > 0) & (y > 0)).numpy())
        return PairPredictions(
            labels, np.concatenate(probabilities), np.concatenate(uncertainties), np.concatenate(known)
        )

    def _numbers(self, pairs: Sequence[Pair]) -> tuple[Tensor, Tensor]:
        rows = [[self.numbers.get(pair.first, 0), self.numbers.get(pair.second, 0)] for pair in pairs]
        first, second = torch.tensor(rows, dtype=torch.long).reshape(-1, 2).unbind(dim=1)
        return first, second

    def _samples(self, first: Tensor, second: Tensor, n: int, generator: torch.Generator) -> Tensor:
        noise = torch.randn(n, 2, len(first), self.pretrained.settings.latent_width, generator=generator)
        return self._sample(first, second, noise)

    def _sample(self, first: Tensor, second: Tensor, noise: Tensor) -> Tensor:
        """(samples, pairs, latent width) z ~ p(u) p(z | x, y, u) (Eq. 19). noise: (samples, 2, …, latent width)."""
        pair = self.representation.pair(first, second)
        u = noise[:, 0].expand(-1, len(first), -1)
        prior = self.representation.prior(pair, u)
        return prior.mean + prior.stddev * noise[:, 1]

    def to_disk(self, folder: Path) -> None:
        """Save the model, including the pre-trained representation."""
        folder.mkdir(parents=True, exist_ok=True)
        self.pretrained.to_disk(folder)
        torch.save(self.classifier.state_dict(), folder / WEIGHTS)
        said = {"labels": self.labels, "threshold": self.threshold, "settings": vars(self.settings)}
        srsly.write_json(folder / FILE, said)

    @classmethod
    def from_disk(cls, folder: Path) -> PairModel:
        """Load the model. Raises ValueError if the folder has none."""
        if not (folder / FILE).is_file():
            raise ValueError(
                f"{folder} has no trained classifier of pairs: give labelled pairs with --train and --validation."
            )
        saved = srsly.read_json(folder / FILE)
        model = cls(Pretrained.from_disk(folder), saved["labels"], PairSettings(**saved["settings"]))
        model.classifier.load_state_dict(torch.load(folder / WEIGHTS, weights_only=True))
        model.threshold = saved["threshold"]
        return model
