"""The most probable legal sequence of BILUO tags (Viterbi 1967), for many texts at once."""

import numpy as np

from .tags import BEGIN, INSIDE, LAST, PLACES, UNIT, tag_number


def best_legal_tags(scores: np.ndarray) -> np.ndarray:
    """(texts, tokens, tags) scores, summed along a text -> (texts, tokens) tags.

    The legal successors of a tag are fixed, so two kinds of states are enough: outside of mentions (after ``O``, ``L``
    and ``U``), and inside a mention of each type (after ``B`` and ``I``). Every text must end outside. The only loop is
    over the tokens of the longest text.
    """
    n_texts, n_tokens, n_tags = scores.shape
    rows, types = np.arange(n_texts), np.arange((n_tags - 1) // len(PLACES))
    by_place = scores[:, :, 1:].reshape(n_texts, n_tokens, len(types), len(PLACES))
    outside = np.zeros(n_texts)
    inside = np.full((n_texts, len(types)), -np.inf)
    # the tags that lead outside, and the best of them; whether a mention begins or continues
    leaving = np.concatenate([[0], tag_number(types, LAST), tag_number(types, UNIT)])
    left = np.zeros((n_tokens, n_texts), dtype="int64")
    begins = np.zeros((n_tokens, n_texts, len(types)), dtype=bool)
    for t in range(n_tokens):
        of_token = by_place[:, t]
        ways_out = np.concatenate(
            [
                (outside + scores[:, t, 0])[:, None],
                inside + of_token[:, :, LAST],
                outside[:, None] + of_token[:, :, UNIT],
            ],
            axis=1,
        )
        begun, gone_on = outside[:, None] + of_token[:, :, BEGIN], inside + of_token[:, :, INSIDE]
        best = ways_out.argmax(axis=1)
        left[t], begins[t] = leaving[best], begun >= gone_on
        outside, inside = ways_out[rows, best], np.maximum(begun, gone_on)
    tags = np.zeros((n_texts, n_tokens), dtype="int64")
    type_inside = np.full(n_texts, -1)  # outside
    for t in reversed(range(n_tokens)):
        is_outside = type_inside < 0
        begins_here = begins[t, rows, type_inside]
        tags[:, t] = np.where(is_outside, left[t], tag_number(type_inside, np.where(begins_here, BEGIN, INSIDE)))
        ended, place = np.divmod(tags[:, t] - 1, len(PLACES))
        came_from_inside = np.where(is_outside, (tags[:, t] > 0) & (place == LAST), ~begins_here)
        type_inside = np.where(came_from_inside, ended, -1)
    return tags
