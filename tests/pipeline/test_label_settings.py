from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from .systems import make_examples, make_pipeline


def test_a_weight_counts_where_its_label_holds(system: str, trained_one: Language, docs: list[Doc]) -> None:
    """The loss is linear in the weight of a label, and that of texts without the label stays what it was."""
    nlp = make_pipeline(system).from_bytes(trained_one.to_bytes())
    pipe: Any = nlp.get_pipe(system)
    without = [doc for doc in docs if all(row[2] != "binds" for row in doc.spans["entities"].attrs["relations"])]

    def loss(of: list[Doc], weights: Any, label: str | None = None) -> float:
        spacy.util.fix_random_seed(0)  # of samples
        pipe.relation_weights = weights
        golds = [doc.copy() for doc in of]
        for group in (gold.spans["entities"] for gold in golds if label):
            group.attrs["relations"] = [[*row[:2], label, *row[3:]] for row in group.attrs["relations"]]
        return pipe.update(make_examples(nlp, golds))[system]

    # of labels that the model has not learned: its loss of those that it has is next to nothing
    weights = (None, {"binds": 1001}, [["binds", 2001.0]])
    one, two, three = (loss(docs, each, "binds") for each in weights)
    assert two > one > 0.01
    assert three - two == pytest.approx(two - one, rel=1e-3)
    assert loss(without, {"binds": 5}) == pytest.approx(loss(without, None), rel=1e-5)


def test_through_configs(system: str, tmp_path: Path) -> None:
    nlp = make_pipeline(system, relation_weights={"binds": 3.0})
    nlp.to_disk(tmp_path)
    assert spacy.load(tmp_path).get_pipe(system).relation_weights == {"binds": 3.0}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "weights",
    [{"binds": 0.0}, {"binds": -1.0}, [["binds", "high"]], ["binds"], {"CPR:3": 2.0}, [["binds", 2.0], ["binds", 3.0]]],
)
def test_what_is_no_weight(system: str, weights: object) -> None:
    with pytest.raises(ValueError, match=f"The setting relation_weights of '{system}'"):
        make_pipeline(system, relation_weights=weights)


def test_unknown_labels(system: str, docs: list[Doc]) -> None:
    nlp = make_pipeline(system, relation_weights={"bindz": 3.0})
    with pytest.raises(
        ValueError, match=f"relation_weights of '{system}' has unknown labels: 'bindz'. Allowed: .*bind"
    ):
        nlp.initialize(lambda: make_examples(nlp, docs))
