"""Callbacks for ``[initialize]`` and ``[training]`` of a config."""

from collections.abc import Callable
from time import perf_counter

from spacy.language import Language


def create_torch_threads(n_threads: int) -> Callable[[Language], Language]:
    """Registered as ``spacy_keci.TorchThreads.v1``: let torch use so many threads.

    Two trainings on one machine, each with a thread for every core, can run ten times slower than with one thread
    each. Raises ValueError if ``n_threads`` is below 1.
    """
    if n_threads < 1:
        raise ValueError(f"torch needs at least one thread, but n_threads is {n_threads}.")

    def set_threads(nlp: Language) -> Language:
        import torch  # spaCy imports what entry points name; torch only where it is used

        torch.set_num_threads(n_threads)
        return nlp

    return set_threads


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
