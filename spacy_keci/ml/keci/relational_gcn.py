"""Messages between the concepts of the background knowledge (KECI, Eq. 5; Schlichtkrull et al. 2018)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..mixed_precision import single_precision
from .neighbours import Neighbours, find_neighbours

Propagate = Callable[[Tensor, Tensor, Neighbours], Tensor]

# maximum nodes times relations of a graph that is propagated in one product: a few sentences
SMALL = 4096


class RelationalGCN(nn.Module):
    """v_i^{l+1} = ReLU(U v_i^l + Σ_k Σ_{j ∈ N_i^k} U_k v_j^l / |N_i^k| + b) (Eq. 5; the bias as in the program).

    A node receives messages from the heads of its incoming edges and, with ``inverse``, from the tails of its outgoing
    edges by separate relations. bases: number of matrices whose weighted sums are the U_k; None for independent U_k.
    backend: ``torch`` or ``dgl``, which computes the same. Raises ImportError if DGL is not installed.
    """

    def __init__(
        self, width: int, *, n_relations: int, depth: int, bases: int | None, inverse: bool, backend: str = "torch"
    ):
        super().__init__()
        self.inverse = inverse
        self.n_relations = n_relations
        self.propagate = _backend(backend)
        n_maps = 2 * n_relations if inverse else n_relations
        self.layers = nn.ModuleList(_Layer(width, n_maps, bases) for _ in range(depth))

    def forward(self, nodes: Tensor, edges: Tensor, labels: Tensor) -> Tensor:
        """
        nodes: (nodes, width), v^0. edges: (2, edges) head and tail as rows of ``nodes``. labels: (edges,).
        Returns v, of the same shape as ``nodes``.
        """
        if not len(nodes) or not self.layers:
            return nodes
        source, target = edges
        if self.inverse:
            source, target = torch.cat([source, target]), torch.cat([target, source])
            labels = torch.cat([labels, labels + self.n_relations])
        neighbours = find_neighbours(len(nodes), source, target, labels)
        for layer in self.layers:
            nodes = layer(nodes, neighbours, self.propagate)
        return nodes


class _Layer(nn.Module):
    def __init__(self, width: int, n_maps: int, bases: int | None):
        super().__init__()
        self.itself = nn.Linear(width, width)  # U
        self.maps = nn.Parameter(torch.empty(bases or n_maps, width, width))  # U_k, or their bases
        self.shares = nn.Parameter(torch.empty(n_maps, bases)) if bases else None
        self.dropout = nn.Dropout(0.0)
        bound = width**-0.5  # as nn.Linear
        nn.init.uniform_(self.maps, -bound, bound)
        if self.shares is not None:
            nn.init.normal_(self.shares, std=len(self.maps) ** -0.5)

    def forward(self, nodes: Tensor, neighbours: Neighbours, propagate: Propagate) -> Tensor:
        if self.shares is None:
            maps = self.maps.index_select(0, neighbours.relations)
        else:
            maps = torch.einsum("kb,bio->kio", self.shares.index_select(0, neighbours.relations), self.maps)
        with single_precision(nodes.device):  # small products are slower in bfloat16
            received = propagate(nodes.float(), maps.float(), neighbours)
        return self.dropout(F.relu(self.itself(nodes) + received))


def _propagate_in_torch(nodes: Tensor, maps: Tensor, neighbours: Neighbours) -> Tensor:
    """Mean of each set times the map of its relation, summed over the sets of a node.

    In a small graph, one product of all nodes with all maps, from which the messages are selected, is much faster than
    a product for each relation.
    """
    if len(nodes) * len(maps) <= SMALL:
        return _propagate_at_once(nodes, maps, neighbours)
    width = nodes.shape[1]
    sums = nodes.new_zeros(len(neighbours.node), width)
    means = sums.index_add(0, neighbours.set, nodes.index_select(0, neighbours.source))
    means = means / neighbours.size.unsqueeze(1)
    parts = zip(means.split(neighbours.sets_of_relation), maps.unbind(), strict=True)
    messages = [part @ map_ for part, map_ in parts]
    received = nodes.new_zeros(nodes.shape)
    return received.index_add(0, neighbours.node, torch.cat(messages)) if messages else received


def _propagate_at_once(nodes: Tensor, maps: Tensor, neighbours: Neighbours) -> Tensor:
    mapped = torch.bmm(nodes.expand(len(maps), -1, -1), maps).flatten(0, 1)
    messages = mapped.index_select(0, neighbours.mapped_source) * neighbours.share_of_edge
    received = messages.new_zeros(nodes.shape)
    return received.index_add(0, neighbours.target, messages)


def _backend(name: str) -> Propagate:
    if name == "torch":
        return _propagate_in_torch
    try:
        from .relational_gcn_dgl import propagate_in_dgl
    except ImportError as error:
        raise ImportError(
            f"The backend dgl needs the package dgl ({error}): pip install dgl==1.1.3 psutil, or set backend "
            'to "torch", which computes the same.'
        ) from error
    return propagate_in_dgl
