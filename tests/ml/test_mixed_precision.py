import pytest
import torch
from thinc.api import ArgsKwargs, PyTorchShim

from spacy_keci.ml import mixed_precision
from spacy_keci.ml.mixed_precision import autocast, single_precision

GPU = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"))


@pytest.mark.parametrize("device", ["cpu", GPU])
@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("fast", [True, False])
def test_it_holds_inside_of_the_shim_where_it_is_fast(
    device: str, wanted: bool, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mixed_precision, "computes_in_bfloat16", lambda device: fast)
    shim = PyTorchShim(torch.nn.Linear(2, 2).to(device))
    inputs = ArgsKwargs(args=(torch.ones(1, 2, device=device),), kwargs={})
    with autocast(shim, wanted):
        trained_on, _ = shim.begin_update(inputs)
        assert shim.predict(inputs).dtype == trained_on.dtype == (torch.bfloat16 if wanted and fast else torch.float32)


@pytest.mark.parametrize("autocast_outside", [True, False])
def test_single_precision_inside_of_autocast(autocast_outside: bool) -> None:
    ones = torch.ones(2, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast_outside):
        with single_precision(ones.device):
            assert (ones @ ones).dtype == torch.float32
        assert (ones @ ones).dtype == (torch.bfloat16 if autocast_outside else torch.float32)
