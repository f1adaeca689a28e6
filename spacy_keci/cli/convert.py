"""``spacy keci convert`` and ``spacy keci split``: corpora from one format into another, and a part held out."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..corpora.docbin import load_docs, save_docs
from ..corpora.formats import FORMATS, get_format, read_any, write_any
from ..corpora.groups import read_groups
from ..corpora.split import hold_out
from ..reports import Report
from ..tokenizer import biomedical_tokenizer
from .messages import good

BIOMEDICAL = "biomedical"


READABLE = [name for name, each in FORMATS.items() if each.is_readable]
WRITABLE = [name for name, each in FORMATS.items() if each.is_writable]


def convert_cli(
    input: Annotated[Path, typer.Argument(help="Corpus to read: a file, or a folder of brat's files", exists=True)],
    output: Annotated[Path, typer.Argument(help="File, or folder of brat's files, to write")],
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="FORMAT", help=f"{', '.join(READABLE)} (default: by the name of INPUT)"),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--to", metavar="FORMAT", help=f"{', '.join(WRITABLE)} (default: by the name of OUTPUT)"),
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            help="'biomedical', or a pipeline (folder or package) whose tokens to use, in formats with tokens"
        ),
    ] = None,
    group_file: Annotated[
        Path | None,
        typer.Option(help="DRUG-AE.rel of ADE, or lines of id, tab, group", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """Convert annotated text, and report what was kept and what was not.

    Formats told by their names are .spacy, .jsonl, .bioc.json, .bioc.xml, .xml, .pubtator, .csv, .parquet, and a folder
    of brat's files that is there; name others with --from and --to.

    \b
    spacy keci convert Train.PubTator train.spacy
    spacy keci convert annotated/ train.jsonl --from brat
    spacy keci convert train.jsonl train.json --to spert --tokenizer en_keci_biorelex
    """
    report = convert(input, output, source=source, target=target, tokenizer=tokenizer, group_file=group_file)
    for line in report.lines():
        typer.echo(line)
    good(f"Saved {output}")


def convert(
    input: Path,
    output: Path,
    *,
    source: str | None = None,
    target: str | None = None,
    tokenizer: str | None = None,
    group_file: Path | None = None,
) -> Report:
    """Convert a file, or a folder of brat's. Formats are those of ``corpora.formats``, ``tokenizer`` is as in
    :func:`load_tokenizer`.

    Raises ValueError or OSError for whatever is wrong with the files or the options.
    """
    if output.resolve() in [path.resolve() for path in (input, group_file) if path is not None]:
        raise ValueError(f"{output} would take the place of what is read: name another output.")
    report = Report()
    if not get_format(output, target).has_tokens and tokenizer is not None:
        raise ValueError("The format to write has no tokens: leave out --tokenizer.")
    make_doc = None if tokenizer is None else load_tokenizer(tokenizer)
    texts = list(read_any(input, source, report))
    if not texts:
        raise ValueError(f"{input} holds no texts.")
    if group_file is not None:
        groups = read_groups(group_file)
        for text in texts:
            if text.id not in groups:
                raise ValueError(f"{group_file} has no group for the text with the id {text.id!r}.")
            text.group = groups[text.id]
    output.parent.mkdir(parents=True, exist_ok=True)
    write_any(texts, output, target, report, make_doc)
    return report


def load_tokenizer(name: str) -> Callable[[str], Doc]:
    """What makes a Doc of a text: the biomedical tokenizer, or that of a pipeline. Raises OSError if there is none."""
    if name == BIOMEDICAL:
        return biomedical_tokenizer()
    return spacy.load(name).make_doc


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
        raise ValueError("The two parts need two different files, and other ones than the corpus.")
    for path in (train, heldout):
        if path.suffix.lower() != ".spacy":
            raise ValueError(f"The parts are written as .spacy files: give {path} a name that ends in .spacy.")
    files = [input]
    if input.is_dir():
        files = sorted(p for p in input.rglob("*") if p.suffix.lower() == ".spacy" and p.resolve() not in outputs)
    if not files:
        raise ValueError(f"The folder {input} holds no .spacy file besides the two parts.")
    docs = [doc for file in files for doc in load_docs(file, Vocab())]
    parts = hold_out(docs, fraction, seed, _group if by_group else None)
    for path, part in zip((train, heldout), parts, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        save_docs(part, path)
        good(f"Saved {len(part)} texts to {path}")


def _group(doc: Doc) -> str:
    return str(doc.user_data.get("group", ""))
