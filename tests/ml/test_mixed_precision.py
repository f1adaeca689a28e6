import pytest
import torch
from thinc.api import ArgsKwargs, PyTorchShim

from spacy_keci.ml.mixed_precision import autocast

GPU = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"))


@pytest.mark.parametrize("device", ["cpu", GPU])
@pytest.mark.parametrize(("enabled", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_it_holds_inside_of_the_shim(device: str, enabled: bool, dtype: torch.dtype) -> None:
    shim = PyTorchShim(torch.nn.Linear(2, 2).to(device))
    inputs = ArgsKwargs(args=(torch.ones(1, 2, device=device),), kwargs={})
    with autocast(shim, enabled):
        trained_on, _ = shim.begin_update(inputs)
        assert shim.predict(inputs).dtype == trained_on.dtype == dtype
