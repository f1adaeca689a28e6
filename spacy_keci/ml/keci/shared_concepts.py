"""Features of pairs of spans: to what extent do they name the same concept, or related concepts?"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..ranges import expand_ranges

SHARED_CONCEPT_FEATURES = 2


@dataclass
class NamedConcepts:
    """The candidate concepts of spans. span, node, attention: (links,) span, concept and β.

    edges: (2, edges) of the concept graph.
    """

    span: Tensor
    node: Tensor
    attention: Tensor
    edges: Tensor


@torch.no_grad()
def shared_concepts(n_spans: int, first: Tensor, second: Tensor, named: NamedConcepts) -> Tensor:
    """For each pair Σ β_ic β_jc over concepts c, and Σ (β_ic β_jc' + β_ic' β_jc) over edges c -> c'.

    first, second: (pairs,) spans, first < second, sorted. Returns (pairs, 2). Time is linear in the number of pairs of
    spans that share a concept or edge.
    """
    span, node, attention, edges = named.span, named.node, named.attention, named.edges
    found = attention.new_zeros(len(first), SHARED_CONCEPT_FEATURES)
    if not len(first):
        return found
    pair_keys = first * n_spans + second
    by_node = torch.argsort(node, stable=True)
    n_nodes = 1 + int(torch.cat([node, edges.flatten(), node.new_zeros(1)]).max())
    degree = torch.bincount(node, minlength=n_nodes)
    begin = degree.cumsum(0) - degree
    # each node with itself, then the head of each edge with its tail
    itself = torch.arange(n_nodes, device=node.device)
    heads, tails = torch.cat([itself, edges[0]]), torch.cat([itself, edges[1]])
    # all links of the head with all links of the tail
    counts = degree[heads] * degree[tails]
    edge, offset = expand_ranges(torch.zeros_like(counts), counts)
    head, tail = heads[edge], tails[edge]
    n_tail = degree[tail]
    a, b = by_node[begin[head] + offset // n_tail], by_node[begin[tail] + offset % n_tail]
    low, high = torch.minimum(span[a], span[b]), torch.maximum(span[a], span[b])
    is_same = edge < n_nodes
    weights = attention[a] * attention[b] * torch.where(is_same, 0.5, 1.0)  # "same" is found from both sides
    keys = low * n_spans + high
    place = torch.searchsorted(pair_keys, keys).clamp(max=len(pair_keys) - 1)
    chosen = ((pair_keys[place] == keys) & (low != high)).nonzero().squeeze(1)
    column = place[chosen] * SHARED_CONCEPT_FEATURES + (~is_same)[chosen].long()
    found.view(-1).index_add_(0, column, weights[chosen])
    return found
