"""Settings of the joint network."""

from dataclasses import dataclass
from typing import Literal

from ...settings import at_least, check_minimums


@dataclass
class JointModelSettings:
    """Settings of the tagger and the biaffine classifier (Eq. 1-7).

    entity_embedding_width: width of the vector of a mention's predicted tag (Eq. 3); 0: none.
    projection: the projection of the last token of a mention as head and as tail (Eq. 4-5): "separate" feedforward
        networks, a "shared" one, or "none".
    hidden_width, width: widths of the two layers of these networks; ``width`` is the paper's m.
    bilinear: whether relations are scored by a bilinear term (Eq. 7) in addition to the linear one.
    context_width: number of features of the tokens between two mentions, for the relation classifier; 0 (the paper) for
        none.
    """

    entity_embedding_width: int = at_least(0, 128)
    projection: Literal["separate", "shared", "none"] = "separate"
    hidden_width: int = at_least(1, 512)
    width: int = at_least(1, 256)
    bilinear: bool = True
    context_width: int = at_least(0, 0)

    def __post_init__(self) -> None:
        check_minimums(self, "the model")
