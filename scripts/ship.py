"""Make the shipped pipeline from a trained one: add sentences, a slim knowledge base and small weights.

    python scripts/ship.py training/release/tuned kb/release training/release/pipeline --result results/release.json

The knowledge base replaces the one of the training. Weights are saved in half precision, or in the format of --storage.
"""

import json
import subprocess
from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from spacy.language import Language

DESCRIPTION = (
    "Reads biomedical text sentence by sentence and returns a span graph: nested mentions of proteins, complexes, "
    "domains, nucleic acids, chemicals and other entities, their binding interactions (bind, bind_uncertain, "
    "bind_negative), and links to concepts of open vocabularies. KECI (Lai et al. 2021) with MiniLM, trained on "
    "BioRelEx, on sentences of the project's own in which binding is denied, doubted or not mentioned, or several "
    "pairs are bound, and on what larger encoders found in 7,950 sentences of other corpora."
)
SOURCES = [
    {"name": "BioRelEx 1.0alpha7", "url": "https://github.com/YerevaNN/BioRelEx", "license": "MIT"},
    {"name": "all-MiniLM-L6-v2", "url": "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
     "license": "Apache 2.0"},
    {"name": "all-mpnet-base-v2, of the teachers", "url": "https://huggingface.co/sentence-transformers/all-mpnet-base-v2",
     "license": "Apache 2.0"},
    {"name": "MTL-Bioinformatics-2016, sentences", "url": "https://github.com/cambridgeltl/MTL-Bioinformatics-2016",
     "license": "CC BY 4.0"},
]  # fmt: skip


def main(
    model: Annotated[Path, typer.Argument(help="Trained pipeline", exists=True)],
    kb: Annotated[Path, typer.Argument(help="Knowledge base to ship", exists=True)],
    output: Annotated[Path, typer.Argument(help="Folder for the pipeline")],
    result: Annotated[Path | None, typer.Option(help="Result file of the pipeline, for meta.json", exists=True)] = None,
    storage: Annotated[str, typer.Option(help="single, half or 8bit")] = "half",
) -> None:
    nlp = prepare(model, kb, storage)
    describe(nlp, kb, result)
    output.parent.mkdir(parents=True, exist_ok=True)
    nlp.to_disk(output)


def prepare(model: Path, kb: Path, storage: str) -> Language:
    """The pipeline with a sentencizer and the knowledge base."""
    settings = {f"components.{name}.model.storage": storage for name in ("transformer", "keci")}
    nlp = spacy.load(model, config=settings)
    if not nlp.has_pipe("biomedical_sentencizer"):
        nlp.add_pipe("biomedical_sentencizer", first=True)
    linker: Any = nlp.get_pipe("concept_linker")
    linker.initialize(kb=kb)
    # remove paths of training and build
    nlp.config["paths"] |= {"train": None, "dev": None, "kb": None}
    return nlp


def describe(nlp: Language, kb: Path, result: Path | None) -> None:
    """Set the contents of meta.json and of the package's README."""
    manifest = json.loads((kb / "manifest.json").read_text(encoding="utf8"))
    keci: Any = nlp.get_pipe("keci")
    relations = list(keci.relation_labels)
    nlp.meta |= {
        "name": "keci_biorelex",
        "description": DESCRIPTION,
        "license": "MIT",
        "sources": SOURCES,
        "relation_labels": {"keci": relations},
        "vocabularies": [source.get("name") or source.get("format") for source in manifest.get("sources", [])],
        "notes": f"Relation labels of keci: {', '.join(relations)}. Names and identifiers of the knowledge base come "
        "from open vocabularies; see NOTICE in the repository of spacy-keci.",
    }
    if result is not None:
        scored = json.loads(result.read_text(encoding="utf8"))
        nlp.meta["performance"] = scored["scores"]
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        nlp.meta["made_by"] = {"command": "spacy project run release", "commit": commit}


if __name__ == "__main__":
    typer.run(main)
