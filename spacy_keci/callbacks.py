"""Callbacks for ``[initialize]`` and ``[training]`` of a config."""

import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from spacy.language import Language


def create_torch_threads(n_threads: int) -> Callable[[Language], Language]:
    """Registered as ``spacy_keci.TorchThreads.v1``, for configs of earlier versions. It only warns: set the number of
    threads with the environment variable ``OMP_NUM_THREADS``."""
    warnings.warn(
        f"spacy_keci.TorchThreads.v1 is gone and has no effect: set OMP_NUM_THREADS={n_threads} instead, and remove "
        "the callback from the config.",
        FutureWarning,
        stacklevel=2,
    )
    return lambda nlp: nlp


def create_training_record() -> Callable[[Language], Language]:
    """Registered as ``spacy_keci.RecordTraining.v1``, for ``[training.before_to_disk]``.

    Saved pipelines contain ``nlp.meta["training"]``: the training time so far, the device, the number of threads, and
    whether the device has bfloat16 for ``mixed_precision``. ``spacy keci evaluate`` copies it into its results. The
    time of a resumed training includes the time before its checkpoint.
    """
    start = perf_counter()

    def record(nlp: Language) -> Language:
        import torch
        from thinc.api import get_torch_default_device

        from .ml.mixed_precision import computes_in_bfloat16

        device = get_torch_default_device().type
        before = nlp.meta.get("training", {}).get("wall_time_before_s", 0.0)
        nlp.meta["training"] = {
            "wall_time_s": round(before + perf_counter() - start, 1),
            "device": device,
            "threads": torch.get_num_threads(),
            "bfloat16": computes_in_bfloat16(device),
            **({"wall_time_before_s": before} if before else {}),
        }
        return nlp

    return record


def create_start_from(pipeline: str | None) -> Callable[[Language], Language]:
    """Registered as ``spacy_keci.StartFrom.v1``, for ``[initialize.after_init]``: start the training from the weights
    of a trained pipeline, given as the name of a package or a folder; null for none. Its labels may differ.

    Raises OSError if there is no such pipeline, and ValueError as :func:`spacy_keci.pipeline.start_from.start_from`
    does.
    """

    def load(nlp: Language) -> Language:
        import spacy

        from .pipeline.start_from import start_from

        if pipeline is not None:
            start_from(nlp, spacy.load(pipeline))
        return nlp

    return load


def create_checkpoints(path: str | None, every: int = 100) -> Callable[[Language, dict[str, Any]], None]:
    """Registered as ``spacy_keci.Checkpoints.v1``, for ``[training.before_update]``: an interrupted training continues
    from its last checkpoint when the same command is run again. The final weights are the same as without the
    interruption.

    path: the folder of the checkpoint; null for none. It holds one checkpoint, removed when the training ends.
    every: number of steps between checkpoints.

    Raises ValueError if ``every`` is not positive, in the first step if the checkpoint belongs to a training with other
    settings, and at the step of the checkpoint if the training texts have changed.
    """
    if every < 1:
        raise ValueError(f"every must be a positive number of steps, got {every}.")
    if path is None:
        return lambda nlp, info: None

    from .pipeline.checkpoints import Checkpoints

    return Checkpoints(Path(path), every)
