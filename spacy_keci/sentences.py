"""Where sentences begin, also in a document whose pipeline has not set them."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import IDX, IS_SPACE, SENT_START
from spacy.tokens import Doc, Span

from .sentence_rule import BREAK, find_sentences


def sentences(doc: Doc) -> list[Span]:
    """The sentences that the pipeline has set, else those of :func:`sentence_starts`. The document is not changed."""
    if doc.has_annotation("SENT_START"):
        return list(doc.sents)
    return [doc[start:end] for start, end in pairwise([*sentence_starts(doc), len(doc)])]


def sentence_starts(doc: Doc) -> list[int]:
    """The tokens that sentences begin with, by the rule of :func:`spacy_keci.sentence_rule.find_sentences`; the first
    is always 0."""
    starts = np.searchsorted(doc.to_array([IDX]).reshape(-1), find_sentences(doc.text)[1:])
    return [0, *(int(start) for start in np.unique(starts) if 0 < start < len(doc))]


def doc_starts(docs: Sequence[Doc]) -> NDArray[np.int64]:
    """(documents,) the first token of each document, where the tokens of all are counted through."""
    lengths = np.array([len(doc) for doc in docs], dtype="int64")
    return np.cumsum(lengths) - lengths


def sentence_of_token(docs: Sequence[Doc]) -> NDArray[np.int64]:
    """(tokens,) the number of each token's sentence, counted through all documents. A document without sentence
    boundaries is one sentence."""
    docs = [doc for doc in docs if len(doc)]
    if not docs:
        return np.zeros(0, dtype="int64")
    is_start = np.concatenate([doc.to_array([SENT_START]).reshape(-1) == 1 for doc in docs])
    is_start[doc_starts(docs)] = True
    return np.cumsum(is_start) - 1


def whitespace(docs: Sequence[Doc]) -> NDArray[np.bool_]:
    """(tokens,) whether each token of all documents is white space."""
    flags = [doc.to_array([IS_SPACE]).reshape(-1) == 1 for doc in docs]
    return np.concatenate(flags) if flags else np.zeros(0, dtype=bool)


def words_before(docs: Sequence[Doc]) -> NDArray[np.int64]:
    """(tokens,) the number of words, which are tokens other than white space, before each token of all documents."""
    is_word = ~whitespace(docs)
    return np.cumsum(is_word) - is_word


def break_tokens(docs: Sequence[Doc]) -> NDArray[np.bool_]:
    """(tokens,) whether each token of all documents is white space with a tab or a line break, which no mention
    crosses, unless the line is wrapped there (:func:`~spacy_keci.sentence_rule.find_sentences`)."""
    is_break = np.zeros(sum(len(doc) for doc in docs), dtype=bool)
    for doc, first in zip(docs, doc_starts(docs), strict=True):
        is_space = whitespace([doc])
        breaks = [i for i in np.flatnonzero(is_space).tolist() if BREAK.search(doc[i].text)]
        if breaks:
            words = np.append(np.flatnonzero(~is_space), len(doc))
            following = words[np.searchsorted(words, breaks)]
            is_break[first + np.array(breaks)] = np.isin(following, [*sentence_starts(doc), len(doc)])
    return is_break


def segment_of_token(docs: Sequence[Doc]) -> NDArray[np.int64]:
    """(tokens,) the number of the stretch that each token is in, ascending; no mention leaves its stretch. A stretch
    ends with a sentence, where sentences are set, and at :func:`break_tokens`."""
    return sentence_of_token(docs) + np.cumsum(break_tokens(docs))


def sentence_of_span(spans: NDArray[np.int64], docs: Sequence[Doc]) -> NDArray[np.int64]:
    """(spans,) the number of the sentence that each begins in, counted as by :func:`sentence_of_token`.

    spans: (spans, 3) document, start, end.
    """
    doc, start, _ = spans.T
    return sentence_of_token(docs)[doc_starts(docs)[doc] + start]


def cross_sentences(spans: NDArray[np.int64], docs: Sequence[Doc]) -> NDArray[np.bool_]:
    """(spans,) whether each begins and ends in different sentences, as :func:`sentence_of_token` counts them.

    spans: (spans, 3) document, start, end.
    """
    return sentence_of_span(spans, docs) != sentence_of_span(spans[:, [0, 2, 2]] - [0, 1, 0], docs)


def text_of_token(docs: Sequence[Doc], by_sentence: bool) -> NDArray[np.int64]:
    """(tokens,) the number of the text that each token belongs to, ascending: the sentence, or else the document."""
    return sentence_of_token(docs) if by_sentence else np.repeat(np.arange(len(docs)), [len(doc) for doc in docs])


def inside_of_spans(starts: NDArray[np.int64], ends: NDArray[np.int64], n_tokens: int) -> NDArray[np.bool_]:
    """(tokens,) whether a span goes on from the token before: to begin a text with it would cut the span.

    starts, ends: (spans,) tokens, none of them empty.
    """
    changes = np.bincount(starts + 1, minlength=n_tokens + 1) - np.bincount(ends, minlength=n_tokens + 1)
    return changes[:n_tokens].cumsum() > 0


def cut_texts(
    text: NDArray[np.int64], limit: int, sentence: NDArray[np.int64], inside: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The same with texts of at most ``limit`` tokens. A longer one is cut where a sentence ends, if sentences are
    set, and otherwise after that many tokens.

    text, sentence: (tokens,) the text and the sentence of each token. inside: (tokens,) see :func:`inside_of_spans`.
    """
    is_cut = np.diff(text, prepend=-1) > 0
    starts = np.append(np.flatnonzero(is_cut), len(text))
    for begin, end in pairwise(starts.tolist()):
        while end - begin > limit:
            places = np.arange(begin + 1, begin + limit + 1)
            places = places[~inside[places]]
            ends = places[sentence[places] != sentence[places - 1]]
            if not len(places):
                break  # one mention fills it
            begin = int(ends[-1] if len(ends) else places[-1])
            is_cut[begin] = True
    return np.cumsum(is_cut) - 1


def parts_of_texts(text: NDArray[np.int64], limit: int, inside: NDArray[np.bool_]) -> Iterator[slice]:
    """The tokens of a batch in parts of whole texts, each of at most ``limit`` tokens, or of one longer text. Texts
    that share a span are as one.

    text: (tokens,) the text of each token, ascending. inside: (tokens,) see :func:`inside_of_spans`.
    """
    ends = np.flatnonzero(np.diff(text, append=-1).astype(bool) & ~np.append(inside[1:], False)) + 1
    begin = 0
    while begin < len(text):
        after = np.searchsorted(ends, begin, side="right")
        fitting = max(after, np.searchsorted(ends, begin + limit, side="right") - 1)
        end = int(ends[fitting])
        yield slice(begin, end)
        begin = end
