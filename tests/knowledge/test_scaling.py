"""Time grows with the length of a text, and not with its square."""

import importlib.util
from pathlib import Path

import pytest

from spacy_keci.knowledge.abbreviations import find_abbreviations

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "scaling.py"


@pytest.mark.skipif(not SCRIPT.exists(), reason="the benchmarks are not in an installed package")
def test_hard_texts(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("scaling", SCRIPT)
    assert spec is not None and spec.loader is not None
    scaling = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scaling)
    nlp = scaling.make_pipeline(tmp_path)
    for name, unit in scaling.TEXTS.items():
        function = find_abbreviations if name.startswith("abbreviations") else nlp.get_pipe("concept_linker")
        scaling.measure(nlp, function, unit, 2_000, 1)  # what is made once
        exponents = []
        for _ in range(3):  # other work on the machine may disturb one
            exponents.append(scaling.exponent(*scaling.measure(nlp, function, unit, 24_000, 3)))
            if exponents[-1] < 1.5:
                break
        assert min(exponents) < 1.5, name
