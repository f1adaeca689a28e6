"""A pre-trained model as a folder, written by ``spacy keci pretrain-relations``."""

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

FILE, WEIGHTS = "pretrained.json", "weights.pt"


@dataclass
class Pretrained:
    """The known words and entities of a model, in order, and its weights by name.

    kind: the kind of x and y of a context: "types" of mentions, or "concepts".
    """

    settings: RepresentationSettings
    softmax: Softmax
    kind: Literal["types", "concepts"]
    words: list[str]
    entities: list[str]
    weights: dict[str, Tensor]

    @classmethod
    def from_disk(cls, folder: Path) -> Pretrained:
        """Load the model. Raises ValueError if the folder has none."""
        if not (folder / FILE).is_file() or not (folder / WEIGHTS).is_file():
            raise ValueError(
                f"{folder} has no pre-trained relations ({FILE}, {WEIGHTS}): run 'spacy keci pretrain-relations', and "
                "use the folder of its --output."
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
        """The weights, without the decoder."""
        prefix = "representation."
        return {name.removeprefix(prefix): w for name, w in self.weights.items() if name.startswith(prefix)}
