"""The neighbourhoods N_i^k in the sum of KECI's Eq. 5."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass
class Neighbours:
    """The nonempty sets N_i^k of nodes i and relations k, ordered by relation, then by node.

    n_nodes: of the graph. source: (edges,) the neighbour v_j. set: (edges,) its set. size: (sets,) c_ik. node: (sets,)
        i. relations: (relations present,) k. sets_of_relation: number of sets of each relation.
    """

    n_nodes: int
    source: Tensor
    set: Tensor
    size: Tensor
    node: Tensor
    relations: Tensor
    sets_of_relation: list[int]

    @cached_property
    def target(self) -> Tensor:
        """(edges,) the node that receives the neighbour's message."""
        return self.node[self.set]

    @cached_property
    def map_of_edge(self) -> Tensor:
        """(edges,) position of its relation among ``relations``."""
        n_sets = torch.tensor(self.sets_of_relation, dtype=torch.long, device=self.set.device)
        return torch.repeat_interleave(n_sets)[self.set]

    @cached_property
    def mapped_source(self) -> Tensor:
        """(edges,) row of the neighbour in a list of all nodes for each of ``relations``."""
        return self.map_of_edge * self.n_nodes + self.source

    @cached_property
    def share_of_edge(self) -> Tensor:
        """(edges, 1) 1 / c_ik."""
        return self.size[self.set].unsqueeze(1).reciprocal()


@torch.no_grad()
def find_neighbours(n_nodes: int, source: Tensor, target: Tensor, relation: Tensor) -> Neighbours:
    """source, target, relation: (edges,); a node receives messages from the sources of its incoming edges."""
    keys, which, size = torch.unique(relation * n_nodes + target, return_inverse=True, return_counts=True)
    relations, n_sets = torch.unique_consecutive(keys // n_nodes, return_counts=True)
    return Neighbours(n_nodes, source, which, size, keys % n_nodes, relations, n_sets.tolist())
