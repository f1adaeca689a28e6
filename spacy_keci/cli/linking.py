"""``spacy keci linking``: do the concepts that the model chooses agree with gold concepts?"""

import json
from pathlib import Path
from typing import Annotated

import typer
from spacy.cli._util import setup_gpu
from spacy.training import Example
from wasabi import msg

from ..scoring.linking import linking_counts
from .evaluate import predict
from .load import find_extractor, find_linker, load_pipeline, prepare_output, read_gold

# counts: of which other count they are a share, and what they mean
COUNTS = {
    "grounded": ("with a concept", "gold concept is in the knowledge base"),
    "among candidates": ("grounded", "gold concept is a candidate of the span"),
    "first": ("among candidates", "it is the linker's first candidate"),
    "attention": ("among candidates", "it has the largest attention"),
    "found": ("among candidates", "the span is predicted as a mention"),
    "found, first": ("found", "of these: it is the linker's first candidate"),
    "mention": ("found", "of these: the mention has it as kb_id"),
    "pruned": ("among candidates", "the span was pruned, and got no attention"),
    "ambiguous": ("among candidates", "the span has several candidates"),
    "ambiguous, first": ("ambiguous", "of these: linker's first candidate"),
    "ambiguous, attention": ("ambiguous", "of these: largest attention"),
    "ambiguous, found": ("ambiguous", "the span is predicted as a mention"),
    "ambiguous, found, first": ("ambiguous, found", "of these: linker's first candidate"),
    "ambiguous, mention": ("ambiguous, found", "of these: the mention has it as kb_id"),
}


def linking_cli(
    model: Annotated[str, typer.Argument(help="Trained pipeline: a folder or the name of a package")],
    corpus: Annotated[Path, typer.Argument(help="Documents whose gold mentions have concepts (kb_id)", exists=True)],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Result file to write (.json)")] = None,
    gpu_id: Annotated[int, typer.Option("--gpu-id", "-g", help="GPU to use; -1: CPU")] = -1,
) -> None:
    """Compare the concepts that the model chooses, without ever having been told, with gold concepts.

    \b
    spacy keci linking en_keci_biorelex corpus/biorelex/dev.spacy
    """
    setup_gpu(gpu_id, silent=True)
    nlp = load_pipeline(model)
    _, keci = find_extractor(nlp)
    linker = find_linker(keci)
    prepare_output(output, corpus)
    golds = read_gold(corpus, nlp, keci.spans_key)
    docs, _ = predict(nlp, golds)
    examples = [Example(doc, gold) for doc, gold in zip(docs, golds, strict=True)]
    counts = linking_counts(examples, linker.kb, keci.spans_key, linker.spans_key)
    if not counts["with a concept"]:
        raise ValueError(f"No mention of {corpus.name} has a concept: convert it from a format that holds them.")
    rows = [
        (meaning, counts[name], f"{100 * counts[name] / max(counts[whole], 1):.1f}% of {counts[whole]}")
        for name, (whole, meaning) in COUNTS.items()
    ]
    msg.table(rows, header=("mentions with a gold concept", counts["with a concept"], ""), divider=True, max_col=60)
    if output is not None:
        output.write_text(json.dumps(dict(counts), indent=2) + "\n", encoding="utf8")
