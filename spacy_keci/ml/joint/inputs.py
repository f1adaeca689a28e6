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
    types: (spans,) types of the candidates from 0, -1 if the model predicts them.
    rules: for decoding mentions. max_pair_distance: maximum number of words between the starts of a pair.
    """

    segment_of_token: np.ndarray
    types: np.ndarray | None
    rules: MentionRules
    max_pair_distance: int

    @cached_property
    def doc_of_row(self) -> np.ndarray:
        """(rows,) the document of each."""
        return np.repeat(np.arange(len(self.docs)), [len(doc) for doc in self.docs])[self.rows]

    @property
    def segment_of_row(self) -> np.ndarray:
        return self.segment_of_token[self.is_read]

    def in_docs(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """(spans, 3) document, start and end of spans of rows."""
        doc, tokens = self.doc_of_row[starts], np.flatnonzero(self.is_read)
        return np.stack([doc, tokens[starts] - self.offsets[doc], 1 + tokens[ends - 1] - self.offsets[doc]], axis=1)

    def _part(self, tokens: slice, rows: np.ndarray) -> JointInput:
        return replace(
            super()._part(tokens, rows),
            segment_of_token=self.segment_of_token[tokens],
            types=None if self.types is None else self.types[rows],
        )

    @property
    def spans(self) -> Spans | None:
        """The candidates in rows."""
        if self.candidates is None or self.types is None:
            return None
        return Spans(*self.in_rows(self.candidates), self.types)

    def to_torch(self, device: Any) -> tuple[JointInput]:
        """The input itself: mentions are decoded on the CPU."""
        return (self,)
