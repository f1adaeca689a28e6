"""The package as users get it: built, installed without its sources, and found by spaCy through entry points."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from .conftest import ROOT

# Every name that configs, pipelines and the command line may use. Names are kept: what changes gets a new version.
ENTRY_POINTS = {
    "spacy_architectures": [
        "spacy_keci.BiaffineJoint.v1",
        "spacy_keci.ConceptPairs.v1",
        "spacy_keci.KECI.v1",
        "spacy_keci.KECI.v2",
        "spacy_keci.KnowBertAttention.v1",
        "spacy_keci.LatentRelations.v1",
        "spacy_keci.OnnxTransformerModel.v1",
        "spacy_keci.SentenceCNN.v1",
        "spacy_keci.SpanGraph.v1",
        "spacy_keci.Tok2VecTransformer.v1",
        "spacy_keci.TransformerModel.v1",
    ],
    "spacy_callbacks": [
        "spacy_keci.Checkpoints.v1",
        "spacy_keci.RecordTraining.v1",
        "spacy_keci.StartFrom.v1",
        "spacy_keci.TorchThreads.v1",
    ],
    "spacy_cli": ["keci"],
    "spacy_displacy_colors": ["spacy_keci"],
    "spacy_factories": [
        "biomedical_sentencizer",
        "concept_linker",
        "concept_relations",
        "joint_ner_re",
        "keci",
        "latent_relations",
    ],
    "spacy_misc": [
        "spacy_keci.Contrastive.v1",
        "spacy_keci.HardNegatives.v1",
        "spacy_keci.ScispacyCandidates.v1",
        "spacy_keci.SentenceSpanSuggester.v1",
    ],
    "spacy_readers": ["spacy_keci.SpanGraphCorpus.v1"],
    "spacy_scorers": [
        "spacy_keci.biorelex_scorer.v1",
        "spacy_keci.concept_scorer.v1",
        "spacy_keci.strict_scorer.v1",
    ],
    "spacy_span_getters": ["spacy_keci.MarkedMentions.v1", "spacy_keci.SentenceWindows.v1"],
    "spacy_tokenizers": ["spacy_keci.BiomedicalTokenizer.v1"],
    "thinc_optimizers": ["spacy_keci.AdamW.v1"],
}
# In a fresh interpreter: the heavy libraries that modules of this package import while ``spacy.blank`` runs, also those
# that are loaded already, as Thinc loads torch; then every name, and the commands that spaCy's command line has.
INSPECT = """
import builtins, json, sys
from importlib.metadata import distribution
heavy, real = [], builtins.__import__
def watch(name, globals=None, *args, **kwargs):
    importer = (globals or {}).get("__name__") or ""
    libraries = "torch", "transformers", "spacy_transformers", "scispacy", "dgl", "sklearn", "scipy"
    if importer.split(".")[0] == "spacy_keci" and name.split(".")[0] in libraries:
        heavy.append((importer, name))
    return real(name, globals, *args, **kwargs)
builtins.__import__ = watch
import spacy
assert spacy.blank("en").has_factory("keci")
assert "spacy_keci.pipeline.keci" in sys.modules
builtins.__import__ = real
names = {}
for entry_point in distribution("spacy-keci").entry_points:
    names.setdefault(entry_point.group, []).append(entry_point.name)
    found = entry_point.load()
    library, registry = entry_point.group.split("_", 1)
    if registry == "displacy_colors":
        assert found["protein"].startswith("#")
    elif registry not in ("cli", "factories"):
        assert callable(found), entry_point
        assert spacy.registry.get(registry, entry_point.name) is found
from spacy.cli._util import app
groups = [group.typer_instance for group in app.registered_groups if group.typer_instance.info.name == "keci"]
print(json.dumps({
    "file": sys.modules["spacy_keci"].__file__,
    "heavy": heavy,
    "names": {group: sorted(names[group]) for group in names},
    "commands": [command.name for group in groups for command in group.registered_commands],
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "spacy_keci", source / "spacy_keci", ignore=shutil.ignore_patterns("__pycache__"))
    pip("wheel", str(source), "--wheel-dir", str(source / "dist"), "--no-build-isolation")
    (path,) = (source / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed package and nothing else; its dependencies are those of this interpreter."""
    folder = tmp_path_factory.mktemp("installed")
    with ZipFile(wheel) as archive:  # a wheel of pure Python is installed by unpacking it
        archive.extractall(folder)
    return folder


def pip(*arguments: str) -> None:
    run([sys.executable, "-m", "pip", *arguments, "--quiet", "--no-deps", "--no-index"])


def run(command: list[str], path: Path | None = None) -> str:
    # the interpreter looks into the installed package first
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(path or "")}
    done = subprocess.run(command, env=env, capture_output=True, text=True, cwd=path)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_the_package(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    files = [path for path in (ROOT / "spacy_keci").rglob("*.*") if path.suffix != ".pyc"]
    assert {path.relative_to(ROOT).as_posix() for path in files} <= names
    assert {"LICENSE", "NOTICE"} <= {name.rpartition("/")[2] for name in names}
    assert not any(name.startswith(("tests", "assets", "configs")) for name in names)


@pytest.fixture(scope="module")
def inspected(installed: Path) -> dict[str, Any]:
    return {**json.loads(run([sys.executable, "-c", INSPECT], installed)), "folder": installed}


def test_spacy_finds_every_name(inspected: dict[str, Any]) -> None:
    assert Path(inspected["file"]).is_relative_to(inspected["folder"])
    assert inspected["names"] == ENTRY_POINTS


def test_spacy_does_not_get_heavier(inspected: dict[str, Any]) -> None:
    """``spacy.blank`` imports every factory that is installed: a heavy import there would slow down all of spaCy."""
    assert not inspected["heavy"]


def test_command_line(inspected: dict[str, Any]) -> None:
    assert {"annotate", "convert", "evaluate", "tune", "split"} <= set(inspected["commands"])
