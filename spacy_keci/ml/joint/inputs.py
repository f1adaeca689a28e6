"""The input of the joint network besides token vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from spacy.tokens import Doc

from ...sentences import doc_starts, parts_of_texts
from .decoding import MentionRules
from .tags import Spans


class TaggedTexts(NamedTuple):
    """The texts of a batch as arrays, text by text.

    text, segment: (tokens,) the text and the segment of each token, both ascending; no mention crosses a segment
        boundary.
    is_space: (tokens,) whether it is white space.
    spans: given mentions, or gold ones that are added to predicted ones; None if there are neither. Types are -1 if the
        network predicts them.
    are_given: whether these are all mentions, and none are predicted.
    """

    text: np.ndarray
    segment: np.ndarray
    is_space: np.ndarray
    spans: Spans | None
    are_given: bool
    rules: MentionRules
    max_pair_distance: int


@dataclass
class JointInput:
    """A batch of documents.

    text_of_token: (tokens,) the text of each token, a document or a sentence, ascending.
    segment_of_token: (tokens,) the segment of each token, ascending; no mention crosses a segment boundary.
    is_space: (tokens,) whether it is white space.
    candidates: (spans, 3) document, start and end of given mentions or, in training, of gold ones, sorted; None if
        there are neither. types: (spans,) their types from 0, -1 if the model predicts them.
    given: (spans,) of bool, all true, if mentions are given; None if they are predicted.
    rules: for decoding mentions. max_pair_distance: maximum number of tokens between the starts of a pair.
    tokens: the slice of the batch's tokens that is read. max_tokens: maximum number read at once; None for all.
    """

    docs: list[Doc]
    text_of_token: np.ndarray
    segment_of_token: np.ndarray
    is_space: np.ndarray
    candidates: np.ndarray | None
    types: np.ndarray | None
    given: np.ndarray | None
    rules: MentionRules
    max_pair_distance: int
    tokens: slice = field(default_factory=lambda: slice(None))
    max_tokens: int | None = None

    @cached_property
    def offsets(self) -> np.ndarray:
        """(documents,) the first token of each in the tokens that are read."""
        return doc_starts(self.docs) - (self.tokens.start or 0)

    @cached_property
    def doc_of_token(self) -> np.ndarray:
        """(tokens,) the document of each token that is read."""
        return np.repeat(np.arange(len(self.docs)), [len(doc) for doc in self.docs])[self.tokens]

    def in_batch(self, spans: np.ndarray, types: np.ndarray) -> Spans:
        """Spans of documents, (spans, 3), as spans of the tokens that are read."""
        doc, start, end = spans.T
        return Spans(start + self.offsets[doc], end + self.offsets[doc], types)

    def in_docs(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """(spans, 3) document, start and end of spans of the tokens that are read."""
        doc = self.doc_of_token[starts]
        return np.stack([doc, starts - self.offsets[doc], ends - self.offsets[doc]], axis=1)

    def parts(self) -> Sequence[JointInput]:
        """Split the texts into parts of at most ``max_tokens`` tokens, or of one longer text."""
        if self.max_tokens is None or len(self.text_of_token) <= self.max_tokens:
            return [self]
        return [self._part(tokens) for tokens in parts_of_texts(self.text_of_token, self.max_tokens)]

    def _part(self, tokens: slice) -> JointInput:
        part = replace(
            self,
            text_of_token=self.text_of_token[tokens],
            segment_of_token=self.segment_of_token[tokens],
            is_space=self.is_space[tokens],
            tokens=tokens,
            max_tokens=None,
        )
        if self.candidates is None:
            return part
        position = self.offsets[self.candidates[:, 0]] + self.candidates[:, 1]
        rows = np.flatnonzero((position >= tokens.start) & (position < tokens.stop))
        assert self.types is not None
        return replace(
            part,
            candidates=self.candidates[rows],
            types=self.types[rows],
            given=None if self.given is None else self.given[rows],
        )

    def to_torch(self, device: Any) -> tuple[TaggedTexts]:
        """The texts as arrays: mentions are decoded on the CPU."""
        spans = None
        if self.candidates is not None and self.types is not None:
            spans = self.in_batch(self.candidates, self.types)
        return (
            TaggedTexts(
                self.text_of_token,
                self.segment_of_token,
                self.is_space,
                spans,
                self.given is not None,
                self.rules,
                self.max_pair_distance,
            ),
        )
