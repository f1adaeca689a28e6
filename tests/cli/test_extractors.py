"""Commands, spaCy's and ours, with each of the extractors: none of them needs to know which it is."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc
from spacy.util import load_config

from spacy_keci.corpora.docbin import save_docs

from ..commands import spacy_command as run
from ..pipeline.systems import SYSTEMS, make_pipeline

TEXT = "FK506 binds FKBP12 and inhibits calcineurin."
pytestmark = pytest.mark.parametrize("system", SYSTEMS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, demo_docs: list[Doc]) -> Path:
    folder = tmp_path_factory.mktemp("commands")
    save_docs(demo_docs, folder / "gold.spacy")
    return folder


@pytest.fixture(scope="module")
def models(folder: Path) -> dict[str, Path]:
    """Of each system a pipeline that 'spacy train' has trained for some steps."""
    return {system: train(folder, system) for system in SYSTEMS}


def train(folder: Path, system: str) -> Path:
    config = make_pipeline(system).config
    reader = {"@readers": "spacy_keci.SpanGraphCorpus.v1", "path": str(folder / "gold.spacy")}
    config["corpora"] = {"train": reader, "dev": reader}
    config["training"] |= {"max_steps": 60, "eval_frequency": 60}
    config["training"]["optimizer"] = {"@optimizers": "spacy_keci.AdamW.v1", "learn_rate": 0.004}
    config.to_disk(folder / f"{system}.cfg")
    run("init", "fill-config", folder / f"{system}.cfg", folder / f"full-{system}.cfg")
    assert "Config is valid" in run("debug", "config", folder / f"full-{system}.cfg")
    run("train", folder / f"full-{system}.cfg", "--output", folder / system)
    return folder / system / "model-last"


def test_train_and_evaluate(system: str, models: dict[str, Path], folder: Path) -> None:
    run("evaluate", models[system], folder / "gold.spacy", "--output", folder / "scores.json", "--per-component")
    scores = json.loads((folder / "scores.json").read_text())[system]
    assert scores["entities_micro_f"] > 0.5
    performance = spacy.load(models[system]).meta["performance"]
    assert scores["entities_micro_f"] == pytest.approx(performance["entities_micro_f"], abs=1e-4)


def test_package(system: str, models: dict[str, Path], tmp_path: Path) -> None:
    run("package", models[system], tmp_path, "--build", "none", "--name", "graphs")
    (data,) = tmp_path.glob("en_graphs-*/en_graphs/en_graphs-*")
    assert spacy.load(data).pipe_names == [system]
    (path,) = tmp_path.glob("en_graphs-*/meta.json")
    meta = json.loads(path.read_text())
    assert any(line.startswith("spacy-keci") for line in meta["requirements"])


def test_our_evaluate(system: str, models: dict[str, Path], folder: Path, tmp_path: Path) -> None:
    output = run("keci", "evaluate", models[system], folder / "gold.spacy", "--output", tmp_path / "result.json")
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["scores"]["entities_micro_f"] > 0.5
    assert "protein" in output


def test_show(system: str, models: dict[str, Path]) -> None:
    assert "FKBP12" in run("keci", "show", models[system], TEXT)


def test_tune(system: str, models: dict[str, Path], folder: Path) -> None:
    """Thresholds that are better than none are given as settings of the component."""
    output = run("keci", "tune", models[system], folder / "gold.spacy")
    assert f"components.{system}." in output or "No thresholds are better" in output


def test_report(system: str, models: dict[str, Path], folder: Path, tmp_path: Path) -> None:
    run("keci", "report", models[system], folder / "gold.spacy", "--output", tmp_path / "report.html")
    assert "protein" in (tmp_path / "report.html").read_text()


def test_annotate(system: str, models: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text(f"{TEXT}\n")
    run("keci", "annotate", models[system], tmp_path / "texts.txt", tmp_path / "graphs.jsonl")
    (record,) = map(json.loads, (tmp_path / "graphs.jsonl").read_text().splitlines())
    assert record["text"].strip() == TEXT
    assert record["entities"]


def test_config_is_complete(system: str, models: dict[str, Path], folder: Path) -> None:
    config = load_config(folder / f"full-{system}.cfg")
    assert config["components"][system]["scorer"]["@scorers"] == "spacy_keci.strict_scorer.v1"
    run("init", "fill-config", folder / f"full-{system}.cfg", folder / "again.cfg")
    assert load_config(folder / "again.cfg") == config
