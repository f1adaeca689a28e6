"""Messages between spans along the edges of the initial span graph (KECI, Eq. 4)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..feedforward import start_from_zero
from ..mixed_precision import single_precision

# maximum entries of a dense matrix of edges: a sentence
SMALL = 1 << 14


class BidirectionalGCN(nn.Module):
    """Bidirectional graph convolution over soft relation edges (Eq. 4).

    An edge of each relation, including "none", connects every pair of spans in both directions, weighted by its
    probability. Weights are constants: no gradient flows into the probabilities (as in the authors' program). A layer
    is two products of a matrix of edges, sparse if large, with the mapped spans.

    mean: divide by the number of neighbours of a span, instead of the paper's sum. The probabilities of a pair sum to
        1, so the sum grows with the number of spans, and with each layer by the same factor.
    """

    def __init__(self, span_width: int, *, n_relations: int, depth: int, mean: bool):
        super().__init__()
        self.n_relations = n_relations
        self.mean = mean
        self.layers = nn.ModuleList(_Layer(span_width, n_relations) for _ in range(depth))

    def forward(self, spans: Tensor, first: Tensor, second: Tensor, probabilities: Tensor) -> Tensor:
        """
        spans: (spans, span width), h^0. first, second: (pairs,) indices of spans.
        probabilities: (pairs, relations) for both directions; or (2 * pairs, relations), the first half for first ->
            second, the second half for second -> first.
        Returns h, of the same shape as ``spans``.
        """
        if not self.layers:
            return spans
        outgoing, incoming = self._edges(len(spans), first, second, probabilities)
        for layer in self.layers:
            spans = layer(spans, outgoing, incoming)
        return spans

    def _edges(self, n_spans: int, first: Tensor, second: Tensor, probabilities: Tensor) -> tuple[Tensor, Tensor]:
        """r_ij[k] and r_ji[k] as matrices (spans, spans * relations), entry [i, j * relations + k].

        Sparse, unless there are few spans: making a sparse matrix takes longer than multiplying a small dense one.
        """
        undirected = len(probabilities) == len(first)
        if undirected:
            probabilities = probabilities.repeat(2, 1)
        head, tail = torch.cat([first, second]), torch.cat([second, first])
        weights = probabilities.detach().float()
        matrix = _dense if n_spans * n_spans * self.n_relations <= SMALL else _sparse

        def edges(receiver: Tensor, sender: Tensor) -> Tensor:
            values = weights
            if self.mean:
                values = weights / torch.bincount(receiver, minlength=n_spans)[receiver].unsqueeze(1)
            return matrix(n_spans, receiver, sender, values)

        outgoing = edges(head, tail)
        return outgoing, outgoing if undirected else edges(tail, head)


def _dense(n_spans: int, receiver: Tensor, sender: Tensor, values: Tensor) -> Tensor:
    edges = values.new_zeros(n_spans, n_spans, values.shape[1])
    edges[receiver, sender] = values
    return edges.flatten(1)


def _sparse(n_spans: int, receiver: Tensor, sender: Tensor, values: Tensor) -> Tensor:
    n_relations = values.shape[1]
    relation = torch.arange(n_relations, device=values.device)
    rows = receiver.repeat_interleave(n_relations)
    columns = (sender.unsqueeze(1) * n_relations + relation).flatten()
    return torch.sparse_coo_tensor(
        torch.stack([rows, columns]), values.flatten(), (n_spans, n_spans * n_relations), check_invariants=False
    ).coalesce()


class _Layer(nn.Module):
    def __init__(self, span_width: int, n_relations: int):
        super().__init__()
        self.width = half = span_width // 2
        # all relations at once: W_k and b_k are the k-th parts
        self.outgoing = nn.Linear(span_width, n_relations * half)  # →
        self.incoming = nn.Linear(span_width, n_relations * half)  # ←
        self.dropout = nn.Dropout(0.0)
        self.output = nn.Linear(2 * half, span_width)  # FFNN_a
        start_from_zero(self.output)

    def forward(self, spans: Tensor, outgoing: Tensor, incoming: Tensor) -> Tensor:
        mapped = self.outgoing(spans), self.incoming(spans)
        with single_precision(spans.device):  # torch has no sparse product in half precision
            messages = [
                edges @ each.float().view(edges.shape[1], self.width)
                for edges, each in zip((outgoing, incoming), mapped, strict=True)
            ]
        return spans + self.output(self.dropout(F.relu(torch.cat(messages, dim=1))))
