"""Trainings that were interrupted, beside the same ones that were not."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import filter_spans, load_config

from spacy_keci.callbacks import create_checkpoints
from spacy_keci.corpora.docbin import save_docs

from ..conftest import ROOT

SMALL = {
    "components.tok2vec.model.width": 32,
    "components.tok2vec.model.depth": 1,
    "components.tok2vec.model.embed_size": 200,
    "components.keci.entity_steps": 4,
    "components.keci.model.span_hidden_width": 32,
    "components.keci.model.span_width": 32,
    "components.keci.model.head_hidden_width": 32,
    "training.accumulate_gradient": 2,
    "training.max_epochs": 0,
    "training.max_steps": 9,
    "training.eval_frequency": 2,
    "training.batcher.size": 150,
    "training.optimizer.learn_rate.warmup_steps": 2,
}
ADAM = {"@optimizers": "Adam.v1", "learn_rate": 0.01, "use_averages": True}
KILLED = """
import os, signal, spacy
from spacy_keci.callbacks import create_checkpoints

@spacy.registry.callbacks("test_checkpoints.Killed.v1")
def killed(path: str, every: int, at: int):
    checkpoints = create_checkpoints(path, every)
    def before_update(nlp, info):
        checkpoints(nlp, info)
        if info["step"] == at:
            os.kill(os.getpid(), signal.SIGKILL)
    return before_update
"""


@spacy.registry.callbacks("test_checkpoints.Interrupted.v1")
def interrupted(path: str, every: int, at: int) -> Callable[[Language, dict[str, Any]], None]:
    checkpoints = create_checkpoints(path, every)

    def before_update(nlp: Language, info: dict[str, Any]) -> None:
        checkpoints(nlp, info)
        if info["step"] == at:
            raise KeyboardInterrupt

    return before_update


class Run:
    """A training in a folder of its own, which may be started again and again."""

    def __init__(self, folder: Path, config: dict[str, Any]):
        self.folder = folder
        self.output = folder / "output"
        self.checkpoints = folder / "checkpoints"
        self.config = config

    def start(self, callback: str | None = "spacy_keci.Checkpoints.v1", **settings: Any) -> None:
        config = spacy.util.copy_config(self.config)
        config["training"]["logger"]["output_file"] = str(self.folder / "log.jsonl")
        if callback is not None:
            settings = {"path": str(self.checkpoints), "every": 3, **settings}
            config["training"]["before_update"] = {"@callbacks": callback, **settings}
        (self.folder / "log.jsonl").unlink(missing_ok=True)
        self.output.mkdir(exist_ok=True)
        train(init_nlp(config), self.output, stdout=StringIO())

    def interrupt(self, at: int) -> None:
        with pytest.raises(KeyboardInterrupt):
            self.start("test_checkpoints.Interrupted.v1", at=at)

    @property
    def steps(self) -> list[str]:
        return sorted(path.name for path in self.checkpoints.iterdir()) if self.checkpoints.exists() else []

    @property
    def result(self) -> dict[str, Any]:
        """All files of both pipelines, and the log; but for settings of checkpoints, and times."""
        result: dict[str, Any] = {}
        for name in ("model-best", "model-last"):
            for path in sorted((self.output / name).rglob("*")):
                if path.is_file() and path.name not in ("config.cfg", "meta.json"):
                    result[str(path.relative_to(self.output))] = path.read_bytes()
            meta = json.loads((self.output / name / "meta.json").read_text())
            result[name] = {key: value for key, value in meta.items() if key != "training"}
        rows = [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]
        return result | {"log": rows}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, demo_docs: list[Doc]) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "train.spacy"
    docs = [doc.copy() for doc in demo_docs]
    for doc in docs:
        doc.ents = filter_spans(list(doc.spans["entities"]))
    save_docs(docs, path)
    return path


@pytest.fixture(scope="module")
def config(corpus: Path, demo_kb: Path) -> dict[str, Any]:
    """keci and its encoder, which listens, with the optimizer of this package."""
    overrides = {"paths.train": str(corpus), "paths.dev": str(corpus), **SMALL}
    config = load_config(ROOT / "configs" / "demo.cfg", overrides=overrides)
    config["initialize"]["components"]["concept_linker"] = {"kb": str(demo_kb)}
    config["training"]["logger"] = {"@loggers": "spacy.ConsoleLogger.v3", "console_output": False}
    # as many steps as there are, with a rate that changes in each, for keci alone
    keci = {"@optimizers": "spacy_keci.AdamW.v1", "learn_rate": {"@schedules": "warmup_linear.v1"}}
    keci["learn_rate"] |= {"warmup_steps": 2, "total_steps": 10, "initial_rate": 0.01}
    config["training"]["optimizer"]["groups"] = {"keci": keci}
    return config


@pytest.fixture(scope="module")
def mixed(config: dict[str, Any]) -> dict[str, Any]:
    """Two extractors, and a recognizer that draws from Python's random numbers in each update; a frozen encoder, and
    averages of weights."""
    config = spacy.util.copy_config(config)
    own = {**config["components"]["tok2vec"]["model"]}
    config["components"] |= {"ner": {"factory": "ner", "model": {"tok2vec": own}}}
    keci = config["components"]["keci"]
    keci["model"]["tok2vec"] = own
    config["components"] |= {"keci": keci, "second": {**keci, "relations_attr": "second_relations"}}
    config["nlp"]["pipeline"] = ["biomedical_sentencizer", "tok2vec", "ner", "concept_linker", "keci", "second"]
    config["training"]["frozen_components"] = ["tok2vec"]
    config["training"]["optimizer"] = ADAM
    return config


@pytest.fixture(scope="module")
def undisturbed(config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a training without checkpoints gives."""
    run = Run(tmp_path_factory.mktemp("undisturbed"), config)
    run.start(None)
    return run.result


@pytest.fixture
def run(tmp_path: Path, config: dict[str, Any]) -> Run:
    return Run(tmp_path, config)


def test_interrupted_twice(run: Run, undisturbed: dict[str, Any], log: pytest.LogCaptureFixture) -> None:
    run.interrupt(at=5)
    assert run.steps == ["step-3"]
    run.interrupt(at=8)
    assert run.steps == ["step-6"]
    log.clear()
    run.start()
    assert "Resuming at step 6" in log.text and "Resumed at step 6" in log.text
    assert run.result == undisturbed
    assert run.steps == []  # the next training starts anew


def test_killed(run: Run, undisturbed: dict[str, Any]) -> None:
    if not hasattr(signal, "SIGKILL"):
        pytest.skip("the system has no SIGKILL")
    config = spacy.util.copy_config(run.config)
    settings = {"path": str(run.checkpoints), "every": 3, "at": 5}
    config["training"]["before_update"] = {"@callbacks": "test_checkpoints.Killed.v1", **settings}
    config.to_disk(run.folder / "config.cfg")
    (run.folder / "killed.py").write_text(KILLED)
    arguments = [run.folder / "config.cfg", "--output", run.output, "--code", run.folder / "killed.py"]
    command = [sys.executable, "-m", "spacy", "train", *map(str, arguments)]
    process = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ})
    assert process.returncode == -signal.SIGKILL, process.stdout + process.stderr
    assert run.steps == ["step-3"]
    run.start()
    assert run.result == undisturbed


def test_several_components(tmp_path: Path, mixed: dict[str, Any]) -> None:
    runs = [Run(tmp_path / name, mixed) for name in ("undisturbed", "interrupted")]
    for run in runs:
        run.folder.mkdir()
    runs[0].start(None)
    runs[1].interrupt(at=8)
    runs[1].start()
    assert runs[1].result == runs[0].result


def test_incomplete_checkpoint_is_ignored(run: Run, undisturbed: dict[str, Any]) -> None:
    run.interrupt(at=5)
    (run.checkpoints / "step-6").mkdir()
    shutil.copytree(run.checkpoints / "step-3", run.checkpoints / ".step-6.building-x")
    run.start()
    assert run.result == undisturbed
    assert run.steps == []


def test_other_settings(run: Run, undisturbed: dict[str, Any]) -> None:
    run.interrupt(at=5)
    run.config = spacy.util.copy_config(run.config)
    run.config["training"]["dropout"] = 0.2
    with pytest.raises(ValueError, match=r"training with other settings: training\.dropout\. Restore them .* or delete"):
        run.start()
    run.config["training"]["dropout"] = 0.3
    run.start(every=1)  # how often does not matter
    assert run.result == undisturbed


def test_other_texts(run: Run, corpus: Path) -> None:
    run.interrupt(at=5)
    before = corpus.read_bytes()
    docs = list(spacy.tokens.DocBin().from_disk(corpus).get_docs(spacy.blank("en").vocab))
    try:
        random.Random(0).shuffle(docs)
        save_docs(docs, corpus)
        with pytest.raises(ValueError, match="texts, or their order, are not those of the checkpoint"):
            run.start()
    finally:
        corpus.write_bytes(before)
    assert run.steps == ["step-3"]


def test_training_without_seed(run: Run) -> None:
    run.config = spacy.util.copy_config(run.config)
    run.config["training"]["seed"] = None
    with pytest.raises(ValueError, match=r"need training\.seed"):
        run.start()
