"""The settings of the network of concept pairs. Light: architectures import it to know their parameters."""

from dataclasses import dataclass
from typing import Any

from ...settings import at_least, check_minimums


@dataclass
class ConceptPairSettings:
    """Settings of the network.

    hidden_width: of the layers of mentions, of pairs of mentions and of pairs of concepts. depth: layers after the pair
        vector.
    context_width: features of the tokens around and between two mentions; 0: none. context_margin: tokens before the
        first and after the second mention that are read as well. context_length: of mentions further apart, nothing is
        read between them.
    contrastive: a ``spacy_keci.Contrastive.v1``, what is learned besides the labels; None: nothing.
    """

    hidden_width: int = at_least(1, 256)
    depth: int = at_least(0, 1)
    context_width: int = at_least(0, 256)
    context_margin: int = at_least(0, 8)
    context_length: int = at_least(1, 128)
    contrastive: Any = None  # spaCy checks types before it resolves what is nested

    def __post_init__(self) -> None:
        check_minimums(self, "the model")
