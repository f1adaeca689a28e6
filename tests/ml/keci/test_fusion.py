"""Eq. 6-8 against loops over spans and candidates."""

import torch
from torch import Tensor

from spacy_keci.ml.keci.fusion import ConceptAttention

SPAN = torch.tensor([0, 0, 2, 3, 3, 3])
CONCEPT = torch.tensor([4, 1, 1, 0, 2, 3])


def plain(attention: ConceptAttention, h: Tensor, n: Tensor) -> tuple[Tensor, dict[tuple[int, int], Tensor]]:
    def ffnn_c(a: Tensor, b: Tensor) -> Tensor:
        return attention.score(torch.relu(attention.hidden(torch.cat([a, b])))).squeeze()

    rows, weights = [], {}
    for i in range(len(h)):
        c = torch.relu(attention.sentinel(h[i]))
        candidates = [int(j) for s, j in zip(SPAN, CONCEPT, strict=True) if s == i]
        exponents = [torch.exp(ffnn_c(h[i], c))] + [torch.exp(ffnn_c(h[i], n[j])) for j in candidates]
        z = sum(exponents)
        f = exponents[0] / z * c
        for j, exponent in zip(candidates, exponents[1:], strict=True):
            f = f + exponent / z * n[j]
            weights[i, j] = exponent / z
        rows.append(f)
    return torch.stack(rows), weights


def test_values_and_gradients_of_equations_6_to_8() -> None:
    torch.manual_seed(0)
    attention = ConceptAttention(5, hidden_width=7, depth=2)
    results, weights = [], []
    for is_plain in (False, True):
        generator = torch.Generator().manual_seed(1)
        h = torch.randn(4, 5, generator=generator).requires_grad_()
        n = torch.randn(6, 5, generator=generator).requires_grad_()
        attention.zero_grad()
        if is_plain:
            f, by_pair = plain(attention, h, n)
            weights.append(torch.stack([by_pair[i, j] for i, j in zip(SPAN.tolist(), CONCEPT.tolist(), strict=True)]))
        else:
            fused = attention(h, n, SPAN, CONCEPT)
            f = fused.vectors
            weights.append(fused.attention)
        (f.square().sum() + weights[-1].square().sum()).backward()
        results.append([f, weights[-1], h.grad, n.grad, *(p.grad for p in attention.parameters())])
    for fast, slow in zip(*results, strict=True):
        torch.testing.assert_close(fast, slow)


def test_a_span_without_candidates_has_the_sentinel_alone() -> None:
    torch.manual_seed(0)
    attention = ConceptAttention(5, hidden_width=7, depth=1)
    h, n = torch.randn(4, 5), torch.randn(6, 5)
    fused = attention(h, n, SPAN, CONCEPT)
    torch.testing.assert_close(fused.vectors[1], torch.relu(attention.sentinel(h[1])))
    nothing = torch.zeros(0, dtype=torch.long)
    alone = attention(h, n[:0], nothing, nothing)
    torch.testing.assert_close(alone.vectors, torch.relu(attention.sentinel(h)))


def test_order_of_candidates_does_not_matter() -> None:
    torch.manual_seed(0)
    attention = ConceptAttention(5, hidden_width=7, depth=1)
    h, n = torch.randn(4, 5), torch.randn(6, 5)
    fused = attention(h, n, SPAN, CONCEPT)
    order = torch.randperm(len(SPAN))
    other = attention(h, n, SPAN[order], CONCEPT[order])
    torch.testing.assert_close(other.vectors, fused.vectors)
    torch.testing.assert_close(other.attention, fused.attention[order])
