"""The input of the network of latent relations: a context for each pair of mentions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from ...sentences import sentences
from ..concept_pairs.inputs import ConceptPairInput
from .contexts import Contexts, Place, make_batch, make_context
from .vocabulary import Vocabulary

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class LatentInput(ConceptPairInput):
    """Pairs of mentions, each of which is a concept of its own, in the order of the text.

    vocabulary: of the network. type_rows: the row of each type number in the network's table.
    masks, max_length: of contexts. by_sentence: whether a context is a sentence; otherwise it is a document.
    """

    vocabulary: Vocabulary = field(default_factory=lambda: Vocabulary([]))
    type_rows: Sequence[int] = (0,)
    masks: Literal["different", "single"] = "different"
    max_length: int = 140
    by_sentence: bool = True

    def contexts(self) -> Contexts:
        """The contexts of the pairs, in order."""
        concepts, bags = self.concepts, self.bags
        words: dict[int, np.ndarray] = {}
        texts: dict[int, list[Place]] = {}
        made = []
        for left, right in zip(bags.left.tolist(), bags.right.tolist(), strict=True):
            (d, *one), (_, *other) = concepts.mentions[[left, right]].tolist()
            if d not in words:
                words[d] = self.vocabulary(self.docs[d])
                texts[d] = [(each.start, each.end) for each in sentences(self.docs[d])]
            begin, end = texts[d][int(concepts.sentences[left])] if self.by_sentence else (0, len(words[d]))
            places = [(start - begin, stop - begin) for start, stop in (one, other)]
            end = max(end, one[1], other[1])  # a mention may cross the end of a sentence
            made.append(make_context(words[d][begin:end], *places, masks=self.masks, max_length=self.max_length))
        first, second = ([self.type_rows[t] for t in concepts.types[rows]] for rows in (bags.first, bags.second))
        return make_batch(made, first, second)

    def to_torch(self, device: Any) -> tuple[ContextTensors]:  # type: ignore[override]
        from ..network import to_tensor

        contexts = self.contexts()
        return (ContextTensors(*(to_tensor(array, device) for array in vars(contexts).values())),)


class ContextTensors(NamedTuple):
    """:class:`~spacy_keci.ml.latent.contexts.Contexts` as tensors, all of int64."""

    tokens: Tensor
    lengths: Tensor
    first: Tensor
    second: Tensor
