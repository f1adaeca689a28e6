"""Rows of mentions and of relations, and files of such: CSV and Parquet. pyarrow is imported when it is needed."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from spacy.tokens import Doc, Span

from .doc_operations import each_doc, id_text
from .sentences import sentences
from .span_groups import checked_spans, per_mention
from .tokens import SPANS_KEY, get_relations

# Offsets are characters of the document, end exclusive.
_TEXT: dict[str, type] = {"doc": str, "group": str}
_SENTENCE: dict[str, type] = {"sentence": str, "sentence_start": int, "sentence_end": int}
_END: dict[str, type] = {"": str, "_type": str, "_concept": str, "_start": int, "_end": int}
_HEAD, _TAIL = ({f"{name}{end}": kind for end, kind in _END.items()} for name in ("head", "tail"))
COLUMNS = {**_TEXT, **_HEAD, "label": str, **_TAIL, "score": float, **_SENTENCE}
_MENTION: dict[str, type] = {"mention": str, "type": str, "concept": str, "start": int, "end": int, "score": float}
MENTION_COLUMNS = {**_TEXT, **_MENTION, **_SENTENCE}
_ROWS_AT_ONCE = 10_000
Kind = Literal["csv", "parquet"]
KINDS: dict[str, Kind] = {".csv": "csv", ".parquet": "parquet"}
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
            own = dict(zip(_MENTION, (*_describe(mention), score), strict=True))
            yield _row(doc, own, _around(doc, sentence_of, mention))


def relation_rows(docs: Doc | Iterable[Doc], spans_key: str = SPANS_KEY) -> Iterator[dict[str, Any]]:
    """One row with the keys of :data:`COLUMNS` for each relation.

    ``doc`` and ``group`` are those in the document's user data. ``sentence`` is the sentence of head and tail, or the
    two sentences with " … " between them: those of the pipeline where it has set them, else of a simple rule.
    """
    for doc in each_doc(docs):
        relations = get_relations(doc, spans_key)
        sentence_of = [sentence for sentence in sentences(doc) for _ in sentence] if relations else []
        for relation in relations:
            own = dict(zip((*_HEAD, *_TAIL), (*_describe(relation.head), *_describe(relation.tail)), strict=True))
            own |= {"label": relation.label, "score": relation.score}
            yield _row(doc, own, _around(doc, sentence_of, relation.head, relation.tail))


def _describe(span: Span) -> tuple[Any, ...]:
    return span.text, span.label_, span.kb_id_, span.start_char, span.end_char


def _row(doc: Doc, own: dict[str, Any], sentences: Sequence[Span]) -> dict[str, Any]:
    return {
        "doc": id_text(doc.user_data.get("id")),
        "group": id_text(doc.user_data.get("group")),
        **own,
        "sentence": " … ".join(sentence.text for sentence in sentences),
        "sentence_start": sentences[0].start_char,
        "sentence_end": sentences[-1].end_char,
    }


def write_relations(
    docs: Doc | Iterable[Doc], path: str | Path, spans_key: str = SPANS_KEY, *, kind: Kind | None = None
) -> None:
    """Write :func:`relation_rows` to a file, a part at a time.

    kind: None: told by the suffix, ``.csv`` or ``.parquet``.
    In CSV, a text that begins as a formula does (with =, +, -, @, tab or CR) gets an apostrophe in front, so that a
    spreadsheet does not run it. Raises ValueError for another suffix, ImportError if pyarrow, for Parquet, is not
    installed.
    """
    _write(relation_rows(docs, spans_key), COLUMNS, Path(path), kind)


def write_mentions(
    docs: Doc | Iterable[Doc], path: str | Path, spans_key: str = SPANS_KEY, *, kind: Kind | None = None
) -> None:
    """Write :func:`mention_rows` to a file, as :func:`write_relations` does."""
    _write(mention_rows(docs, spans_key), MENTION_COLUMNS, Path(path), kind)


def _write(rows: Iterator[dict[str, Any]], columns: Mapping[str, type], path: Path, kind: Kind | None) -> None:
    kind = kind or KINDS.get(path.suffix.lower())
    if kind == "csv":
        with path.open("w", encoding="utf8", newline="") as file:
            writer = csv.DictWriter(file, list(columns))
            writer.writeheader()
            writer.writerows({name: _safe_cell(value) for name, value in row.items()} for row in rows)
    elif kind == "parquet":
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
