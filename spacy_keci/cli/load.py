"""The pipeline and the gold documents that a command was given."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import spacy
from click import NoSuchOption
from spacy.cli._util import parse_config_overrides
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import ConfigValidationError

from ..corpora.reader import is_corpus_file, read_docs
from ..knowledge.knowledge_base import KnowledgeBase
from ..pipeline.concept_linker import ConceptLinker
from ..pipeline.extractor import Extractor
from ..reports import Report
from .messages import fail, is_debugging, one_line, warn


def load_pipeline(model: str, overrides: list[str] | None = None) -> Language:
    """The pipeline in a folder or an installed package; ends the program with the reason if it cannot be loaded.

    overrides: settings of its config to change, as arguments: ``--components.keci.threshold 0.5``.
    """
    config = parse_settings(overrides or ())
    try:
        return spacy.load(locate(model), config=config)
    except Exception as error:  # a folder may hold whatever, and imports may fail
        if is_debugging():
            raise
        if isinstance(error, ConfigValidationError):  # whose message has the whole config
            error = ConfigValidationError.from_error(error, show_config=False)
        kind = "" if isinstance(error, (OSError, ValueError)) else f"{type(error).__name__}: "
        fail(f"Cannot load the pipeline {model}: {kind}{one_line(error)}")


def locate(model: str) -> str | Path:
    """The folder of a pipeline, which may be read from any other folder, or else the name of a package. A folder with a
    pipeline comes before a package of the same name, which may be a library, such as onnx."""
    folder = Path(model).resolve()
    return folder if (folder / "meta.json").is_file() else model


def parse_settings(arguments: Iterable[str]) -> dict[str, Any]:
    """Settings of a config by their names, from arguments such as ``--components.keci.threshold 0.5``."""
    try:
        return parse_config_overrides(list(arguments), env_var=None)
    except NoSuchOption as error:  # typer may have a click of its own, and not know this one
        fail(str(error), code=2)


def find_extractor(nlp: Language, name: str | None = None) -> tuple[str, Extractor]:
    """Name and component of the extractor to use: that of the given name, or the last one of the pipeline.

    Raises ValueError if there is none.
    """
    found = {key: pipe for key, pipe in nlp.pipeline if isinstance(pipe, Extractor)}
    if not found:
        raise ValueError(
            "The pipeline has no component that predicts relations, only "
            f"{', '.join(nlp.pipe_names) or 'none at all'}: train one with 'spacy train', or give another pipeline."
        )
    if name is not None and name not in found:
        raise ValueError(f"The pipeline has no extractor {name!r}, only {', '.join(map(repr, found))}.")
    chosen = name or list(found)[-1]
    if name is None and len(found) > 1:
        others = ", ".join(f"'{other}'" for other in found if other != chosen)
        warn(f"Using the component '{chosen}', the last extractor of the pipeline, and not {others}.")
    return chosen, found[chosen]


def last_linker(nlp: Language) -> ConceptLinker | None:
    return next((pipe for _, pipe in reversed(nlp.pipeline) if isinstance(pipe, ConceptLinker)), None)


def knowledge_of(linker: ConceptLinker | None) -> KnowledgeBase | None:
    """None where there is no linker, or its candidates come from elsewhere."""
    try:
        return linker.kb if linker else None
    except ValueError:
        return None


def prepare_output(path: Path | None, *inputs: Path | None) -> None:
    """Make the folder of a file that will be written, if one will be.

    Raises ValueError, before anything is computed, if the file is a folder, one of the inputs, or in the folder of one,
    where it would be read the next time, and OSError if it cannot be written.
    """
    if path is None:
        return
    if path.is_dir():
        raise ValueError(f"{path} is a folder: name a file to write.")
    file, would_be_read = path.resolve(), is_corpus_file(path)
    for each in (each.resolve() for each in inputs if each is not None):
        if file == each or (would_be_read and file.is_relative_to(each)):
            raise ValueError(f"{path} would overwrite an input, or be read with it: name another file.")
    make_folder_of(path)


def make_folder_of(path: Path) -> None:
    """Make the folder of a file that will be written. Raises OSError if that, or the file, cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def prepare_pipeline_folder(output: Path, nlp: Language, *others: Path) -> None:
    """Make the folder around that of a new pipeline, which is made of another one and replaces what is there.

    others: what else is read. Raises ValueError, before anything is computed, if the folder is or holds what is read,
    is inside the other pipeline, or holds something else than a pipeline, and OSError if it cannot be written.
    """
    target, old = output.resolve(), None if nlp.path is None else nlp.path.resolve()
    for path in (old, *others):
        if path is not None and path.resolve().is_relative_to(target):
            raise ValueError(f"{path} would be lost: name another folder for the new pipeline than {output}.")
    if old is not None and target.is_relative_to(old):
        raise ValueError(f"{output} is inside the pipeline {old}: name a folder outside of it for the new pipeline.")
    if output.exists() and not (output / "meta.json").is_file() and (output.is_file() or any(output.iterdir())):
        raise ValueError(f"{output} is not a pipeline, and will not be replaced: name another folder.")
    make_folder_of(output)


def read_gold(corpus: Path, nlp: Language, spans_key: str) -> list[Doc]:
    """The gold documents of a file or folder; says what of them is lost, and which labels the pipeline does not have.
    Raises ValueError if there are none."""
    report = Report()
    golds = read_docs(corpus, nlp, spans_key, report)
    if report.dropped:
        warn("Some of the gold could not be read, and is not scored: " + "; ".join(report.summary()))
    if not golds:
        raise ValueError(f"{corpus} holds no documents.")
    groups = [gold.spans[spans_key] for gold in golds]
    if not any(groups):
        warn(f"{corpus} has no gold mentions: there is nothing to find, and all scores are 0.")
    for _, pipe in nlp.pipeline:
        if isinstance(pipe, Extractor) and pipe.spans_key == spans_key:
            for message in pipe.unknown_labels(golds):
                warn(message)
    return golds
