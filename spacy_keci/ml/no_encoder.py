"""A placeholder for the encoder of networks that read words directly."""

from collections.abc import Callable

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d


def no_encoder() -> Model[list[Doc], list[Floats2d]]:
    """Token vectors of width 0."""
    return Model("no_encoder", _forward, dims={"nO": 0})


def _forward(model: Model, docs: list[Doc], is_train: bool) -> tuple[list[Floats2d], Callable]:
    return [model.ops.alloc2f(len(doc), 0) for doc in docs], lambda d_vectors: docs
