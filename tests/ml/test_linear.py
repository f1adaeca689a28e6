import os
import subprocess
import sys

import pytest
import torch
from torch.nn import functional as F

from spacy_keci.ml.linear import linear, rounded_up


@pytest.mark.parametrize("shape", [(0, 6), (1, 6), (13, 6), (3, 5, 6), (2, 0, 6)])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_rows_do_not_change(shape: tuple[int, ...], kind: torch.dtype) -> None:
    torch.manual_seed(0)
    input, weight, bias = torch.randn(shape), torch.randn(4, 6).to(kind), torch.randn(4).to(kind)
    with torch.no_grad():
        found = linear(input.to(kind), weight, bias)
        torch.testing.assert_close(found, F.linear(input.to(kind), weight, bias))
    assert found.shape == (*shape[:-1], 4)


def test_gradients_pass() -> None:
    weight = torch.randn(4, 6, dtype=torch.bfloat16, requires_grad=True)
    linear(torch.ones(3, 6, dtype=torch.bfloat16), weight).sum().backward()
    assert weight.grad is not None
    assert (weight.grad == 3).all()


def test_few_numbers_of_rows_and_little_padding() -> None:
    rounded = [rounded_up(n) for n in range(10_001)]
    assert all(n <= up <= max(n + 7, n * 17 / 16) for n, up in enumerate(rounded))
    assert len(set(rounded)) < 150


def test_users_can_choose_the_number_of_kernels() -> None:
    code = "import os, spacy_keci.ml.linear; print(os.environ['ONEDNN_PRIMITIVE_CACHE_CAPACITY'])"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "256\n"
    own = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "7"}
    assert (
        subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **own}).stdout == "7\n"
    )
