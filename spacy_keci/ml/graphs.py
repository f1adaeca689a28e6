"""The data classes shared by all systems: candidate spans, scored graphs, gold graphs and predicted graphs.

They hold plain arrays and tensors. This module does not import torch at run time, so components may import it at the
top.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

# label of a mention or candidate span whose type is unknown
NOT_ANNOTATED = -100


@dataclass
class CandidateSpans:
    """Candidate spans of the texts of a batch, text by text. A text is a document, or a sentence if sentences are read
    separately.

    text_lengths: (texts,) in rows, the tokens that the network reads.
    starts, ends, text: (spans,) offsets into the rows of the batch, and text; sorted by text, start and end; at least
        one.
    given: (spans,) of bool, whether the span is a given mention. Given mentions are not pruned, and no other spans are
        predicted. None if mentions are predicted.
    """

    text_lengths: Tensor
    starts: Tensor
    ends: Tensor
    text: Tensor
    given: Tensor | None = None


class Pruning(NamedTuple):
    """How much of the span graph is scored.

    spans_per_token: λ, the maximum number of spans per word of a text that stay in the graph.
    max_pair_distance: maximum number of words between the starts of two mentions that may be related. It keeps the
        cost of a text linear in its length.
    threshold: (entity types,) minimum probability of each type in prediction; NaN for a type, or None for all, for the
        most probable class.
    """

    spans_per_token: float = 0.5
    max_pair_distance: int = 128
    threshold: np.ndarray | None = None


@dataclass
class SpanGraph:
    """Scores of spans, and of pairs of those that are nodes.

    scored: (scored,) candidate spans, ascending. entity_logits: (scored, 1 + entity types).
    kept: (kept,) rows of ``scored`` that are nodes of the graph, ascending.
    first, second: (pairs,) indices into ``kept``, first < second.
    relation_logits: (pairs, 1 + relation types) for first -> second; if relations have a direction, (2 * pairs, 1 +
        relation types), the second half for second -> first.
    """

    scored: Tensor
    entity_logits: Tensor
    kept: Tensor
    first: Tensor
    second: Tensor
    relation_logits: Tensor

    @property
    def nodes(self) -> Tensor:
        """(kept,) the candidate spans that are nodes."""
        return self.scored.index_select(0, self.kept)


@dataclass
class GoldGraphs:
    """The gold span graphs of a batch as arrays. Label 0 is reserved for "none", so labels count from 1.

    spans: (mentions, 3) document, start and end in tokens of that document.
    labels, scores: (mentions,). relations: (relations, 3) head and tail as rows of ``spans``, label.
    relation_scores: (relations,). A score is the probability to learn: 1, or less for annotations of a pipeline.
    has_mentions, has_relations: (documents,) whether mentions and relations are annotated.
    """

    spans: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    relations: np.ndarray
    relation_scores: np.ndarray
    has_mentions: np.ndarray
    has_relations: np.ndarray


@dataclass
class PredictedGraphs:
    """The predicted span graphs of a batch as arrays, ordered by document; labels count from 1.

    spans: (mentions, 3) document, start and end in tokens of that document. labels, scores: (mentions,).
    relations: (relations, 3) head and tail as rows of ``spans``, label. relation_scores: (relations,).
    """

    spans: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    relations: np.ndarray
    relation_scores: np.ndarray

    @classmethod
    def empty(cls) -> PredictedGraphs:
        ints, floats = np.zeros((0, 3), dtype="int64"), np.zeros(0, dtype="float32")
        return cls(ints, np.zeros(0, dtype="int64"), floats, ints, floats)

    @classmethod
    def joined(cls, parts: Sequence[PredictedGraphs]) -> PredictedGraphs:
        """Join the graphs of the parts of a batch, in order."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls.empty()
        offsets = np.cumsum([0, *(len(part.spans) for part in parts[:-1])])
        return cls(
            spans=np.concatenate([part.spans for part in parts]),
            labels=np.concatenate([part.labels for part in parts]),
            scores=np.concatenate([part.scores for part in parts]),
            relations=np.concatenate(
                [part.relations + np.array([n, n, 0]) for part, n in zip(parts, offsets.tolist(), strict=True)]
            ),
            relation_scores=np.concatenate([part.relation_scores for part in parts]),
        )
