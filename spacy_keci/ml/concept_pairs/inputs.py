"""The input of the network of concept pairs besides token vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from spacy.tokens import Doc

from ...sentences import doc_starts
from .features import mention_pair_features, pair_features
from .pairs import Bags, Concepts

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class ConceptPairInput:
    """The concepts of a batch, and the pairs that are scored.

    docs: the documents. In training only, keys: (pairs,) a number that is unique in the corpus, and groups: (pairs,) a
        number shared by all pairs of the same two concepts.
    rows: the slice of the batch's tokens with these pairs. first_pair, first_mention_pair: rows of the first ones in
        the batch. max_tokens, max_pairs: maximum numbers that are scored together.
    """

    docs: list[Doc]
    concepts: Concepts
    bags: Bags
    keys: np.ndarray | None = None
    groups: np.ndarray | None = None
    rows: slice = field(default_factory=lambda: slice(None))
    first_pair: int = 0
    first_mention_pair: int = 0
    max_tokens: int | None = None
    max_pairs: int | None = None

    def parts(self) -> Sequence[ConceptPairInput]:
        """Split the documents into parts of at most ``max_tokens`` tokens, or of one longer document. A document with
        more than ``max_pairs`` pairs is read several times, each time for ``max_pairs`` of them. Parts without pairs
        are left out."""
        if self.max_tokens is None or self.max_pairs is None:
            return [self]
        return [self._part(*bounds) for bounds in self._bounds(self.max_tokens, self.max_pairs)]

    def _bounds(self, max_tokens: int, max_pairs: int) -> Iterator[tuple[int, int, int, int]]:
        """First token, end of tokens, first pair, end of pairs of each part."""
        starts = doc_starts(self.docs)
        ends = starts + [len(doc) for doc in self.docs]
        pair_ends = np.searchsorted(self.concepts.doc[self.bags.first], np.arange(len(self.docs)), side="right")
        token, pair, last_token, last_pair = 0, 0, 0, 0  # begin of the part, and its end so far
        for start, end, pair_end in zip(starts.tolist(), ends.tolist(), pair_ends.tolist(), strict=True):
            if last_pair > pair and (end - token > max_tokens or pair_end - pair > max_pairs):
                yield token, last_token, pair, last_pair
                pair = last_pair
            if last_pair == pair:
                token = start
            while pair_end - pair > max_pairs:
                yield token, end, pair, pair + max_pairs
                pair += max_pairs
            last_token, last_pair = end, pair_end
        if last_pair > pair:
            yield token, last_token, pair, last_pair

    def _part(self, begin: int, end: int, first_pair: int, end_of_pairs: int) -> ConceptPairInput:
        return replace(
            self,
            bags=self.bags.part(first_pair, end_of_pairs),
            rows=slice(begin, end),
            first_pair=first_pair,
            first_mention_pair=int(np.searchsorted(self.bags.pair, first_pair)),
            max_tokens=None,
            max_pairs=None,
        )

    def to_torch(self, device: Any) -> tuple[PairTensors]:
        """The mentions and concepts of the pairs, with offsets into the tokens of the part."""
        from ..network import to_tensor

        concepts, bags = self.concepts, self.bags
        starts_of_docs = doc_starts(self.docs)
        offsets = starts_of_docs - (self.rows.start or 0)
        used, (first, second) = _compact(bags.first, bags.second)
        is_member = np.isin(concepts.member_concept, used)
        member_concept = np.searchsorted(used, concepts.member_concept[is_member])
        mentions, (members, left, right) = _compact(concepts.member_mention[is_member], bags.left, bags.right)
        doc, start, end = concepts.mentions[mentions].T
        lengths = np.array([len(each) for each in self.docs], dtype="int64")
        arrays = {
            "starts": start + offsets[doc],
            "ends": end + offsets[doc],
            "doc_starts": offsets[doc],
            "doc_ends": (offsets + lengths)[doc],
            "member_concept": member_concept,
            "member_mention": members,
            "first": first,
            "second": second,
            "first_type": concepts.types[bags.first],
            "second_type": concepts.types[bags.second],
            "features": pair_features(concepts, bags),
            "pair": bags.pair,
            "left": left,
            "right": right,
            "mention_pair_features": mention_pair_features(concepts, bags),
        }
        tensors = {name: to_tensor(array, device) for name, array in arrays.items()}
        return (PairTensors(n_concepts=len(used), **tensors),)


@dataclass
class PairTensors:
    """:class:`ConceptPairInput` as tensors, all of int64.

    starts, ends: (mentions,) offsets into the tokens, end exclusive. doc_starts, doc_ends: (mentions,) offsets of their
        documents.
    member_concept, member_mention: (members,) rows of the ``n_concepts`` concepts and of mentions.
    first, second, first_type, second_type: (pairs,) rows of concepts, and their types.
    features: (pairs, pair features).
    pair, left, right: (mention pairs,) rows of pairs, ascending, and of mentions.
    mention_pair_features: (mention pairs, mention pair features).
    """

    n_concepts: int
    starts: Tensor
    ends: Tensor
    doc_starts: Tensor
    doc_ends: Tensor
    member_concept: Tensor
    member_mention: Tensor
    first: Tensor
    second: Tensor
    first_type: Tensor
    second_type: Tensor
    features: Tensor
    pair: Tensor
    left: Tensor
    right: Tensor
    mention_pair_features: Tensor


def _compact(*rows: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The rows that occur, ascending, and the arrays renumbered by them."""
    used = np.unique(np.concatenate(rows))
    return used, [np.searchsorted(used, each) for each in rows]
