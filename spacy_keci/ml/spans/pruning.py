"""Prune candidate spans from the span graph (KECI, Sec. 2.3), without a loop over texts or spans."""

import torch
from torch import Tensor


def prune_spans(null_scores: Tensor, text_of_span: Tensor, budget: Tensor) -> Tensor:
    """Keep the spans of each text with the lowest score of "no entity" (Sec. 2.3: at most λn of them).

    null_scores: (spans,) score of "no entity". text_of_span: (spans,) text of each span, ascending.
    budget: (texts,) maximum number of spans of each text.
    Returns the indices of the kept spans, ascending.
    """
    by_score = torch.argsort(null_scores, stable=True)
    order = by_score[torch.argsort(text_of_span[by_score], stable=True)]
    sizes = torch.bincount(text_of_span, minlength=len(budget))
    first_of_text = sizes.cumsum(0) - sizes
    rank = torch.arange(len(order), device=order.device) - first_of_text[text_of_span]
    return order[rank < budget[text_of_span]].sort().values
