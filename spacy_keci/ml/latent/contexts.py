"""Contexts: texts in which two mask words replace the two mentions of a pair. Only NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

# Words in every vocabulary. Those that are never predicted come first.
PADDING, START, UNKNOWN, FIRST, SECOND = range(5)
N_SPECIAL = 5
# First token and end of a mention
Place = tuple[int, int]


class Contexts(NamedTuple):
    """A batch of contexts, as arrays or as tensors.

    tokens: (contexts, longest) of int64, padded on the right. lengths: (contexts,).
    first, second: (contexts,) the entities x and y, or their types, in the order of the text; 0: unknown.
    """

    tokens: Any
    lengths: Any
    first: Any
    second: Any


def make_context(
    words: np.ndarray, first: Place, second: Place, *, masks: Literal["different", "single"], max_length: int
) -> np.ndarray:
    """The context of two mentions in a text.

    words: (tokens,) of the text. first, second: in the order of the text. Overlapping mentions are replaced together by
        two masks.
    Returns (tokens,), at most ``max_length`` around the two masks.
    Raises ValueError if the mentions are too far apart.
    """
    begin, between, end = words[: first[0]], words[first[1] : second[0]], words[max(first[1], second[1]) :]
    if len(between) + 2 > max_length:
        raise ValueError(f"Two mentions are {len(between)} tokens apart; a context has at most {max_length} tokens.")
    context = np.concatenate([begin, [FIRST], between, [SECOND if masks == "different" else FIRST], end])
    last = len(begin) + 1 + len(between)  # of the masks
    earliest, latest = max(0, last + 1 - max_length), min(len(begin), max(0, len(context) - max_length))
    start = min(max((len(begin) + last + 1 - max_length) // 2, earliest), latest)
    return context[start : start + max_length].astype("int64")


def make_batch(contexts: Sequence[np.ndarray], first: Sequence[int], second: Sequence[int]) -> Contexts:
    """Make a batch of contexts of any lengths, with their entities."""
    lengths = np.array([len(context) for context in contexts], dtype="int64")
    tokens = np.full((len(contexts), int(lengths.max(initial=1))), PADDING, dtype="int64")
    for row, context in zip(tokens, contexts, strict=True):
        row[: len(context)] = context
    return Contexts(tokens, lengths, np.array(first, dtype="int64"), np.array(second, dtype="int64"))
