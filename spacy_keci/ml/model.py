"""The Thinc layer around the torch network: documents and candidate spans in, a span graph out."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from spacy.tokens import Doc
from thinc.api import ArgsKwargs, Model, PyTorchShim, get_torch_default_device, torch2xp, xp2torch
from thinc.types import Floats2d, Ragged

from ..sentences import doc_starts, sentence_of_token
from .concept_graphs import ConceptGraphs, KnowledgeSchema
from .keci import KeciNetwork
from .know_bert import KnowBertNetwork
from .knowledge_tensors import to_tensors
from .mixed_precision import autocast
from .pruning import Pruning
from .span_graph import CandidateSpans, SpanGraphNetwork, SpanGraphs
from .targets import candidate_array, in_order

# A fork takes the memory of torch's pool of threads with it, but not the threads: a process of nlp.pipe(n_process=2)
# would wait for them forever, as soon as a text is long enough to be shared out among them.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))


@dataclass
class SpanGraphInput:
    """What the model reads.

    docs: the documents. spans: candidate spans as an Ints2d (spans, 2) of token offsets in their document, with the
    number of spans of each document. pruning: how much of the graph to look at.
    knowledge: what there is to know about the documents, for the networks that use it.
    given: (spans,) of bool, where somebody else found the mentions: whether it is one; None where they are to be found.
    type_prior, mention_prior: how much it counts what knowledge alone expects, for models that learn that.
    by_sentence: whether each sentence is read as a document of its own. (Its graph of concepts is one of its own where
        ``knowledge`` says so.)
    """

    docs: list[Doc]
    spans: Ragged
    pruning: Pruning
    knowledge: ConceptGraphs | None = None
    given: np.ndarray | None = None
    type_prior: float = 0.0
    mention_prior: float = 0.0
    by_sentence: bool = False

    @cached_property
    def candidates(self) -> np.ndarray:
        """The candidate spans as (spans, 3) document, start, end, on the CPU, in this order."""
        return in_order(candidate_array(self.spans))


@dataclass
class GraphLabels:
    """What is to be predicted, and from what.

    directed: whether a relation may hold from the second mention of a pair to the first. multi_label: whether several
    may hold at once. knowledge: None where there is none.
    """

    n_entity_labels: int
    n_relation_labels: int
    directed: bool
    multi_label: bool = False
    knowledge: KnowledgeSchema | None = None


SpanGraphModel = Model[SpanGraphInput, SpanGraphs]

NETWORKS: dict[str, Callable[..., torch.nn.Module]] = {
    "span_graph": SpanGraphNetwork,
    "keci": KeciNetwork,
    "know_bert": KnowBertNetwork,
}
KNOWLEDGE_NETWORKS = NETWORKS.keys() - {"span_graph"}
# settings that may be changed after training; of all others those count that the weights were learnt with
WITHOUT_WEIGHTS = {"backend", "concept_dropout"}


def make_model(
    network: str, tok2vec: Model[list[Doc], list[Floats2d]], settings: dict[str, Any], mixed_precision: bool
) -> SpanGraphModel:
    """A model without its network: that is built when labels and the width of the encoder are known.

    network: one of ``NETWORKS``. settings: its arguments other than those that follow from data.
    """
    # Settings are bound to the functions: attributes are saved with the weights, and would undo edits of a config.
    return Model(
        "span_graph",
        partial(forward, mixed_precision=mixed_precision),
        init=partial(init, network=network, settings=settings),
        layers=[tok2vec],
        shims=[
            PyTorchShim(
                None,
                serialize_model=_serialize,
                deserialize_model=partial(_deserialize, network=network, settings=settings),
            )
        ],
        refs={"tok2vec": tok2vec},
        attrs={"dropout_rate": 0.0, "uses_knowledge": network in KNOWLEDGE_NETWORKS},
    )


def init(
    model: SpanGraphModel,
    X: list[Doc] | None = None,
    Y: GraphLabels | None = None,
    *,
    network: str,
    settings: dict[str, Any],
) -> None:
    """Make the torch network, untrained. X: a sample of documents. Y: what there is to predict."""
    if Y is None:
        raise ValueError("The span graph model needs the labels to be initialized.")
    tok2vec = model.get_ref("tok2vec")
    tok2vec.initialize(X=X)
    token_width = tok2vec.get_dim("nO") if tok2vec.has_dim("nO") else tok2vec.predict(X or [])[0].shape[1]
    arguments = {
        **settings,
        "network": network,
        "token_width": token_width,
        "n_entity_labels": Y.n_entity_labels,
        "n_relation_labels": Y.n_relation_labels,
        "directed": Y.directed,
        "multi_label": Y.multi_label,
    }
    if network in KNOWLEDGE_NETWORKS:
        if Y.knowledge is None:
            raise ValueError("This model reads background knowledge, and there is none.")
        arguments |= asdict(Y.knowledge)
    model.shims[0]._model = _make_network(arguments).to(get_torch_default_device())


def forward(
    model: SpanGraphModel, X: SpanGraphInput, is_train: bool, *, mixed_precision: bool
) -> tuple[SpanGraphs, Callable]:
    """Score the candidate spans, and pairs of them. At least one candidate is needed.

    The callback takes, for each graph and for the prior, the gradients of ``entity_logits`` and of ``relation_logits``.
    """
    shim: Any = model.shims[0]
    if shim._model is None:
        raise ValueError("The model has not been initialized: call nlp.initialize(), or load a trained pipeline.")
    set_dropout = partial(_set_dropout, shim._model, model.attrs["dropout_rate"])
    set_dropout()
    vectors, backprop_tok2vec = model.get_ref("tok2vec")(X.docs, is_train)
    lengths = model.ops.asarray1i([len(doc) for doc in X.docs])
    tokens = xp2torch(model.ops.flatten(vectors), requires_grad=is_train, device=shim.device)
    spans = _candidate_spans(X, tokens.device)
    knowledge = None
    if X.knowledge is not None:
        knowledge = to_tensors(
            X.knowledge, X.candidates, doc_starts(X.docs), tokens.device, X.type_prior, X.mention_prior
        )
    with autocast(shim, mixed_precision):
        inputs = ArgsKwargs(args=(tokens, spans, X.pruning, knowledge), kwargs={})
        output, backprop_torch = shim(inputs, is_train)

    def backprop(gradients: list[tuple[torch.Tensor, torch.Tensor]]) -> list[Doc]:
        logits = tuple(each for graph in output.to_learn for each in (graph.entity_logits, graph.relation_logits))
        d_logits = tuple(each for pair in gradients for each in pair)
        set_dropout()  # a part is computed once more
        d_inputs = backprop_torch(ArgsKwargs(args=(logits,), kwargs={"grad_tensors": d_logits}))
        d_tokens = torch2xp(d_inputs.args[0])
        return backprop_tok2vec(model.ops.unflatten(d_tokens, lengths))

    return output, backprop


def _set_dropout(network: torch.nn.Module, rate: float) -> None:
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = rate


def _candidate_spans(X: SpanGraphInput, device: torch.device) -> CandidateSpans:
    """Candidate spans with offsets into the tokens of the batch."""
    doc, start, end = X.candidates.T
    offset = doc_starts(X.docs)[doc]
    starts, ends = start + offset, end + offset
    if X.by_sentence:
        sentence = sentence_of_token(X.docs)
        lengths, text = np.bincount(sentence), sentence[starts]
    else:
        lengths, text = np.array([len(each) for each in X.docs], dtype="int64"), doc
    arrays = [lengths, starts, ends, text]
    if X.given is not None:
        arrays.append(X.given)
    return CandidateSpans(*(torch.from_numpy(np.ascontiguousarray(array)).to(device) for array in arrays))


def _make_network(arguments: dict[str, Any]) -> torch.nn.Module:
    """The network of these arguments, which it keeps, so that it can be loaded before anyone has said how large it
    is."""
    name = arguments["network"]
    # without knowledge, all that multi_label changes is the loss
    not_its_own = {"network"} if name in KNOWLEDGE_NETWORKS else {"network", "multi_label"}
    network = NETWORKS[name](**{k: v for k, v in arguments.items() if k not in not_its_own})
    network.arguments = arguments  # type: ignore[assignment]
    return network


def _serialize(network: Any) -> bytes:
    buffer = io.BytesIO()
    if network is not None:
        torch.save({"arguments": network.arguments, "weights": network.state_dict()}, buffer)
    return buffer.getvalue()


def _deserialize(_: Any, data: bytes, device: torch.device, *, network: str, settings: dict[str, Any]) -> Any:
    if not data:
        return None
    saved = torch.load(io.BytesIO(data), map_location=device, weights_only=True)
    if (learnt := saved["arguments"]["network"]) != network:
        raise ValueError(
            f"The architecture of the config makes a network {network!r}, but the weights are those of a network "
            f"{learnt!r}: train again, or change the architecture back."
        )
    for name, value in saved["arguments"].items():
        if name in settings.keys() - WITHOUT_WEIGHTS and settings[name] != value:
            raise ValueError(
                f"The config says {name} = {json.dumps(settings[name])}, but the weights were learnt with {name} = "
                f"{json.dumps(value)}: a model setting that only another training can change."
            )
    may_change = {name: settings[name] for name in WITHOUT_WEIGHTS & settings.keys()}
    loaded = _make_network(saved["arguments"] | may_change)
    loaded.load_state_dict(saved["weights"])
    return loaded.to(device)
