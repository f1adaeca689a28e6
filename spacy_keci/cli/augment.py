"""``spacy keci augment``: copies of a corpus with the names of other concepts, to train on."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..corpora.concept_swap import ConceptSwap
from ..corpora.formats import get_format, read_any, without_gz, write_any
from ..knowledge.knowledge_base import KnowledgeBase
from ..reports import Report
from .messages import good


def augment_cli(
    input: Annotated[Path, typer.Argument(help="Corpus to train on: a file, or a folder of brat's files", exists=True)],
    output: Annotated[Path, typer.Argument(help="File, or folder of brat's files, for the corpus and its copies")],
    kb: Annotated[Path, typer.Option(help="Folder of a compiled knowledge base", exists=True, file_okay=False)],
    copies: Annotated[int, typer.Option(help="Copies of each text, at most", min=1)] = 7,
    share: Annotated[float, typer.Option(help="Share of the concepts to swap in a copy", min=0.0, max=1.0)] = 0.7,
    seed: Annotated[int, typer.Option(help="Seed of what is swapped")] = 0,
    source: Annotated[
        str | None, typer.Option("--from", metavar="FORMAT", help="As of convert (default: by the name of INPUT)")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--to", metavar="FORMAT", help="As of convert (default: by the name of OUTPUT)")
    ] = None,
) -> None:
    """Add copies of the texts of a corpus, in which concepts of the knowledge base are replaced by others of the same
    kind. A model that is trained on them sees more names, and cannot memorize the texts. A copy that equals its text or
    another copy is left out and counted.

    \b
    spacy keci augment train.spacy augmented.spacy --kb kb/open --copies 3
    """
    if output.resolve() == input.resolve():
        raise ValueError("Write the corpus and its copies to a file other than the corpus.")
    report = Report()
    get_format(without_gz(output), target, to_write=True)
    texts = list(read_any(input, source, report))
    if not texts:
        raise ValueError(f"{input} holds no texts.")
    swap, rng = ConceptSwap(KnowledgeBase(kb), texts), random.Random(seed)
    seen = [{text.text} for text in texts]
    swapped = []
    for n in range(1, copies + 1):
        for text, known in zip(texts, seen, strict=True):
            copy = swap(text, share, rng)
            if copy.text in known:
                report.count("copies left out, equal to their text or another copy")
            else:
                known.add(copy.text)
                swapped.append(replace(copy, id=f"{text.id}-copy{n}" if text.id else ""))
    output.parent.mkdir(parents=True, exist_ok=True)
    write_any([*texts, *swapped], output, target, report)
    report.count("copies", len(swapped))
    for line in report.lines():
        typer.echo(line)
    good(f"Saved {output}")
