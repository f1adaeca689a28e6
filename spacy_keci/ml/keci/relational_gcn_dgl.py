"""The messages of the relational graph convolution with DGL, as in the authors' program."""

import dgl
from torch import Tensor

from .neighbours import Neighbours


def propagate_in_dgl(nodes: Tensor, maps: Tensor, neighbours: Neighbours) -> Tensor:
    """One product for each edge with the map of its relation, then the sum over the edges of a node."""
    graph = dgl.graph((neighbours.source, neighbours.target), num_nodes=len(nodes), device=nodes.device)
    sources = nodes.index_select(0, neighbours.source)
    messages = dgl.ops.gather_mm(sources, maps, idx_b=neighbours.map_of_edge)
    return dgl.ops.copy_e_sum(graph, messages * neighbours.share_of_edge)
