"""``spacy keci split``: a part of a corpus held out."""

from pathlib import Path
from typing import Annotated

import typer
from spacy.vocab import Vocab

from ..corpora.docbin import load_docs, save_docs
from ..corpora.split import hold_out
from ..doc_operations import id_text
from ..files import files_in, without_gz
from .messages import good


def split_cli(
    input: Annotated[Path, typer.Argument(help="Corpus to split: .spacy, or a folder of such", exists=True)],
    train: Annotated[Path, typer.Argument(help="File for the larger part (.spacy)", dir_okay=False)],
    heldout: Annotated[Path, typer.Argument(help="File for the part held out (.spacy)", dir_okay=False)],
    fraction: Annotated[float, typer.Option(help="Part to hold out", min=0.0, max=1.0)] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed of the shuffle")] = 0,
    by_group: Annotated[bool, typer.Option("--by-group", help="Keep texts of one group (paper) together")] = False,
) -> None:
    """Split a corpus at random into a part to train on and a part held out.

    \b
    spacy keci split corpus.spacy train.spacy dev.spacy --fraction 0.2 --by-group
    """
    outputs = {path.resolve() for path in (train, heldout)}
    if len(outputs | {input.resolve()}) < 3:
        raise ValueError("The two parts need two different files, neither of them the corpus.")
    for path in (train, heldout):
        if path.suffix.lower() != ".spacy":
            raise ValueError(f"The parts are written as .spacy files: give {path} a name that ends in .spacy.")
    files = [input]
    if input.is_dir():
        files = [f for f in files_in(input) if without_gz(f).suffix.lower() == ".spacy" and f.resolve() not in outputs]
    if not files:
        raise ValueError(f"The folder {input} holds no .spacy file besides the two parts.")
    docs = [doc for file in files for doc in load_docs(file, Vocab())]
    parts = hold_out(docs, fraction, seed, (lambda doc: id_text(doc.user_data.get("group"))) if by_group else None)
    for path, part in zip((train, heldout), parts, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        save_docs(part, path)
        good(f"Saved {len(part)} texts to {path}")
