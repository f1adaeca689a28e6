import pickle
import random
from collections.abc import Callable
from copy import deepcopy

import numpy as np
import pytest
import torch
from thinc.api import Adam, Linear, Model, Optimizer, PyTorchWrapper, RAdam, Relu, TensorFlowShim, chain
from torch import nn

from spacy_keci.ml.architectures import build_adamw
from spacy_keci.ml.contrastive.loss import Contrastive
from spacy_keci.ml.contrastive.settings import ContrastiveSettings, HardNegativesSettings
from spacy_keci.ml.training_state import (
    load_model_state,
    load_optimizer_state,
    model_state,
    optimizer_state,
    random_state,
    set_random_state,
)

INPUTS = np.random.default_rng(0).normal(size=(4, 3)).astype("f")


def make_models() -> dict[str, Model]:
    return {"first": chain(Relu(3, 3), Linear(3, 3)), "second": PyTorchWrapper(nn.Linear(3, 3))}


def make_adamw() -> Optimizer:
    return build_adamw(0.01, L2=0.1, groups={"second": build_adamw(0.02)})


def learn(models: dict[str, Model], optimizer: Optimizer, *, with_gradient: bool = True) -> None:
    for name, model in models.items():
        if with_gradient:
            output, backprop = model.begin_update(INPUTS)
            backprop(output - 1)
        model.finish_update(getattr(optimizer, "groups", {}).get(name, optimizer))
    optimizer.step_schedules()


def weights(models: dict[str, Model]) -> list[bytes]:
    return [model.to_bytes() for model in models.values()]


@pytest.mark.parametrize("make_optimizer", [Adam, RAdam, make_adamw])
def test_same_steps_follow(make_optimizer: Callable[[], Optimizer]) -> None:
    trained, other = make_models(), make_models()
    for model in (*trained.values(), *other.values()):
        model.initialize(INPUTS, INPUTS)
    settings = {} if make_optimizer is make_adamw else {"learn_rate": 0.01}
    optimizer, other_optimizer = make_optimizer(**settings), make_optimizer(**settings)
    for _ in range(7):
        learn(trained, optimizer)
    before = weights(trained)
    saved = {name: model_state(model) for name, model in trained.items()}
    for name, model in other.items():
        load_model_state(model, saved[name])
    assert weights(other) == before
    load_optimizer_state(other_optimizer, other, deepcopy(optimizer_state(optimizer, trained)))
    # the first without a gradient: what has had one moves on
    for with_gradient in (False, True):
        learn(trained, optimizer, with_gradient=with_gradient)
        learn(other, other_optimizer, with_gradient=with_gradient)
        assert weights(other) == weights(trained) != before
    if optimizer.averages:
        assert len(optimizer.averages) == len(other_optimizer.averages)
        for name in trained:
            with trained[name].use_params(optimizer.averages), other[name].use_params(other_optimizer.averages):
                assert trained[name].to_bytes() == other[name].to_bytes()


def test_random_numbers() -> None:
    def draw() -> tuple[float, float, float]:
        return random.random(), float(np.random.random()), float(torch.rand(()))

    state = random_state()
    numbers = draw()
    assert draw() != numbers
    set_random_state(state)
    assert draw() == numbers


def test_contrastive_losses_go_on_where_they_were() -> None:
    """After as many updates, with the same negatives from earlier batches."""
    pytest.importorskip("pytorch_metric_learning", reason="needs the extra 'contrastive'")
    settings = ContrastiveSettings(begin=2, width=4, negatives=HardNegativesSettings("memory", memory_size=8))
    trained, other = (Contrastive(3, settings) for _ in range(2))
    labels, keys = torch.tensor([1, 1, 2, 0]), torch.arange(4)

    def lose(module: Contrastive, batch: int) -> float:
        hidden = torch.randn(4, 3, generator=torch.Generator().manual_seed(batch))
        return float(module.of(hidden).loss(labels, keys + 10 * batch, keys + 10 * batch).detach())

    for batch in range(3):
        lose(trained, batch)
    load_model_state(PyTorchWrapper(other), pickle.loads(pickle.dumps(model_state(PyTorchWrapper(trained)))))
    assert lose(other, 3) == lose(trained, 3) != lose(Contrastive(3, settings), 3)


def test_networks_of_other_libraries() -> None:
    model: Model = Model("other", lambda model, X, is_train: (X, lambda dY: dY))
    shim = TensorFlowShim.__new__(TensorFlowShim)
    shim._model = object()
    model._shims.append(shim)
    with pytest.raises(ValueError, match="need torch networks; the layer 'other' has"):
        model_state(model)


def test_weights_of_no_component() -> None:
    models, optimizer = make_models(), make_adamw()
    for model in models.values():
        model.initialize(INPUTS, INPUTS)
    learn(models, optimizer)
    with pytest.raises(ValueError, match=r"the components \['first'\], but the optimizer has others: bias, weight"):
        optimizer_state(optimizer, {"first": models["first"]})
