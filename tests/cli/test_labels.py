import json
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc
from typer.testing import CliRunner, Result

from spacy_keci.cli.labels import describe_labels, format_labels
from spacy_keci.cli.load import find_extractor
from spacy_keci.cli.main import keci

from ..conftest import ROOT
from ..pipeline.conftest import make_examples, make_pipeline


@pytest.fixture(scope="module")
def model(demo_docs: list[Doc], tmp_path_factory: pytest.TempPathFactory) -> Path:
    nlp = make_pipeline(relation_threshold={"binds": 0.4, "*": 0.7})
    nlp.initialize(lambda: make_examples(nlp, demo_docs))
    linker = nlp.add_pipe("concept_linker", first=True)
    linker.initialize(sources=[f"jsonl={ROOT / 'assets' / 'demo' / 'kb.jsonl'}"])
    path = tmp_path_factory.mktemp("labels") / "model"
    nlp.to_disk(path)
    return path


def labels(*args: object) -> Result:
    return CliRunner().invoke(keci, ["labels", *map(str, args)])


def test_json(model: Path, demo_docs: list[Doc]) -> None:
    found = json.loads(labels(model, "--json").stdout)
    assert found == describe_labels(spacy.load(model))
    groups = [doc.spans["entities"] for doc in demo_docs]
    assert set(found["entities"]) == {span.label_ for group in groups for span in group}
    assert {r["label"] for r in found["relations"]} == {row[2] for group in groups for row in group.attrs["relations"]}
    assert [r["label"] for r in found["relations"] if r["symmetric"]] == ["binds"]
    assert found["threshold"] is None and found["relation_threshold"] == {"binds": 0.4, "*": 0.7}
    assert found["concepts"]["concept_linker"]["concepts"] > 100
    assert "T116" in found["concepts"]["concept_linker"]["types"]


def test_text(model: Path) -> None:
    result = labels(model)
    shown = " ".join(result.stdout.split())
    assert result.exit_code == 0
    for part in (
        "writes doc.spans['entities']",
        "binds symmetric",
        "inhibits head -> tail",
        "mentions the most probable label relations 0.7 relations: binds 0.4",
        "'concept_linker' links",
        "T116",
    ):
        assert part in shown


@pytest.mark.parametrize("factory", ["concept_relations", "latent_relations"])
def test_given_mentions(factory: str) -> None:
    nlp = spacy.blank("en")
    component = nlp.add_pipe(factory)
    found = describe_labels(nlp)
    assert (found["entities_from"], found["relation_threshold"]) == ("entities", 0.5)
    shown = " ".join(format_labels(found).split())
    assert "reads the mentions in doc.spans['entities'], and writes" in shown
    assert shown.endswith("Thresholds relations 0.5")
    component.relation_threshold = {"binds": 0.4}
    assert describe_labels(nlp)["relation_threshold"] == {"binds": 0.4, "*": 0.5}


def test_the_last_of_two_extractors(capsys: pytest.CaptureFixture[str]) -> None:
    nlp = make_pipeline()
    nlp.add_pipe("joint_ner_re")
    name, _ = find_extractor(nlp)
    # few commands have an option to choose another one
    assert (name, capsys.readouterr().err.count("--component")) == ("joint_ner_re", 0)
    assert find_extractor(nlp, "keci")[0] == "keci"


def test_linker_without_knowledge_base(demo_docs: list[Doc]) -> None:
    nlp = make_pipeline()
    nlp.initialize(lambda: make_examples(nlp, demo_docs))
    nlp.add_pipe("concept_linker")
    assert describe_labels(nlp)["concepts"] == {"concept_linker": {"concepts": None, "types": {}}}


def test_mistakes(tmp_path: Path) -> None:
    spacy.blank("en").to_disk(tmp_path / "blank")
    for model, expected in (
        ("no_such_model", "Cannot load the pipeline"),
        (tmp_path / "blank", "no component that predicts relations"),
    ):
        result = labels(model)
        assert result.exit_code == 1 and expected in result.stderr and not result.stdout
        assert isinstance(result.exception, SystemExit)
