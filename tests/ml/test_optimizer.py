"""AdamW against torch's own."""

import warnings

import numpy as np
import pytest
import torch
from thinc.api import warmup_linear

from spacy_keci.ml.architectures import build_adamw

SHAPES = ((4, 3), (5,), (2, 2, 2))


def draw(seed: int) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.normal(size=shape).astype("float32") for shape in SHAPES]


@pytest.mark.parametrize("clip", [0.0, 0.5])
def test_equals_torch(clip: float) -> None:
    """With decay of matrices only, clipping per tensor, and a schedule that begins at 0."""
    ours, theirs = draw(0), [torch.nn.Parameter(torch.tensor(array)) for array in draw(0)]
    optimizer = build_adamw(warmup_linear(0.1, 3, 10), L2=0.1, grad_clip=clip, beta1=0.8, beta2=0.95, eps=1e-6)
    groups = [
        {"params": [p for p in theirs if p.dim() > 1], "weight_decay": 0.1},
        {"params": [p for p in theirs if p.dim() == 1], "weight_decay": 0.0},
    ]
    reference = torch.optim.AdamW(groups, betas=(0.8, 0.95), eps=1e-6)
    rates = []
    for step in range(8):
        rates.append(float(optimizer.learn_rate))
        for group in reference.param_groups:
            group["lr"] = rates[-1]
        for i, gradient in enumerate(draw(1 + step)):
            theirs[i].grad = torch.tensor(gradient)
            if clip:
                torch.nn.utils.clip_grad_norm_([theirs[i]], clip)
            optimizer((i, "weight"), ours[i], gradient)
            assert not gradient.any()
        reference.step()
        optimizer.step_schedules()
        for mine, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(mine, other.detach().numpy(), rtol=1e-4, atol=1e-6)
    assert rates[:5] == pytest.approx([0.0, 0.1 / 3, 0.2 / 3, 0.1, 0.1 * 6 / 7])


def test_groups_have_schedules_of_their_own() -> None:
    group = build_adamw(warmup_linear(1.0, 1, 11))
    optimizer = build_adamw(0.5, groups={"keci": group})
    weights = np.ones(3, dtype="float32")
    rates = []
    for _ in range(3):
        rates.append((float(optimizer.learn_rate), float(group.learn_rate)))
        group((0, "weight"), weights, np.ones(3, dtype="float32"))
        optimizer.step_schedules()
    assert rates == [(0.5, 0.0), (0.5, 1.0), (0.5, 0.9)]


def test_a_group_that_nobody_uses_is_warned_of_once() -> None:
    optimizer = build_adamw(0.5, groups={"kecii": build_adamw(0.1)})
    with pytest.warns(UserWarning, match="No component .* groups kecii"):
        optimizer.step_schedules()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.step_schedules()


def test_arrays_are_updated_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not on the device where new tensors are made, such as that of another thread."""
    monkeypatch.setattr("thinc.util.get_torch_default_device", lambda: torch.device("meta"))
    weights = np.ones(3, dtype="float32")
    build_adamw(0.5)((0, "weight"), weights, np.ones(3, dtype="float32"))
    assert (weights < 1).all()


def test_tensors_have_their_own_state() -> None:
    """A tensor that joins late starts with moments of its own, as do two of the same name in different layers."""
    optimizer = build_adamw(0.1)
    early, late = np.ones((2, 2), dtype="float32"), np.ones((2, 2), dtype="float32")
    for _ in range(3):
        optimizer((1, "W"), early, np.full((2, 2), 0.5, dtype="float32"))
    optimizer((2, "W"), late, np.full((2, 2), 0.5, dtype="float32"))
    np.testing.assert_allclose(late, 0.9, rtol=1e-5)
    np.testing.assert_allclose(early, 0.7, rtol=1e-5)
