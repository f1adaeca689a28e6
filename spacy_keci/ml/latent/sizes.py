"""The sizes of the network of latent relations."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..network import Sizes


@dataclass
class LatentSizes(Sizes):
    """Sizes with the directed labels, the words of the vocabulary, and the types of mentions: those of the pre-training
    first, in its order.

    Classes are as in :class:`~spacy_keci.ml.concept_pairs.sizes.ConceptPairSizes`.
    """

    directed_labels: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)

    @property
    def n_classes(self) -> int:
        """Without "none"."""
        return self.n_relation_labels + len(self.directed_labels)
