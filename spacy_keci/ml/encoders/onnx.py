"""Transformer encoders run by ONNX Runtime, on the CPU and for prediction only. ``spacy keci optimize`` makes them."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from types import SimpleNamespace
from typing import Any, Literal

import onnxruntime
import srsly
import torch
from spacy_transformers.data_classes import HFObjects
from spacy_transformers.layers.hf_shim import HFShim
from spacy_transformers.layers.transformer_model import TransformerModel
from thinc.api import Model
from torch import nn
from transformers import PretrainedConfig
from transformers.file_utils import ModelOutput

from .transformer import predict, prepare_parts

Precision = Literal["single", "int8"]
OUTPUT = "last_hidden_state"
_LOCK = Lock()


class OnnxEncoder(nn.Module):
    """Computes the last hidden states of word pieces, with the interface of a Hugging Face transformer but no gradient.

    config: of the transformer. graph: ONNX, with its weights. A session is made on first use, with the number of
        threads that torch has then. A forked process, in which torch has one thread, makes its own session unless that
        of its parent also has one thread.
    """

    def __init__(self, config: PretrainedConfig, graph: bytes = b"") -> None:
        super().__init__()
        self.config = config
        self.graph = graph
        self._sessions: dict[int, onnxruntime.InferenceSession] = {}

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def forward(self, **inputs: torch.Tensor) -> ModelOutput:
        """(texts, word pieces) each -> ``last_hidden_state``, (texts, word pieces, width)."""
        session = self._session(torch.get_num_threads())
        given = {each.name: inputs[each.name].long().numpy() for each in session.get_inputs()}
        (hidden,) = session.run([OUTPUT], given)
        return ModelOutput(last_hidden_state=torch.from_numpy(hidden))

    def _session(self, threads: int) -> onnxruntime.InferenceSession:
        # Keep sessions with other numbers of threads: the threads of a forked one cannot be ended.
        if threads not in self._sessions:
            with _LOCK:
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = threads
                options.inter_op_num_threads = 1
                providers = ["CPUExecutionProvider"]
                self._sessions[threads] = onnxruntime.InferenceSession(self.graph, options, providers=providers)
        return self._sessions[threads]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_sessions": {}}


class OnnxShim(HFShim):
    """The shim of spacy-transformers, with a graph instead of weights."""

    precision: Precision

    def to_bytes(self) -> bytes:
        message = srsly.msgpack_loads(super().to_bytes())
        graph = b"" if self._model is None else self._model.graph
        return srsly.msgpack_dumps({**message, "onnx": graph, "precision": self.precision})

    def from_bytes(self, bytes_data: bytes) -> OnnxShim:
        message = srsly.msgpack_loads(bytes_data)
        if "onnx" not in message:
            raise ValueError(
                "The config expects an encoder of ONNX Runtime, but the saved one is of torch: make the pipeline with "
                "'spacy keci optimize', and do not change the architecture in its config."
            )
        if message["precision"] != self.precision:
            raise ValueError(
                f'The config says precision = "{self.precision}", but the encoder was saved in "{message["precision"]}"'
                ": make a new one with 'spacy keci optimize'."
            )
        super().from_bytes(bytes_data)
        if self._model is not None:
            self._model.graph = message["onnx"]
        return self


def make_onnx_transformer(
    name: str,
    get_spans: Callable,
    tokenizer_config: dict,
    transformer_config: dict,
    max_items: int | None,
    precision: Precision,
) -> TransformerModel:
    """Make the model of spacy-transformers without an encoder, which is loaded from disk or set by :func:`put_in`."""
    model = TransformerModel(name, get_spans, tokenizer_config, transformer_config)
    model.init = _init
    wrapper = model.layers[0]
    shim: Any = wrapper.shims[0]
    shim.__class__, shim.precision = OnnxShim, precision
    shim.model_cls = SimpleNamespace(from_config=OnnxEncoder)
    wrapper._func = _forward
    prepare_parts(model, get_spans, transformer_config, max_items)
    return model


def put_in(model: TransformerModel, source: TransformerModel, graph: bytes) -> None:
    """Give a model the exported graph of another model's encoder, and its tokenizer."""
    shim: Any = source.layers[0].shims[0]
    original = shim._hfmodel
    encoder = OnnxEncoder(original.transformer.config, graph)
    model.attrs["set_transformer"](model, HFObjects(original.tokenizer, encoder, original.vocab_file_contents))


def _forward(model: Model, X: Any, is_train: bool) -> tuple[Any, Callable]:
    if is_train:
        raise ValueError(
            "An encoder of ONNX Runtime cannot be trained: train the pipeline that 'spacy keci optimize' read, and "
            "optimize the result; or name the component in frozen_components and annotating_components."
        )
    return predict(model, X, in_bfloat16=False)


def _init(model: Model, X: Any = None, Y: Any = None) -> None:
    raise ValueError(
        "An encoder of ONNX Runtime cannot be initialized: 'spacy keci optimize' makes it from a trained pipeline."
    )
