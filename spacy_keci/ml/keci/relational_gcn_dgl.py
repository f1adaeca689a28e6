"""The relational graph convolution's messages by DGL, as in the authors' program."""

import dgl
import torch
from torch import Tensor

from .neighbours import Neighbours


def propagate_in_dgl(nodes: Tensor, maps: Tensor, neighbours: Neighbours) -> Tensor:
    """One product for each edge with the map of its relation, then the sum over the edges of a node."""
    n_sets = torch.tensor(neighbours.sets_of_relation, device=nodes.device)
    relation = torch.repeat_interleave(n_sets)[neighbours.set]
    graph = dgl.graph((neighbours.source, neighbours.node[neighbours.set]), num_nodes=len(nodes), device=nodes.device)
    messages = dgl.ops.gather_mm(nodes.index_select(0, neighbours.source), maps, idx_b=relation)
    shares = 1.0 / neighbours.size[neighbours.set].to(nodes.dtype)
    return dgl.ops.copy_e_sum(graph, messages * shares.unsqueeze(1))
