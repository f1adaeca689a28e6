"""Trainings that were interrupted, beside the same ones that were not."""

import json
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
    "training.batcher.size": 80,
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
    docs = [doc.copy() for doc in demo_docs[:10]]
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
def undisturbed(config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A training without checkpoints."""
    run = Run(tmp_path_factory.mktemp("undisturbed"), config)
    run.start(None)
    return run


@pytest.fixture(scope="module")
def mixed(config: dict[str, Any], undisturbed: Run) -> dict[str, Any]:
    """Two extractors, of which one listens to a frozen encoder, a recognizer that draws from Python's random numbers
    in each update, and averages of weights."""
    config = spacy.util.copy_config(config)
    own = {**config["components"]["tok2vec"]["model"]}
    config["components"] |= {"ner": {"factory": "ner", "model": {"tok2vec": own}}}
    keci = config["components"]["keci"]
    config["components"]["second"] = {**keci, "model": {**keci["model"], "tok2vec": own}, "relations_attr": "second"}
    keci["model"]["tok2vec"]["width"] = 32
    config["components"]["tok2vec"] = {"source": str(undisturbed.output / "model-last")}
    config["nlp"]["pipeline"] = ["biomedical_sentencizer", "tok2vec", "ner", "concept_linker", "keci", "second"]
    config["training"]["annotating_components"].append("tok2vec")
    config["training"]["frozen_components"] = ["tok2vec"]
    config["training"]["optimizer"] = ADAM
    return config


@pytest.fixture
def with_transformer(config: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    pytest.importorskip("spacy_transformers")
    from .test_transformer import save_small_bert

    config = spacy.util.copy_config(config)
    bert = {"@architectures": "spacy_keci.TransformerModel.v1", "name": str(save_small_bert(tmp_path / "bert"))}
    bert |= {"tokenizer_config": {"use_fast": True}}
    bert["get_spans"] = {"@span_getters": "spacy_keci.SentenceWindows.v1", "window": 16, "stride": 12}
    config["components"]["transformer"] = {"factory": "transformer", "model": bert}
    listener = {"@architectures": "spacy-transformers.TransformerListener.v1", "grad_factor": 1.0}
    config["components"]["keci"]["model"]["tok2vec"] = {**listener, "pooling": {"@layers": "reduce_mean.v1"}}
    del config["components"]["tok2vec"]
    config["nlp"]["pipeline"] = ["biomedical_sentencizer", "transformer", "concept_linker", "keci"]
    return config


@pytest.fixture
def run(tmp_path: Path, config: dict[str, Any]) -> Run:
    return Run(tmp_path, config)


def test_killed_and_interrupted(run: Run, undisturbed: Run, log: pytest.LogCaptureFixture) -> None:
    if not hasattr(signal, "SIGKILL"):
        pytest.skip("the system has no SIGKILL")
    config = spacy.util.copy_config(run.config)
    settings = {"path": str(run.checkpoints), "every": 3, "at": 5}
    config["training"]["before_update"] = {"@callbacks": "test_checkpoints.Killed.v1", **settings}
    config.to_disk(run.folder / "config.cfg")
    (run.folder / "killed.py").write_text(KILLED)
    arguments = [run.folder / "config.cfg", "--output", run.output, "--code", run.folder / "killed.py"]
    command = [sys.executable, "-m", "spacy", "train", *map(str, arguments)]
    process = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert process.returncode == -signal.SIGKILL, process.stdout + process.stderr
    assert run.steps == ["step-3"]
    run.interrupt(at=8)
    assert run.steps == ["step-6"]
    # those of runs that were killed while they wrote, or removed, a checkpoint
    shutil.copytree(run.checkpoints / "step-6", run.checkpoints / ".step-7.building-x")
    (run.checkpoints / "step-7").mkdir()
    log.clear()
    run.start(every=1)  # how often does not matter
    # spacy train shows warnings only
    assert any(each.levelname == "WARNING" and "Resuming at step 6" in each.message for each in log.records)
    assert "Resumed at step 6" in log.text
    assert run.result == undisturbed.result
    assert run.steps == []  # the next training starts anew


@pytest.mark.parametrize("kind", ["mixed", "with_transformer"])
def test_other_pipelines(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    runs = [Run(tmp_path / name, request.getfixturevalue(kind)) for name in ("undisturbed", "interrupted")]
    for run in runs:
        run.folder.mkdir()
    runs[0].start(None)
    runs[1].interrupt(at=8)
    runs[1].start()
    assert runs[1].result == runs[0].result


def test_another_training_is_refused(run: Run, corpus: Path) -> None:
    run.interrupt(at=5)
    before = run.config
    run.config = spacy.util.copy_config(before)
    run.config["training"]["dropout"] = 0.2
    with pytest.raises(ValueError, match=r"with other settings: training\.dropout\. Restore them .* or delete"):
        run.start()
    run.config = before
    texts = corpus.read_bytes()
    docs = list(spacy.tokens.DocBin().from_disk(corpus).get_docs(spacy.blank("en").vocab))
    try:
        save_docs(docs[::-1], corpus)
        with pytest.raises(ValueError, match="texts or their order differ from the checkpoint"):
            run.start()
    finally:
        corpus.write_bytes(texts)
    assert run.steps == ["step-3"]


def test_training_without_seed(run: Run) -> None:
    run.config = spacy.util.copy_config(run.config)
    run.config["training"]["seed"] = None
    with pytest.raises(ValueError, match=r"need training\.seed"):
        run.start()
