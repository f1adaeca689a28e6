"""Counts for pairs of concepts, as small integers: how often and how far apart they are mentioned.

These counts and the two types are surprisingly informative: a table over three of them reaches a pair F1 of 60 on
BioRED (docs/concept_relations.md). Only NumPy, without a loop over pairs.
"""

from collections.abc import Iterable

import numpy as np

from .pairs import Bags, Concepts

# number of values of each feature
PAIR_FEATURES = {
    "mentions of the first": 8,
    "mentions of the second": 8,
    "sentences between the closest mentions": 6,
    "sentences with both": 5,
    "the first is in the first sentence": 2,
    "the second is in the first sentence": 2,
    "the first is in the last sentence": 2,
    "the second is in the last sentence": 2,
}
MENTION_PAIR_FEATURES = {
    "tokens between the mentions": 9,
    "sentences between the mentions": 4,
    "the second comes first": 2,
}


def pair_features(concepts: Concepts, bags: Bags) -> np.ndarray:
    """(pairs, features) of :data:`PAIR_FEATURES`."""
    sizes = concepts.sizes
    last_sentence = np.zeros(int(concepts.mentions[:, 0].max(initial=-1)) + 1, dtype="int64")
    np.maximum.at(last_sentence, concepts.mentions[:, 0], concepts.sentences)
    of_member = concepts.sentences[concepts.member_mention]
    doc_of_member = concepts.mentions[concepts.member_mention, 0]
    in_first = _any_member(concepts, of_member == 0)
    in_last = _any_member(concepts, of_member == last_sentence[doc_of_member])
    apart = np.abs(concepts.sentences[bags.left] - concepts.sentences[bags.right])
    closest = np.full(len(bags), np.iinfo("int64").max)
    np.minimum.at(closest, bags.pair, apart)
    columns = [
        sizes[bags.first],
        sizes[bags.second],
        closest,
        _shared_sentences(concepts, bags),
        in_first[bags.first],
        in_first[bags.second],
        in_last[bags.first],
        in_last[bags.second],
    ]
    return _capped(columns, PAIR_FEATURES.values())


def mention_pair_features(concepts: Concepts, bags: Bags) -> np.ndarray:
    """(mention pairs, features) of :data:`MENTION_PAIR_FEATURES`."""
    _, start, end = concepts.mentions.T
    backward = start[bags.left] > start[bags.right]
    gap = np.where(backward, start[bags.left] - end[bags.right], start[bags.right] - end[bags.left])
    tokens = np.where(gap < 0, 0, 1 + np.floor(np.log2(np.maximum(gap, 0) + 1)).astype("int64"))
    apart = np.abs(concepts.sentences[bags.left] - concepts.sentences[bags.right])
    return _capped([tokens, apart, backward], MENTION_PAIR_FEATURES.values())


def _any_member(concepts: Concepts, of_member: np.ndarray) -> np.ndarray:
    found = np.zeros(len(concepts.doc), dtype=bool)
    np.logical_or.at(found, concepts.member_concept, of_member)
    return found


def _shared_sentences(concepts: Concepts, bags: Bags) -> np.ndarray:
    """(pairs,) number of sentences with mentions of both, among the mention pairs of each pair."""
    left, right = concepts.sentences[bags.left], concepts.sentences[bags.right]
    both = np.unique(np.stack([bags.pair, left], axis=1)[left == right], axis=0)
    return np.bincount(both[:, 0], minlength=len(bags))


def _capped(columns: list[np.ndarray], sizes: Iterable[int]) -> np.ndarray:
    capped = [np.minimum(column, size - 1) for column, size in zip(columns, sizes, strict=True)]
    return np.stack(capped, axis=1).astype("int64")
