"""The settings of contrastive learning. Light: architectures import it to know their parameters."""

from dataclasses import dataclass
from typing import Any, Literal

from ...settings import at_least, check_minimums


@dataclass
class HardNegativesSettings:
    """Which pairs a related pair is held apart from in contrastive learning; and, as the setting ``negatives`` of a
    component, which unrelated pairs of a batch its classifier of relations learns from.

    source: "batch": pairs of the same update. "memory": and the last ``memory_size`` pairs of earlier ones. "mined":
        every ``refresh_every`` updates, the hardest of all pairs in the memory are looked up for each related pair, and
        stay its negatives until the next time.
    hardest: how many for each related pair: those with the most similar vectors, or of a classifier those with the
        highest loss; 0: all (not with "mined").
    """

    source: Literal["batch", "memory", "mined"] = "batch"
    hardest: int = at_least(0, 64)
    memory_size: int = at_least(1, 2048)
    refresh_every: int = at_least(1, 100)

    def __post_init__(self) -> None:
        check_minimums(self, "HardNegatives")
        if self.source == "mined" and not self.hardest:
            raise ValueError('HardNegatives with source = "mined" needs a number of them: set hardest to 1 or more.')


@dataclass
class ContrastiveSettings:
    """What is added to the cross-entropy, so that vectors of related pairs lie together by label.

    loss: "supcon", supervised contrastive learning (Khosla et al. 2020, Eq. 2), or "triplet", of each related pair, the
        nearest pair of the same label and its hardest negatives.
    weight: of the loss. temperature: of "supcon". margin: of "triplet", in cosine.
    begin: the updates before it begins. width: of the vectors.
    negatives: which pairs a related pair is held apart from, a ``spacy_keci.HardNegatives.v1``; None: its defaults.
    """

    loss: Literal["supcon", "triplet"] = "supcon"
    weight: float = at_least(0, 0.3)
    temperature: float = 0.1
    margin: float = at_least(0, 0.5)
    begin: int = at_least(0, 0)
    width: int = at_least(1, 128)
    negatives: Any = None  # spaCy checks types before it resolves what is nested

    def __post_init__(self) -> None:
        check_minimums(self, "the contrastive loss")
        if self.negatives is None:
            self.negatives = HardNegativesSettings()
        if self.temperature <= 0:
            raise ValueError(f"The temperature of the contrastive loss must be above 0, but it is {self.temperature}.")
