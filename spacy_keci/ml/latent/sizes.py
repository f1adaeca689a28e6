"""What the network of latent relations is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..network import Sizes


@dataclass
class LatentSizes(Sizes):
    """With the labels that have a direction, the words of the vocabulary, and the types that mentions may have: those
    of the pre-training first, in its order.

    Classes are as those of :class:`~spacy_keci.ml.concept_pairs.sizes.ConceptPairSizes`.
    """

    directed_labels: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)

    @property
    def n_classes(self) -> int:
        """Without "none"."""
        return self.n_relation_labels + len(self.directed_labels)
