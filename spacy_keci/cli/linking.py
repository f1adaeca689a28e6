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
from .load import find_keci, find_linker, load_pipeline, read_gold

# counts, and of which other count they are a share
SHARES = {
    "grounded": "with a concept",
    "among candidates": "grounded",
    "first": "among candidates",
    "attention": "among candidates",
    "found": "among candidates",
    "found, first": "found",
    "mention": "found",
    "pruned": "among candidates",
    "ambiguous": "among candidates",
    "ambiguous, first": "ambiguous",
    "ambiguous, attention": "ambiguous",
    "ambiguous, found": "ambiguous",
    "ambiguous, found, first": "ambiguous, found",
    "ambiguous, mention": "ambiguous, found",
}
MEANING = {
    "grounded": "gold concept is in the knowledge base",
    "among candidates": "gold concept is a candidate of the span",
    "first": "it is the linker's first candidate",
    "attention": "it has the largest attention",
    "found": "the span is predicted as a mention",
    "found, first": "of these: it is the linker's first candidate",
    "mention": "of these: the mention has it as kb_id",
    "pruned": "the span was pruned, and got no attention",
    "ambiguous": "the span has several candidates",
    "ambiguous, first": "of these: linker's first candidate",
    "ambiguous, attention": "of these: largest attention",
    "ambiguous, found": "the span is predicted as a mention",
    "ambiguous, found, first": "of these: linker's first candidate",
    "ambiguous, mention": "of these: the mention has it as kb_id",
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
    _, keci = find_keci(nlp)
    linker = find_linker(keci)
    golds = read_gold(corpus, nlp, keci.spans_key)
    docs, _ = predict(nlp, golds)
    examples = [Example(doc, gold) for doc, gold in zip(docs, golds, strict=True)]
    counts = linking_counts(examples, linker.kb, keci.spans_key, linker.spans_key)
    if not counts["with a concept"]:
        raise ValueError(f"No mention of {corpus.name} has a concept: convert it from a format that holds them.")
    rows = [
        (MEANING[name], counts[name], f"{100 * counts[name] / max(counts[whole], 1):.1f}% of {counts[whole]}")
        for name, whole in SHARES.items()
    ]
    msg.table(rows, header=("mentions with a gold concept", counts["with a concept"], ""), divider=True, max_col=60)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(dict(counts), indent=2) + "\n", encoding="utf8")
