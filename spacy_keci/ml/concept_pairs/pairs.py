"""Choose the pairs of concepts that are scored, and the pairs of their mentions that are read.

Only NumPy, without a loop over concepts, mentions or pairs.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Concepts:
    """The concepts of a batch of documents, ordered by document.

    mentions: (mentions, 3) document, start and end. sentences: (mentions,) number of the sentence in its document.
    doc, types: (concepts,) document, and type of the first mention, counted from 1; 0 if unknown.
    member_concept, member_mention: (members,) rows of concepts, ascending, and of mentions.
    ids: identifier of each concept or, if each mention is a concept, its offsets and label.
    """

    mentions: np.ndarray
    sentences: np.ndarray
    doc: np.ndarray
    types: np.ndarray
    member_concept: np.ndarray
    member_mention: np.ndarray
    ids: list[str]

    @property
    def sizes(self) -> np.ndarray:
        """(concepts,) number of mentions."""
        return np.bincount(self.member_concept, minlength=len(self.doc))

    @property
    def firsts(self) -> np.ndarray:
        """(concepts,) position of the first member among the members."""
        return np.cumsum(self.sizes) - self.sizes


@dataclass(frozen=True)
class Bags:
    """Pairs of concepts, each with the mention pairs that represent it.

    first, second: (pairs,) rows of concepts, ordered by document. The first is the one with the lower type or, if the
        types are equal, the earlier mention, so that a direction has the same meaning in every text; with ``by_place``,
        it is always the earlier one.
    pair: (mention pairs,) row of the pair, ascending. left, right: (mention pairs,) rows of mentions of the first and
        the second concept, closest first.
    """

    first: np.ndarray
    second: np.ndarray
    pair: np.ndarray
    left: np.ndarray
    right: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    def part(self, begin: int, end: int) -> Bags:
        """The pairs from ``begin`` to ``end`` (exclusive)."""
        rows = slice(*np.searchsorted(self.pair, [begin, end]))
        return Bags(
            self.first[begin:end], self.second[begin:end], self.pair[rows] - begin, self.left[rows], self.right[rows]
        )


def make_bags(
    concepts: Concepts,
    *,
    pair_types: Collection[tuple[int, int]] | None,
    max_distance: int,
    max_mention_pairs: int,
    by_sentence: bool,
    by_place: bool = False,
) -> Bags:
    """All pairs of concepts of one document that may be related.

    pair_types: allowed pairs of types, the lower one first; None for all.
    max_distance: maximum number of tokens between the starts of two mentions. by_sentence: whether both must be in the
        same sentence. Pairs without such mentions, and pairs of identical mentions, are left out.
    by_place: whether the first of a pair is the one mentioned earlier, whatever the types.
    max_mention_pairs: maximum number of mention pairs for a pair of concepts, the closest ones.
    """
    first, second = _near_pairs(concepts, max_distance)
    if pair_types is not None and len(first):
        types = np.sort(np.stack([concepts.types[first], concepts.types[second]], axis=1), axis=1)
        n_types = int(max(types.max(), *(max(pair) for pair in pair_types), 0)) + 1
        allowed = np.array([low * n_types + high for low, high in pair_types], dtype="int64")
        kept = np.isin(types[:, 0] * n_types + types[:, 1], allowed)
        first, second = first[kept], second[kept]
    first, second = _in_order(concepts, first, second, by_place)
    pair, left, right = _mention_pairs(concepts, first, second)
    starts, ends = concepts.mentions[:, 1], concepts.mentions[:, 2]
    distance = np.abs(starts[left] - starts[right])
    kept = (distance <= max_distance) & (left != right)
    # the text of mentions with the same tokens cannot show how they are related
    kept &= (starts[left] != starts[right]) | (ends[left] != ends[right])
    if by_sentence:
        kept &= concepts.sentences[left] == concepts.sentences[right]
    pair, left, right, distance = pair[kept], left[kept], right[kept], distance[kept]
    order = np.lexsort((starts[right], starts[left], distance, pair))
    rank = np.arange(len(pair)) - np.searchsorted(pair, pair)
    chosen = order[rank < max_mention_pairs]
    pair, left, right = pair[chosen], left[chosen], right[chosen]
    scored, pair = np.unique(pair, return_inverse=True)
    return Bags(first[scored], second[scored], pair.reshape(-1), left, right)


def expand(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each count n the numbers 0 to n - 1: the row of the count, and the number."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - (np.cumsum(counts) - counts)[owner]


def _near_pairs(concepts: Concepts, max_distance: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of concepts of the same document, ordered by document, whose stretches from first to last mention are at
    most ``max_distance`` tokens apart. Time is linear in the number of these pairs."""
    if not len(concepts.doc):
        return concepts.doc, concepts.doc
    earliest, latest = _stretches(concepts)
    order = np.lexsort((earliest, concepts.doc))
    # one number line for all documents, with gaps between them that no pair can bridge
    begin = concepts.doc[order] * (int(latest.max()) + max_distance + 1)
    reached = np.searchsorted(begin + earliest[order], begin + latest[order] + max_distance, side="right")
    first, number = expand(reached - np.arange(len(order)) - 1)
    return order[first], order[first + 1 + number]


def _stretches(concepts: Concepts) -> tuple[np.ndarray, np.ndarray]:
    """(concepts,) the starts of the first and the last mention of each."""
    starts = concepts.mentions[concepts.member_mention, 1]
    return np.minimum.reduceat(starts, concepts.firsts), np.maximum.reduceat(starts, concepts.firsts)


def _in_order(
    concepts: Concepts, first: np.ndarray, second: np.ndarray, by_place: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Reorder each pair, with the lower type or the earlier mention first."""
    if not len(first):
        return first, second
    earliest, _ = _stretches(concepts)
    types = np.zeros_like(concepts.types) if by_place else concepts.types
    swapped = types[first] > types[second]
    swapped |= (types[first] == types[second]) & (earliest[first] > earliest[second])
    return np.where(swapped, second, first), np.where(swapped, first, second)


def _mention_pairs(
    concepts: Concepts, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs of mentions of the first and the second concept: pair, left and right."""
    sizes, firsts = concepts.sizes, concepts.firsts
    pair, number = expand(sizes[first] * sizes[second])
    width = sizes[second][pair]
    left = concepts.member_mention[firsts[first][pair] + number // np.maximum(width, 1)]
    right = concepts.member_mention[firsts[second][pair] + number % np.maximum(width, 1)]
    return pair, left, right
