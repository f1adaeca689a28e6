"""The pipeline that a command was given."""

import spacy
from spacy.language import Language

from ..pipeline.keci import Keci
from .messages import fail, is_debugging, one_line


def load_pipeline(model: str) -> Language:
    """The pipeline in a folder or an installed package; ends the program with a word on why, if there is none."""
    try:
        return spacy.load(model)
    except Exception as error:  # a folder may hold whatever, and imports may fail
        if is_debugging():
            raise
        kind = "" if isinstance(error, (OSError, ValueError)) else f"{type(error).__name__}: "
        fail(f"Cannot load the pipeline {model}: {kind}{one_line(error)}")


def find_keci(nlp: Language) -> tuple[str, Keci]:
    """Name and component of the last ``keci`` in the pipeline. Raises ValueError if there is none."""
    for name, pipe in reversed(nlp.pipeline):
        if isinstance(pipe, Keci):
            return name, pipe
    raise ValueError(
        f"The pipeline has no component keci, only {', '.join(nlp.pipe_names) or 'none at all'}: train one with "
        "'spacy train', or give another pipeline."
    )
