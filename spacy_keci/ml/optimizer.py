"""AdamW with a group of settings per component, one fused update per tensor."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from thinc.api import Optimizer
from thinc.optimizers import FloatOrSeq
from thinc.types import FloatsXd
from torch.optim.adamw import adamw


class AdamW(Optimizer):
    """Thinc's Adam with decoupled weight decay, computed by torch's fused kernel.

    Differences from ``Adam.v1``: components named in ``groups`` have their own optimizer, with its rates and schedules;
    weight decay skips vectors (biases, normalisation); parameters are not averaged. Warns of groups that no component
    uses in the first step.
    """

    __slots__ = ("groups", "is_first_step", "state")

    def __init__(self, learn_rate: FloatOrSeq, *, groups: dict[str, Optimizer], **settings: Any):
        super().__init__(learn_rate, use_averages=False, **settings)
        self.groups = groups
        self.is_first_step = True
        # first moment, second moment and number of updates of each tensor
        self.state: dict[tuple[int, str], tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = {}

    def step_schedules(self) -> None:
        super().step_schedules()
        for group in self.groups.values():
            group.step_schedules()
        if self.is_first_step:
            self.is_first_step = False
            self._warn_of_unused_groups()

    def _warn_of_unused_groups(self) -> None:
        unused = [name for name, group in self.groups.items() if isinstance(group, AdamW) and not group.state]
        if unused:
            warnings.warn(
                f"No component used the optimizer groups {', '.join(unused)} in the first step. Name each group after "
                "its component, such as 'keci'; other components use the settings outside groups.",
                stacklevel=3,
            )

    def __call__(
        self, key: tuple[int, str], weights: FloatsXd, gradient: FloatsXd, *, lr_scale: float = 1.0
    ) -> tuple[FloatsXd, FloatsXd]:
        """Update ``weights`` in place and set ``gradient`` to zero. Gradients are clipped per tensor, as in Thinc."""
        if not gradient.size:
            return weights, gradient
        parameter, grad = _as_tensor(weights), _as_tensor(gradient)
        if key not in self.state:
            step = torch.zeros((), device=parameter.device)
            self.state[key] = (torch.zeros_like(parameter), torch.zeros_like(parameter), step)
        first_moment, second_moment, step = self.state[key]
        if self.grad_clip:
            norm = torch.linalg.vector_norm(grad)
            grad.mul_((self.grad_clip / norm.clamp(min=1e-12)).clamp(max=1.0))
        adamw(
            [parameter],
            [grad],
            [first_moment],
            [second_moment],
            [],
            [step],
            fused=True,
            amsgrad=False,
            beta1=self.b1,
            beta2=self.b2,
            lr=lr_scale * self.learn_rate,
            weight_decay=self.L2 if parameter.dim() > 1 else 0.0,
            eps=self.eps,
            maximize=False,
        )
        grad.zero_()
        return weights, gradient


def _as_tensor(array: FloatsXd) -> torch.Tensor:
    """Share the memory on its device: Thinc's conversion copies to the default device."""
    return torch.from_numpy(array) if isinstance(array, np.ndarray) else torch.from_dlpack(array)
