"""Resume interrupted trainings: ``spacy train`` itself has no checkpoints.

spaCy's loop cannot start in the middle. A resumed training therefore repeats its first steps without computing: it
reads the same batches, returns the recorded scores, and saves nothing. Then it loads the weights.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import sys
import warnings
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar

import torch
from spacy.language import Language
from spacy.training import Example
from spacy.training.loop import DIR_MODEL_BEST, DIR_MODEL_LAST
from spacy.util import dict_to_dot, logger
from thinc.api import Model, Optimizer

from ..files import remove
from ..knowledge.atomic import new_folder
from ..ml.training_state import (
    load_model_state,
    load_optimizer_state,
    model_state,
    optimizer_state,
    random_state,
    set_random_state,
)

STATE = "state.pt"
# settings that may differ between a training and its checkpoint; paths are compared where they are used
FREE_SETTINGS = ("paths.", "training.before_update.", "training.logger.")


@dataclass
class Record:
    """The history of a training, by step where a resumed training needs it to repeat the steps."""

    scores: dict[int, dict[str, Any]] = field(default_factory=dict)
    losses: dict[int, dict[str, float]] = field(default_factory=dict)
    # Python's random numbers after steps that used some and before a batch whose reading used some
    random: dict[int, Any] = field(default_factory=dict)
    batches: str = ""  # a hash of all texts, in order
    seconds: float = 0.0


class Checkpoints:
    """Callback before each update of a training, with ``{"step": ..., "epoch": ...}``; one object for each training."""

    def __init__(self, path: Path, every: int):
        self.path = path
        self.every = every
        self.record = Record()
        self.step = 0
        self.resume_at: int | None = None  # while the steps before it are repeated
        self.output: Path | None = None
        self.is_evaluated = False  # and not yet saved
        self.batches = ""
        self.losses: dict[str, float] = {}
        self.random_state: Any = None  # Python's, after the last update and evaluation
        self.optimizer: Any = None  # known from the first update on

    def __call__(self, nlp: Language, info: dict[str, int]) -> None:
        """Raises ValueError if the checkpoint belongs to another training, or the training has no seed."""
        step = info["step"]
        if step == 0:
            self._begin(nlp)
        elif step == self.resume_at:
            self._resume(nlp)
        elif self.resume_at is None:
            if random.getstate() != self.random_state:
                self.record.random[step - 1] = self.random_state
            if step % self.every == 0:
                self._save(nlp, step)
        self.step, self.random_state = step, random.getstate()

    def newest(self) -> Path | None:
        """The folder of the last complete checkpoint."""
        folders = [folder for folder in self.folders() if (folder / STATE).is_file()]
        return max(folders, key=_step_of, default=None)

    def folders(self) -> list[Path]:
        return [folder for folder in self.path.glob("step-*") if folder.name.removeprefix("step-").isdigit()]

    def _begin(self, nlp: Language) -> None:
        self.start = perf_counter()
        if nlp.config["training"]["seed"] is None:
            raise ValueError("Checkpoints need training.seed: without it, the order of batches changes with each run.")
        if folder := self.newest():
            self.folder = folder
            # not weights_only: the file is our own, and holds random states and settings
            self.state = torch.load(folder / STATE, weights_only=False)
            self._check_settings(self.state["settings"], _settings(nlp))
            self.record = Record(**self.state["record"])
            self.resume_at = _step_of(folder)
            logger.warning(  # spaCy shows no less without --verbose
                "Resuming at step %d from %s. Earlier rows of the log are repeated, not computed again.",
                self.resume_at,
                folder,
            )
        self._watch_optimizer(nlp)
        self.nlp, self.usual_class = nlp, type(nlp)
        nlp.__class__ = type(self.usual_class.__name__, (_Watched, self.usual_class), {"checkpoints": self})

    def _check_settings(self, saved: dict[str, Any], current: dict[str, Any]) -> None:
        nothing = object()
        differ = sorted(key for key in saved | current if saved.get(key, nothing) != current.get(key, nothing))
        if differ:
            raise ValueError(
                f"The checkpoint in {self.folder} belongs to a training with other settings: "
                f"{', '.join(differ[:5])}{' and others' if len(differ) > 5 else ''}. Restore them to resume. To start "
                "from scratch, choose another folder in [training.before_update], or delete this one."
            )

    def _watch_optimizer(self, nlp: Language) -> None:
        """Get the optimizer from a component in the first step: spaCy passes it to components only."""
        pipe: Any = next((pipe for pipe in _trained(nlp).values() if hasattr(pipe, "__dict__")), None)
        if pipe is None:
            raise ValueError(f"Checkpoints need a trainable component written in Python, found only: {nlp.pipe_names}.")
        usual = pipe.finish_update

        def finish_update(sgd: Optimizer) -> None:
            del pipe.finish_update
            self.optimizer = sgd
            if self.resume_at is not None:
                load_optimizer_state(sgd, _models(nlp), self.state["optimizer"])
            usual(sgd)

        pipe.finish_update = finish_update

    def _resume(self, nlp: Language) -> None:
        self.check_batches()
        for name, pipe in _trained(nlp).items():
            saved = self.state["components"][name]
            load_model_state(pipe.model, saved["model"])
            if saved["cfg"] is not None:
                pipe.cfg.clear()
                pipe.cfg.update(saved["cfg"])
        set_random_state(self.state["random"])
        if self.output is not None:
            # empty until now; the last model need not be the best
            for name in (DIR_MODEL_BEST, DIR_MODEL_LAST):
                shutil.rmtree(self.output / name, ignore_errors=True)
            _copy_folder(self.folder / DIR_MODEL_BEST, self.output / DIR_MODEL_BEST)
        self.start -= self.record.seconds
        nlp.meta["training"] = {"wall_time_before_s": round(self.record.seconds, 1)}
        logger.info("Resumed at step %d.", self.resume_at)
        self.resume_at = None
        del self.state

    def check_batches(self) -> None:
        if self.batches != self.record.batches:
            raise ValueError(
                f"The training texts or their order differ from the checkpoint in {self.folder}. Restore the corpus to "
                "resume, or delete the folder to start from scratch."
            )

    def _save(self, nlp: Language, step: int) -> None:
        if self.output is None:
            warnings.warn(
                "No checkpoints are written: there is no --output, or before_to_disk returns another pipeline.",
                stacklevel=2,
            )
            return
        self.record.losses[step - 1] = dict(self.losses)
        self.record.batches = self.batches
        self.record.seconds = perf_counter() - self.start
        state = {
            "settings": _settings(nlp),
            "record": vars(self.record),
            "components": {
                name: {"model": model_state(pipe.model), "cfg": getattr(pipe, "cfg", None)}
                for name, pipe in _trained(nlp).items()
            },
            "optimizer": optimizer_state(self.optimizer, _models(nlp)),
            "random": random_state(),
        }
        shutil.rmtree(self.path / f"step-{step}", ignore_errors=True)  # incomplete, if a process was killed
        with new_folder(self.path / f"step-{step}") as folder:
            with (folder / STATE).open("wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())
            _copy_folder(self.output / DIR_MODEL_BEST, folder / DIR_MODEL_BEST)
        for folder in self.folders():
            if _step_of(folder) != step:
                shutil.rmtree(folder)
        logger.debug("Checkpoint at step %d in %s.", step, self.path)

    def end(self) -> None:
        """Called after the last step or an exception. Removes the checkpoint of a completed training, which is three
        times as large as its weights: the next training starts from scratch."""
        self.nlp.__class__ = self.usual_class
        if sys.exc_info()[0] is not None:
            return
        if self.resume_at is not None:
            self.check_batches()
        for left in (*self.folders(), *self.path.glob(".step-*.building-*")):
            remove(left)
        with suppress(OSError):  # it may contain other files
            self.path.rmdir()


class _Watched(Language):
    """A pipeline that records the training in its checkpoints, and skips updates until the training is resumed.

    A class, not methods set on the object: a copy of the pipeline must save itself.
    """

    checkpoints: ClassVar[Checkpoints]

    def update(
        self, examples: Iterable[Example], *args: Any, losses: dict[str, float] | None = None, **kwargs: Any
    ) -> dict[str, float]:
        run, losses, examples = self.checkpoints, {} if losses is None else losses, list(examples)
        texts = "\0".join([run.batches, *(example.reference.text for example in examples)])
        run.batches = hashlib.sha256(texts.encode()).hexdigest()
        if run.resume_at is None:
            super().update(examples, *args, losses=losses, **kwargs)
            run.losses, run.random_state = losses, random.getstate()
        else:
            losses.update(run.record.losses.get(run.step, {}))
            if run.step in run.record.random:
                random.setstate(run.record.random[run.step])
        return losses

    def evaluate(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        run = self.checkpoints
        run.is_evaluated = True
        if run.resume_at is None:
            run.record.scores[run.step] = super().evaluate(examples, **kwargs)
            run.record.losses[run.step] = dict(run.losses)
            run.random_state = random.getstate()
        return dict(run.record.scores[run.step])

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        run, path = self.checkpoints, Path(path)
        run.output = path.parent
        if run.resume_at is None:
            super().to_disk(path, exclude=exclude)
        else:
            path.mkdir(parents=True, exist_ok=True)  # spaCy copies it
        if not run.is_evaluated:  # spaCy saves after each evaluation, and in the end
            run.end()
        run.is_evaluated = False


def _trained(nlp: Language) -> dict[str, Any]:
    """The components that the training updates, by name."""
    frozen = nlp.config["training"]["frozen_components"]
    pipes: list[tuple[str, Any]] = nlp.pipeline
    return {
        name: pipe
        for name, pipe in pipes
        if name not in frozen and getattr(pipe, "is_trainable", False) and isinstance(pipe.model, Model)
    }


def _models(nlp: Language) -> dict[str, Model]:
    return {name: pipe.model for name, pipe in _trained(nlp).items()}


def _settings(nlp: Language) -> dict[str, Any]:
    settings = dict_to_dot(nlp.config.interpolate())
    return {key: value for key, value in settings.items() if not key.startswith(FREE_SETTINGS)}


def _step_of(folder: Path) -> int:
    return int(folder.name.removeprefix("step-"))


def _copy_folder(source: Path, target: Path) -> None:
    """Copy by hard links if possible: spaCy replaces a saved pipeline as a whole, and never writes into its files."""
    shutil.copytree(source, target, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)
