"""Where sentences begin, also in a document whose pipeline has not set them."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import SENT_START
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, Span, Token

_ENDS = frozenset(Sentencizer.default_punct_chars)
# what may stand between the end of a sentence and the white space after it
_CLOSES = frozenset(")]}\"'”’»")
# what a sentence does not begin with (but it does with "p53" and "mTOR")
_CONTINUES = re.compile(r"[\d,;:)\]}]|[a-z]+$").match
# abbreviations before a name, a number or a bracket, without their full stop
_ABBREVIATIONS = frozenset(
    ["al", "approx", "ca", "cf", "Dr", "Eq", "Eqs", "Fig", "fig", "Figs", "figs", "No", "Nos", "Ref", "Refs", "vs"]
)


def sentences(doc: Doc) -> list[Span]:
    """The sentences of the pipeline; where it has set none, those of :func:`sentence_starts`. The document stays as it
    is."""
    if doc.has_annotation("SENT_START"):
        return list(doc.sents)
    return [doc[start:end] for start, end in pairwise([*sentence_starts(doc), len(doc)])]


def sentence_starts(doc: Doc) -> list[int]:
    """The tokens that sentences begin with, by rule; 0 at least.

    A sentence ends at a full stop or the like, with the brackets and quotation marks that close there, if white space
    follows, and then neither a word in small letters nor a number nor what closes or goes on. It does not end after
    abbreviations as "et al." and "Fig.", nor in "i.e." and "R. G."
    Biomedical tokenizers split "0.5" and "e.g." at the full stop, which is why spaCy's own rule does not do.
    """
    words = [token for token in doc if not token.text.isspace()]
    starts = [0]
    for i, word in enumerate(words):
        if not i or _follows_at_once(words, i) or _CONTINUES(word.text):
            continue
        end = i - 1
        while end and words[end].text in _CLOSES and _follows_at_once(words, end):
            end -= 1
        if words[end].text in _ENDS and not _is_abbreviated(words, end):
            starts.append(word.i)
    return starts


def _follows_at_once(words: list[Token], i: int) -> bool:
    """Whether no white space stands before a word."""
    return words[i].idx == words[i - 1].idx + len(words[i - 1])


def _is_abbreviated(words: list[Token], end: int) -> bool:
    """Whether a full stop belongs to an abbreviation or to initials, and ends no sentence."""
    if words[end].text != "." or not end:
        return False
    last = words[end - 1].text
    if len(last) > 1:
        return last in _ABBREVIATIONS
    following = [word.text for word in words[end + 1 : end + 3]]
    precedes_initial = len(following) == 2 and len(following[0]) == 1 and following[1] == "."
    return precedes_initial or (end > 1 and words[end - 2].text == ".")


def doc_starts(docs: Sequence[Doc]) -> NDArray[np.int64]:
    """(documents,) the first token of each, where they stand one after the other."""
    lengths = np.array([len(doc) for doc in docs], dtype="int64")
    return np.cumsum(lengths) - lengths


def sentence_of_token(docs: Sequence[Doc]) -> NDArray[np.int64]:
    """(tokens,) the number of each token's sentence, counted through all documents, which stand one after the other. A
    document whose pipeline has set no sentences is one."""
    docs = [doc for doc in docs if len(doc)]
    if not docs:
        return np.zeros(0, dtype="int64")
    is_start = np.concatenate([doc.to_array([SENT_START]).reshape(-1) == 1 for doc in docs])
    is_start[doc_starts(docs)] = True
    return np.cumsum(is_start) - 1


def sentence_of_span(spans: NDArray[np.int64], docs: Sequence[Doc]) -> NDArray[np.int64]:
    """(spans,) the number of the sentence that each begins in, counted as by :func:`sentence_of_token`.

    spans: (spans, 3) document, start, end.
    """
    doc, start, _ = spans.T
    return sentence_of_token(docs)[doc_starts(docs)[doc] + start]


def text_of_token(
    docs: Sequence[Doc], by_sentence: bool, limit: int | None = None, covered: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """(tokens,) the number of the text that each token belongs to, ascending: the sentence, or else the document.

    limit: tokens of the longest text. A longer one is cut where a sentence ends, if sentences are set, and otherwise
        after that many tokens.
    covered: (tokens,) whether no cut may come before a token.
    """
    lengths = [len(doc) for doc in docs]
    text = sentence_of_token(docs) if by_sentence else np.repeat(np.arange(len(docs)), lengths)
    if limit is None or not len(text) or np.bincount(text).max() <= limit:
        return text
    sentence = sentence_of_token(docs)
    is_cut = np.diff(text, prepend=-1) > 0
    starts = np.append(np.flatnonzero(is_cut), len(text))
    for begin, end in pairwise(starts.tolist()):
        while end - begin > limit:
            places = np.arange(begin + 1, begin + limit + 1)
            if covered is not None:
                places = places[~covered[places]]
            ends = places[sentence[places] != sentence[places - 1]]
            if not len(places):
                break  # one mention fills it
            begin = int(ends[-1] if len(ends) else places[-1])
            is_cut[begin] = True
    return np.cumsum(is_cut) - 1


def parts_of_texts(text: NDArray[np.int64], limit: int) -> Iterator[slice]:
    """The tokens of a batch in parts of whole texts, each of at most ``limit`` tokens, or of one longer text.

    text: (tokens,) the text of each token, ascending.
    """
    ends = np.flatnonzero(np.diff(text, append=-1)) + 1
    begin = 0
    while begin < len(text):
        after = np.searchsorted(ends, begin, side="right")
        fitting = max(after, np.searchsorted(ends, begin + limit, side="right") - 1)
        end = int(ends[fitting])
        yield slice(begin, end)
        begin = end
