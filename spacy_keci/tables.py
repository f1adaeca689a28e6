"""Rows of mentions and of relations, and files of such: CSV and Parquet. pyarrow is imported when it is needed."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from spacy.tokens import Doc, Span

from .doc_operations import each_doc
from .sentences import sentences
from .span_groups import checked_spans, per_mention
from .tokens import SPANS_KEY, get_relations

# Offsets are characters of the document, end exclusive.
COLUMNS: dict[str, type] = {
    "doc": str,
    "group": str,
    "head": str,
    "head_type": str,
    "head_concept": str,
    "head_start": int,
    "head_end": int,
    "label": str,
    "tail": str,
    "tail_type": str,
    "tail_concept": str,
    "tail_start": int,
    "tail_end": int,
    "score": float,
    "sentence": str,
    "sentence_start": int,
    "sentence_end": int,
}
MENTION_COLUMNS: dict[str, type] = {
    "doc": str,
    "group": str,
    "mention": str,
    "type": str,
    "concept": str,
    "start": int,
    "end": int,
    "score": float,
    "sentence": str,
    "sentence_start": int,
    "sentence_end": int,
}
_ROWS_AT_ONCE = 10_000
# what a spreadsheet takes for a formula, or skips before one
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def mention_rows(docs: Doc | Iterable[Doc], spans_key: str = SPANS_KEY) -> Iterator[dict[str, Any]]:
    """One row with the keys of :data:`MENTION_COLUMNS` for each mention; see :func:`relation_rows`."""
    for doc in each_doc(docs):
        if not doc.spans.get(spans_key):
            continue
        group = doc.spans[spans_key]
        sentence_of = [sentence for sentence in sentences(doc) for _ in sentence]
        for mention, score in zip(checked_spans(group), per_mention(group, "scores", 1.0), strict=True):
            (sentence,) = _around(doc, sentence_of, mention)
            yield {
                "doc": str(doc.user_data.get("id", "")),
                "group": str(doc.user_data.get("group", "")),
                "mention": mention.text,
                "type": mention.label_,
                "concept": mention.kb_id_,
                "start": mention.start_char,
                "end": mention.end_char,
                "score": score,
                "sentence": sentence.text,
                "sentence_start": sentence.start_char,
                "sentence_end": sentence.end_char,
            }


def relation_rows(docs: Doc | Iterable[Doc], spans_key: str = SPANS_KEY) -> Iterator[dict[str, Any]]:
    """One row with the keys of :data:`COLUMNS` for each relation.

    ``doc`` and ``group`` are those in the document's user data. ``sentence`` is the sentence of head and tail, or the
    two sentences with " … " between them: those of the pipeline where it has set them, else of a simple rule.
    """
    for doc in each_doc(docs):
        relations = get_relations(doc, spans_key)
        sentence_of = [sentence for sentence in sentences(doc) for _ in sentence] if relations else []
        for relation in relations:
            head, tail = relation.head, relation.tail
            parts = _around(doc, sentence_of, head, tail)
            ends = {
                key: value
                for name, span in (("head", head), ("tail", tail))
                for key, value in (
                    (name, span.text),
                    (f"{name}_type", span.label_),
                    (f"{name}_concept", span.kb_id_),
                    (f"{name}_start", span.start_char),
                    (f"{name}_end", span.end_char),
                )
            }
            yield {
                "doc": str(doc.user_data.get("id", "")),
                "group": str(doc.user_data.get("group", "")),
                **ends,
                "label": relation.label,
                "score": relation.score,
                "sentence": " … ".join(part.text for part in parts),
                "sentence_start": parts[0].start_char,
                "sentence_end": parts[-1].end_char,
            }


def write_relations(docs: Doc | Iterable[Doc], path: Path, spans_key: str = SPANS_KEY) -> None:
    """Write :func:`relation_rows` to a ``.csv`` or ``.parquet`` file, a part at a time.

    In CSV, a text that begins as a formula does (with =, +, -, @, tab or CR) gets an apostrophe in front, so that a
    spreadsheet does not run it. Raises ValueError for another suffix, ImportError if pyarrow, for Parquet, is not
    installed.
    """
    _write(relation_rows(docs, spans_key), COLUMNS, path)


def write_mentions(docs: Doc | Iterable[Doc], path: Path, spans_key: str = SPANS_KEY) -> None:
    """Write :func:`mention_rows` to a file, as :func:`write_relations` does."""
    _write(mention_rows(docs, spans_key), MENTION_COLUMNS, path)


def _write(rows: Iterator[dict[str, Any]], columns: Mapping[str, type], path: Path) -> None:
    if path.suffix.lower() == ".csv":
        with path.open("w", encoding="utf8", newline="") as file:
            writer = csv.DictWriter(file, list(columns))
            writer.writeheader()
            writer.writerows({name: _safe_cell(value) for name, value in row.items()} for row in rows)
    elif path.suffix.lower() == ".parquet":
        _write_parquet(rows, columns, path)
    else:
        raise ValueError(f"Cannot tell the kind of table of {path}: its name must end in .csv or .parquet.")


def _safe_cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _around(doc: Doc, sentence_of: Sequence[Span], *spans: Span) -> list[Span]:
    """The sentences of the spans, in the order of the text; one span of text where they overlap."""
    parts: list[Span] = []
    for first, last in sorted((sentence_of[span.start].start, sentence_of[span.end - 1].end) for span in spans):
        while doc[last - 1].text.isspace() and last - 1 > first:
            last -= 1
        if parts and first < parts[-1].end:
            parts[-1] = doc[parts[-1].start : max(parts[-1].end, last)]
        else:
            parts.append(doc[first:last])
    return parts


def _write_parquet(rows: Iterator[dict[str, Any]], columns: Mapping[str, type], path: Path) -> None:
    try:
        import pyarrow
        from pyarrow.parquet import ParquetWriter
    except ImportError as error:
        raise ImportError(f"Parquet needs pyarrow: pip install pandas pyarrow ({error}).") from None
    types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])
    with ParquetWriter(path, schema) as writer:
        while part := list(islice(rows, _ROWS_AT_ONCE)):
            writer.write_table(pyarrow.Table.from_pylist(part, schema))
