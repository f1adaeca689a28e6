"""The settings of the network of concept pairs. Imports nothing heavy: architectures need it for their parameters."""

from dataclasses import dataclass
from typing import Any

from ...settings import at_least, check_minimums


@dataclass
class ConceptPairSettings:
    """Settings of the network.

    hidden_width: width of the layers for mentions, mention pairs and concept pairs. depth: number of layers after the
        pair vector.
    context_width: number of features of the tokens around and between two mentions; 0 for none. context_margin: number
        of tokens read before the first and after the second mention. context_length: maximum distance of mentions
        between which tokens are read.
    contrastive: a ``spacy_keci.Contrastive.v1``, learned in addition to the labels; None for no contrastive loss.
    """

    hidden_width: int = at_least(1, 256)
    depth: int = at_least(0, 1)
    context_width: int = at_least(0, 256)
    context_margin: int = at_least(0, 8)
    context_length: int = at_least(1, 128)
    contrastive: Any = None  # spaCy checks types before it resolves nested blocks

    def __post_init__(self) -> None:
        check_minimums(self, "the model")
