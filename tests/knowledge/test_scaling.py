"""Time grows with the length of a text, and not with its square."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "scaling.py"


@pytest.mark.skipif(not SCRIPT.exists(), reason="the benchmarks are not in an installed package")
def test_hard_texts(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("scaling", SCRIPT)
    assert spec is not None and spec.loader is not None
    scaling = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scaling)
    nlp = scaling.make_pipeline(tmp_path)
    lengths = [4_000, 8_000, 16_000]
    for name in scaling.TEXTS:
        scaling.on_text(nlp, name, 1_000)()  # what is made once
        exponents = []
        for _ in range(3):  # other work on the machine may disturb one
            seconds = [scaling.measure(scaling.on_text(nlp, name, length)) for length in lengths]
            exponents.append(scaling.exponent(lengths, seconds))
            if exponents[-1] < 1.5:
                break
        assert min(exponents) < 1.5, name
