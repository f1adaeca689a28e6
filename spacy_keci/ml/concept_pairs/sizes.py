"""The sizes of networks that classify pairs."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..network import Sizes


@dataclass
class PairSizes(Sizes):
    """Sizes with the directed labels.

    The classes are: none; each label from the first concept to the second; each directed label from the second to the
    first.
    """

    directed_labels: list[str] = field(default_factory=list)

    @property
    def n_classes(self) -> int:
        """Without "none"."""
        return self.n_relation_labels + len(self.directed_labels)


@dataclass
class ConceptPairSizes(PairSizes):
    """Sizes with the possible values of novelty (empty if not annotated), and the level of the pairs, which the
    component compares with its setting."""

    novelty_labels: list[str] = field(default_factory=list)
    level: str = "concept"
