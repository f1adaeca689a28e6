"""The concept linker that a model with knowledge reads."""

import warnings
from pathlib import Path

from spacy.language import Language
from spacy.util import load_config

from .concept_linker import ConceptLinker


def find_linker(nlp: Language, name: str, linker: str | None, *, needed: bool) -> ConceptLinker | None:
    """The linker with this name. If a model with knowledge names none, or one that does not exist: the only linker of
    the pipeline."""
    linkers = {key: pipe for key, pipe in nlp.components if isinstance(pipe, ConceptLinker)}
    if linker in linkers:
        return linkers[linker]
    if linker is None and linkers and not needed:
        warnings.warn(
            f"'{name}' does not read the concepts of '{next(iter(linkers))}': its model reads text only. To use "
            f'them, set [components.{name}.model] @architectures = "spacy_keci.KECI.v2".',
            stacklevel=2,
        )
    if needed and len(linkers) == 1:
        (found,) = linkers
        if linker is not None:
            warnings.warn(f"There is no component '{linker}': '{name}' reads the concepts of '{found}'.", stacklevel=2)
        return linkers[found]
    if linker is None:
        return None
    raise ValueError(
        f"The component '{name}' reads the concepts of '{linker}', which is not in the pipeline. Add it before "
        f"'{name}' (nlp.add_pipe('concept_linker', name='{linker}')), or change the setting 'linker' of '{name}'."
    )


def check_saved_linker(folder: Path, name: str, linker: str) -> None:
    """Raises ValueError if the pipeline in a folder, which is being saved, has no linker: it could not be loaded. A
    component does not know its pipeline, but the config is written before the components are."""
    if not (folder / "config.cfg").is_file():
        return  # the component is saved alone
    config = load_config(folder / "config.cfg", interpolate=False)
    factories = [pipe.get("factory") for pipe in config["components"].values()]
    if linker not in config["nlp"]["pipeline"] and "concept_linker" not in factories:
        raise ValueError(
            f"The pipeline cannot be saved: the component '{name}' reads the concepts of '{linker}', which was removed "
            f"from it. What spaCy has written to {folder} is incomplete and cannot be loaded. Add the linker again, "
            f"with its knowledge base (nlp.add_pipe('{linker}', source=spacy.load(...), before='{name}')), or remove "
            f"'{name}' as well."
        )
