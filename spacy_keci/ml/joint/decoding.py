"""Decode the probabilities of tags to mentions."""

from typing import Literal, NamedTuple

import numpy as np

from .tags import BEGIN, INSIDE, LAST, PLACES, UNIT, Spans, is_legal, spans_of_tags
from .viterbi import best_legal_tags

# minimum probability of a mention, whatever the threshold
LOWEST = 1e-4


class MentionRules(NamedTuple):
    """The rules that turn tags into mentions.

    decoding: "viterbi", the most probable legal tag sequence of a text; or "argmax", the most probable tag of each
        token, dropping incomplete mentions.
    threshold: (entity types,) minimum probability of each type. The probability of a span is the product of the
        probabilities of its tags; of overlapping spans, the most probable is a mention, if it reaches its threshold.
        NaN for a type, or None for all, for the mentions of the tags above.
    """

    decoding: Literal["viterbi", "argmax"] = "viterbi"
    threshold: np.ndarray | None = None


def find_mentions(log_probabilities: np.ndarray, text: np.ndarray, rules: MentionRules) -> tuple[Spans, np.ndarray]:
    """The mentions of a batch, sorted and without overlaps, and their probabilities.

    log_probabilities: (tokens, tags), as from ``log_softmax``. text: (tokens,) the text of each token, ascending.
    """
    tags = log_probabilities.argmax(axis=1)
    if rules.decoding == "viterbi":
        tags = _make_legal(tags, log_probabilities, text)
    spans = spans_of_tags(tags, text)
    of_spans = type_scores(log_probabilities, spans.starts, spans.ends)[np.arange(len(spans.starts)), spans.types]
    if rules.threshold is None or np.isnan(rules.threshold).all():
        return spans, np.exp(of_spans)
    return _above(rules.threshold, spans, of_spans, log_probabilities, text)


def type_scores(log_probabilities: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """(spans, entity types) log-probability that exactly this span is a mention of a type: the sum over its tags."""
    by_place = _by_place(log_probabilities)
    several = (ends - starts > 1)[:, None]
    sums = _sums(by_place[:, :, INSIDE])
    between = sums[np.maximum(ends - 1, starts + 1)] - sums[starts + 1]
    of_several = by_place[starts, :, BEGIN] + between + by_place[ends - 1, :, LAST]
    return np.where(several, of_several, by_place[starts, :, UNIT])


def flat_spans(starts: np.ndarray, ends: np.ndarray, order: np.ndarray) -> np.ndarray:
    """(spans,) of bool, the spans that remain if each span that overlaps with an earlier one in ``order`` is left
    out."""
    taken = np.zeros(int(ends.max(initial=0)), dtype=bool)
    remains = np.zeros(len(starts), dtype=bool)
    for i in order.tolist():
        inside = taken[starts[i] : ends[i]]
        if not inside.any():
            inside[:] = remains[i] = True
    return remains


def _make_legal(tags: np.ndarray, scores: np.ndarray, text: np.ndarray) -> np.ndarray:
    """The best legal tags. Viterbi runs only for the few texts whose individually best tags are not legal."""
    texts = np.unique(text[~is_legal(tags, text)])
    if not len(texts):
        return tags
    begin = np.searchsorted(text, texts)
    lengths = np.searchsorted(text, texts, side="right") - begin
    row = np.repeat(np.arange(len(texts)), lengths)
    column = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    padded = np.full((len(texts), lengths.max(), scores.shape[1]), -np.inf, dtype=scores.dtype)
    padded[:, :, 0] = 0.0  # padding is outside of mentions
    padded[row, column] = scores[begin[row] + column]
    tags = tags.copy()
    tags[begin[row] + column] = best_legal_tags(padded)[row, column]
    return tags


def _above(
    threshold: np.ndarray, best: Spans, best_scores: np.ndarray, scores: np.ndarray, text: np.ndarray
) -> tuple[Spans, np.ndarray]:
    """The mentions that reach their thresholds, and mentions of the best tags if their types have no threshold."""
    spans, of_spans = _probable_spans(scores, text, np.log(max(float(np.nanmin(threshold)), LOWEST)))
    size = len(text) + 1
    others = ~np.isin(spans.starts * size + spans.ends, best.starts * size + best.ends)
    starts, ends, types = (np.concatenate([b, s[others]]) for b, s in zip(best, spans, strict=True))
    of_spans = np.concatenate([best_scores, of_spans[others]])
    is_best = np.arange(len(starts)) < len(best.starts)
    kept = flat_spans(starts, ends, np.lexsort((starts, ~is_best, -of_spans)))
    probabilities = np.exp(of_spans)
    minimum = threshold[types]
    kept &= np.where(np.isnan(minimum), is_best, probabilities >= minimum)
    rows = np.flatnonzero(kept)
    rows = rows[np.argsort(starts[rows])]
    return Spans(starts[rows], ends[rows], types[rows]), probabilities[rows]


def _probable_spans(scores: np.ndarray, text: np.ndarray, minimum: float) -> tuple[Spans, np.ndarray]:
    """Spans of one text with their most probable types, if these have at least the log-probability ``minimum``.

    A loop over lengths, which ends since a mention is never more probable than its beginning.
    """
    by_place = _by_place(scores)
    found = []
    starts = np.arange(len(scores))
    so_far = by_place[:, :, UNIT]
    ends = starts + 1
    begun = by_place[:, :, BEGIN].astype("float64")
    while True:
        types = so_far.argmax(axis=1)
        best = so_far[np.arange(len(starts)), types]
        reached = best >= minimum
        found.append((starts[reached], ends[reached], types[reached], best[reached]))
        # one token more
        alive = (begun.max(axis=1, initial=-np.inf) >= minimum) & (ends < len(text))
        alive[alive] &= text[starts[alive]] == text[ends[alive]]
        starts, ends, begun = starts[alive], ends[alive], begun[alive]
        if not len(starts):
            break
        so_far = begun + by_place[ends, :, LAST]
        begun = begun + by_place[ends, :, INSIDE]
        ends = ends + 1
    joined = [np.concatenate(each) for each in zip(*found, strict=True)]
    return Spans(*joined[:3]), joined[3]


def _by_place(scores: np.ndarray) -> np.ndarray:
    """(tokens, tags) -> (tokens, types, places), of all tags except "outside"."""
    n_tokens, n_tags = scores.shape
    return scores[:, 1:].reshape(n_tokens, n_tags // len(PLACES), len(PLACES))


def _sums(values: np.ndarray) -> np.ndarray:
    """(tokens, types) -> (1 + tokens, types) sums of all tokens before; in double precision, as they get large."""
    sums = np.zeros((len(values) + 1, values.shape[1]))
    np.cumsum(values, axis=0, dtype="float64", out=sums[1:])
    return sums
