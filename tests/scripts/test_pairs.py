"""Scripts that score pairs: measures, folds, and the splits of pairs of concepts."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from spacy.util import load_config

from ..conftest import ROOT
from .conftest import load_script

pytest.importorskip("sklearn")


@pytest.fixture
def folds(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return load_script("pair_folds")


@pytest.fixture
def concepts() -> ModuleType:
    return load_script("concept_pairs")


def test_measures(folds: ModuleType) -> None:
    related = np.array([True, True, False, False])
    found = folds.measures(related, np.array([0.9, 0.4, 0.6, 0.1]))
    assert found == pytest.approx(
        {"precision": 0.5, "recall": 0.5, "f1": 0.5, "accuracy": 0.5, "mcc": 0.0, "average_precision": 0.5 + 1 / 3}
    )
    assert folds.measures(related, np.ones(4))["f1"] == pytest.approx(2 / 3)


def write_folds(folder: Path) -> None:
    for fold in ("1", "2"):
        (folder / fold).mkdir()
        lines = [
            f"the @GENE$ gene {verb} @DISEASE$ {i} .\t{label}"
            for i in range(10)
            for verb, label in (("causes", 1), ("and", 0))
        ]
        (folder / fold / "train.tsv").write_text("\n".join(lines) + "\n")
        head = "index\tsentence\tlabel\n"
        (folder / fold / "test.tsv").write_text(head + "".join(f"{i}\t{line}\n" for i, line in enumerate(lines[:4])))


def test_folds_are_scored_once(folds: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folds(tmp_path)
    output = tmp_path / f"pairs-{tmp_path.name}-tfidf.json"

    def run(*folds_: str) -> dict:
        systems = ["tfidf", "all-positive"]
        monkeypatch.setattr(sys, "argv", ["x", str(tmp_path), *systems, "--output", str(tmp_path), "--folds", *folds_])
        folds.main()
        return json.loads(output.read_text())

    assert run("1")["folds"]["1"]["f1"] == 1.0
    found = json.loads(output.read_text())
    found["folds"]["1"]["f1"] = 0.5
    output.write_text(json.dumps(found))
    result = run("1", "2")
    assert {fold: values["f1"] for fold, values in result["folds"].items()} == {"1": 0.5, "2": 1.0}
    assert result["scores"]["pairs_f1"] == 0.75
    all_positive = json.loads(output.with_name(output.name.replace("tfidf", "all-positive")).read_text())
    assert all_positive["scores"]["pairs_recall"] == 1.0 and all_positive["model"]["settings"] == ""
    part = folds.result_path("tfidf", SimpleNamespace(output=tmp_path, folder=Path("gad"), fraction=0.5))
    assert part.name == "pairs-gad-tfidf-50.json"
    fit, test = folds.read_fold(tmp_path / "1", 0.5, 0)
    assert len(fit) == 10 and len(test) == 4


def test_a_network_learns_a_fold(folds: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folds(tmp_path)
    sizes = {"hidden_width": 32, "embedding_width": 32, "latent_width": 16}
    settings = {f"components.latent_relations.model.{name}": size for name, size in sizes.items()}
    settings |= {"training.max_steps": 60, "training.eval_frequency": 60, "training.optimizer.learn_rate": 0.01}
    options = " ".join(f"--{name} {value}" for name, value in settings.items())
    arguments = [str(tmp_path), "latent-scratch", "--folds", "1", "--settings", options, "--output", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["x", *arguments])
    folds.main()
    result = json.loads((tmp_path / f"pairs-{tmp_path.name}-latent-scratch.json").read_text())
    assert result["folds"]["1"]["average_precision"] == 1.0 and not result["model"]["pretrained"]


def test_settings_of_the_transformer(folds: ModuleType) -> None:
    config = load_config(ROOT / "configs" / "concept_relations.cfg", overrides=folds.AT_MENTIONS)
    assert config["components"]["concept_relations"]["level"] == "mention"
    assert "words" not in config["components"]["transformer"]["model"]["get_spans"]


def test_pairs_of_concepts(concepts: ModuleType, tmp_path: Path) -> None:
    lines = []
    for i in range(40):
        gene, drug = f"G{i % 8}", f"D{i % 10}"
        title = f"{gene} and {drug} here."
        lines += [
            f"{i}|t|{title}",
            f"{i}|a|",
            f"{i}\t0\t2\t{gene}\tGene\t{gene}",
            f"{i}\t7\t9\t{drug}\tChemical\t{drug}",
            *([f"{i}\tCID\t{drug}\t{gene}"] if i % 2 else []),
            "",
        ]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.PubTator.txt").write_text("\n".join(lines))
    concepts.make(tmp_path / "out", [tmp_path / "in"])
    for split in ("by-pair", "by-entity"):
        train, validation, test = (
            concepts.read(tmp_path / "out" / split / f"{n}.tsv") for n in ("train", "validation", "test")
        )
        assert len({row[:2] for row in (*train, *validation, *test)}) == 40
        assert {row.types for row in train} == {"Chemical-Gene"}
        assert all((row.label == "related") == (int(row.first[1:]) % 2 == 1) for row in (*train, *test))
    seen = {end for row in (*train, *validation) for end in row[:2]}
    assert test and all(not {*row[:2]} <= seen for row in test)
    assert all(0 <= value <= 1 for _, values in concepts.baselines(tmp_path / "out" / "by-pair") for value in values)
    test = concepts.read(tmp_path / "out" / "by-pair" / "test.tsv")
    assert {row.label for row in test} == {"related", "none"}
    table = [f"{row.first}\t{row.second}\t{row.label}\t{int(row.label == 'related')}" for row in test]
    (tmp_path / "found.tsv").write_text("\n".join(["first\tsecond\tlabel\tprobability", *table]))
    title, values = concepts.score(tmp_path / "out" / "by-pair", tmp_path / "found.tsv")
    assert title == "`relate-pairs`" and values == (1.0, 1.0, 1.0, 1.0)
