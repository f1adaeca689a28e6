"""The targets of the tagger: gold mentions as tags. Flat tags cannot represent nested mentions."""

import numpy as np

from .decoding import flat_spans
from .tags import Spans, tags_of_spans


def ends_are_words(starts: np.ndarray, ends: np.ndarray, is_space: np.ndarray) -> np.ndarray:
    """(spans,) whether a span neither begins nor ends with white space. is_space: (tokens,)."""
    return ~is_space[starts] & ~is_space[ends - 1]


def longest_flat(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """(spans,) of bool, the spans that remain if only the longest of overlapping spans is kept, the first of equal
    lengths."""
    return flat_spans(starts, ends, np.lexsort((starts, starts - ends)))


def tag_targets(spans: Spans, text: np.ndarray) -> np.ndarray:
    """(tokens,) the tags of the gold mentions that can be predicted; the others count as outside.

    spans: may be empty, if they are nothing but white space. text: (tokens,) the text of each token.
    """
    rows = np.flatnonzero(spans.starts < spans.ends)
    rows = rows[text[spans.starts[rows]] == text[spans.ends[rows] - 1]]
    rows = rows[longest_flat(spans.starts[rows], spans.ends[rows])]
    return tags_of_spans(Spans(*(each[rows] for each in spans)), len(text))
