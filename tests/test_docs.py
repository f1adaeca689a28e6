"""The pages that tell how things are done: their commands and their code, run on a small part of the demo corpus."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
import spacy
import spacy.cli
from spacy.cli._util import parse_config_overrides
from spacy.util import load_config, load_model_from_config

from spacy_keci.corpora.brat import write_brat
from spacy_keci.corpora.formats import write_any
from spacy_keci.corpora.jsonl import read_jsonl
from spacy_keci.reports import Report

from .commands import run
from .conftest import ROOT
from .pages import BLOCK, run_page
from .test_install import ENTRY_POINTS
from .test_spacy_commands import TINY

TRAINING, TUTORIAL = ((ROOT / "docs" / name).read_text(encoding="utf8") for name in ("training.md", "tutorial.md"))
STEPS = {"training.max_steps": 30, "training.eval_frequency": 30}
QUICK = [word for name, value in (TINY | STEPS).items() for word in (f"--{name}", str(value))]


def commands(page: str, language: str = "bash") -> list[list[str]]:
    """The words of the commands in the blocks of a page."""
    blocks = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.replace("\\\n", " ").splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all that docs/training.md says was done, with what it starts from."""
    folder = tmp_path_factory.mktemp("docs")
    texts = list(read_jsonl(ROOT / "assets" / "demo" / "train.jsonl", Report()))[:40]
    write_brat(texts, folder / "annotated", Report())
    write_any(texts, folder / "annotations.jsonl", "prodigy")
    (folder / "new_texts").mkdir()
    (folder / "new_texts" / "one.txt").write_text("FK506 binds FKBP12.")
    with (ROOT / "assets" / "demo" / "kb.jsonl").open() as file, (folder / "concepts.tsv").open("w") as table:
        table.write("id\tname\taliases\ttypes\tdefinition\trelations\n")
        for each in map(json.loads, file):
            relations = "|".join(f"{relation['label']}={relation['target']}" for relation in each["relations"])
            columns = each["id"], each["name"], "|".join(each["aliases"]), "|".join(each["types"]), "", relations
            table.write("\t".join(columns) + "\n")
    shutil.copytree(ROOT / "configs", folder / "configs")
    (folder / "assets").mkdir()
    (folder / "assets" / "demo").symlink_to(ROOT / "assets" / "demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(folder / "installed")
        for words in commands(TRAINING):
            run(words + (QUICK if words[3:4] == ["train"] else []), folder / "installed")
        run_page(TRAINING)
    return folder


def test_training(folder: Path) -> None:
    assert len(spacy.load(folder / "training" / "mine" / "model-best").get_pipe("concept_linker").kb) == 690
    assert json.loads((folder / "results" / "mine-test.json").read_text())["counts"]["entities_gold"] > 20
    assert "<svg" in (folder / "report.html").read_text(encoding="utf8")
    assert len(list((folder / "drafts").rglob("*.ann"))) == 1


def test_training_in_other_ways(shipped: Path) -> None:
    """Commands that would take too long: their settings are there."""
    trainings = [words for words in commands(TRAINING, "sh") if words[2:4] == ["spacy", "train"]]
    for words in trainings:
        config, options = words[4], words[words.index("--paths.train") :]
        if "--gpu-id" in options:
            gpu = options.index("--gpu-id")
            del options[gpu : gpu + 2]
        overrides = parse_config_overrides(options, env_var=None)
        if config == "configs/abstracts.cfg":
            overrides["paths.start"] = str(shipped)
        load_model_from_config(load_config(ROOT / config, overrides=overrides), auto_fill=True)
    assert len(trainings) == 2


@pytest.fixture(scope="module")
def demo(folder: Path) -> Path:
    """The same folder, with a stand-in for the demo pipeline: not trained for long, so that it needs a low threshold
    to find relations."""
    settings = {"components.keci.relation_threshold": 0.001}
    nlp = spacy.load(folder / "training" / "mine" / "model-last", config=settings)
    (folder / "training" / "demo").mkdir()
    nlp.to_disk(folder / "training" / "demo" / "model-last")
    return folder


def test_tutorial(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(demo)
    now = run_page(TUTORIAL)
    printed, written = ([bool(block["output"]) for block in BLOCK.finditer(page)] for page in (now, TUTORIAL))
    assert sum(printed) >= sum(written) - 2 and not any(a and not b for a, b in zip(printed, written, strict=True))
    assert {"abstract.html", "relations.csv", "graph.png"} <= {p.name for p in (demo / "training/demo").iterdir()}


@pytest.mark.parametrize("name", ["README.md", "docs/index.md", "docs/formats.md", "docs/pictures.md", "docs/keci.md"])
def test_other_pages(demo: Path, shipped: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    pytest.importorskip("pyarrow", exc_type=ImportError)
    pytest.importorskip("spacy_transformers")
    monkeypatch.chdir(demo)
    monkeypatch.syspath_prepend(shipped.parent.parent)  # as if it were installed
    run_page((ROOT / name).read_text(encoding="utf8"))


def test_files_that_the_readme_links_to() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf8")
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", readme)]
    assert len(links) > 15 and all((ROOT / link).exists() for link in links)


def test_the_readme_prints_what_the_linker_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The block that needs no trained pipeline, so that its output is the same everywhere."""
    readme = (ROOT / "README.md").read_text(encoding="utf8")
    (block,) = [block[0] for block in BLOCK.finditer(readme) if "linker.initialize" in block[0]]
    monkeypatch.chdir(ROOT)
    assert run_page(block) == block


def test_names_in_configs_are_documented() -> None:
    page = (ROOT / "docs" / "api" / "config.md").read_text(encoding="utf8")
    names = [name for group in ENTRY_POINTS.values() for name in group]
    assert not [name for name in names if f"`{name}`" not in page and f"`spacy {name}`" not in page]
    assert {line.split(": ")[1] for line in page.splitlines() if " heading: " in line} == {
        name for name in names if ".v" in name
    }
