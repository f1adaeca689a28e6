"""What the torch network of a system must offer: it is made from settings and sizes, and says itself what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from spacy.tokens import Doc
from torch import Tensor, nn

from .graphs import GoldGraphs, PredictedGraphs
from .objective import Objective


@dataclass
class Sizes:
    """What a network learns from the training data before it is made.

    directed: whether a relation may hold from the second mention of a pair to the first. multi_label: whether several
    relations may hold for one pair. labels: the labels by number, as ``label_data`` has them, to be saved with the
    weights; None in models that were saved without.
    """

    n_entity_labels: int
    n_relation_labels: int
    directed: bool
    multi_label: bool = False
    labels: dict[str, list[str]] | None = None


class Network(nn.Module):
    """Base class of the networks: token vectors and the tensors of an input in, an :class:`Output` out.

    name: written with the weights; another network refuses to load them.
    uses_knowledge: whether it reads concepts.
    settings_type, sizes_type: dataclasses of its two arguments.
    free_settings: settings that may change after training.
    """

    name: ClassVar[str]
    uses_knowledge: ClassVar[bool] = False
    settings_type: ClassVar[type]
    sizes_type: ClassVar[type] = Sizes
    free_settings: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, token_width: int, sizes: Any, settings: Any):
        super().__init__()
        self.arguments: dict[str, Any] = {
            "network": self.name,
            "token_width": token_width,
            **asdict(sizes),
            **asdict(settings),
        }

    @classmethod
    def attributes(cls, settings: Any) -> dict[str, Any]:
        """Settings that components must know, as attributes of the layer."""
        return {name: value for name, value in vars(settings).items() if name == "max_span_length"}

    @classmethod
    def of_arguments(cls, arguments: dict[str, Any]) -> Network:
        """The untrained network of saved arguments."""

        def made(kind: type) -> Any:
            return kind(**{f.name: arguments[f.name] for f in fields(kind) if f.name in arguments})

        return cls(arguments["token_width"], made(cls.sizes_type), made(cls.settings_type))


class Output(Protocol):
    """The scores of a batch, which know their loss and how they are decoded."""

    def loss(self, X: Any, gold: GoldGraphs, objective: Objective) -> Tensor:
        """The loss of the input's gold graphs, a scalar with gradients."""

    def decode(self, X: Any, rules: Any) -> PredictedGraphs:
        """The predicted graphs."""


class Input(Protocol):
    """What a network reads besides token vectors.

    docs: the documents, whose tokens stand one after the other.
    """

    docs: list[Doc]

    def parts(self) -> Sequence[Any]:
        """The input in parts that are read one after the other, so that memory is bounded; ``tokens`` of each is the
        slice of the batch's tokens that it reads."""

    def to_torch(self, device: Any) -> tuple[Any, ...]:
        """The arguments of the network after the token vectors."""


def to_tensor(array: np.ndarray, device: Any) -> Tensor:
    """A NumPy array on a device."""
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)
