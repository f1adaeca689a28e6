"""The table of experiments, and the script that runs it."""

import json
import re
import shlex
import subprocess
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
import srsly
from spacy.cli._util import parse_config_overrides
from spacy.util import load_config
from weasel.util.config import substitute_project_variables

from experiments.run import Maker, as_options, runs

from ..conftest import ROOT

EXPERIMENTS = srsly.read_yaml(ROOT / "experiments" / "experiments.yml")
# commands that append to a log, so that the order in which they ran can be seen
PROJECT = """
title: test
vars: {system: a, results: results}
commands:
  - name: convert
    script: ["sh -c 'mkdir -p corpus && touch corpus/train && echo convert >> log'"]
    outputs: ["corpus/train"]
  - name: train
    script: ["sh -c 'mkdir -p ${vars.system} && touch ${vars.system}/model && echo train ${vars.system} >> log'"]
    deps: ["corpus/train"]
    outputs: ["${vars.system}/model"]
  - name: evaluate
    script:
      - "sh -c 'mkdir -p ${vars.results} && touch ${vars.results}/${vars.system} && touch ${vars.system}/predictions'"
      - "sh -c 'echo evaluate ${vars.system} >> log'"
    deps: ["${vars.system}/model"]
    outputs: ["${vars.results}/${vars.system}"]
    outputs_no_cache: ["${vars.system}/predictions"]
"""


# made by commands of the project
SHIPPED = {"results/demo.json", "results/biorelex-release-minilm-0.json"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project.yml").write_text(PROJECT)
    return tmp_path


def log(project: Path) -> list[str]:
    return (project / "log").read_text().splitlines() if (project / "log").exists() else []


def test_what_is_missing_is_made_first(project: Path) -> None:
    maker = Maker()
    assert not maker.is_there(project, "evaluate", {"system": "b"})
    assert maker.make(project, "evaluate", {"system": "b"}) == "results/b"
    assert log(project) == ["convert", "train b", "evaluate b"]
    assert maker.is_there(project, "evaluate", {"system": "b"})
    assert Maker().is_there(project, "evaluate", {"system": "b"})
    assert not Maker(force=True).is_there(project, "evaluate", {"system": "b"})
    maker.make(project, "evaluate", {"system": "c"})
    assert log(project)[3:] == ["train c", "evaluate c"]


def test_predictions_are_made_once(project: Path) -> None:
    maker = Maker()
    for _ in range(2):
        assert maker.make(project, "evaluate", {}, of="outputs_no_cache") == "a/predictions"
    assert log(project) == ["convert", "train a", "evaluate a"]


def test_a_dry_run_makes_nothing(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.run.ROOT", project)
    maker = Maker(dry_run=True)
    maker.make(project, "evaluate", {})
    maker.make(project, "evaluate", {"system": "b"})
    printed = capsys.readouterr().out
    assert printed.count("echo convert") == 1 and "touch b/predictions" in printed
    assert [path.name for path in project.iterdir()] == ["project.yml"]


def outputs() -> dict[str, dict[str, Any]]:
    """Every result of the tables, and the variables of its run."""
    found = {}
    for table in EXPERIMENTS["tables"]:
        for folder, command, run, baseline in runs(EXPERIMENTS, table):
            variables = run | ({"results": "results/paired"} if baseline else {})
            (path,) = Maker()._commands(folder, variables)[command]["outputs"]
            found[(folder / path).resolve().relative_to(ROOT).as_posix()] = run
    return found


def test_every_result_can_be_made_again() -> None:
    listed = subprocess.run(["git", "ls-files", "results"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    results = {name: json.loads((ROOT / name).read_text()) for name in listed if name.endswith(".json")}
    scored = {name: result for name, result in results.items() if "scores" in result and "markdown" not in result}
    made = outputs()
    others = (
        "demo",
        "biorelex-release-",
        "biored-linking",
        "biored-mentions-",
        "biored-end-to-end-",
        "heldout-",
        "paired/release-",
        "mpnet6-",
        "onnx-",
        "pairs-",
        "release-",
    )  # made by commands of projects, or by lines in docs/
    prefixes = tuple(f"results/{name}" for name in others)
    assert not [name for name in scored if name not in made and not name.startswith(prefixes)]
    for name in scored.keys() & made.keys():
        assert name.endswith(f"/{scored[name]['name']}.json")
        assert scored[name]["model"]["seed"] == made[name]["seed"]


def test_texts_that_no_command_makes_are_documented() -> None:
    """Lines of the documentation make them."""
    missing = set()
    for table in EXPERIMENTS["tables"]:
        for folder, _, run, _ in runs(EXPERIMENTS, table):
            commands = Maker()._commands(folder, run).values()
            made, needed = ({path for each in commands for path in each.get(kind, [])} for kind in ("outputs", "deps"))
            missing |= {Path(path).name for path in needed - made if path.endswith(".spacy")}
    pages = "".join(path.read_text(encoding="utf8") for path in (ROOT / "docs").glob("*.md"))
    assert {"few.augmented.spacy", "sample-0.05.spacy", "taught.spacy"} <= missing
    assert not [name for name in missing if name not in pages and re.sub(r"0\.\d+", "$part", name) not in pages]


def test_settings_are_those_of_their_configs() -> None:
    changed = set()
    for name, system in EXPERIMENTS["systems"].items():
        trained = EXPERIMENTS["systems"][system.get("trained_as", name)]
        config = load_config(ROOT / "configs" / f"{trained['config']}.cfg")
        for setting, value in system.get("settings", {}).items():
            *sections, key = setting.split(".")
            # set there or left at its default, or by the project
            assert reduce(getitem, sections, config).get(key) != value or setting == "paths.start"
            changed.add(setting)
    assert len(changed) == 36


def test_options() -> None:
    settings = {"a.b": False, "a.c": "x y", "a.d": [1], "a.e": {"f": None}}
    project = {
        "vars": {"settings": as_options(settings)},
        "commands": [{"name": "a", "script": ["b ${vars.settings}"]}],
    }
    (line,) = substitute_project_variables(project)["commands"][0]["script"]
    assert parse_config_overrides(shlex.split(line)[1:]) == settings
