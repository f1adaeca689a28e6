"""Where a result comes from: the corpus, the pipeline, the software. No paths of the machine that made it."""

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from spacy.language import Language

from ..corpora.reader import corpus_files

PACKAGES = ("spacy", "thinc", "torch", "spacy-transformers", "spacy-keci")


def describe_corpus(path: Path) -> dict[str, Any]:
    """Name and sha256 of a corpus file, or of the files of a folder, one after the other."""
    digest = hashlib.sha256()
    for file in corpus_files(path):
        digest.update(file.read_bytes())
    return {"name": path.name, "sha256": digest.hexdigest()}


def describe_pipeline(nlp: Language) -> dict[str, Any]:
    """Name, version and components of a pipeline, the hash of its config, and the seed and encoder named there."""
    config = nlp.config.interpolate()
    return {
        "name": f"{nlp.lang}_{nlp.meta['name']}",
        "version": nlp.meta["version"],
        "meta": {key: nlp.meta.get(key) for key in ("lang", "name", "description", "spacy_version")},
        "components": list(nlp.pipe_names),
        "config_sha256": hashlib.sha256(nlp.config.to_str().encode()).hexdigest(),
        "seed": config["training"].get("seed"),
        "encoder": encoder_name(config),
    }


def encoder_name(config: Mapping[str, Any]) -> str | None:
    """Name of the transformer in a pipeline's config, else the architecture of its tok2vec layer, else None.

    Of a path, only the last two parts.
    """
    layers = list(_layers(config.get("components", {})))
    for layer in layers:
        if "Transformer" in layer["@architectures"] and "name" in layer:
            path = Path(layer["name"])
            return "/".join(path.parts[-2:]) if path.is_absolute() else str(layer["name"])
    names = [str(layer["@architectures"]) for layer in layers]
    return next((name for name in names if ("CNN" in name or "Tok2Vec" in name) and "Listener" not in name), None)


def describe_training(nlp: Language) -> dict[str, Any] | None:
    """What is known of the training: ``training`` in the pipeline's meta, or ``training.json`` in its folder or beside
    it; None where there is neither."""
    if "training" in nlp.meta:
        return nlp.meta["training"]
    for folder in (nlp.path, nlp.path.parent) if nlp.path else ():
        if (folder / "training.json").is_file():
            return json.loads((folder / "training.json").read_text(encoding="utf8"))
    return None


def software_versions() -> dict[str, str | None]:
    """Versions of Python and of the packages that results depend on; None for one that is not installed."""
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return versions


def _layers(config: Any) -> Iterator[Mapping[str, Any]]:
    """All blocks that name an architecture, outer ones first."""
    if isinstance(config, Mapping):
        if "@architectures" in config:
            yield config
        for value in config.values():
            yield from _layers(value)
