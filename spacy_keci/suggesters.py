"""Span suggesters: which spans of a text may be mentions. Usable by spaCy's own ``spancat`` as well."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import cast

import numpy as np
from spacy.tokens import Doc
from thinc.api import Ops, get_current_ops
from thinc.types import Ints1d, Ints2d, Ragged

from .sentences import doc_starts, segment_of_token, whitespace

Suggester = Callable[..., Ragged]


def build_sentence_span_suggester(max_length: int) -> Suggester:
    """Registered as ``spacy_keci.SentenceSpanSuggester.v1``.

    All spans of 1 to ``max_length`` words, which are tokens other than white space, that have no tab and no line break
    inside, except that of a wrapped line, and lie inside one sentence where sentence boundaries are set. Raises
    ValueError if ``max_length`` is below 1.
    """
    if max_length < 1:
        raise ValueError(f"The longest span must have at least one word, but max_length is {max_length}.")
    return partial(sentence_spans, max_length=max_length)  # unlike a closure, it can be pickled


def sentence_spans(docs: Iterable[Doc], *, ops: Ops | None = None, max_length: int) -> Ragged:
    """The spans that :func:`build_sentence_span_suggester` describes.

    Returns an Ints2d (total, 2) of token offsets, ordered by document, start and end; lengths per document.
    """
    ops = ops if ops is not None else get_current_ops()
    docs = list(docs)
    doc_lengths = np.array([len(doc) for doc in docs], dtype="int64")
    n_tokens = int(doc_lengths.sum())
    if not n_tokens:
        return Ragged(ops.alloc2i(0, 2), ops.alloc1i(len(docs)))
    words = np.flatnonzero(~whitespace(docs))
    segment = segment_of_token(docs)[words]
    segment_end = np.cumsum(np.bincount(segment))[segment]
    last = np.arange(len(words))[:, None] + np.arange(min(max_length, int(doc_lengths.max())))
    word, width = np.nonzero(last < segment_end[:, None])
    first, last = words[word], words[word + width]
    doc = np.repeat(np.arange(len(docs)), doc_lengths)[first]
    offsets = doc_starts(docs)[doc]
    spans = cast(Ints2d, np.stack([first - offsets, last + 1 - offsets], axis=1).astype("int32"))
    lengths = cast(Ints1d, np.bincount(doc, minlength=len(docs)).astype("int32"))
    return Ragged(ops.asarray2i(spans), ops.asarray1i(lengths))
