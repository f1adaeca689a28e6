"""The input of a network that reads texts and spans of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from spacy.tokens import Doc

from ..sentences import doc_starts, inside_of_spans, parts_of_texts

Part = TypeVar("Part", bound="TextInput")


@dataclass
class TextInput:
    """The texts of a batch, and spans of them.

    docs: the documents. text_of_token: (tokens,) the text of each token of the batch, a document or a sentence,
        ascending. is_space: (tokens,) whether it is white space.
    candidates: (spans, 3) document, start and end, sorted; None if the network finds its spans by itself.
    given: (spans,) of bool, whether the span is a given mention; None if mentions are predicted.
    tokens: the slice of the batch's tokens that is read. max_tokens: maximum number read at once; None for all.

    The network does not read white space: a line break, or any other token of white space, must not change what it
    finds. So its rows, the tokens that it reads, are fewer than the tokens.
    """

    docs: list[Doc]
    text_of_token: np.ndarray
    is_space: np.ndarray
    candidates: np.ndarray | None
    given: np.ndarray | None
    tokens: slice = field(default_factory=lambda: slice(None), kw_only=True)
    max_tokens: int | None = field(default=None, kw_only=True)

    @cached_property
    def offsets(self) -> np.ndarray:
        """(documents,) the first token of each in the tokens that are read."""
        return doc_starts(self.docs) - (self.tokens.start or 0)

    @cached_property
    def is_read(self) -> np.ndarray:
        """(tokens,) whether the network reads each token: words, and white space where a candidate is nothing else."""
        is_read = ~self.is_space
        if self.candidates is not None:
            starts, ends = self._in_tokens(self.candidates)
            before = _counted_before(is_read)
            is_read[starts[before[starts] == before[ends]]] = True
        return is_read

    @property
    def rows(self) -> np.ndarray | slice:
        """The tokens of the batch that are rows of the network, ascending."""
        if self.is_read.all():
            return self.tokens
        return np.flatnonzero(self.is_read) + (self.tokens.start or 0)

    @property
    def text_of_row(self) -> np.ndarray:
        """(rows,) the text of each."""
        return self.text_of_token[self.is_read]

    @cached_property
    def _rows_before(self) -> np.ndarray:
        """(tokens + 1,) how many rows are before each token."""
        return _counted_before(self.is_read)

    def in_rows(self, spans: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Start and end, (spans,) each, in the rows of the network. spans: (spans, 3) document, start and end."""
        before = self._rows_before
        starts, ends = (before[np.minimum(each, len(before) - 1)] for each in self._in_tokens(spans))
        return starts, ends

    def _in_tokens(self, spans: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        doc, start, end = spans.T
        return start + self.offsets[doc], end + self.offsets[doc]

    def parts(self: Part) -> Sequence[Part]:
        """Split the texts into parts of at most ``max_tokens`` tokens, or of one longer text. Texts in which one span
        lies stay together."""
        if self.max_tokens is None or len(self.text_of_token) <= self.max_tokens:
            return [self]
        return [*self._parts(self.max_tokens)]

    def _parts(self: Part, max_tokens: int) -> Iterator[Part]:
        spans = np.zeros((0, 3), dtype="int64") if self.candidates is None else self.candidates
        starts, ends = self._in_tokens(spans)
        inside = inside_of_spans(starts, ends, len(self.text_of_token))
        for tokens in parts_of_texts(self.text_of_token, max_tokens, inside):
            yield self._part(tokens, np.flatnonzero((starts >= tokens.start) & (starts < tokens.stop)))

    def _part(self: Part, tokens: slice, rows: np.ndarray) -> Part:
        """The part with these tokens. rows: of the spans in it."""
        return replace(
            self,
            text_of_token=self.text_of_token[tokens],
            is_space=self.is_space[tokens],
            candidates=None if self.candidates is None else self.candidates[rows],
            given=None if self.given is None else self.given[rows],
            tokens=tokens,
            max_tokens=None,
        )


def _counted_before(flags: np.ndarray) -> np.ndarray:
    """(tokens + 1,) how many of the flags before each token are set."""
    return np.concatenate([[0], np.cumsum(flags)])
