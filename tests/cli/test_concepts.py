"""Relations between concepts on the command line: a threshold is chosen, and they are scored, among gold mentions."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import spacy
from typer.testing import CliRunner

from spacy_keci.cli.main import keci
from spacy_keci.corpora.docbin import save_docs
from spacy_keci.pipeline.calibration import Scaling
from spacy_keci.tokenizer import create_biomedical_tokenizer

from ..pipeline.abstracts import make_abstracts, train
from ..pipeline.test_concept_relations import make_pipeline


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """dev.spacy, test.spacy and a trained pipeline, "model"."""
    folder = tmp_path_factory.mktemp("concepts")
    nlp = spacy.blank("en")
    nlp.tokenizer = create_biomedical_tokenizer()(nlp)
    docs = make_abstracts(nlp, 48)
    save_docs(docs[32:40], folder / "dev.spacy")
    save_docs(docs[40:], folder / "test.spacy")
    train(trained := make_pipeline(), docs[:32], 20)
    trained.to_disk(folder / "model")
    return folder


def run(*arguments: object) -> str:
    outcome = CliRunner().invoke(keci, list(map(str, arguments)))
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


def test_tuned_and_scored(folder: Path, tmp_path: Path) -> None:
    tuned, output, found = tmp_path / "tuned", tmp_path / "result.json", tmp_path / "found.spacy"
    shown = run("tune", folder / "model", folder / "dev.spacy", "--mentions", "gold", "--output", tuned)
    component = spacy.load(tuned).get_pipe("concept_relations")
    for setting in ("relation_threshold", "relation_temperature", "relation_bias"):
        assert f"components.concept_relations.{setting} = {getattr(component, setting)}" in shown
    gold = ("--mentions", "gold", "--output", output)
    shown = run("evaluate", tuned, folder / "test.spacy", *gold, "--predictions", found)
    result = json.loads(output.read_text())
    assert (result["benchmark"], result["mentions"]) == ("concepts", "gold")
    assert result["scores"]["concepts_typed_f"] > 0.8  # the sentences are those of the training
    low, high = result["intervals"]["concepts_typed_f"]
    assert low <= result["scores"]["concepts_typed_f"] <= high
    assert "concepts, pairs and labels" in shown and "gold relations between concepts" in shown
    # compared with itself, nothing differs
    run("evaluate", tuned, folder / "test.spacy", *gold, "--compare", found)
    again = json.loads(output.read_text())
    assert again["scores"] == result["scores"] and set(again["compared"]["p"].values()) == {1.0}


def test_thresholds_may_be_kept(folder: Path) -> None:
    """The present threshold, 0.5 by default, is moved with the scores."""
    shown = run("tune", folder / "model", folder / "dev.spacy", "--mentions", "gold", "--keep-thresholds")
    settings = {key.rsplit(".", 1)[1]: json.loads(value) for key, value in re.findall(r"^(\S+) = (.+)$", shown, re.M)}
    present = spacy.load(folder / "model").get_pipe("concept_relations").relation_threshold
    scaling = Scaling(settings["relation_temperature"], settings["relation_bias"])
    moved = scaling(np.array([0.5 if present is None else present]))[0]
    assert settings["relation_threshold"] == pytest.approx(moved)


def test_a_report_does_not_show_concepts(folder: Path) -> None:
    arguments = ["report", folder / "model", folder / "test.spacy", "--benchmark", "concepts"]
    outcome = CliRunner().invoke(keci, list(map(str, arguments)))
    assert outcome.exit_code == 1 and "spacy keci evaluate" in outcome.output
