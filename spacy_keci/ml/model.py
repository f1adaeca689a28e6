"""The Thinc layer around the torch network: documents and candidate spans in, a span graph out."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from spacy.tokens import Doc
from thinc.api import ArgsKwargs, Model, PyTorchShim, get_torch_default_device, torch2xp, xp2torch
from thinc.types import Floats2d, Ragged

from .pruning import Pruning
from .span_graph import SpanGraph, SpanGraphNetwork
from .targets import candidate_array


@dataclass
class SpanGraphInput:
    """What the model reads.

    docs: the documents. spans: candidate spans as an Ints2d (spans, 2) of token offsets in their document, ordered
    by start and end, with the number of spans of each document. pruning: how much of the graph to look at.
    """

    docs: list[Doc]
    spans: Ragged
    pruning: Pruning


@dataclass
class GraphLabels:
    """What is to be predicted. directed: whether a relation may hold from the second mention of a pair to the first."""

    n_entity_labels: int
    n_relation_labels: int
    directed: bool


SpanGraphModel = Model[SpanGraphInput, SpanGraph]


def make_model(
    tok2vec: Model[list[Doc], list[Floats2d]], settings: dict[str, Any], mixed_precision: bool
) -> SpanGraphModel:
    """A model without its network: that is built when labels and the width of the encoder are known.

    settings: arguments of :class:`SpanGraphNetwork` other than those that follow from data.
    """
    # Settings are bound to the functions: attributes are saved with the weights, and would undo edits of a config.
    return Model(
        "span_graph",
        partial(forward, mixed_precision=mixed_precision),
        init=partial(init, settings=settings),
        layers=[tok2vec],
        shims=[PyTorchShim(None, serialize_model=_serialize, deserialize_model=_deserialize)],
        refs={"tok2vec": tok2vec},
        attrs={"dropout_rate": 0.0},
    )


def init(
    model: SpanGraphModel, X: list[Doc] | None = None, Y: GraphLabels | None = None, *, settings: dict[str, Any]
) -> None:
    """Make the torch network, untrained. X: a sample of documents. Y: what there is to predict."""
    if Y is None:
        raise ValueError("The span graph model needs the labels to be initialized.")
    tok2vec = model.get_ref("tok2vec")
    tok2vec.initialize(X=X)
    token_width = tok2vec.get_dim("nO") if tok2vec.has_dim("nO") else tok2vec.predict(X or [])[0].shape[1]
    arguments = {**settings, "token_width": token_width, **asdict(Y)}
    _set_network(model.shims[0], SpanGraphNetwork(**arguments), arguments)


def forward(
    model: SpanGraphModel, X: SpanGraphInput, is_train: bool, *, mixed_precision: bool
) -> tuple[SpanGraph, Callable]:
    """Score the candidate spans, and pairs of them. At least one candidate is needed.

    The callback takes the gradients of ``entity_logits`` and of ``relation_logits``.
    """
    shim: Any = model.shims[0]
    if shim._model is None:
        raise ValueError("The model has not been initialized: call nlp.initialize(), or load a trained pipeline.")
    for module in shim._model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = model.attrs["dropout_rate"]
    vectors, backprop_tok2vec = model.get_ref("tok2vec")(X.docs, is_train)
    lengths = model.ops.asarray1i([len(doc) for doc in X.docs])
    tokens = xp2torch(model.ops.flatten(vectors), requires_grad=is_train)
    inputs = _index(X, tokens.device)
    with torch.autocast(tokens.device.type, dtype=torch.bfloat16, enabled=mixed_precision):
        graph, backprop_torch = shim(ArgsKwargs(args=(tokens, *inputs, X.pruning), kwargs={}), is_train)

    def backprop(gradients: tuple[torch.Tensor, torch.Tensor]) -> list[Doc]:
        logits = (graph.entity_logits, graph.relation_logits)
        d_inputs = backprop_torch(ArgsKwargs(args=(logits,), kwargs={"grad_tensors": gradients}))
        d_tokens = torch2xp(d_inputs.args[0])
        return backprop_tok2vec(model.ops.unflatten(d_tokens, lengths))

    return graph, backprop


def _index(X: SpanGraphInput, device: torch.device) -> list[torch.Tensor]:
    """Lengths of the documents; start, end (in the tokens of the batch) and document of each span."""
    lengths = np.array([len(doc) for doc in X.docs], dtype="int64")
    spans = candidate_array(X.spans)
    offset = (np.cumsum(lengths) - lengths)[spans[:, 0]]
    columns = (lengths, spans[:, 1] + offset, spans[:, 2] + offset, spans[:, 0])
    return [torch.from_numpy(np.ascontiguousarray(column)).to(device) for column in columns]


def _set_network(shim: Any, network: torch.nn.Module, arguments: dict[str, Any]) -> None:
    shim._model = network.to(get_torch_default_device())
    shim._model.arguments = arguments


def _serialize(network: Any) -> bytes:
    """Arguments and weights, so that a model can be loaded before anyone has said how large it is."""
    buffer = io.BytesIO()
    if network is not None:
        torch.save({"arguments": network.arguments, "weights": network.state_dict()}, buffer)
    return buffer.getvalue()


def _deserialize(_: Any, data: bytes, device: torch.device) -> Any:
    if not data:
        return None
    saved = torch.load(io.BytesIO(data), map_location=device, weights_only=True)
    network = SpanGraphNetwork(**saved["arguments"])
    network.load_state_dict(saved["weights"])
    network.arguments = saved["arguments"]
    return network.to(device)
