"""The input of the joint network besides token vectors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..inputs import TextInput
from .decoding import MentionRules
from .tags import Spans


@dataclass
class JointInput(TextInput):
    """A batch of documents. The candidates are given mentions or, in training, gold ones.

    segment_of_token: (tokens,) the segment of each token, ascending; no mention crosses a segment boundary.
    is_space: (tokens,) whether it is white space.
    types: (spans,) types of the candidates from 0, -1 if the model predicts them.
    rules: for decoding mentions. max_pair_distance: maximum number of tokens between the starts of a pair.
    """

    segment_of_token: np.ndarray
    is_space: np.ndarray
    types: np.ndarray | None
    rules: MentionRules
    max_pair_distance: int

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

    def _part(self, tokens: slice, rows: np.ndarray) -> JointInput:
        return replace(
            super()._part(tokens, rows),
            segment_of_token=self.segment_of_token[tokens],
            is_space=self.is_space[tokens],
            types=None if self.types is None else self.types[rows],
        )

    @property
    def spans(self) -> Spans | None:
        """The candidates in the tokens that are read."""
        if self.candidates is None or self.types is None:
            return None
        return self.in_batch(self.candidates, self.types)

    def to_torch(self, device: Any) -> tuple[JointInput]:
        """The input itself: mentions are decoded on the CPU."""
        return (self,)
