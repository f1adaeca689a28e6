"""The input of KECI's networks besides token vectors: candidate spans and the concepts of the texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from thinc.api import NumpyOps, Ops

from ..graphs import CandidateSpans, Pruning
from ..inputs import TextInput

if TYPE_CHECKING:
    from .concept_graphs import ConceptGraphs


def tokens_at_once(ops: Ops, limit: int) -> int:
    """Number of tokens that a network reads at once in prediction, at most ``limit``. On a CPU it is so small that the
    arrays of all spans are below 32 MB, above which glibc requests new memory from the system each time, and partly
    stay in the cache between operations.
    """
    return min(limit, 512) if isinstance(ops, NumpyOps) else limit


@dataclass
class SpanGraphInput(TextInput):
    """The candidate spans of a batch. pruning: how much of the graph is scored."""

    candidates: np.ndarray
    pruning: Pruning

    def parts(self) -> Sequence[SpanGraphInput]:
        """As of all inputs; parts without candidates are left out."""
        return [part for part in super().parts() if len(part.candidates)]

    def to_torch(self, device: Any) -> tuple[Any, ...]:
        """:class:`CandidateSpans` with offsets into the rows, and the pruning."""
        from ..network import to_tensor

        starts, ends = self.in_rows(self.candidates)
        texts = self.text_of_row - self.text_of_token[0]
        arrays = [np.bincount(texts), starts, ends, texts[starts]]
        if self.given is not None:
            arrays.append(self.given)
        return CandidateSpans(*(to_tensor(array, device) for array in arrays)), self.pruning


@dataclass
class KeciInput(SpanGraphInput):
    """The same, with the concepts of the linker.

    mentions: (concepts, 3) document, start and end of each candidate concept, in the linker's order.
    read: makes the concept graphs of some rows of ``mentions``.
    chosen: (concepts,) rows of ``mentions`` in this part; None for all.
    type_prior, mention_prior: weights of predictions from knowledge alone, for models that learn these.
    """

    mentions: np.ndarray = field(kw_only=True)
    read: Callable[[np.ndarray], ConceptGraphs] = field(kw_only=True)
    chosen: np.ndarray | None = None
    type_prior: float = 0.0
    mention_prior: float = 0.0

    @property
    def concept_rows(self) -> np.ndarray:
        return np.arange(len(self.mentions)) if self.chosen is None else self.chosen

    def _part(self, tokens: slice, rows: np.ndarray) -> KeciInput:
        position = self.offsets[self.mentions[:, 0]] + self.mentions[:, 1]
        concepts = np.flatnonzero((position >= tokens.start) & (position < tokens.stop))
        return replace(super()._part(tokens, rows), chosen=concepts)

    def to_torch(self, device: Any) -> tuple[Any, ...]:
        from .knowledge_tensors import to_tensors

        knowledge = to_tensors(
            self.read(self.concept_rows), self.candidates, self.in_rows, device, self.type_prior, self.mention_prior
        )
        return (*super().to_torch(device), knowledge)
