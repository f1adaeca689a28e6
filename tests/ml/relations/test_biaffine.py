"""Giorgi et al. (2019), Eq. 4-7, against a plain version, and what the classifier shares with that of KECI."""

from typing import Any

import pytest
import torch

from spacy_keci.ml.keci.span_graph import PAIR_SCORERS
from spacy_keci.ml.relations.biaffine import BiaffineClassifier

VARIANTS: list[dict[str, Any]] = [
    {},
    {"projection": "shared"},
    {"projection": "none"},
    {"bilinear": False},
    {"depth": 0, "width": 3},
    {"pair_width": 2},
]


def randomized(head: torch.nn.Module) -> torch.nn.Module:
    """With weights where an untrained classifier has zeros."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return head


@pytest.mark.parametrize("variant", VARIANTS)
def test_values_and_gradients_of_equations_4_to_7(variant: dict[str, Any]) -> None:
    settings = {"hidden_width": 7, "depth": 1, "n_labels": 3, "width": 4, **variant}
    head: Any = randomized(BiaffineClassifier(5, **settings))
    first, second = torch.tensor([0, 0, 2]), torch.tensor([1, 3, 3])
    pairs = torch.randn(3, 2, generator=torch.Generator().manual_seed(2)) if "pair_width" in variant else None
    results = []
    for is_plain in (False, True):
        spans = torch.randn(4, 5, generator=torch.Generator().manual_seed(1)).requires_grad_()
        head.zero_grad()
        if is_plain:
            rows = []
            one_way = list(zip(first.tolist(), second.tolist(), strict=True))
            for n, (i, j) in enumerate([*one_way, *((j, i) for i, j in one_way)]):
                h, t = head.head(spans[i]), head.tail(spans[j])
                logits = head.linear(torch.cat([h, t]))
                if head.bilinear is not None:
                    products = []
                    for label in range(4):
                        u = head.bilinear[:, label]
                        products.append(sum(h[a] * u[a, b] * t[b] for a in range(len(h)) for b in range(len(t))))
                    logits = logits + torch.stack(products)
                rows.append(logits if pairs is None else logits + head.pair(pairs[n % 3]))
            logits = torch.stack(rows)
        else:
            logits = head(spans, first, second, pairs, both_ways=True)
        logits.square().sum().backward()
        results.append([logits, spans.grad, *(p.grad for p in head.parameters())])
    for fast, slow in zip(*results, strict=True):
        torch.testing.assert_close(fast, slow, rtol=1e-4, atol=1e-4)


def test_a_shared_projection_is_one() -> None:
    separate, shared, none = (
        sum(p.numel() for p in BiaffineClassifier(5, hidden_width=4, depth=1, n_labels=2, projection=kind).parameters())
        for kind in ("separate", "shared", "none")
    )
    of_projection = 5 * 4 + 4 + 4 * 4 + 4
    assert separate - shared == of_projection
    assert none == 5 * 5 * 3 + 10 * 3 + 3


@pytest.mark.parametrize("scorer", PAIR_SCORERS)
class TestAllScorers:
    def make(self, scorer: str) -> Any:
        return PAIR_SCORERS[scorer](5, hidden_width=7, depth=1, n_labels=2, pair_width=3)

    def test_one_way_is_the_first_half_of_both_ways(self, scorer: str) -> None:
        head = randomized(self.make(scorer))
        spans, pairs, first, second = torch.randn(3, 5), torch.randn(2, 3), torch.tensor([0, 1]), torch.tensor([1, 2])
        both = head(spans, first, second, pairs, both_ways=True)
        assert both.shape == (4, 3)
        torch.testing.assert_close(head(spans, first, second, pairs, both_ways=False), both[:2])
        assert not torch.allclose(both[:2], both[2:])

    def test_no_pairs(self, scorer: str) -> None:
        nothing = torch.zeros(0, dtype=torch.long)
        assert self.make(scorer)(torch.randn(0, 5), nothing, nothing, both_ways=True).shape == (0, 3)

    def test_untrained_it_predicts_no_relation(self, scorer: str) -> None:
        logits = self.make(scorer)(torch.randn(2, 5), torch.tensor([0]), torch.tensor([1]), both_ways=True)
        assert logits.softmax(dim=-1)[:, 0].min() > 0.9

    def test_a_correction_begins_with_zero_and_learns(self, scorer: str) -> None:
        head = self.make(scorer)
        head.start_from_zero()
        logits = head(torch.randn(2, 5), torch.tensor([0]), torch.tensor([1]), torch.randn(1, 3), both_ways=True)
        assert not logits.any()
        torch.nn.functional.cross_entropy(logits, torch.tensor([1, 2])).backward()
        assert any(p.grad is not None and p.grad.any() for p in head.parameters())
