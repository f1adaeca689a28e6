"""spaCy's HashEmbedCNN, applied to each sentence separately."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from spacy.attrs import IDS
from spacy.ml.models.tok2vec import build_hash_embed_cnn_tok2vec
from spacy.tokens import Doc, Span
from spacy.training.batchers import minibatch_by_words
from spacy.vocab import Vocab
from thinc.api import Model
from thinc.types import Floats2d

from ...sentences import sentence_of_token, whitespace
from ...typography import keep_norms, unify_doc

# tokens encoded together in prediction: the layers need about 15 kB per token
AT_ONCE = 4096


@dataclass(frozen=True)
class Window:
    """Tokens that are read together, with the interface of a Doc for spaCy's layers.

    kept: the tokens whose vectors are returned; the others are context.
    """

    tokens: Span
    kept: slice

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def vocab(self) -> Vocab:
        return self.tokens.vocab

    def to_array(self, attributes: list[str] | int) -> np.ndarray:
        """Like ``Doc.to_array``; the method of a Span accepts no names."""
        names = attributes if isinstance(attributes, list) else [attributes]
        tokens: Any = self.tokens  # missing from spaCy's types of a Span
        array = tokens.to_array([IDS.get(name, name) for name in names])
        return array if isinstance(attributes, list) else array.reshape(-1)


def make_sentence_cnn(*, window_size: int, depth: int, **settings: Any) -> Model[list[Doc], list[Floats2d]]:
    cnn = build_hash_embed_cnn_tok2vec(window_size=window_size, depth=depth, **settings)
    return Model(
        "sentence_cnn",
        forward,
        init=init,
        layers=[cnn],
        dims={"nO": settings["width"]},
        attrs={"reach": window_size * depth},
    )


def init(model: Model, X: list[Doc] | None = None, Y: Any = None) -> None:
    model.layers[0].initialize(X=X)


def forward(model: Model, docs: list[Doc], is_train: bool) -> tuple[list[Floats2d], Callable]:
    """(tokens, width) vectors of each document: of its words, in unified characters; those of white space are zeros."""
    rows = [np.flatnonzero(~whitespace([doc])) for doc in docs]
    read = [_words(unify_doc(doc), words) for doc, words in zip(docs, rows, strict=True)]
    of_words, backprop_words = _encode(model, read, is_train)
    if all(len(doc) == len(words) for doc, words in zip(docs, rows, strict=True)):
        return of_words, backprop_words
    vectors: list[Any] = [model.ops.alloc2f(len(doc), model.get_dim("nO")) for doc in docs]
    for vector, words, each in zip(vectors, rows, of_words, strict=True):
        vector[words] = each

    def backprop(d_vectors: list[Any]) -> list[Doc]:
        return backprop_words([each[words] for each, words in zip(d_vectors, rows, strict=True)])

    return vectors, backprop


def _words(doc: Doc, words: np.ndarray) -> Doc:
    """The document itself if these are all of its tokens; else a copy of these, in the same sentences."""
    if len(words) == len(doc):
        return doc
    starts = np.diff(sentence_of_token([doc])[words], prepend=-1) > 0
    tokens = [doc[i] for i in words.tolist()]
    return keep_norms(tokens, Doc(doc.vocab, [token.text for token in tokens], sent_starts=starts.tolist()))


def _encode(model: Model, docs: list[Doc], is_train: bool) -> tuple[list[Floats2d], Callable]:
    """In prediction, windows of long texts overlap by the number of tokens that a vector depends on: memory is bounded,
    and the vectors are the same."""
    ops, cnn = model.ops, model.layers[0]
    lengths = ops.asarray1i([len(doc) for doc in docs])
    if not lengths.any():
        return [ops.alloc2f(0, model.get_dim("nO")) for _ in docs], lambda d_vectors: []
    if is_train:
        sentences = [Window(doc[start:end], slice(end - start)) for doc in docs for start, end in _bounds(doc)]
        vectors, backprop_cnn = cnn(sentences, True)
        of_sentences = ops.asarray1i([len(sentence) for sentence in sentences])

        def backprop(d_vectors: list[Floats2d]) -> list[Doc]:
            return backprop_cnn(ops.unflatten(ops.flatten(d_vectors), of_sentences))

        return ops.unflatten(ops.flatten(vectors), lengths), backprop
    reach = model.attrs["reach"]
    result = ops.alloc2f(int(lengths.sum()), model.get_dim("nO"))
    begin = 0
    for windows in minibatch_by_words(_windows(docs, reach), AT_ONCE + 2 * reach, tolerance=0):
        for window, of_window in zip(windows, cnn.predict(windows), strict=True):
            end = begin + window.kept.stop - window.kept.start
            result[begin:end] = of_window[window.kept]
            begin = end
    return ops.unflatten(result, lengths), lambda d_vectors: []


def _bounds(doc: Doc) -> list[tuple[int, int]]:
    """The sentences of a document."""
    cuts = [*np.flatnonzero(np.diff(sentence_of_token([doc]), prepend=-1)).tolist(), len(doc)]
    return list(pairwise(cuts))


def _windows(docs: list[Doc], reach: int) -> Iterator[Window]:
    """All tokens in order: sentences, or windows with context for sentences of more than ``AT_ONCE`` tokens."""
    for doc in docs:
        for start, end in _bounds(doc):
            for first in range(start, end, AT_ONCE):
                after = min(first + AT_ONCE, end)
                begin = max(start, first - reach)
                yield Window(doc[begin : min(end, after + reach)], slice(first - begin, after - begin))
