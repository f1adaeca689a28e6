"""Windows of text that fit a transformer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from threading import Lock
from typing import Any

from spacy.tokens import Doc, Span
from spacy_transformers.layers.transformer_model import TransformerModel
from spacy_transformers.span_getters import get_strided_spans

from ...typography import unify_doc

_LOCK = Lock()


def get_fitting_spans(docs: Iterable[Doc], *, get_spans: Callable, model: TransformerModel) -> list[list[Span]]:
    """The spans of ``get_spans``, in unified characters, halved until the word pieces of each fit the transformer.

    spacy-transformers truncates longer spans, and the remaining tokens get no vector; if a tokenizer has no limit,
    longer input fails. Only single tokens with more word pieces than the limit are still truncated.
    """
    tokenizer = model.tokenizer
    with _LOCK:  # padding is a state of the tokenizer, which threads share: set once, and the same in all calls
        tokenizer.model_max_length = min(tokenizer.model_max_length, _count_positions(model.transformer))
        if not tokenizer.is_fast or tokenizer.backend_tokenizer.padding is None:
            tokenizer([""], padding="longest")
    room = tokenizer.model_max_length - tokenizer.num_special_tokens_to_add()

    def fits(text: str) -> bool:
        # A word piece has at least one byte: most texts fit without counting their pieces.
        if len(text.encode()) <= room:
            return True
        pieces = tokenizer([text], add_special_tokens=False, padding="longest", verbose=False)
        return len(pieces["input_ids"][0]) <= room

    def halve(span: Span) -> list[Span]:
        if len(span) <= 1 or fits(span.text):
            return [span]
        middle = len(span) // 2
        return halve(span[:middle]) + halve(span[middle:])

    return [[part for span in spans for part in halve(span)] for spans in map(_unified, get_spans(docs))]


def _unified(spans: list[Span]) -> list[Span]:
    """The same tokens in unified characters. spans: of one document."""
    doc = unify_doc(spans[0].doc) if spans else None
    return spans if doc is None or doc is spans[0].doc else [doc[span.start : span.end] for span in spans]


def get_sentence_windows(docs: Iterable[Doc], *, window: int, stride: int) -> list[list[Span]]:
    """Each sentence, or the whole document without sentence boundaries, in windows of at most ``window`` tokens."""
    spans = []
    for doc in docs:
        texts: Any = doc.sents if doc.has_annotation("SENT_START") else [doc]  # both can be sliced
        spans.append([part for parts in get_strided_spans(texts, window, stride) for part in parts])
    return spans


def _count_positions(transformer: Any) -> float:
    """The number of positions of a transformer; infinite if positions are relative."""
    positions = getattr(transformer.config, "max_position_embeddings", None) or inf
    if positions < 1:  # no limit, as in XLNet
        positions = inf
    # RoBERTa and similar models count from the position after that of padding
    embeddings = getattr(getattr(transformer, "embeddings", None), "position_embeddings", None)
    padding = getattr(embeddings, "padding_idx", None)
    return positions if padding is None else positions - padding - 1
