"""Networks for prediction, shared by several threads: in evaluation mode, with weights that are cast only once."""

from __future__ import annotations

import copy
from threading import Lock
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
from thinc.api import Optimizer, PyTorchShim
from torch import nn

from .linear import Linear

_LOCK = Lock()


class _Cast(NamedTuple):
    """A copy of a network. weights: the weights that were cast. state: their state at that time."""

    network: nn.Module
    weights: list[nn.Parameter]
    state: list[tuple[int, int]]


_casts: WeakKeyDictionary[nn.Module, _Cast] = WeakKeyDictionary()


class WatchingShim(PyTorchShim):
    """A shim that marks its weights as changed after an update, for copies with cast weights."""

    def finish_update(self, optimizer: Optimizer) -> None:
        # Thinc writes to the memory of the weights, unnoticed by torch
        super().finish_update(optimizer)
        with _LOCK:
            _casts.pop(self._model, None)


def in_use(network: nn.Module, *, in_bfloat16: bool) -> nn.Module:
    """The network in evaluation mode, to be called in a region of autocast if ``in_bfloat16``.

    In such a region, autocast casts all weights at every call, which takes longer than a sentence. The returned network
    therefore has the weights of its linear layers in bfloat16 and shares all others; its outputs are the same. No
    thread predicts before the whole network has left training mode.
    """
    with _LOCK:
        if network.training:
            network.eval()
            _casts.pop(network, None)
        if not in_bfloat16:
            return network
        cast = _casts.get(network)
        if cast is None or cast.state != _state(cast.weights):
            cast = _casts[network] = _cast(network)
        return cast.network


def _cast(network: nn.Module) -> _Cast:
    weights = [p for module in network.modules() if type(module) is nn.Linear for p in module.parameters()]
    cast = {p: nn.Parameter(p.detach().to(torch.bfloat16), requires_grad=False) for p in weights}
    return _Cast(_twin(network, cast), weights, _state(weights))


def _twin(module: nn.Module, instead: dict[nn.Parameter, nn.Parameter]) -> nn.Module:
    """A copy that shares everything, including hooks, except some parameters."""
    twin = copy.copy(module)
    if type(module) is nn.Linear:
        twin.__class__ = Linear
    twin.__dict__["_parameters"] = {
        name: p if p is None else instead.get(p, p) for name, p in module._parameters.items()
    }
    twin.__dict__["_modules"] = {
        name: child if child is None else _twin(child, instead) for name, child in module._modules.items()
    }
    return twin


def _state(weights: list[nn.Parameter]) -> list[tuple[int, int]]:
    """A state that changes when weights are loaded or moved to another device."""
    return [(p.data_ptr(), p._version) for p in weights]
