"""What the knowledge base says of two spans at once: do they name the same concept, or concepts that are related?"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..ranges import expand_ranges

SHARED_CONCEPT_FEATURES = 2


@dataclass
class NamedConcepts:
    """Which concepts spans may name: span, node, attention: (links,) span, concept and β.

    edges: (2, edges) of the concept graph.
    """

    span: Tensor
    node: Tensor
    attention: Tensor
    edges: Tensor


@torch.no_grad()
def shared_concepts(n_spans: int, first: Tensor, second: Tensor, named: NamedConcepts) -> Tensor:
    """For each pair Σ β_ic β_jc over concepts c, and Σ (β_ic β_jc' + β_ic' β_jc) over edges c -> c'.

    first, second: (pairs,) spans, first < second, ordered. Returns (pairs, 2). Linear in the pairs of spans that meet
    this way.
    """
    span, node, attention, edges = named.span, named.node, named.attention, named.edges
    pair_keys = first * n_spans + second
    by_node = torch.argsort(node, stable=True)
    n_nodes = 1 + int(torch.cat([node, edges.flatten(), node.new_zeros(1)]).max())
    degree = torch.bincount(node, minlength=n_nodes)
    begin = degree.cumsum(0) - degree
    columns = []
    for heads, tails in ((torch.arange(n_nodes, device=node.device),) * 2, (edges[0], edges[1])):
        # all links of the head with all links of the tail of an edge
        counts = degree[heads] * degree[tails]
        edge, offset = expand_ranges(torch.zeros_like(counts), counts)
        a = by_node[begin[heads[edge]] + offset // degree[tails[edge]].clamp(min=1)]
        b = by_node[begin[tails[edge]] + offset % degree[tails[edge]].clamp(min=1)]
        low, high = torch.minimum(span[a], span[b]), torch.maximum(span[a], span[b])
        keys = low * n_spans + high
        weights = attention[a] * attention[b]
        if heads is tails:
            weights = weights / 2  # each meeting is found from both sides
        column = attention.new_zeros(len(pair_keys))
        if len(pair_keys):
            place = torch.searchsorted(pair_keys, keys).clamp(max=len(pair_keys) - 1)
            found = (pair_keys[place] == keys) & (low != high)
            column.index_add_(0, place[found], weights[found])
        columns.append(column)
    return torch.stack(columns, dim=1)
