"""Numbers of words: the special ones, then known words, most frequent first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from spacy.tokens import Doc

from .contexts import N_SPECIAL, UNKNOWN


class Vocabulary:
    """Numbers of lower-case words, from ``N_SPECIAL``."""

    def __init__(self, words: Sequence[str]) -> None:
        self._numbers = {word: N_SPECIAL + i for i, word in enumerate(words)}

    def __call__(self, doc: Doc) -> np.ndarray:
        """(tokens,) of int64; other words are unknown."""
        return np.array([self._numbers.get(token.lower_, UNKNOWN) for token in doc], dtype="int64")


def frequent(counts: Mapping[str, int], min_count: int, limit: int | None = None) -> list[str]:
    """Words without white space that occur at least ``min_count`` times, most frequent first, at most ``limit``."""
    kept = (word for word, n in counts.items() if n >= min_count and word.strip())
    return sorted(kept, key=lambda word: (-counts[word], word))[:limit]


def extended(words: Sequence[str], more: Iterable[str]) -> list[str]:
    """The words, followed by those of ``more`` that are not among them."""
    return list(dict.fromkeys([*words, *more]))
