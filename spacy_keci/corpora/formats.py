"""The formats of annotated text, by name. docs/formats.md says what each one holds."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from spacy.tokens import Doc

from ..reports import Report
from .annotation import AnnotatedText
from .bigbio import read_bigbio
from .bioc import read_bioc_json, read_bioc_xml, write_bioc_json, write_bioc_xml
from .biorelex import read_biorelex, write_biorelex
from .brat import read_brat, write_brat
from .docbin import read_docbin, write_docbin
from .dygie import read_dygie, write_dygie
from .jsonl import read_jsonl, write_jsonl
from .prodigy import read_prodigy, write_prodigy
from .pubtator import read_pubtator, write_pubtator
from .spert import read_spert, write_spert
from .tables import write_table


class Format(NamedTuple):
    """``read(path, report)`` yields texts, ``write(texts, path, report)`` writes them; one of the two may only raise a
    ValueError that says that it is not possible.

    Formats with tokens have ``write(..., make_doc=None)`` besides. ``suffixes`` are those of file names that tell the
    format, in lower case. ``lacks`` names what has no place in the format and nobody else counts: keys of
    :data:`LOSSES`.
    """

    read: Callable[[Path, Report], Iterator[AnnotatedText]]
    write: Callable[..., None]
    suffixes: tuple[str, ...] = ()
    has_tokens: bool = False
    lacks: tuple[str, ...] = ()

    @property
    def is_readable(self) -> bool:
        return self.read is not _no_reader

    @property
    def is_writable(self) -> bool:
        return self.write is not _no_writer


# What a text loses in a format that lacks the key: the name of a loss, and one word on each case.
LOSSES: dict[str, Callable[[AnnotatedText], Iterable[str]]] = {
    "concept of a mention": lambda text: (m.kb_id for m in text.mentions if m.kb_id),
    "score of a relation": lambda text: (f"{r.label} {r.score}" for r in text.relations if r.score != 1.0),
    "score of a mention": lambda text: (f"{m.label} {m.score}" for m in text.mentions if m.score != 1.0),
    "group of a text": lambda text: [text.group] if text.group else [],
    "meta of a text": lambda text: text.meta,
    "interaction between entities (its relations between mentions are kept)": lambda text: (
        r.label for r in text.interactions or []
    ),
    "cluster of several mentions": lambda text: (
        ", ".join(text.text[text.mentions[i].start : text.mentions[i].end] for i in cluster)
        for cluster in text.clusters or []
        if len(cluster) > 1
    ),
    "mention without a relation": lambda text: (
        text.text[text.mentions[i].start : text.mentions[i].end]
        for i in sorted(set(range(len(text.mentions))).difference(*(r[:2] for r in text.relations)))
    ),
}
_CONCEPTS, _SCORES, _MENTION_SCORES, _GROUPS, _META, _INTERACTIONS, _CLUSTERS, _LONELY = LOSSES
_MORE = (_MENTION_SCORES, _META)  # what only formats for pipelines have a place for


def _no_reader(path: Path, report: Report) -> Iterator[AnnotatedText]:
    raise ValueError(f"{path} cannot be read as annotated text: it is a table of relations.")


def _no_writer(texts: Iterable[AnnotatedText], path: Path, report: Report) -> None:
    raise ValueError(f"{path} cannot be written: this format is for reading only.")


def _read_parquet(path: Path, report: Report) -> Iterator[AnnotatedText]:
    from .parquet import read_parquet  # needs the extra 'export'

    yield from read_parquet(path, report)


def _write_parquet(texts: Iterable[AnnotatedText], path: Path, report: Report) -> None:
    from .parquet import write_parquet

    write_parquet(texts, path, report)


FORMATS = {
    "bigbio": Format(read_bigbio, _no_writer),
    "bioc-json": Format(read_bioc_json, write_bioc_json, (".bioc.json",), lacks=_MORE),
    "bioc-xml": Format(read_bioc_xml, write_bioc_xml, (".bioc.xml", ".xml"), lacks=_MORE),
    "biorelex": Format(read_biorelex, write_biorelex, lacks=(_CONCEPTS, _SCORES, *_MORE)),
    "brat": Format(read_brat, write_brat, lacks=(_SCORES, _GROUPS, _INTERACTIONS, _CLUSTERS, *_MORE)),
    "csv": Format(_no_reader, write_table, (".csv",), True, (_INTERACTIONS, _LONELY, *_MORE)),
    "dygie": Format(read_dygie, write_dygie, (), True, (_CONCEPTS, _SCORES, _GROUPS, _INTERACTIONS, _CLUSTERS, *_MORE)),
    "jsonl": Format(read_jsonl, write_jsonl, (".jsonl",)),
    "relations": Format(_no_reader, write_table, (".relations.parquet",), True, (_INTERACTIONS, _LONELY, *_MORE)),
    "parquet": Format(_read_parquet, _write_parquet, (".parquet",)),
    "prodigy": Format(read_prodigy, write_prodigy, (), True, (_INTERACTIONS, _CLUSTERS, *_MORE)),
    "pubtator": Format(read_pubtator, write_pubtator, (".pubtator",), lacks=(_SCORES, _GROUPS, *_MORE)),
    "spacy": Format(read_docbin, write_docbin, (".spacy",), True),
    "spert": Format(read_spert, write_spert, (), True, (_CONCEPTS, _SCORES, _GROUPS, _INTERACTIONS, _CLUSTERS, *_MORE)),
}


def get_format(path: Path, name: str | None = None) -> Format:
    """The format of that name, else the one that the path tells: by its suffix, or brat for a folder.

    Raises ValueError if unclear.
    """
    if name is None and path.is_dir():
        name = "brat"
    if name is None:
        lower = path.name.lower()
        name = next((name for name, format in FORMATS.items() if lower.endswith(format.suffixes)), None)
    if name not in FORMATS:
        raise ValueError(f"Cannot tell the format of {path}: name one of {', '.join(FORMATS)}.")
    return FORMATS[name]


def read_any(path: Path, format: str | None = None, report: Report | None = None) -> Iterator[AnnotatedText]:
    """The texts of a file (brat: a folder) in any format (default: told by its name), counted in the report.

    Raises ValueError if the format is unclear, cannot be read, or the file is not of it.
    """
    report = report or Report()
    for text in get_format(path, format).read(path, report):
        report.count("texts")
        report.count("mentions", len(text.mentions))
        report.count("relations", len(text.relations))
        report.count("interactions between entities", len(text.interactions or []))
        yield text


def write_any(
    texts: Iterable[AnnotatedText],
    path: Path,
    format: str | None = None,
    report: Report | None = None,
    make_doc: Callable[[str], Doc] | None = None,
) -> None:
    """Write texts in any format (default: told by the name of the file), with what has no place in it counted in the
    report. ``make_doc`` is for formats with tokens.

    Raises ValueError if the format is unclear, cannot be written, or has no tokens where ``make_doc`` is given.
    """
    report = report or Report()
    found = get_format(path, format)
    if make_doc is not None and not found.has_tokens:
        raise ValueError("The format to write has no tokens: leave out the tokenizer.")
    write = found.write if make_doc is None else partial(found.write, make_doc=make_doc)
    write(_count_losses(texts, found.lacks, report), path, report)


def _count_losses(texts: Iterable[AnnotatedText], lacks: Iterable[str], report: Report) -> Iterator[AnnotatedText]:
    for text in texts:
        for what in lacks:
            for case in LOSSES[what](text):
                report.drop(f"{what}: no place in this format", f"{text.id or text.text[:40]!r}: {case}")
        yield text
