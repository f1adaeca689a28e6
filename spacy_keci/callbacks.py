"""Callbacks for ``[initialize]`` and ``[training]`` of a config."""

import warnings
from collections.abc import Callable
from time import perf_counter

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
    its results.
    """
    start = perf_counter()

    def record(nlp: Language) -> Language:
        import torch
        from thinc.api import get_torch_default_device

        from .ml.mixed_precision import computes_in_bfloat16

        device = get_torch_default_device().type
        nlp.meta["training"] = {
            "wall_time_s": round(perf_counter() - start, 1),
            "device": device,
            "threads": torch.get_num_threads(),
            "bfloat16": computes_in_bfloat16(device),
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
