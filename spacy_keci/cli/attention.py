"""``spacy keci attention``: which kinds of concepts a model listens to."""

import json
from pathlib import Path
from typing import Annotated

import typer
from spacy.cli._util import setup_gpu
from wasabi import msg

from ..scoring.attention import TypeAttention, attention_by_type
from .load import find_extractor, find_linker, load_pipeline, prepare_output, read_gold


def attention_cli(
    model: Annotated[str, typer.Argument(help="Trained pipeline: a folder or the name of a package")],
    corpus: Annotated[Path, typer.Argument(help="Documents: .spacy, .jsonl, or a folder of such", exists=True)],
    n: Annotated[int, typer.Option("--top", help="How many types to show at each end; 0: all", min=0)] = 5,
    min_count: Annotated[int, typer.Option(help="Candidates that a type must have to be shown", min=1)] = 10,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write all types to (.json)")] = None,
    gpu_id: Annotated[int, typer.Option("--gpu-id", "-g", help="GPU to use; -1: CPU")] = -1,
) -> None:
    """Average attention to the concepts of each semantic type, the lowest and the highest ones.

    A weight is the share of a span's vector that comes from a concept that it may name; what is left of 1 comes from
    the span's own context.

    \b
    spacy keci attention en_keci_biorelex corpus/biorelex/dev.spacy --top 3
    """
    setup_gpu(gpu_id, silent=True)
    nlp = load_pipeline(model)
    _, keci = find_extractor(nlp)
    linker = find_linker(keci)
    prepare_output(output, corpus)
    texts = [doc.text for doc in read_gold(corpus, nlp, keci.spans_key)]
    found = attention_by_type(nlp.pipe(texts), linker.spans_key)
    if output is not None:
        output.write_text(json.dumps([each._asdict() for each in found], indent=2) + "\n", encoding="utf8")
    shown = [each for each in found if each.candidates >= min_count]
    if not shown:
        raise ValueError(f"No semantic type has {min_count} candidates in {corpus.name}: lower --min-count.")
    parts = {"lowest and highest" if not n else "lowest": shown[: n or None]}
    if n:
        parts["highest"] = shown[-n:][::-1]
    names = linker.kb.type_names
    for title, rows in parts.items():
        msg.divider(f"{title} average attention")
        msg.table(
            [_row(each, names) for each in rows], header=("type", "name", "attention", "candidates"), divider=True
        )


def _row(each: TypeAttention, names: dict[str, str]) -> tuple[str, str, str, int]:
    return each.type, names.get(each.type, ""), f"{each.mean:.2f}", each.candidates
