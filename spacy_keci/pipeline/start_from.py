"""Start a training from the weights of a trained pipeline, whose labels may differ."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

import torch
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.util import logger
from thinc.api import Model

from ..ml.joint.tags import PLACES
from .predictor import Predictor

if TYPE_CHECKING:
    from ..ml.network import Network


# the arguments of the network whose names the rows of a layer stand for, by a part of its name
_ROWS_OF = {
    "entities": {"n_entity_labels"},
    "tags": {"n_entity_labels"},
    "tag_vectors": {"n_entity_labels"},
    "relations": {"n_relation_labels"},
    "classifier": {"n_relation_labels", "directed_labels"},
    "novelty": {"novelty_labels"},
    "kinds": {"n_kinds"},
}


def start_from(nlp: Language, trained: Language) -> None:
    """Copy the weights of the components that have the same name in both pipelines.

    The encoder is copied as a whole, and other layers if they have the same shape and do not depend on labels that
    differ. In layers with a row for each label, the rows of the labels that both pipelines have are copied. All other
    weights keep their initial values.

    Raises ValueError if an encoder has another architecture, or if nothing can be copied.
    """
    copied = []
    for name, pipe in nlp.pipeline:
        if not isinstance(pipe, TrainablePipe) or not trained.has_pipe(name):
            continue
        source = trained.get_pipe(name)
        if isinstance(pipe, Predictor) and isinstance(source, Predictor):
            encoder, trained_encoder = (p.model.get_ref("tok2vec") for p in (pipe, source))
            if not hasattr(encoder, "upstream_name"):  # an encoder of its own, not a listener
                _copy_encoder(encoder, trained_encoder, name)
            copied.append(f"{name} ({_copy_network(pipe, source)})")
        elif isinstance(source, TrainablePipe):
            _copy_encoder(pipe.model, source.model, name)
            copied.append(name)
    if not copied:
        raise ValueError(
            f"The trained pipeline has no trainable component of the same name: it has "
            f"{', '.join(trained.pipe_names) or 'none'}, and this one has {', '.join(nlp.pipe_names)}."
        )
    logger.info("Weights of the trained pipeline: %s", ", ".join(copied))


def _copy_encoder(model: Model, trained: Model, name: str) -> None:
    try:
        model.from_bytes(trained.to_bytes())
    except Exception as error:  # Thinc and its shims raise many kinds of errors
        raise ValueError(
            f"The encoder of '{name}' differs from that of the trained pipeline. Use the same architecture and "
            f"settings, for example the same [components.{name}.model]. ({error})"
        ) from error


def _copy_network(pipe: Predictor, source: Predictor) -> str:
    """Returns the share of weights that were copied, as text."""
    network, trained = pipe.network, source.network
    if network is None or trained is None:
        raise ValueError(f"'{pipe.name}' has no weights yet in one of the pipelines.")
    weights, known = network.state_dict(), trained.state_dict()
    names, known_names = _names(pipe), _names(source)
    changed = [each for each in names.keys() & known_names.keys() if names[each] != known_names[each]]
    depend_on = {each: _weights_of(trained, each) for each in changed}
    rows, known_rows = _rows(names), _rows(known_names)
    n_copied = 0
    for key, weight in weights.items():
        reasons = {each for each in changed if key in depend_on[each]}
        if not reasons:
            if key in known and weight.shape == known[key].shape:
                weight.copy_(known[key])
                n_copied += weight.numel()
        elif part := next((part for part in rows if part in key.split(".") and reasons <= _ROWS_OF[part]), None):
            n_copied += _copy_rows(weight, known[key], rows[part], known_rows[part])
    if not n_copied:
        raise ValueError(f"No layer of '{pipe.name}' has the same shape as in the trained pipeline.")
    return f"{n_copied / sum(weight.numel() for weight in weights.values()):.0%}"


def _names(pipe: Predictor) -> dict[str, list[str]]:
    """The names that a network distinguishes, in order, by the argument that lists or counts them."""
    assert pipe.network is not None
    knowledge = pipe.cfg.get("knowledge") or {"kinds": [], "relations": []}
    lists = {name: value for name, value in pipe.network.arguments.items() if isinstance(value, list)}
    counts = {
        "n_entity_labels": pipe.label_data["entities"],
        "n_relation_labels": pipe.label_data["relations"],
        "n_kinds": knowledge["kinds"],
        "n_concept_relations": knowledge["relations"],
    }
    return lists | {name: value for name, value in counts.items() if name in pipe.network.arguments}


def _weights_of(network: Network, argument: str) -> set[str]:
    """The weights whose shape depends on an argument."""
    value = network.arguments[argument]
    more = value + 1 if isinstance(value, int) else [*value, ""]
    with torch.device("meta"):
        larger = type(network).of_arguments({**network.arguments, argument: more}).state_dict()
    return {key for key, weight in network.state_dict().items() if key in larger and larger[key].shape != weight.shape}


def _rows(names: Mapping[str, list[str]]) -> dict[str, list[Any]]:
    """What each row stands for; None for no label or mention, or an unknown one."""
    relations = names["n_relation_labels"]
    tags = [None, *product(names["n_entity_labels"], PLACES)]
    backward = [(label, "backward") for label in names.get("directed_labels", [])]
    return {
        "entities": [None, *names["n_entity_labels"]],
        "tags": tags,
        "tag_vectors": tags,
        "relations": [None, *relations],
        "classifier": [None, *relations, *backward],
        "novelty": names.get("novelty_labels", []),
        "kinds": [None, *names.get("n_kinds", [])],
    }


def _copy_rows(weight: torch.Tensor, known: torch.Tensor, rows: list[Any], known_rows: list[Any]) -> int:
    """Returns the number of copied weights; 0 if it is not the first dimension that has these rows."""
    if (len(weight), len(known)) != (len(rows), len(known_rows)) or weight.shape[1:] != known.shape[1:]:
        return 0
    shared = [row for row in rows if row in known_rows]
    for row in shared:
        weight[rows.index(row)].copy_(known[known_rows.index(row)])
    return len(shared) * weight[:1].numel()
