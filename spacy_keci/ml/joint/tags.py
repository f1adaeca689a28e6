"""Mentions as numbered BILUO tags of tokens, without a loop over tokens or mentions.

The tags are spaCy's: ``O`` outside of mentions, and for each entity type ``B`` (begin), ``I`` (inside) and ``L`` (last)
of a mention of several tokens, and ``U`` (unit) of a mention of one token.
"""

from typing import NamedTuple

import numpy as np

PLACES = "BILU"
BEGIN, INSIDE, LAST, UNIT = range(4)


class Spans(NamedTuple):
    """Typed spans of the tokens of a batch: (spans,) each; end exclusive, types from 0."""

    starts: np.ndarray
    ends: np.ndarray
    types: np.ndarray


def count_tags(n_types: int) -> int:
    return 1 + len(PLACES) * n_types


def tag_number(types: np.ndarray, place: np.ndarray | int) -> np.ndarray:
    """The number of a tag, from its type and its place in the mention."""
    return 1 + len(PLACES) * types + place


def last_tags(spans: Spans) -> np.ndarray:
    """(spans,) the tag of the last token of each."""
    return tag_number(spans.types, np.where(spans.ends - spans.starts == 1, UNIT, LAST))


def tags_of_spans(spans: Spans, n_tokens: int) -> np.ndarray:
    """(tokens,) the tags of spans without overlaps."""
    lengths = spans.ends - spans.starts
    owner = np.repeat(np.arange(len(lengths)), lengths)
    position = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    length = lengths[owner]
    place = np.where(position == 0, BEGIN, np.where(position == length - 1, LAST, INSIDE))
    tags = np.zeros(n_tokens, dtype="int64")
    tags[spans.starts[owner] + position] = tag_number(spans.types[owner], np.where(length == 1, UNIT, place))
    return tags


def spans_of_tags(tags: np.ndarray, text: np.ndarray) -> Spans:
    """The mentions of (tokens,) tags, in order. text: (tokens,) the text of each token, ascending.

    In sequences that are not legal, only complete mentions count: a ``U``, or ``B``, ``I`` and ``L`` of one type.
    """
    types, places = _parts(tags)
    run = np.maximum.accumulate(np.where(_continues(tags, text), 0, np.arange(len(tags))))
    ends_here = (places == UNIT) | ((places == LAST) & (places[run] == BEGIN))
    last = np.flatnonzero(ends_here)
    return Spans(np.where(places[last] == UNIT, last, run[last]), last + 1, types[last])


def is_legal(tags: np.ndarray, text: np.ndarray) -> np.ndarray:
    """(tokens,) whether each tag may stand next to its neighbours in the text."""
    _, places = _parts(tags)
    continues = _continues(tags, text)
    goes_on = np.append(continues[1:], False)
    return (continues == _is_in(places, INSIDE, LAST)) & (goes_on == _is_in(places, BEGIN, INSIDE))


def _parts(tags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The type and the place of each tag, -1 for ``O``."""
    types, places = np.divmod(tags - 1, len(PLACES))
    return types, np.where(tags == 0, -1, places)


def _continues(tags: np.ndarray, text: np.ndarray) -> np.ndarray:
    """(tokens,) whether a token continues the mention of the previous token."""
    types, places = _parts(tags)
    continues = np.zeros(len(tags), dtype=bool)
    continues[1:] = (
        (text[1:] == text[:-1])
        & (types[1:] == types[:-1])
        & _is_in(places[:-1], BEGIN, INSIDE)
        & _is_in(places[1:], INSIDE, LAST)
    )
    return continues


def _is_in(places: np.ndarray, one: int, other: int) -> np.ndarray:
    return (places == one) | (places == other)
