"""The formats of annotated text, by name. docs/formats.md says what each one holds."""

import gzip
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..files import without_gz
from ..reports import Report
from ..span_groups import SPANS_KEY
from ..tables import Kind, write_relations
from ..tokenizer import biomedical_tokenizer
from .annotation import AnnotatedText, MakeDoc, without_empty_mentions
from .bigbio import read_bigbio
from .bioc import read_bioc_json, read_bioc_xml, write_bioc_json, write_bioc_xml
from .biorelex import read_biorelex, write_biorelex
from .brat import read_bionlp, read_brat, write_brat
from .chemprot import read_chemprot
from .conll import read_conll, write_conll
from .ddi import read_ddi
from .docbin import read_docbin, save_docs, write_docbin
from .doccano import read_doccano, write_doccano
from .documents import from_doc, to_docs
from .dygie import read_dygie, write_dygie
from .jsonl import read_jsonl, write_jsonl
from .label_studio import read_label_studio, write_label_studio
from .losses import (
    CLUSTERS,
    CONCEPTS,
    GROUPS,
    IDS,
    INTERACTION_SCORES,
    INTERACTIONS,
    LONELY,
    MENTION_SCORES,
    META,
    NOVELTY,
    RELATIONS,
    SCORES,
    SENTENCES,
    SEVERAL_SENTENCES,
    Loss,
    count_losses,
)
from .masked import read_masked, write_masked
from .prodigy import read_prodigy, write_prodigy
from .pubannotation import read_pubannotation, write_pubannotation
from .pubtator import read_pubtator, write_pubtator
from .sniff import sniff
from .spert import read_spert, write_spert

Reader = Callable[[Path, Report], Iterator[AnnotatedText]]


class Format(NamedTuple):
    """``read(path, report)`` yields texts, ``write(texts, path, report)`` writes them; None where that is not possible.

    Readers leave out and count what is malformed or has no place here. They raise ValueError if nothing can be read, or
    the file is of another kind. A format with tokens has ``tokenizer``, which makes the usual ones, and ``write(...,
    make_doc)``. ``suffixes`` are those of file names that tell the format, in lower case. ``lacks`` is what has no
    place in the format and is not counted by its writer.
    """

    read: Reader | None
    write: Callable[..., None] | None
    suffixes: tuple[str, ...] = ()
    tokenizer: Callable[[], MakeDoc] | None = None
    lacks: tuple[Loss, ...] = ()


def _words() -> MakeDoc:
    """What white space separates: texts that were read from tokens come out the same."""
    return Tokenizer(Vocab())


# what only formats for pipelines have a place for
_MORE = (MENTION_SCORES, META)
_TEXTS = (*_MORE, SENTENCES)
_SCORES = (SCORES, INTERACTION_SCORES)
_NO_ENTITIES = (INTERACTIONS, CLUSTERS)  # of several mentions
_TOKENS = (CONCEPTS, SCORES, GROUPS, *_NO_ENTITIES, *_MORE)
_TABLE = (INTERACTIONS, LONELY, *_MORE)


def _read_parquet(path: Path, report: Report) -> Iterator[AnnotatedText]:
    from .parquet import read_parquet  # needs the extra 'export'

    yield from read_parquet(path, report)


def _write_parquet(texts: Iterable[AnnotatedText], path: Path, report: Report) -> None:
    from .parquet import write_parquet

    write_parquet(texts, path, report)


def _write_table(texts: Iterable[AnnotatedText], path: Path, report: Report, make_doc: MakeDoc, *, kind: Kind) -> None:
    write_relations(to_docs(texts, make_doc, report), path, kind=kind)


# tables of relations
TABLES: dict[str, Kind] = {"csv": "csv", "relations": "parquet"}
FORMATS = {
    "bigbio": Format(read_bigbio, None),
    "bioc-json": Format(read_bioc_json, write_bioc_json, (".bioc.json",), lacks=_TEXTS),
    "bioc-xml": Format(read_bioc_xml, write_bioc_xml, (".bioc.xml",), lacks=_TEXTS),
    "bionlp": Format(read_bionlp, None),
    "biorelex": Format(read_biorelex, write_biorelex, lacks=(CONCEPTS, *_SCORES, NOVELTY, SEVERAL_SENTENCES, *_MORE)),
    "brat": Format(read_brat, write_brat, lacks=(SCORES, GROUPS, *_NO_ENTITIES, *_TEXTS)),
    "chemprot": Format(read_chemprot, None),
    "conll": Format(
        read_conll, write_conll, (".conll", ".iob", ".bio"), biomedical_tokenizer, (IDS, RELATIONS, *_TOKENS)
    ),
    "csv": Format(None, partial(_write_table, kind=TABLES["csv"]), (".csv",), biomedical_tokenizer, _TABLE),
    "ddi": Format(read_ddi, None),
    "doccano": Format(read_doccano, write_doccano, lacks=(CONCEPTS, SCORES, *_NO_ENTITIES, *_TEXTS)),
    "dygie": Format(read_dygie, write_dygie, (), _words, _TOKENS),
    "jsonl": Format(read_jsonl, write_jsonl, (".jsonl",)),
    "label-studio": Format(read_label_studio, write_label_studio, lacks=(*_NO_ENTITIES, *_TEXTS)),
    "masked": Format(read_masked, write_masked, lacks=(IDS, SEVERAL_SENTENCES, *_TOKENS)),
    "parquet": Format(_read_parquet, _write_parquet, (".parquet",)),
    "prodigy": Format(read_prodigy, write_prodigy, (), biomedical_tokenizer, (*_NO_ENTITIES, *_TEXTS)),
    "pubannotation": Format(read_pubannotation, write_pubannotation, lacks=(SCORES, GROUPS, *_NO_ENTITIES, *_TEXTS)),
    "pubtator": Format(
        read_pubtator, write_pubtator, (".pubtator", ".pubtator.txt"), lacks=(*_SCORES, GROUPS, *_TEXTS)
    ),
    "relations": Format(
        None,
        partial(_write_table, kind=TABLES["relations"]),
        (".relations.parquet",),
        biomedical_tokenizer,
        _TABLE,
    ),
    "spacy": Format(read_docbin, write_docbin, (".spacy",), biomedical_tokenizer),
    "spert": Format(read_spert, write_spert, (), _words, (SEVERAL_SENTENCES, *_TOKENS)),
}
FOLDERS = ("bionlp", "brat", "chemprot", "ddi", "pubannotation")  # read from a folder as a whole
# names that several tools give to their files, and which of them is meant where no content tells
SHARED = {".jsonl": "jsonl", ".xml": "bioc-xml", ".json": None, ".tsv": None, ".txt": None}


def get_format(path: Path, name: str | None = None, *, to_write: bool = False) -> str:
    """The name of a format: the given one, else the one that the name of a file tells, or brat for a folder.

    Raises ValueError if unclear, with the names of the formats that can be read, or written.
    """
    if name is None and path.is_dir():
        name = "brat"
    if name is None:
        name = _by_suffix(path) or SHARED.get(path.suffix.lower())
    if name not in FORMATS:
        names = ", ".join(key for key, each in FORMATS.items() if (each.write if to_write else each.read))
        option = "--to" if to_write else "--from"
        problem = f"Cannot tell the format of {path}" if name is None else f"There is no format {name!r}"
        raise ValueError(f"{problem}: name one of {names}. In a command, by {option} FORMAT.")
    return name


def _by_suffix(path: Path) -> str | None:
    """The format with the longest suffix that the name of a file ends in."""
    lower = path.name.lower()
    found = [(len(s), name) for name, each in FORMATS.items() for s in each.suffixes if lower.endswith(s)]
    return max(found)[1] if found else None


def tell_format(path: Path) -> str:
    """The name of the format to read a file or folder in: by its name, and by its content where the name says nothing
    or several tools give such names. A file may be gzipped (``.gz``).

    Raises ValueError if unclear.
    """
    plain = without_gz(path)
    told = _by_suffix(plain)
    name = sniff(path) if path.is_dir() or told is None or plain.suffix.lower() in SHARED else None
    # the name of PubTator's files may end in .txt
    if plain.name.lower().endswith(tuple(s for each in FORMATS.values() for s in each.suffixes if s.count(".") > 1)):
        name = None
    return get_format(plain, name)


def reader_of(path: Path, format: str | None = None) -> Reader:
    """The function that reads a file (default format: that of :func:`tell_format`). Raises ValueError if none does."""
    read = FORMATS[tell_format(path) if format is None else get_format(path, format)].read
    if read is None:
        raise ValueError(
            f"{path} cannot be read as annotated text: it is a table, which is for writing only. Give a table of texts "
            "as jsonl, such as pandas writes: frame.to_json('texts.jsonl', orient='records', lines=True)."
        )
    return read


def read_any(path: str | Path, format: str | None = None, report: Report | None = None) -> Iterator[AnnotatedText]:
    """The texts of a file, which may be gzipped, or of a folder, in any format (default: as :func:`tell_format`),
    counted in the report.

    Raises ValueError if the format is unclear, cannot be read, or the file is not of it.
    """
    report, path = report or Report(), Path(path)
    for text in reader_of(path, format)(path, report):
        report.count("texts")
        report.count("mentions", len(text.mentions))
        report.count("relations", len(text.relations))
        report.count("interactions between entities", len(text.interactions or []))
        yield text


def write_any(
    texts: Iterable[AnnotatedText],
    path: str | Path,
    format: str | None = None,
    report: Report | None = None,
    make_doc: MakeDoc | None = None,
) -> None:
    """Write texts in any format (default: told by the name of the file), with what has no place in it counted in the
    report. A file whose name ends in ``.gz`` is gzipped. ``make_doc`` is for formats with tokens.

    Raises ValueError if the format is unclear, cannot be written, or has no tokens where ``make_doc`` is given.
    """
    report, path = report or Report(), Path(path)
    found = FORMATS[get_format(without_gz(path), format, to_write=True)]
    if found.write is None:
        raise ValueError(f"{path} cannot be written: this format is for reading only.")
    if make_doc is not None and found.tokenizer is None:
        raise ValueError("The format to write has no tokens: leave out the tokenizer.")
    tokens = () if found.tokenizer is None else (make_doc or found.tokenizer(),)
    # spaCy's format, Parquet and tables alone have a place for mentions without a type
    labelled = found.read is not None and found.write not in (write_docbin, _write_parquet)
    sound = (without_empty_mentions(text, report, labelled=labelled) for text in texts)
    counted = count_losses(sound, found.lacks, report)
    if path.suffix.lower() != ".gz":
        found.write(counted, path, report, *tokens)
        return
    with TemporaryDirectory(dir=path.parent) as folder:
        plain = Path(folder) / path.stem
        found.write(counted, plain, report, *tokens)
        if plain.is_dir():
            raise ValueError(f"{path} cannot be written: this format is a folder of files. Name it without .gz.")
        with plain.open("rb") as source, gzip.open(path, "wb") as packed:
            shutil.copyfileobj(source, packed)


def write_docs(
    docs: Iterable[Doc],
    path: Path,
    format: str,
    spans_key: str = SPANS_KEY,
    report: Report | None = None,
    make_doc: MakeDoc | None = None,
) -> None:
    """Write the span graphs of documents as :func:`write_any`. What other components found, such as tokens and
    sentences, is written as well where the format has a place for it: spaCy's own, and tables."""
    if format == "spacy":
        save_docs(docs, path)
    elif format in TABLES:
        write_relations(_count_losses(docs, format, spans_key, report), path, spans_key, kind=TABLES[format])
    else:
        tokens = make_doc if FORMATS[format].tokenizer else None
        write_any((from_doc(doc, spans_key, report=report) for doc in docs), path, format, report, tokens)


def _count_losses(docs: Iterable[Doc], format: str, spans_key: str, report: Report | None) -> Iterator[Doc]:
    """The documents, with what has no place in the format counted in the report."""
    for doc in docs:
        if report is not None:
            list(count_losses([from_doc(doc, spans_key, report=report)], FORMATS[format].lacks, report))
        yield doc
