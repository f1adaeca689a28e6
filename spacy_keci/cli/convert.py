"""``spacy keci convert``: corpora from one format into another."""

from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from ..corpora.advice import advise
from ..corpora.annotation import MakeDoc
from ..corpora.formats import FORMATS, get_format, read_any, without_gz, write_any
from ..corpora.groups import read_groups
from ..corpora.merging import rename_labels, without
from ..corpora.vocabularies import name_vocabularies, parse_names
from ..reports import Report
from ..tokenizer import biomedical_tokenizer
from .load import load_pipeline
from .messages import good, warn

BIOMEDICAL = "biomedical"
READABLE = [name for name, each in FORMATS.items() if each.read]
WRITABLE = [name for name, each in FORMATS.items() if each.write]


def convert_cli(
    input: Annotated[Path, typer.Argument(help="Corpus to read: a file (.gz too), or a folder", exists=True)],
    output: Annotated[Path, typer.Argument(help="File, or folder of brat's files, to write")],
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="FORMAT", help=f"{', '.join(READABLE)} (default: by name and content of INPUT)"),
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
    vocabulary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL=NAME",
            help="Vocabulary of the identifiers of mentions with a label, if they do not name it: Disease=MESH",
        ),
    ] = None,
    rename: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL=NAME", help="New label of mentions or relations: Chemical=ChemicalEntity"),
    ] = None,
    leave_out: Annotated[
        list[Path] | None,
        typer.Option(
            "--without",
            help="A corpus, such as the test part, whose texts are left out: the same text, or the same id and nearly "
            "the same text",
            exists=True,
        ),
    ] = None,
) -> None:
    """Convert annotated text, and report what was kept and what was not.

    The format of INPUT is recognized by its name or, where several tools share a name (.jsonl, .json, .xml, .tsv, a
    folder), by its content; --from sets another. The format of OUTPUT is recognized by its name (.spacy, .jsonl,
    .bioc.json, .bioc.xml, .pubtator, .conll, .csv, .parquet); set others with --to.

    \b
    spacy keci convert Train.PubTator train.spacy
    spacy keci convert annotated/ train.jsonl --from brat
    spacy keci convert train.jsonl train.json --to spert --tokenizer en_keci_biorelex
    spacy keci convert CDR.PubTator.gz more.spacy --rename Chemical=ChemicalEntity --without test.spacy
    """
    others = leave_out or []
    if output.resolve() in [path.resolve() for path in (input, group_file, *others) if path is not None]:
        raise ValueError(f"{output} would overwrite the input: name another output.")
    report, vocabularies, names = Report(), parse_names(vocabulary or ()), parse_names(rename or ())
    if FORMATS[get_format(without_gz(output), target, to_write=True)].tokenizer is None and tokenizer is not None:
        raise ValueError("The format to write has no tokens: leave out --tokenizer.")
    if tokenizer is None:
        make_doc: MakeDoc | None = None
    else:
        make_doc = biomedical_tokenizer() if tokenizer == BIOMEDICAL else load_pipeline(tokenizer).make_doc
    texts = list(read_any(input, source, report))
    if not texts:
        raise ValueError(f"{input} holds no texts.")
    if unknown := vocabularies.keys() - {mention.label for text in texts for mention in text.mentions}:
        warn(f"No mention has the label {', '.join(sorted(unknown))}, to which --vocabulary gives a vocabulary.")
    texts = rename_labels(name_vocabularies(texts, vocabularies), names)
    if others:
        texts = list(without(texts, chain.from_iterable(map(read_any, others)), report))
        if not texts:
            raise ValueError(f"All texts of {input} are in {', '.join(map(str, others))}.")
    if group_file is not None:
        groups = read_groups(group_file)
        for text in texts:
            if text.id not in groups:
                raise ValueError(f"{group_file} has no group for the text with the id {text.id!r}.")
            text.group = groups[text.id]
    output.parent.mkdir(parents=True, exist_ok=True)
    write_any(texts, output, target, report, make_doc)
    for line in report.lines():
        typer.echo(line)
    for line in advise(texts):
        warn(line)
    good(f"Saved {output}")
