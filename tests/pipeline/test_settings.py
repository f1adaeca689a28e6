"""Settings of the wrong value: an error that names the setting, what it was, and what it may be."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import registry

from .systems import SYSTEMS, make_examples, make_pipeline, small_config, train

OUT_OF_RANGE = [
    ("max_pair_distance", 0, "1 or more"),
    ("max_pair_distance", -1, "1 or more"),
    ("max_batch_tokens", 0, "1 or more"),
    ("temperature", 0.0, "above 0"),
    ("relation_temperature", -2.0, "above 0"),
]
OF_KECI = [
    ("entity_steps", -3, "0 or more"),
    ("type_prior", -0.5, "0 or more"),
    ("spans_per_token", 0.0, "above 0"),
]
OF_THE_MODEL = [
    ("span_width", 0, "1 or more"),
    ("head_hidden_width", 0, "1 or more"),
    ("head_depth", 0, "1 or more"),
    ("context_width", -1, "0 or more"),
    ("max_span_length", 0, "1 or more"),
]


@pytest.fixture(scope="module", params=SYSTEMS)
def trained_one(request: pytest.FixtureRequest, demo_docs: list[Doc]) -> Language:
    return train(make_pipeline(request.param), demo_docs, epochs=1)


@pytest.mark.parametrize("system", [*SYSTEMS, "concept_relations", "latent_relations"])
def test_defaults_are_the_same_with_and_without_the_factory(system: str) -> None:
    made = spacy.blank("en").add_pipe(system)
    direct = type(made)(made.vocab, made.model)
    assert {f.name: getattr(direct, f.name) for f in fields(direct)} == {
        f.name: getattr(made, f.name) for f in fields(made)
    }


@pytest.mark.parametrize(("setting", "value", "allowed"), OUT_OF_RANGE)
@pytest.mark.parametrize("system", SYSTEMS)
def test_out_of_range(system: str, setting: str, value: Any, allowed: str) -> None:
    with pytest.raises(ValueError, match=rf"The setting {setting} of '{system}' must be {allowed}, but it is {value}"):
        make_pipeline(system, **{setting: value})


@pytest.mark.parametrize(("setting", "value", "allowed"), OF_KECI)
def test_out_of_range_for_keci(setting: str, value: Any, allowed: str) -> None:
    with pytest.raises(ValueError, match=rf"The setting {setting} of 'keci' must be {allowed}"):
        make_pipeline("keci", **{setting: value})


@pytest.mark.parametrize(("setting", "value", "allowed"), OF_THE_MODEL)
def test_out_of_range_for_the_model(setting: str, value: Any, allowed: str) -> None:
    model = {**small_config("keci")["model"], setting: value}
    with pytest.raises(ValueError, match=rf"The setting {setting} of the model must be {allowed}, but it is {value}"):
        make_pipeline("keci", model=model)


def test_a_symmetric_label_that_is_unknown(trained_one: Language, tmp_path: Path) -> None:
    """Each relation would come out twice, once in either direction."""
    trained_one.to_disk(tmp_path)
    name = trained_one.pipe_names[-1]
    nlp = spacy.load(tmp_path, config={f"components.{name}.symmetric": ["bindz"]})
    with pytest.raises(ValueError, match=r"symmetric of .* has unknown labels: 'bindz'\. Allowed: .*'binds'"):
        nlp("FK506 binds FKBP12.")


def test_symmetric_labels_that_are_no_list() -> None:
    with pytest.raises(
        ValueError, match=r"symmetric of 'keci' must be a list of labels, but it is 'binds': write \[\"b"
    ):
        make_pipeline("keci", symmetric="binds")


def test_a_symmetric_label_that_the_data_lack(demo_docs: list[Doc]) -> None:
    """One config serves parts of a corpus that lack some of its labels."""
    nlp = train(make_pipeline("keci", symmetric=["binds", "never_seen"]), demo_docs, epochs=1)
    nlp("FK506 binds FKBP12.")


@pytest.mark.parametrize("change", ["reverse", "remove"])
def test_labels_of_a_saved_component_that_were_changed(trained_one: Language, tmp_path: Path, change: str) -> None:
    trained_one.to_disk(tmp_path)
    path = tmp_path / trained_one.pipe_names[-1] / "cfg"
    cfg = json.loads(path.read_text())
    cfg["labels"] = cfg["labels"][::-1] if change == "reverse" else cfg["labels"][:-1]
    srsly.write_json(path, cfg)
    with pytest.raises(ValueError, match=r"its weights were trained with .* the file 'cfg' of the saved component"):
        spacy.load(tmp_path)("FK506 binds FKBP12.")


def test_two_labels_of_one_pair_are_reported(log: pytest.LogCaptureFixture) -> None:
    nlp = make_pipeline("keci", multi_label=False, symmetric=["binds"])
    doc = nlp.make_doc("FK506 binds FKBP12.")
    spans = [doc.char_span(0, 5, "drug"), doc.char_span(12, 18, "protein")]
    doc.spans["entities"] = spans
    rows = [[0, 1, "binds", 1.0], [0, 1, "inhibits", 1.0], [1, 0, "binds", 1.0], [0, 0, "self", 1.0]]
    doc.spans["entities"].attrs["relations"] = rows
    nlp.initialize(lambda: make_examples(nlp, [doc]))
    assert "further relations of one pair (set multi_label = true) (1)" in log.text
    assert "relations of a mention with itself (1)" in log.text
    # without direction, the third is the first
    assert "both directions of a symmetric label are the same) (1)" in log.text


def test_relations_in_both_directions_are_two(log: pytest.LogCaptureFixture) -> None:
    nlp = make_pipeline("keci", multi_label=False, symmetric=[])
    doc = nlp.make_doc("FK506 binds FKBP12.")
    doc.spans["entities"] = [doc.char_span(0, 5, "drug"), doc.char_span(12, 18, "protein")]
    doc.spans["entities"].attrs["relations"] = [[0, 1, "binds", 1.0], [1, 0, "binds", 1.0]]
    nlp.initialize(lambda: make_examples(nlp, [doc]))
    assert "cannot learn" not in log.text


def test_settings_that_are_gone(recwarn: pytest.WarningsRecorder) -> None:
    """Configs saved by earlier versions name them; only a value that has lost its effect is worth a word."""
    nlp = make_pipeline("keci", relation_weight=1.0, link_by_type=True, span_graph_attr="span_graph")
    assert not recwarn
    assert nlp.config["components"]["keci"]["relation_weight"] == 1.0
    with pytest.warns(FutureWarning, match=r"The setting link_by_type is gone, and false has no effect"):
        make_pipeline("keci", link_by_type=False)
    model = {**small_config("keci")["model"], "length_width": 21}
    with pytest.warns(FutureWarning, match=r"The setting length_width is gone, and 21 has no effect: it is always 20"):
        make_pipeline("keci", model=model)


def test_settings_with_a_new_name() -> None:
    model = {**small_config("keci")["model"], "@architectures": "spacy_keci.KECI.v1", "entities_from": "h"}

    def made(model: dict[str, Any]) -> Any:
        return registry.resolve({"model": model})["model"].init.keywords["settings"]

    with pytest.warns(DeprecationWarning, match="The setting entities_from is now called final_entity_input"):
        assert made(model).final_entity_input == "h"
    with pytest.raises(ValueError, match="is now called final_entity_input, and the config has both"):
        made({**model, "final_entity_input": "f"})
