"""What the network of latent relations reads: a context for each pair of mentions."""

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
    """Pairs of mentions, each of which is a concept of its own.

    vocabulary: of the network. type_rows: for each number of a type its row in the network's table.
    masks, max_length: of contexts. by_sentence: whether a context is a sentence, or else a document.
    """

    vocabulary: Vocabulary = field(default_factory=lambda: Vocabulary([]))
    type_rows: Sequence[int] = (0,)
    masks: Literal["different", "single"] = "different"
    max_length: int = 140
    by_sentence: bool = True

    def contexts(self) -> Contexts:
        """Those of the pairs, in their order."""
        concepts, bags = self.concepts, self.bags
        words: dict[int, np.ndarray] = {}
        texts: dict[int, list[Place]] = {}
        made, first, second = [], [], []
        ends = zip(bags.left.tolist(), bags.right.tolist(), strict=True)
        for pair, (left, right) in enumerate(ends):
            types = {left: concepts.types[bags.first[pair]], right: concepts.types[bags.second[pair]]}
            rows = sorted(types, key=lambda row: concepts.mentions[row, 1:].tolist())
            d, sentence = int(concepts.mentions[left, 0]), int(concepts.sentences[rows[0]])
            if d not in words:
                words[d] = self.vocabulary(self.docs[d])
                texts[d] = [(each.start, each.end) for each in sentences(self.docs[d])]
            begin, end = texts[d][sentence] if self.by_sentence else (0, len(words[d]))
            places = [(start - begin, stop - begin) for _, start, stop in concepts.mentions[rows].tolist()]
            end = max(end, begin + places[1][1])  # a mention may go on over the end of a sentence
            made.append(make_context(words[d][begin:end], *places, masks=self.masks, max_length=self.max_length))
            first.append(self.type_rows[types[rows[0]]])
            second.append(self.type_rows[types[rows[1]]])
        return make_batch(made, first, second)

    def to_torch(self, device: Any) -> tuple[ContextTensors]:  # type: ignore[override]
        from ..network import to_tensor

        contexts = self.contexts()
        return (ContextTensors(*(to_tensor(array, device) for array in vars(contexts).values())),)


class ContextTensors(NamedTuple):
    """What :class:`~spacy_keci.ml.latent.contexts.Contexts` is to the network. All of int64."""

    tokens: Tensor
    lengths: Tensor
    first: Tensor
    second: Tensor
