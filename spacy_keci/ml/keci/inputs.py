"""The input of KECI's networks besides token vectors: candidate spans and the concepts of the texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from spacy.tokens import Doc
from thinc.api import NumpyOps, Ops

from ...sentences import doc_starts, parts_of_texts
from ..graphs import CandidateSpans, Pruning

if TYPE_CHECKING:
    from .concept_graphs import ConceptGraphs


def tokens_at_once(ops: Ops, limit: int) -> int:
    """Number of tokens that a network reads at once in prediction, at most ``limit``. On a CPU it is so small that the
    arrays of all spans are below 32 MB, above which glibc requests new memory from the system each time, and partly
    stay in the cache between operations.
    """
    return min(limit, 512) if isinstance(ops, NumpyOps) else limit


@dataclass
class SpanGraphInput:
    """The candidate spans of a batch.

    docs: the documents. candidates: (spans, 3) document, start and end, sorted.
    text_of_token: (tokens,) the text of each token of the batch, a document or a sentence, ascending.
    pruning: how much of the graph is scored.
    given: (spans,) of bool, whether the span is a given mention; None if mentions are predicted.
    tokens: the slice of the batch's tokens with these candidates.
    """

    docs: list[Doc]
    candidates: np.ndarray
    text_of_token: np.ndarray
    pruning: Pruning
    given: np.ndarray | None = None
    tokens: slice = field(default_factory=lambda: slice(None))
    max_tokens: int | None = None

    @cached_property
    def offsets(self) -> np.ndarray:
        """(documents,) the first token of each in the tokens that are read."""
        return doc_starts(self.docs) - (self.tokens.start or 0)

    def parts(self) -> Sequence[SpanGraphInput]:
        """Split the texts into parts of at most ``max_tokens`` tokens, or of one longer text; parts without candidates
        are left out."""
        if self.max_tokens is None or len(self.text_of_token) <= self.max_tokens:
            return [self]
        doc, start, _ = self.candidates.T
        position = self.offsets[doc] + start
        parts = []
        for tokens in parts_of_texts(self.text_of_token, self.max_tokens):
            rows = np.flatnonzero((position >= tokens.start) & (position < tokens.stop))
            if len(rows):
                parts.append(self._part(rows, tokens))
        return parts

    def _part(self, rows: np.ndarray, tokens: slice) -> SpanGraphInput:
        return replace(
            self,
            candidates=self.candidates[rows],
            text_of_token=self.text_of_token[tokens],
            given=None if self.given is None else self.given[rows],
            tokens=tokens,
            max_tokens=None,
        )

    def to_torch(self, device: Any) -> tuple[Any, ...]:
        """:class:`CandidateSpans` with offsets into the tokens that are read, and the pruning."""
        from ..network import to_tensor

        doc, start, end = self.candidates.T
        starts, ends = start + self.offsets[doc], end + self.offsets[doc]
        texts = self.text_of_token - self.text_of_token[0]
        arrays = [np.bincount(texts), starts, ends, texts[starts]]
        if self.given is not None:
            arrays.append(self.given)
        return CandidateSpans(*(to_tensor(array, device) for array in arrays)), self.pruning


@dataclass
class KeciInput(SpanGraphInput):
    """The same, with the concepts of the linker.

    mentions: (concepts, 3) document, start and end of each candidate concept, in the linker's order.
    read: makes the concept graphs of some rows of ``mentions``.
    rows: (concepts,) rows of these concepts in the batch; None for all.
    type_prior, mention_prior: weights of predictions from knowledge alone, for models that learn these.
    """

    mentions: np.ndarray | None = None
    read: Callable[[np.ndarray], ConceptGraphs] | None = None
    rows: np.ndarray | None = None
    type_prior: float = 0.0
    mention_prior: float = 0.0

    @property
    def concept_rows(self) -> np.ndarray:
        assert self.mentions is not None
        return np.arange(len(self.mentions)) if self.rows is None else self.rows

    def _part(self, rows: np.ndarray, tokens: slice) -> SpanGraphInput:
        assert self.mentions is not None
        position = self.offsets[self.mentions[:, 0]] + self.mentions[:, 1]
        concepts = np.flatnonzero((position >= tokens.start) & (position < tokens.stop))
        return replace(super()._part(rows, tokens), rows=concepts)  # type: ignore[call-arg]

    def to_torch(self, device: Any) -> tuple[Any, ...]:
        from .knowledge_tensors import to_tensors

        assert self.read is not None
        knowledge = to_tensors(
            self.read(self.concept_rows), self.candidates, self.offsets, device, self.type_prior, self.mention_prior
        )
        return (*super().to_torch(device), knowledge)
