"""A pre-trained model as a folder: what ``spacy keci pretrain-relations`` writes and others start from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import srsly
import torch
from torch import Tensor

from .contexts import N_SPECIAL
from .decoder import Softmax
from .elbo import RelationModel
from .settings import RepresentationSettings
from .vocabulary import Vocabulary

FILE, WEIGHTS = "pretrained.json", "weights.pt"


@dataclass
class Pretrained:
    """The words and entities that a model knows, in their order, and its weights by name.

    kind: what x and y of a context are: "types" of mentions, or "concepts".
    """

    settings: RepresentationSettings
    softmax: Softmax
    kind: Literal["types", "concepts"]
    words: list[str]
    entities: list[str]
    weights: dict[str, Tensor]

    @classmethod
    def from_disk(cls, folder: Path) -> Pretrained:
        """Raises ValueError if the folder holds no pre-trained model."""
        if not (folder / FILE).is_file() or not (folder / WEIGHTS).is_file():
            raise ValueError(
                f"{folder} holds no pre-trained relations ({FILE}, {WEIGHTS}): make them with 'spacy keci "
                "pretrain-relations', and name the folder of its --output."
            )
        saved: dict[str, Any] = srsly.read_json(folder / FILE)
        saved["settings"] = RepresentationSettings(**saved["settings"])
        return cls(**saved, weights=torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True))

    def to_disk(self, folder: Path) -> None:
        torch.save(self.weights, folder / WEIGHTS)
        said = {name: getattr(self, name) for name in ("softmax", "kind", "words", "entities")}
        srsly.write_json(folder / FILE, {"settings": asdict(self.settings), **said})

    def model(self) -> RelationModel:
        """The model with its weights."""
        model = RelationModel(N_SPECIAL + len(self.words), 1 + len(self.entities), self.settings, self.softmax)
        model.load_state_dict(self.weights)
        return model

    @property
    def representation(self) -> dict[str, Tensor]:
        """The weights without those of the decoder."""
        prefix = "representation."
        return {name.removeprefix(prefix): w for name, w in self.weights.items() if name.startswith(prefix)}

    @property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary(self.words)
