"""The state of a training: weights, the optimizer's state for each of them, and random states."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from thinc.api import Model, Optimizer
from torch import nn

from .contrastive.loss import Contrastive

Key = tuple[int, str]  # of a weight in an optimizer: the number of a layer or network, which differs between processes
Place = tuple[str, int, int, str]  # component, layer, network of the layer (-1 for the layer itself), name


def model_state(model: Model) -> list[dict[str, Any]]:
    """The weights of each layer, the names of weights that have had a gradient, which the optimizer updates in every
    step, even if a batch gives them none, and what contrastive losses remember of earlier batches.

    Raises ValueError for networks of another library than torch.
    """
    return [
        {
            "weights": {name: np.array(layer.ops.to_numpy(layer.get_param(name))) for name in _weights(layer)},
            "have_gradient": layer.grad_names,
            "networks": [
                {
                    "weights": network.state_dict(),
                    "have_gradient": [name for name, p in network.named_parameters() if p.grad is not None],
                    "grad_scaler": dict(vars(shim._grad_scaler)),
                    "contrastive": {
                        name: (module.updates, module.negatives)
                        for name, module in network.named_modules()
                        if isinstance(module, Contrastive)
                    },
                }
                for shim, network in _networks(layer)
            ],
        }
        for layer in model.walk()
    ]


def load_model_state(model: Model, state: list[dict[str, Any]]) -> None:
    """Copy the state into a model of the same architecture, in place."""
    for layer, saved in zip(model.walk(), state, strict=True):
        for name, weight in saved["weights"].items():
            memory: Any = layer.get_param(name)
            memory[...] = layer.ops.asarray(weight)
        for name in saved["have_gradient"]:
            layer.set_grad(name, layer.ops.xp.zeros_like(layer.get_param(name)))
        for (shim, network), saved_network in zip(_networks(layer), saved["networks"], strict=True):
            network.load_state_dict(saved_network["weights"])
            for name, parameter in network.named_parameters():
                if name in saved_network["have_gradient"]:
                    parameter.grad = torch.zeros_like(parameter)
            vars(shim._grad_scaler).update(saved_network["grad_scaler"])
            for name, state in saved_network.get("contrastive", {}).items():
                contrastive: Any = network.get_submodule(name)
                contrastive.updates, contrastive.negatives = state


def optimizer_state(optimizer: Optimizer, models: Mapping[str, Model]) -> dict[str, dict[str, Any]]:
    """The state of the optimizer and its groups, except for schedules.

    models: by component. Returns values by name of the group ("" for the optimizer itself) and attribute; values of
        weights are keyed by :data:`Place`. Raises ValueError for a weight that is in none of the models.
    """
    places: dict[Key, Place] = {}
    for key, place in _places(models):
        places.setdefault(key, place)
    used = {key for _, each in _optimizers(optimizer) for _, v in _attributes(each) if isinstance(v, dict) for key in v}
    if unknown := used - places.keys():
        raise ValueError(
            f"For checkpoints, all trained weights must belong to the model of one of the components {list(models)}, "
            f"but the optimizer has others: {', '.join(sorted(name for _, name in unknown))}."
        )
    return {
        group: {
            name: {places[key]: each for key, each in value.items()} if isinstance(value, dict) else value
            for name, value in _attributes(each_optimizer)
        }
        for group, each_optimizer in _optimizers(optimizer)
    }


def load_optimizer_state(
    optimizer: Optimizer, models: Mapping[str, Model], state: Mapping[str, Mapping[str, Any]]
) -> None:
    """Load a saved state into an optimizer made from the same config. Its schedules do not change."""
    keys = {place: key for key, place in _places(models)}
    for group, each_optimizer in _optimizers(optimizer):
        for name, value in state[group].items():
            if isinstance(value, dict):
                current = getattr(each_optimizer, name)
                current.clear()
                current.update({keys[place]: each for place, each in value.items()})
            else:
                setattr(each_optimizer, name, value)


def random_state() -> dict[str, Any]:
    """The random states of Python, NumPy and torch, on all devices."""
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_random_state(state: Mapping[str, Any]) -> None:
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])


def _weights(layer: Model) -> list[str]:
    return [name for name in layer.param_names if layer.has_param(name)]


def _networks(layer: Model) -> Iterator[tuple[Any, nn.Module]]:
    """The torch networks of a layer, each with the shim that holds it."""
    for shim in layer.shims:
        if isinstance(shim._model, nn.Module):
            yield shim, shim._model
        elif shim._model is not None:
            raise ValueError(f"Checkpoints need torch networks; the layer {layer.name!r} has a {type(shim._model)}.")


def _places(models: Mapping[str, Model]) -> Iterator[tuple[Key, Place]]:
    for component, model in models.items():
        for i, layer in enumerate(model.walk()):
            for name in _weights(layer):
                yield (layer.id, name), (component, i, -1, name)
            for j, (shim, network) in enumerate(_networks(layer)):
                for name, _ in network.named_parameters():
                    yield (shim.id, name), (component, i, j, name)


def _optimizers(optimizer: Optimizer) -> Iterator[tuple[str, Optimizer]]:
    yield "", optimizer
    yield from getattr(optimizer, "groups", {}).items()


def _attributes(optimizer: Optimizer) -> Iterator[tuple[str, Any]]:
    slots = [name for cls in type(optimizer).__mro__ for name in getattr(cls, "__slots__", ())]
    for name in [*slots, *getattr(optimizer, "__dict__", {})]:
        if name not in ("groups", "schedules"):
            yield name, getattr(optimizer, name)
