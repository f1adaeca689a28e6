"""Eq. 4 against loops over spans, pairs and relations."""

import pytest
import torch
from torch import Tensor

from spacy_keci.ml.keci import span_graph_gcn
from spacy_keci.ml.keci.span_graph_gcn import BidirectionalGCN


def plain(gcn: BidirectionalGCN, h: Tensor, first: Tensor, second: Tensor, r: Tensor) -> Tensor:
    """r as a dense array: r[i][j][k]; weights of relation k are the k-th rows of each layer's map."""
    edges: dict[tuple[int, int], Tensor] = {}
    pairs = list(zip(first.tolist(), second.tolist(), strict=True))
    for p, (i, j) in enumerate(pairs):
        edges[i, j] = r[p]
        edges[j, i] = r[p + len(pairs)] if len(r) > len(pairs) else r[p]
    degree = [sum(i == a for a, _ in edges) for i in range(len(h))]
    for layer in gcn.layers:
        half = layer.outgoing.out_features // gcn.n_relations
        rows = []
        for i in range(len(h)):
            messages = []
            for map_, is_forward in ((layer.outgoing, True), (layer.incoming, False)):
                message = torch.zeros(half)
                for j in range(len(h)):
                    if (i, j) not in edges:
                        continue
                    weights = edges[i, j] if is_forward else edges[j, i]
                    for k in range(gcn.n_relations):
                        part = slice(k * half, (k + 1) * half)
                        term = weights[k] * (map_.weight[part] @ h[j] + map_.bias[part])
                        message = message + (term / degree[i] if gcn.mean else term)
                messages.append(message)
            rows.append(h[i] + layer.output(torch.relu(torch.cat(messages))))
        h = torch.stack(rows)
    return h


# spans 0-2 are one document, 3 and 4 another, 5 is alone; in the second graph, 0 and 2 are too far from each other; in
# the third, all are alone
GRAPHS = [([0, 0, 1, 3], [1, 2, 2, 4]), ([0, 1, 3], [1, 2, 4]), ([], [])]


@pytest.mark.parametrize("pairs", GRAPHS)
@pytest.mark.parametrize("both_ways", [True, False])
@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("small", [0, 10_000], ids=["sparse", "dense"])
def test_values_and_gradients_of_equation_4(
    pairs: tuple[list[int], list[int]], both_ways: bool, mean: bool, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(span_graph_gcn, "SMALL", small)
    torch.manual_seed(0)
    gcn = BidirectionalGCN(6, n_relations=3, depth=2, mean=mean)
    for layer in gcn.layers:
        torch.nn.init.normal_(layer.output.weight)
        torch.nn.init.normal_(layer.output.bias)
    first, second = (torch.tensor(each, dtype=torch.long) for each in pairs)
    r = torch.randn((1 + both_ways) * len(first), 3).softmax(dim=-1)
    results = []
    for function in (gcn, lambda *args: plain(gcn, *args)):
        h = torch.randn(6, 6, generator=torch.Generator().manual_seed(1)).requires_grad_()
        gcn.zero_grad()
        out = function(h, first, second, r)
        out.square().sum().backward()
        # the loops over no pairs do not touch what maps messages
        results.append([out, h.grad, *(torch.zeros_like(p) if p.grad is None else p.grad for p in gcn.parameters())])
    for fast, slow in zip(*results, strict=True):
        torch.testing.assert_close(fast, slow, rtol=2e-5, atol=1e-5)


def test_an_untrained_layer_changes_nothing_and_no_pairs_or_spans_are_fine() -> None:
    gcn = BidirectionalGCN(4, n_relations=2, depth=2, mean=True)
    spans, nothing = torch.randn(2, 4), torch.zeros(0, dtype=torch.long)
    torch.testing.assert_close(gcn(spans, torch.tensor([0]), torch.tensor([1]), torch.tensor([[0.4, 0.6]])), spans)
    torch.testing.assert_close(gcn(spans, nothing, nothing, torch.zeros(0, 2)), spans)
    # mentions are given, no others are read, and a text has none
    assert gcn(spans[:0], nothing, nothing, torch.zeros(0, 2)).shape == (0, 4)


def test_no_gradient_flows_into_the_edges() -> None:
    gcn = BidirectionalGCN(4, n_relations=2, depth=1, mean=True)
    torch.nn.init.normal_(gcn.layers[0].output.weight)
    logits = torch.randn(1, 2, requires_grad=True)
    spans = torch.randn(2, 4, requires_grad=True)
    gcn(spans, torch.tensor([0]), torch.tensor([1]), logits.softmax(dim=-1)).sum().backward()
    assert logits.grad is None
    assert spans.grad is not None
