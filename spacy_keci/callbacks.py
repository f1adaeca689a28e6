"""Callbacks for ``[initialize]`` and ``[training]`` of a config."""

import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from spacy.language import Language


def create_torch_threads(n_threads: int) -> Callable[[Language], Language]:
    """Registered as ``spacy_keci.TorchThreads.v1``, for configs of earlier versions: has no effect but a warning. The
    environment variable ``OMP_NUM_THREADS`` sets the number of threads."""
    warnings.warn(
        f"spacy_keci.TorchThreads.v1 is gone and has no effect: set OMP_NUM_THREADS={n_threads} instead, and take the "
        "callback out of the config.",
        FutureWarning,
        stacklevel=2,
    )
    return lambda nlp: nlp


def create_training_record() -> Callable[[Language], Language]:
    """Registered as ``spacy_keci.RecordTraining.v1``, for ``[training.before_to_disk]``.

    What is saved holds ``nlp.meta["training"]``: how long the training took until then, on what device, with how
    many threads, and whether the device has bfloat16 for ``mixed_precision``. ``spacy keci evaluate`` copies it into
    its results. The time of a training that was resumed includes the time before its checkpoint.
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


def create_start_from(pipeline: str) -> Callable[[Language], Language]:
    """Registered as ``spacy_keci.StartFrom.v1``, for ``[initialize.after_init]``: start the training from the weights
    of a trained pipeline, given as the name of a package or a folder. Labels may be other ones.

    Raises OSError if there is no such pipeline, and ValueError as :func:`spacy_keci.pipeline.start_from.start_from`
    does.
    """

    def load(nlp: Language) -> Language:
        import spacy

        from .pipeline.start_from import start_from

        start_from(nlp, spacy.load(pipeline))
        return nlp

    return load


def create_checkpoints(path: str | None, every: int = 100) -> Callable[[Language, dict[str, Any]], None]:
    """Registered as ``spacy_keci.Checkpoints.v1``, for ``[training.before_update]``: a training that was interrupted
    goes on from its last checkpoint when the same command is run again, and ends with the weights that it would have
    had without the interruption.

    path: the folder of the checkpoint, of which there is one at a time; null for none. A training that ends removes it.
    every: steps from one checkpoint to the next.

    Raises ValueError if ``every`` is not positive, in the first step for a checkpoint of a training with other
    settings, and at the step of the checkpoint if the training texts are other ones.
    """
    if every < 1:
        raise ValueError(f"every must be a positive number of steps, got {every}.")
    if path is None:
        return lambda nlp, info: None

    from .pipeline.checkpoints import Checkpoints

    return Checkpoints(Path(path), every)
