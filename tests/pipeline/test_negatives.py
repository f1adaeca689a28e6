"""Hard negatives of the classifiers of relations, chosen in the config."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc

from .systems import make_examples, make_pipeline

HARDEST = {"@misc": "spacy_keci.HardNegatives.v1", "source": "batch", "hardest": 1}


def test_fewer_unrelated_pairs_are_learned(system: str, docs: list[Doc]) -> None:
    def loss(negatives: dict[str, Any] | None) -> float:
        nlp = make_pipeline(system, negatives=negatives, entity_steps=0)
        spacy.util.fix_random_seed(0)
        nlp.initialize(lambda: make_examples(nlp, docs))
        return nlp.update(make_examples(nlp, docs))[system]

    assert loss(HARDEST) < loss(None)
    assert loss({**HARDEST, "hardest": 100000}) == pytest.approx(loss(None))
    assert loss({**HARDEST, "hardest": 0}) == loss(None)


def test_through_configs(system: str, tmp_path: Path) -> None:
    make_pipeline(system, negatives=HARDEST).to_disk(tmp_path)
    assert spacy.load(tmp_path).get_pipe(system).negatives.hardest == 1  # type: ignore[attr-defined]


def test_no_memory(system: str) -> None:
    with pytest.raises(ValueError, match=f"negatives of '{system}' .* its source must be"):
        make_pipeline(system, negatives={**HARDEST, "source": "memory"})
