"""Which candidate spans stay in the span graph (KECI, Sec. 2.3). No loop over texts or spans."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Pruning(NamedTuple):
    """How much of the span graph is scored.

    spans_per_token: λ, the maximum number of spans per token of a text that stay in the graph.
    max_pair_distance: maximum number of tokens between the starts of two mentions that may be related. It keeps the
        cost of a text linear in its length.
    threshold: (entity types,) minimum probability of each type, in use; NaN, or None for all types, takes the most
        probable class.
    """

    spans_per_token: float = 0.5
    max_pair_distance: int = 128
    threshold: np.ndarray | None = None


def prune_spans(null_scores: Tensor, text_of_span: Tensor, budget: Tensor) -> Tensor:
    """Of each text the spans that are least likely to be no entity (Sec. 2.3: at most λn of them).

    null_scores: (spans,) score of "no entity". text_of_span: (spans,) text of each span, ascending.
    budget: (texts,) number of spans that each text may keep.
    Returns the indices of the kept spans, ascending.
    """
    by_score = torch.argsort(null_scores, stable=True)
    order = by_score[torch.argsort(text_of_span[by_score], stable=True)]
    sizes = torch.bincount(text_of_span, minlength=len(budget))
    first_of_text = sizes.cumsum(0) - sizes
    rank = torch.arange(len(order), device=order.device) - first_of_text[text_of_span]
    return order[rank < budget[text_of_span]].sort().values
