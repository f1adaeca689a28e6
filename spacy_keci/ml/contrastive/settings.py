"""The settings of contrastive learning. Imports nothing heavy: architectures need it for their parameters."""

from dataclasses import dataclass
from typing import Any, Literal

from ...settings import at_least, check_minimums


@dataclass
class HardNegativesSettings:
    """The negatives of a related pair in contrastive learning, or, as the setting ``negatives`` of a component, the
    unrelated pairs of a batch that its relation classifier learns from.

    source: "batch": pairs of the same update. "memory": also the last ``memory_size`` pairs of earlier updates.
        "mined": every ``refresh_every`` updates, the hardest of all pairs in the memory are found for each related
        pair, and used until the next time.
    hardest: number of negatives for each related pair: those with the most similar vectors or, for a classifier, with
        the highest loss; 0 for all (not with "mined").
    """

    source: Literal["batch", "memory", "mined"] = "batch"
    hardest: int = at_least(0, 64)
    memory_size: int = at_least(1, 2048)
    refresh_every: int = at_least(1, 100)

    def __post_init__(self) -> None:
        check_minimums(self, "HardNegatives")
        if self.source == "mined" and not self.hardest:
            raise ValueError('HardNegatives with source = "mined" needs hardest of 1 or more.')


@dataclass
class ContrastiveSettings:
    """The contrastive loss added to the cross-entropy, which groups vectors of related pairs by label.

    loss: "supcon", supervised contrastive learning (Khosla et al. 2020, Eq. 2), or "triplet", of each related pair, the
        nearest pair with the same label, and its hardest negatives.
    weight: of the loss; 0 for no such loss. temperature: of "supcon". margin: of "triplet", in cosine.
    begin: number of updates before the loss is added. width: of the vectors.
    negatives: the negatives of a related pair, a ``spacy_keci.HardNegatives.v1``; None for its defaults.
    """

    loss: Literal["supcon", "triplet"] = "supcon"
    weight: float = at_least(0, 0.3)
    temperature: float = 0.1
    margin: float = at_least(0, 0.5)
    begin: int = at_least(0, 0)
    width: int = at_least(1, 128)
    negatives: Any = None  # spaCy checks types before it resolves nested blocks

    def __post_init__(self) -> None:
        check_minimums(self, "the contrastive loss")
        if self.negatives is None:
            self.negatives = HardNegativesSettings()
        if self.temperature <= 0:
            raise ValueError(f"The temperature of the contrastive loss must be above 0, but it is {self.temperature}.")
