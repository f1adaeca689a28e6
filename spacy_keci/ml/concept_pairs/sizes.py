"""What the network of concept pairs is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..network import Sizes


@dataclass
class ConceptPairSizes(Sizes):
    """With the labels that have a direction, what novelty may be, empty where the data does not say, and the level of
    the pairs, for the component to compare.

    Classes are: none; each label, from the first concept to the second; each label with a direction, from the second to
    the first.
    """

    directed_labels: list[str] = field(default_factory=list)
    novelty_labels: list[str] = field(default_factory=list)
    level: str = "concept"

    @property
    def n_classes(self) -> int:
        """Without "none"."""
        return self.n_relation_labels + len(self.directed_labels)
