"""The project files: commands from end to end on the demo corpus, and configs that score what they say."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
import spacy
import srsly
from spacy.cli._util import parse_config_overrides
from spacy.training import Example
from spacy.util import load_config, load_model_from_config
from weasel.cli.run import project_run
from weasel.util.config import substitute_project_variables

from .commands import run as run_words
from .conftest import ROOT
from .test_spacy_commands import TINY

# those that train something
CONFIGS = sorted(p.name for p in (ROOT / "configs").glob("*.cfg") if "[training" in p.read_text(encoding="utf8"))
PROJECTS = [ROOT / "project.yml", *sorted((ROOT / "projects").glob("*/project.yml"))]
VERBS = ["convert", "train", "evaluate", "package"]
# where projects write
OUTPUTS = {"corpus", "kb", "packages", "results", "training"}
USE = """
import spacy
nlp = spacy.load("en_keci_demo")
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


def run(folder: Path, command: str) -> None:
    """A command of the project file, on the demo corpus, with a small model and for a few steps."""
    settings = TINY | {"training.max_steps": 45, "training.eval_frequency": 45, "corpora.dev.limit": 20}
    options = " ".join(f"--{name} {value}" for name, value in settings.items())
    variables = {"config": "demo", "corpus": "corpus/demo", "experiment": "demo"}
    variables |= {"settings": options, "options": "--bootstrap 100"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("weasel.cli.run.run_command", lambda words, capture: run_words(words))
        project_run(folder, command, overrides={f"vars.{name}": value for name, value in variables.items()})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the project file needs, in which its commands have run on the demo corpus."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "project.yml", folder)
    for name in ("configs", "scripts", "assets/demo"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "corpus" / "demo").mkdir(parents=True)
    for part, name in (("train", "train"), ("heldout", "dev")):
        paths = [str(folder / "assets/demo" / f"{part}.jsonl"), str(folder / "corpus/demo" / f"{name}.spacy")]
        run_words(["python", "-m", "spacy", "keci", "convert", *paths])
    for command in ("train", "evaluate", "package"):
        run(folder, command)
    return folder


def test_a_package_that_needs_no_import(project: Path, tmp_path: Path) -> None:
    scores = srsly.read_json(project / "results" / "demo-best-minilm-0.json")["scores"]
    assert scores["entities_micro_f"] > 0.3
    (wheel,) = (project / "packages").glob("en_keci_demo-*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    mentions, *relations = python("-c", USE, cwd=tmp_path, path=tmp_path).splitlines()
    assert "FKBP12" in mentions
    nlp = spacy.load(project / "training" / "demo" / "best-minilm-0" / "model-last")
    doc = nlp("Tacrolimus binds FKBP12 and causes nephrotoxicity in patients with breast cancer.")
    assert len(relations) == len(doc._.relations)
    meta = srsly.read_json(tmp_path / "en_keci_demo" / "meta.json")
    assert any(requirement.startswith("spacy-keci") for requirement in meta["requirements"])


def test_steps_that_are_up_to_date_are_skipped(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for command in ("train", "evaluate"):
        run(project, command)
    assert capfd.readouterr().out.count("nothing changed") == 2


def place(project: Path, path: str) -> Path:
    """Of what a project names; corpora and models may be links."""
    return Path(os.path.normpath(project.parent / path))


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_project_files(path: Path) -> None:
    """All projects have the same commands; what they name is there, or made by an earlier command."""
    project = substitute_project_variables(srsly.read_yaml(path))
    names = [command["name"] for command in project["commands"]]
    assert {"data", *VERBS} <= set(names) and len(set(names)) == len(names)
    assert project["workflows"]["all"] == VERBS
    made: set[Path] = set()
    for command in project["commands"]:
        assert command["help"]
        for dep in (place(path, each) for each in command.get("deps", [])):
            downloaded = dep.is_relative_to(ROOT / "assets") and not dep.is_relative_to(ROOT / "assets" / "demo")
            assert dep in made or downloaded or dep.exists(), f"{command['name']} needs {dep}"
        outputs = [place(path, each) for each in command.get("outputs", [])]
        assert all(output.relative_to(ROOT).parts[0] in OUTPUTS for output in outputs)
        made.update(outputs)
        for line in command["script"]:
            assert "${" not in line and "project run" not in line


def training_of(path: Path) -> tuple[str, dict]:
    """The config that a project trains with, and the settings it changes in it."""
    project = substitute_project_variables(srsly.read_yaml(path))
    (line,) = next(command["script"] for command in project["commands"] if command["name"] == "train")
    words = shlex.split(line)
    settings = words[words.index("--output") + 2 :]
    gpu = settings.index("--gpu-id")
    return Path(words[4]).name, parse_config_overrides(settings[:gpu] + settings[gpu + 2 :], env_var=None)


@pytest.mark.parametrize(
    ("name", "overrides"),
    [*((name, {}) for name in CONFIGS), *map(training_of, PROJECTS)],
)
def test_scores_that_select_and_are_shown_are_scored(name: str, overrides: dict) -> None:
    """spaCy drops names in score_weights that no scorer returns without a word."""
    config = spacy.util.load_config(ROOT / "configs" / name, overrides=overrides, interpolate=True)
    component = config["components"][config["nlp"]["pipeline"][-1]]
    default = spacy.blank("en").get_factory_meta(component["factory"]).default_config["scorer"]
    scorer = spacy.registry.resolve({"scorer": component.get("scorer", default)})["scorer"]
    doc = spacy.blank("en")("MDM2 binds p53.")
    doc.spans["entities"] = []
    weights = {score: weight for score, weight in config["training"]["score_weights"].items() if weight is not None}
    assert sum(weights.values()) == pytest.approx(1.0)
    novelty = {"concepts_full_f"}  # there where gold says what is novel
    assert set(weights) - novelty <= set(scorer([Example(doc, doc)]))


@pytest.mark.parametrize("name", CONFIGS)
def test_training_can_be_taken_up_again(name: str, shipped: Path) -> None:
    """spaCy makes the optimizer of ``nlp.resume_training`` without filling in variables."""
    config = load_config(ROOT / "configs" / name)
    if "start" in config["paths"]:
        config["paths"]["start"] = str(shipped)
    nlp = load_model_from_config(config, auto_fill=True)
    optimizer = nlp.create_optimizer()
    schedules = [optimizer, *getattr(optimizer, "groups", {}).values()]
    assert all("learn_rate" in each.schedules for each in schedules)


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_the_documented_commands_are_those_of_the_projects(path: Path) -> None:
    page = (ROOT / "docs" / "project.md").read_text(encoding="utf8")
    for command in srsly.read_yaml(path)["commands"]:
        assert f"| `{command['name']}` | {command['help']} |" in page
