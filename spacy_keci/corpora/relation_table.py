"""Tables of relations as formats to write: one row for each relation, see :mod:`spacy_keci.tables`."""

from collections.abc import Callable, Iterable
from pathlib import Path

from spacy.tokens import Doc

from ..reports import Report
from ..tables import write_relations
from ..tokenizer import biomedical_tokenizer
from .annotation import AnnotatedText
from .documents import to_docs


def write_table(
    texts: Iterable[AnnotatedText], path: Path, report: Report, make_doc: Callable[[str], Doc] | None = None
) -> None:
    """Write a ``.csv`` or ``.parquet`` file. Sentences are those that ``make_doc`` sets (default: the biomedical
    tokenizer, which sets none), else those of a simple rule.

    Raises ValueError for another suffix, or if the library for Parquet is not installed.
    """
    make_doc = make_doc or biomedical_tokenizer()
    try:
        write_relations(to_docs(texts, make_doc, report), path)
    except ImportError as error:
        raise ValueError(str(error)) from None
