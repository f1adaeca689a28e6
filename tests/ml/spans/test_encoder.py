"""Eq. 1 against a plain version: one span at a time, straight from the paper."""

import pytest
import torch
from torch.nn import functional as F

from spacy_keci.ml.spans.encoder import SpanEncoder


@pytest.fixture
def encoder() -> SpanEncoder:
    torch.manual_seed(0)
    return SpanEncoder(6, hidden_width=10, span_width=8, max_length=4)


def plain(encoder: SpanEncoder, tokens: torch.Tensor, starts: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
    vectors = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        inside = tokens[start:end]
        weights = torch.softmax(encoder.attention(inside).squeeze(-1), dim=0)
        pooled = sum(weight * vector for weight, vector in zip(weights, inside, strict=True))
        width = encoder.length(torch.tensor(end - start - 1))
        features = torch.cat([tokens[start], tokens[end - 1], pooled, width])
        vectors.append(F.relu(encoder.output(F.relu(encoder.hidden(features)))))
    return torch.stack(vectors)


def test_values_and_gradients_of_equation_1(encoder: SpanEncoder) -> None:
    starts = torch.tensor([0, 0, 0, 2, 3, 6, 6])
    ends = torch.tensor([1, 2, 4, 6, 5, 7, 9])
    results = []
    for compute in (encoder, lambda *args: plain(encoder, *args)):
        tokens = torch.randn(9, 6, generator=torch.Generator().manual_seed(1)).requires_grad_()
        encoder.zero_grad()
        vectors = compute(tokens, starts, ends)
        vectors.square().sum().backward()
        results.append([vectors, tokens.grad, *(p.grad for p in encoder.parameters())])
    for fast, slow in zip(*results, strict=True):
        torch.testing.assert_close(fast, slow)


def test_large_attention_scores_do_not_overflow(encoder: SpanEncoder) -> None:
    with torch.no_grad():
        encoder.attention.weight.mul_(1e4)
    tokens = torch.randn(9, 6, generator=torch.Generator().manual_seed(1))
    starts, ends = torch.tensor([0, 3]), torch.tensor([4, 5])
    vectors = encoder(tokens, starts, ends)
    assert vectors.isfinite().all()
    torch.testing.assert_close(vectors, plain(encoder, tokens, starts, ends))


def test_spans_longer_than_the_model_knows_are_seen_by_their_beginning_and_their_end(encoder: SpanEncoder) -> None:
    tokens = torch.randn(9, 6, generator=torch.Generator().manual_seed(1))
    longest = encoder.max_length
    vectors = encoder(tokens, torch.tensor([0, 0]), torch.tensor([longest, 9]))
    assert not torch.allclose(vectors[0], vectors[1])
    tokens[longest:8] = 0
    torch.testing.assert_close(encoder(tokens, torch.tensor([0]), torch.tensor([9])), vectors[1:])
    tokens[longest - 1] = tokens[8] = tokens[0]
    vectors = encoder(tokens, torch.tensor([0, 0]), torch.tensor([longest, 9]))
    torch.testing.assert_close(vectors[0], vectors[1])
