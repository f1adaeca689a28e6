"""The project file: its smallest workflow from end to end, and configs that score what they say."""

import os
import shlex
import shutil
import subprocess
import sys
from functools import reduce
from operator import getitem
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.cli._util import parse_config_overrides
from spacy.training import Example
from spacy.util import load_config, load_model_from_config
from weasel.util.config import substitute_project_variables

from .conftest import ROOT

CONFIGS = sorted(path.name for path in (ROOT / "configs").glob("*.cfg"))
USE = """
import spacy
nlp = spacy.load("en_keci_tiny")
doc = nlp("Tacrolimus binds FKBP12 and causes nephrotoxicity in patients with breast cancer.")
print([(span.text, span.label_) for span in doc.spans["entities"]])
for relation in doc._.relations:
    print(relation.head.text, relation.tail.text, relation.label, relation.score)
"""


def python(*arguments: str, cwd: Path, path: Path | None = None) -> str:
    """Output of a fresh interpreter, away from the sources, on one thread."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(path or ""), "CUDA_VISIBLE_DEVICES": ""}
    run = subprocess.run([sys.executable, *arguments], cwd=cwd, env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the project file needs, in which the workflow has run."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "project.yml", folder)
    shutil.copytree(ROOT / "configs", folder / "configs")
    shutil.copytree(ROOT / "assets" / "demo", folder / "assets" / "demo")
    output = python("-m", "spacy", "project", "run", "tiny", cwd=folder)
    assert "relations, strict micro" in output
    return folder


def test_tiny_workflow_makes_a_package_that_needs_no_import(project: Path, tmp_path: Path) -> None:
    scores = srsly.read_json(project / "training" / "tiny.json")["scores"]
    assert scores["entities_micro_f"] > 0.3
    wheels = list((project / "packages").glob("en_keci_tiny-*.whl"))
    assert len(wheels) == 1
    installed = tmp_path / "installed"
    python("-m", "pip", "install", "--quiet", "--no-deps", "--target", str(installed), str(wheels[0]), cwd=tmp_path)
    mentions, *relations = python("-c", USE, cwd=tmp_path, path=installed).splitlines()
    assert "FKBP12" in mentions
    nlp = spacy.load(project / "training" / "tiny" / "model-last")
    doc = nlp("Tacrolimus binds FKBP12 and causes nephrotoxicity in patients with breast cancer.")
    assert len(relations) == len(doc._.relations)
    meta = srsly.read_json(installed / "en_keci_tiny" / "meta.json")
    assert any(requirement.startswith("spacy-keci") for requirement in meta["requirements"])


def test_steps_that_are_up_to_date_are_skipped(project: Path) -> None:
    output = python("-m", "spacy", "project", "run", "tiny", cwd=project)
    assert output.count("nothing changed") == 4


def test_project_file() -> None:
    """What weasel does not check: outputs are inside the project, assets have checksums, names are not used twice."""
    project = srsly.read_yaml(ROOT / "project.yml")
    without = [asset["dest"] for asset in project["assets"] if len(asset.get("checksum", "")) != 32]
    assert without == ["assets/ontologies/sn_current.tgz"]  # a current version
    assert all(asset["dest"].startswith("assets/") for asset in project["assets"])
    destinations = [asset["dest"] for asset in project["assets"]]
    assert len(set(destinations)) == len(destinations)
    names = [command["name"] for command in project["commands"]] + list(project["workflows"])
    assert len(set(names)) == len(names)
    folders = tuple(f"{folder}/" for folder in project["directories"])
    for command in project["commands"]:
        assert command["help"]
        assert all(path.startswith(folders) for path in command.get("outputs", []))


def test_systems_of_the_tables_are_settings_of_their_configs() -> None:
    project = substitute_project_variables(srsly.read_yaml(ROOT / "project.yml"))
    scripts = {command["name"]: command["script"] for command in project["commands"]}
    changed = set()
    for line in [line for name in ("best", "table-1", "table-3", "table-4", "ade-all") for line in scripts[name]]:
        arguments = shlex.split(line)[shlex.split(line).index("spacy") + 1 :]
        if arguments[:2] != ["project", "run"]:
            continue
        variables = parse_config_overrides(arguments[4:], env_var=None)
        # what a user sets reaches the commands inside
        assert {"vars.encoder", "vars.encoder_name", "vars.kb", "vars.gpu_id"} <= variables.keys()
        settings = parse_config_overrides(shlex.split(variables.get("vars.settings", "")), env_var=None)
        name = f"{variables.get('vars.config', 'keci')}.cfg"
        config = load_config(ROOT / "configs" / name)
        for setting, value in settings.items():
            *sections, key = setting.split(".")
            assert reduce(getitem, sections, config)[key] != value
        changed.update(settings)
    assert len(changed) == 6


def ade_overrides() -> dict:
    settings = substitute_project_variables(srsly.read_yaml(ROOT / "project.yml"))["vars"]["ade_settings"]
    return parse_config_overrides(shlex.split(settings), env_var=None)


@pytest.mark.parametrize(
    ("name", "overrides"), [*((name, {}) for name in CONFIGS), ("span_graph.cfg", ade_overrides())]
)
def test_scores_that_select_and_are_shown_are_scored(name: str, overrides: dict) -> None:
    """spaCy drops names in score_weights that no scorer returns without a word."""
    config = spacy.util.load_config(ROOT / "configs" / name, overrides=overrides, interpolate=True)
    default = spacy.blank("en").get_factory_meta("keci").default_config["scorer"]
    scorer = spacy.registry.resolve({"scorer": config["components"]["keci"].get("scorer", default)})["scorer"]
    doc = spacy.blank("en")("MDM2 binds p53.")
    doc.spans["entities"] = []
    weights = {score: weight for score, weight in config["training"]["score_weights"].items() if weight is not None}
    assert sum(weights.values()) == pytest.approx(1.0)
    assert set(weights) <= set(scorer([Example(doc, doc)]))


@pytest.mark.parametrize("name", CONFIGS)
def test_training_can_be_taken_up_again(name: str) -> None:
    """spaCy makes the optimizer of ``nlp.resume_training`` without filling in variables."""
    nlp = load_model_from_config(load_config(ROOT / "configs" / name), auto_fill=True)
    optimizer = nlp.create_optimizer()
    schedules = [optimizer, *getattr(optimizer, "groups", {}).values()]
    assert all("learn_rate" in each.schedules for each in schedules)


def test_the_documented_commands_are_those_of_the_project(tmp_path: Path) -> None:
    # by itself: files that lie beside it, such as downloaded corpora, change what is written
    shutil.copy(ROOT / "project.yml", tmp_path)
    python("-m", "spacy", "project", "document", str(tmp_path), "--no-emoji", "--output", "written.md", cwd=tmp_path)
    written = (tmp_path / "written.md").read_text(encoding="utf8")
    assert written == (ROOT / "docs" / "project.md").read_text(encoding="utf8"), "run: make document"
