"""Eq. 5 against loops over nodes, relations and neighbours."""

import pytest
import torch
from torch import Tensor

from spacy_keci.ml.keci import relational_gcn
from spacy_keci.ml.keci.relational_gcn import RelationalGCN


def plain(gcn: RelationalGCN, v: Tensor, edges: Tensor, labels: Tensor) -> Tensor:
    triples = [(int(h), int(k), int(t)) for (h, t), k in zip(edges.T, labels, strict=True)]
    if gcn.inverse:
        triples += [(t, k + gcn.n_relations, h) for h, k, t in triples]
    for layer in gcn.layers:
        maps = layer.maps
        if layer.shares is not None:
            maps = torch.stack([sum(s * m for s, m in zip(row, layer.maps, strict=True)) for row in layer.shares])
        rows = []
        for i in range(len(v)):
            total = layer.itself.weight @ v[i] + layer.itself.bias
            for k in range(len(maps)):
                neighbours = [h for h, label, t in triples if label == k and t == i]
                for j in neighbours:
                    total = total + v[j] @ maps[k] / len(neighbours)
            rows.append(torch.relu(total))
        v = torch.stack(rows)
    return v


EDGES = torch.tensor([[0, 1, 2, 0, 4, 4, 3], [1, 2, 1, 2, 3, 3, 4]])
LABELS = torch.tensor([0, 1, 0, 2, 1, 2, 1])


@pytest.mark.parametrize("bases", [None, 2])
@pytest.mark.parametrize("inverse", [True, False])
@pytest.mark.parametrize("small", [0, 10_000], ids=["each relation", "all relations"])
def test_values_and_gradients_of_equation_5(
    bases: int | None, inverse: bool, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relational_gcn, "SMALL", small)
    torch.manual_seed(0)
    gcn = RelationalGCN(4, n_relations=3, depth=3, bases=bases, inverse=inverse)
    results = []
    for function in (gcn, lambda *args: plain(gcn, *args)):
        v = torch.randn(6, 4, generator=torch.Generator().manual_seed(1)).requires_grad_()
        gcn.zero_grad()
        out = function(v, EDGES, LABELS)
        out.square().sum().backward()
        results.append([out, v.grad, *(p.grad for p in gcn.parameters())])
    for fast, slow in zip(*results, strict=True):
        torch.testing.assert_close(fast, slow)


@pytest.mark.parametrize("bases", [None, 2])
def test_dgl_computes_the_same(bases: int | None) -> None:
    pytest.importorskip("dgl", reason="needs DGL: pip install dgl==1.1.3 psutil", exc_type=ImportError)
    results = []
    for backend in ("torch", "dgl"):
        torch.manual_seed(0)
        gcn = RelationalGCN(4, n_relations=3, depth=3, bases=bases, inverse=True, backend=backend)
        v = torch.randn(6, 4).requires_grad_()
        out = gcn(v, EDGES, LABELS)
        out.square().sum().backward()
        results.append([out, v.grad, *(p.grad for p in gcn.parameters())])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_order_of_edges_and_nodes_does_not_matter() -> None:
    torch.manual_seed(0)
    gcn = RelationalGCN(4, n_relations=3, depth=2, bases=None, inverse=True)
    v = torch.randn(6, 4)
    out = gcn(v, EDGES, LABELS)
    order = torch.randperm(len(LABELS))
    torch.testing.assert_close(gcn(v, EDGES[:, order], LABELS[order]), out)
    nodes = torch.randperm(len(v))
    torch.testing.assert_close(gcn(v[nodes], nodes.argsort()[EDGES], LABELS), out[nodes])


def test_no_edges_no_nodes_no_layers() -> None:
    gcn = RelationalGCN(4, n_relations=3, depth=1, bases=None, inverse=True)
    v, nothing = torch.randn(2, 4), torch.zeros(0, dtype=torch.long)
    layer = gcn.layers[0]
    torch.testing.assert_close(gcn(v, nothing.view(2, 0), nothing), torch.relu(layer.itself(v)))
    assert gcn(v[:0], nothing.view(2, 0), nothing).shape == (0, 4)
    gcn = RelationalGCN(4, n_relations=3, depth=0, bases=None, inverse=True)
    torch.testing.assert_close(gcn(v, torch.tensor([[0], [1]]), torch.tensor([0])), v)
