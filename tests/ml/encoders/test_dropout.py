"""Dropout with one random byte per value."""

import pytest
import torch
from torch.nn import functional as F

from spacy_keci.ml.encoders.dropout import ByteDropout


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_values_and_gradients(rate: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    values = torch.full((100, 301), 2.0, dtype=dtype, requires_grad=True)
    with ByteDropout():
        dropped = F.dropout(values, rate, training=True)
    scale = 256 / (256 - round(256 * rate))
    kept = dropped != 0
    # five standard deviations of the share of 30,100 values
    assert kept.float().mean().item() == pytest.approx(1 / scale, abs=0.015)
    torch.testing.assert_close(dropped[kept].float(), torch.full((int(kept.sum()),), 2 * scale), rtol=1e-2, atol=0)
    dropped.sum().backward()
    assert values.grad is not None and torch.equal(values.grad != 0, kept)
    torch.testing.assert_close(values.grad * 2, dropped.detach())


def test_masks_differ_and_repeat_with_the_seed() -> None:
    ones = torch.ones(7, 9)
    with ByteDropout():
        torch.manual_seed(1)
        first, second = F.dropout(ones), F.dropout(ones)
        torch.manual_seed(1)
        again = F.dropout(ones)
    assert torch.equal(first, again) and not torch.equal(first, second)


@pytest.mark.parametrize(("rate", "training", "expected"), [(0.0, True, 1.0), (0.5, False, 1.0), (1.0, True, 0.0)])
def test_what_needs_no_mask(rate: float, training: bool, expected: float) -> None:
    with ByteDropout():
        assert (F.dropout(torch.ones(5), rate, training=training) == expected).all()


def test_modules_and_other_functions() -> None:
    layers = torch.nn.Sequential(torch.nn.Linear(4, 400), torch.nn.Dropout(0.5))
    torch.manual_seed(0)
    with ByteDropout():
        assert 0.3 < (layers(torch.ones(4)) == 0).float().mean() < 0.7
        assert (layers.eval()(torch.ones(4)) != 0).all()
