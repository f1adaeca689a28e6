"""The sizes of the network of latent relations."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..concept_pairs.sizes import PairSizes


@dataclass
class LatentSizes(PairSizes):
    """Sizes with the words of the vocabulary, and the types of mentions: those of the pre-training first, in its
    order."""

    words: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
