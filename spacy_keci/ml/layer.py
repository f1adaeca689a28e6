"""The Thinc layer around a torch network, from documents to scores, shared by all systems."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from spacy.pipeline.tok2vec import Tok2VecListener
from spacy.tokens import Doc
from thinc.api import ArgsKwargs, Model, get_torch_default_device, torch2xp, xp2torch
from thinc.types import Floats2d

from .mixed_precision import autocast
from .network import Input, Network, Output
from .prediction import WatchingShim, in_use
from .storage import Storage, UnfilledWeights, pack, unpack

# A fork copies the memory of torch's thread pool, but not the threads: a process of nlp.pipe(n_process=2) would wait
# for them forever, as soon as a text is long enough for several threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))

# the parts of an input with their scores; in training there is one part
Scores = Iterable[tuple[Any, Output]]


def make_layer(
    network: type[Network],
    tok2vec: Model[list[Doc], list[Floats2d]],
    settings: Any,
    mixed_precision: bool,
    storage: Storage = "single",
) -> Model[Input, Scores]:
    """Make a layer without its network, which is made when the labels and the width of the encoder are known.

    settings: of the network's ``settings_type``. storage: format of the saved weights.
    """
    # Settings are bound to the functions: attributes are saved with the weights, and would override an edited config.
    return Model(
        "span_graph",
        partial(forward, mixed_precision=mixed_precision),
        init=partial(init, network=network, settings=settings),
        layers=[tok2vec],
        shims=[
            WatchingShim(
                None,
                serialize_model=partial(_serialize, storage=storage),
                deserialize_model=partial(_deserialize, network=network, settings=vars(settings)),
            )
        ],
        refs={"tok2vec": tok2vec},
        attrs={"dropout_rate": 0.0, "uses_knowledge": network.uses_knowledge, **network.attributes(settings)},
    )


def init(
    model: Model[Input, Scores],
    X: list[Doc] | None = None,
    Y: Any = None,
    *,
    network: type[Network],
    settings: Any,
) -> None:
    """Make the torch network, untrained. X: a sample of documents. Y: the sizes of the network."""
    if Y is None:
        raise ValueError(f"The network {network.name!r} needs the labels to be initialized.")
    tok2vec = model.get_ref("tok2vec")
    tok2vec.initialize(X=X or None)
    token_width = tok2vec.get_dim("nO") if tok2vec.has_dim("nO") else tok2vec.predict(X or [])[0].shape[1]
    model.shims[0]._model = network(token_width, Y, settings).to(get_torch_default_device())


def forward(
    model: Model[Input, Scores], X: Input, is_train: bool, *, mixed_precision: bool
) -> tuple[Scores, Callable[[torch.Tensor], list[Doc]]]:
    """Score an input. The callback takes the loss, a scalar.

    Prediction changes no state shared by threads: the training mode and dropout are set in training only.
    """
    shim: Any = model.shims[0]
    network = shim._model
    if network is None:
        raise ValueError("The model has not been initialized: call nlp.initialize(), or load a trained pipeline.")
    tok2vec = model.get_ref("tok2vec")
    if not is_train:
        _check_encoded(tok2vec, X.docs)
    vectors, backprop_tok2vec = tok2vec(X.docs, is_train)
    flat = model.ops.flatten(vectors)
    if not is_train:
        return _predict(shim, xp2torch(flat, device=shim.device), X, mixed_precision), _no_way
    rows = X.rows
    if not isinstance(rows, slice):
        rows = model.ops.asarray1i(rows)
    tokens = xp2torch(flat[rows], requires_grad=True, device=shim.device)
    lengths = model.ops.asarray1i([len(doc) for doc in X.docs])
    _set_dropout(network, model.attrs["dropout_rate"])
    with autocast(shim, mixed_precision):
        inputs = ArgsKwargs(args=(tokens, *X.to_torch(tokens.device)), kwargs={})
        output, backprop_torch = shim.begin_update(inputs)

    def backprop(loss: torch.Tensor) -> list[Doc]:
        network.train()  # recomputed parts need the same dropout
        _set_dropout(network, model.attrs["dropout_rate"])
        d_inputs = backprop_torch(ArgsKwargs(args=((loss,),), kwargs={"grad_tensors": (torch.ones_like(loss),)}))
        d_read = d_inputs.args[0]
        # token vectors have no gradient if the network does not read them
        d_flat = model.ops.xp.zeros_like(flat)
        if d_read is not None:
            d_flat[rows] = torch2xp(d_read)
        return backprop_tok2vec(model.ops.unflatten(d_flat, lengths))

    return [(X, output)], backprop


def _check_encoded(tok2vec: Model[list[Doc], list[Floats2d]], docs: list[Doc]) -> None:
    """Raises ValueError if the component whose vectors are to be read has not run: a listener gives zeros then, from
    which a network predicts nothing, or nonsense."""
    for layer in tok2vec.walk():
        upstream = getattr(layer, "upstream_name", None)
        if upstream and any(len(doc) and not _is_encoded(doc, layer) for doc in docs):
            name = "tok2vec' or 'transformer" if upstream == "*" else upstream
            raise ValueError(
                f"The texts have no vectors from the component '{name}', which the model reads: keep it enabled in the "
                "pipeline, before this component. If this component comes from another pipeline, add that one as well "
                "(nlp.add_pipe(NAME, source=...)), or call nlp.replace_listeners there first."
            )


def _is_encoded(doc: Doc, listener: Model) -> bool:
    if isinstance(listener, Tok2VecListener):
        return bool(doc.tensor.size)
    return doc._.trf_data is not None


def _predict(shim: Any, tokens: torch.Tensor, X: Input, mixed_precision: bool) -> Scores:
    """Yield the scores part by part, so that only one part is in memory."""
    for part in X.parts():
        with autocast(shim, mixed_precision) as in_bfloat16:
            network = in_use(shim._model, in_bfloat16=in_bfloat16)
            with torch.inference_mode():
                output = network(tokens[part.rows], *part.to_torch(tokens.device))
        yield part, output


def _no_way(_: Any) -> list[Doc]:
    raise ValueError("A prediction has no gradient: call begin_update.")


def _set_dropout(network: torch.nn.Module, rate: float) -> None:
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = rate


def _serialize(network: Any, *, storage: Storage) -> bytes:
    buffer = io.BytesIO()
    if network is not None:
        torch.save({"arguments": network.arguments, "weights": pack(network.state_dict(), storage)}, buffer)
    return buffer.getvalue()


def _deserialize(
    _: Any, data: bytes, device: torch.device, *, network: type[Network], settings: dict[str, Any]
) -> Network | None:
    if not data:
        return None
    saved = torch.load(io.BytesIO(data), map_location=device, weights_only=True)
    # earlier versions saved free settings, too
    arguments = {name: value for name, value in saved["arguments"].items() if name not in network.free_settings}
    if (learned := arguments["network"]) != network.name:
        raise ValueError(
            f"The architecture in the config makes a network {network.name!r}, but the weights belong to a network "
            f"{learned!r}: train again, or restore the architecture."
        )
    for name, value in settings.items():
        if arguments.get(name, value) != value:
            raise ValueError(
                f"The config says {name} = {json.dumps(value)}, but the weights were trained with {name} = "
                f"{json.dumps(arguments[name])}. Train again to change this setting of the model."
            )
    with UnfilledWeights():
        loaded = network.of_arguments({**settings, **arguments})
    loaded.load_state_dict(unpack(saved["weights"]))
    return loaded.to(device).eval()
