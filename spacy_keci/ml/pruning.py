"""Which spans stay in the span graph, and which pairs of them are looked at. No loop over documents or spans."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .ranges import expand_ranges


class Pruning(NamedTuple):
    """How much of the span graph is looked at.

    spans_per_token: λ, how many spans per token of a document stay in the graph at most.
    max_pair_distance: tokens between the beginnings of two mentions that may be related: it keeps the cost of a
        document linear in its length.
    threshold: (entity types,) least probability of each, in use; NaN, or None for all, takes the most probable class.
    """

    spans_per_token: float = 0.5
    max_pair_distance: int = 128
    threshold: np.ndarray | None = None


def prune_spans(null_scores: Tensor, doc_of_span: Tensor, budget: Tensor) -> Tensor:
    """Of each document the spans that are least likely to be no entity (Sec. 2.3: at most λn of them).

    null_scores: (spans,) score of "no entity". doc_of_span: (spans,) document of each span, ascending.
    budget: (documents,) number of spans that each document may keep.
    Returns the indices of the kept spans, ascending.
    """
    by_score = torch.argsort(null_scores, stable=True)
    order = by_score[torch.argsort(doc_of_span[by_score], stable=True)]
    doc_sizes = torch.bincount(doc_of_span, minlength=len(budget))
    first_of_doc = doc_sizes.cumsum(0) - doc_sizes
    rank = torch.arange(len(order), device=order.device) - first_of_doc[doc_of_span]
    return order[rank < budget[doc_of_span]].sort().values


def pair_spans(starts: Tensor, doc_of_span: Tensor, max_distance: int) -> tuple[Tensor, Tensor]:
    """All pairs of spans of one document that begin at most ``max_distance`` tokens apart.

    starts: (spans,) token offsets in the batch. doc_of_span: (spans,). Both ascending.
    Returns the indices of the first and of the second span of each pair, first < second.
    """
    # One number line for all documents, with gaps between them that no pair can bridge.
    position = starts + doc_of_span * (max_distance + 1)
    end = torch.searchsorted(position, position + max_distance, right=True)
    return expand_ranges(torch.arange(1, 1 + len(starts), device=starts.device), end)
