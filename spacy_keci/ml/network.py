"""The interface of the torch networks: a network is made from settings and sizes, and describes itself."""

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
    """Sizes that depend on the training data, needed to make a network.

    directed: whether a relation may hold from the second mention of a pair to the first. multi_label: whether one pair
        may have several relations. labels: the labels by number, as in ``label_data``, saved with the weights; None in
        models saved without them.
    """

    n_entity_labels: int
    n_relation_labels: int
    directed: bool
    multi_label: bool = False
    labels: dict[str, list[str]] | None = None


class Network(nn.Module):
    """Base class of the networks, which compute an :class:`Output` from token vectors and the tensors of an input.

    name: saved with the weights; a network with another name refuses to load them.
    uses_knowledge: whether it reads concepts.
    settings_type, sizes_type: dataclasses of its two arguments.
    free_settings: settings that may change after training, and are not saved with the weights.

    arguments: all that is needed to make the network again, besides its free settings.
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
            **{name: value for name, value in asdict(settings).items() if name not in self.free_settings},
        }

    @classmethod
    def attributes(cls, settings: Any) -> dict[str, Any]:
        """Settings that components need, as attributes of the layer."""
        return {name: value for name, value in vars(settings).items() if name == "max_span_length"}

    @classmethod
    def of_arguments(cls, arguments: dict[str, Any]) -> Network:
        """Make the untrained network from saved arguments."""

        def made(kind: type) -> Any:
            return kind(**{f.name: arguments[f.name] for f in fields(kind) if f.name in arguments})

        return cls(arguments["token_width"], made(cls.sizes_type), made(cls.settings_type))


class Output(Protocol):
    """The scores of a batch, with their loss and decoding."""

    def loss(self, X: Any, gold: GoldGraphs, objective: Objective) -> Tensor:
        """The loss of the input's gold graphs, a scalar with gradients."""

    def decode(self, X: Any, rules: Any) -> PredictedGraphs:
        """The predicted graphs."""


class Input(Protocol):
    """The input of a network besides token vectors.

    docs: the documents of the batch, in the order of the tokens.
    """

    docs: list[Doc]

    @property
    def rows(self) -> Any:
        """The tokens of the batch that the network reads: a slice, or their numbers, ascending."""

    def parts(self) -> Sequence[Any]:
        """The parts of the input that are read one by one, to bound the memory."""

    def to_torch(self, device: Any) -> tuple[Any, ...]:
        """The arguments of the network after the token vectors."""


def to_tensor(array: np.ndarray, device: Any) -> Tensor:
    """A NumPy array on a device."""
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)
