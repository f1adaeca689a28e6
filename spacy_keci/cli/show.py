"""``spacy keci show``: what a pipeline finds in a few sentences, as readable tables."""

import sys
from typing import Annotated

import typer
from spacy.tokens import Doc
from wasabi import msg, table

from ..pipeline.keci import Keci
from ..tokens import get_relations
from .load import load_pipeline


def show_cli(
    model: Annotated[str, typer.Argument(help="Trained pipeline: a folder or the name of a package")],
    texts: Annotated[
        list[str] | None, typer.Argument(help="Texts in quotes; without any, one text a line from standard input")
    ] = None,
) -> None:
    """Print the mentions and relations that a pipeline finds in a few texts.

    Example: spacy keci show training/demo/model-last "FK506 binds FKBP12."
    """
    nlp = load_pipeline(model)
    keys = [pipe.spans_key for _, pipe in nlp.pipeline if isinstance(pipe, Keci)]
    if not keys:
        msg.fail("The pipeline has no component keci", f"It has {', '.join(nlp.pipe_names) or 'none'}.", exits=1)
    lines = texts or (line.strip() for line in sys.stdin)
    for doc in nlp.pipe(line for line in lines if line):
        typer.echo(format_graph(doc, keys[-1]))


def format_graph(doc: Doc, spans_key: str) -> str:
    """The text, a table of its mentions and a table of its relations."""
    group = doc.spans[spans_key]
    scores = group.attrs.get("scores", [1.0] * len(group))
    mentions = [(span.text, span.label_, f"{score:.2f}") for span, score in zip(group, scores, strict=True)]
    relations = [
        (relation.head.text, relation.label, relation.tail.text, f"{relation.score:.2f}")
        for relation in get_relations(doc, spans_key)
    ]
    parts = [doc.text, table(mentions, header=("mention", "type", "score"), divider=True) if mentions else "no mention"]
    if relations:
        parts.append(table(relations, header=("head", "relation", "tail", "score"), divider=True))
    elif mentions:
        parts.append("no relation\n")
    return "\n".join(parts)
