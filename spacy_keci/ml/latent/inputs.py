"""The input of the network of latent relations: a context for each pair of mentions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

import numpy as np

from ...sentences import sentences
from ..concept_pairs.inputs import ConceptPairInput
from .contexts import Contexts, Place, make_batch, make_context
from .vocabulary import Vocabulary


@dataclass
class LatentInput(ConceptPairInput):
    """Pairs of mentions, each of which is a concept of its own, in the order of the text.

    vocabulary: of the network. type_rows: the row of each type number in the network's table.
    masks, max_length: of contexts. by_sentence: whether a context is a sentence; otherwise it is a document.
    """

    _: KW_ONLY
    vocabulary: Vocabulary
    type_rows: Sequence[int]
    masks: Literal["different", "single"]
    max_length: int
    by_sentence: bool

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

    def to_torch(self, device: Any) -> tuple[Contexts]:  # type: ignore[override]
        from ..network import to_tensor

        return (Contexts(*(to_tensor(array, device) for array in self.contexts())),)
