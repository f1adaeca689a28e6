"""Start a training from the weights of a trained pipeline, whose labels may differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.util import logger
from thinc.api import Model
from torch import nn

from .predictor import Predictor

if TYPE_CHECKING:
    from ..ml.network import Network


def start_from(nlp: Language, trained: Language) -> None:
    """Copy the weights of the components that have the same name in both pipelines.

    The encoder is copied as a whole, and other layers if they have the same shape. In the last layers, with a row for
    each label, the rows of the labels that both pipelines have are copied. All other weights keep their initial values.

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
    rows = {
        "entities": _rows(pipe.labels, source.labels),
        "relations": _rows(pipe.relation_labels, source.relation_labels),
        "classifier": _rows(_classes(pipe), _classes(source)),
    }
    of_labels = set() if pipe.label_data == source.label_data else _weights_of_labels(trained)
    n_copied = 0
    for key, weight in weights.items():
        if key in of_labels:
            last = key.rpartition(".")[0]
            kind = next((kind for kind in rows if kind in key.split(".")), None)
            if kind is not None and isinstance(trained.get_submodule(last), nn.Linear):
                n_copied += _copy_rows(weight, known[key], rows[kind])
        elif key in known and weight.shape == known[key].shape:
            weight.copy_(known[key])
            n_copied += weight.numel()
    if not n_copied:
        raise ValueError(f"No layer of '{pipe.name}' has the same shape as in the trained pipeline.")
    return f"{n_copied / sum(weight.numel() for weight in weights.values()):.0%}"


def _weights_of_labels(network: Network) -> set[str]:
    """The weights whose shape depends on the number of labels."""
    arguments = network.arguments
    more = {name: arguments[name] + 1 for name in ("n_entity_labels", "n_relation_labels")}
    with torch.device("meta"):
        larger = type(network).of_arguments({**arguments, **more}).state_dict()
    return {key for key, weight in network.state_dict().items() if larger[key].shape != weight.shape}


def _classes(pipe: Predictor) -> list[tuple[str, bool]]:
    """The labels of pairs of concepts, and whether they hold backward, in the order of their classes."""
    assert pipe.network is not None
    directed = pipe.network.arguments.get("directed_labels", ())
    return [(label, False) for label in pipe.relation_labels] + [(label, True) for label in directed]


def _rows(labels: Sequence[Any], source_labels: Sequence[Any]) -> dict[int, int]:
    """Map rows of a last layer to those of the source by label. Row 0 is for no label."""
    return {0: 0} | {1 + source_labels.index(label): 1 + i for i, label in enumerate(labels) if label in source_labels}


def _copy_rows(weight: torch.Tensor, known: torch.Tensor, rows: Mapping[int, int]) -> int:
    if weight.shape[1:] != known.shape[1:]:
        return 0
    for source, target in rows.items():
        weight[target].copy_(known[source])
    return len(rows) * weight[0].numel()
