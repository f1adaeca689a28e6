"""Span graphs as Arrow rows and Parquet files: one row for each text.

:data:`SCHEMA` is the one table that this package writes at scale. pyarrow comes with the extra ``export``.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import blake2b
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..doc_operations import id_text
from ..reports import Report
from .annotation import AnnotatedText, Interaction, Mention, RelationTriple, check_positions
from .reading import read_bytes
from .writing import meta_for_json

_CANDIDATE = pa.struct(
    [("concept", pa.string()), ("type", pa.string()), ("score", pa.float64()), ("attention", pa.float64())]
)
_MENTION = pa.struct(
    [
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("text", pa.string()),
        ("label", pa.string()),
        ("concept", pa.string()),
        ("score", pa.float64()),
        ("candidates", pa.list_(_CANDIDATE)),
    ]
)
_EDGE = [("head", pa.int32()), ("tail", pa.int32()), ("label", pa.string()), ("score", pa.float64())]

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("group", pa.string()),
        ("text", pa.string()),
        ("text_hash", pa.string()),
        ("meta", pa.string()),
        ("sentences", pa.list_(pa.int32())),
        ("mentions", pa.list_(_MENTION)),
        ("relations", pa.list_(pa.struct([*_EDGE, ("symmetric", pa.bool_())]))),
        ("clusters", pa.list_(pa.list_(pa.int32()))),
        ("interactions", pa.list_(pa.struct([*_EDGE, ("novelty", pa.string())]))),
        ("error", pa.string()),
    ]
)
"""A row is a text with its span graph. Offsets are characters of ``text``, end exclusive.

========================  ===========================================================================================
``id``, ``group``         of the text; null where it has none
``text``, ``text_hash``   the text, which may be left out (null); BLAKE2b of its UTF-8, 8 bytes, in hexadecimal digits
``meta``                  whatever else goes with the text, as a JSON object; null for nothing
``sentences``             where sentences begin; null where the pipeline sets none
``mentions``              ``start``, ``end``, ``text``, ``label``; ``concept``: what it was linked to, or null;
                          ``score``: its probability; ``candidates``: concepts that it may name, the best first, with
                          semantic ``type``, ``score`` (similarity of the name) and ``attention`` (or null)
``relations``             ``head`` and ``tail``: positions in ``mentions``, counted from 0; ``label``, ``score``;
                          ``symmetric``: whether the label has no direction, null where that is not known
``clusters``              mentions that name the same entity, as lists of positions; null where they are not known
``interactions``          like relations, between clusters; ``novelty``: what BioRED says of it besides, or empty
``error``                 why there is no graph; null where there is one
========================  ===========================================================================================
"""

ROWS_AT_ONCE = 1000
_WRITE: dict[str, Any] = {"compression": "zstd", "write_page_checksum": True}


def text_hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


def to_row(text: AnnotatedText, report: Report | None = None) -> dict[str, Any]:
    """A text as a row of :data:`SCHEMA`, without what AnnotatedText has no place for.

    report: counts the entries of ``meta`` that are dropped, as JSON cannot hold them even as text, such as NaN.
    """
    meta = meta_for_json(text, report or Report(), default=str)
    return {
        "id": text.id or None,
        "group": text.group or None,
        "text": text.text,
        "text_hash": text_hash(text.text),
        "meta": json.dumps(meta, ensure_ascii=False, default=str) if meta else None,
        "mentions": [
            {
                "start": mention.start,
                "end": mention.end,
                "text": text.words(mention),
                "label": mention.label,
                "concept": mention.kb_id or None,
                "score": mention.score,
            }
            for mention in text.mentions
        ],
        "sentences": text.sentences,
        "relations": [relation._asdict() for relation in text.relations],
        "clusters": text.clusters,
        "interactions": None if text.interactions is None else [each._asdict() for each in text.interactions],
    }


def from_row(row: Mapping[str, Any]) -> AnnotatedText:
    """The inverse of :func:`to_row`. Raises ValueError if the row has an error or no text, or holds what is not in the
    text."""
    text, error = row.get("text"), row.get("error")
    if error or text is None:
        raise ValueError(error or "the text was left out when the file was written")
    mentions = [
        Mention(each["start"], each["end"], each["label"], each["concept"] or "", _score(each))
        for each in row["mentions"] or ()
    ]
    interactions = row.get("interactions")
    annotated = AnnotatedText(
        text=text,
        mentions=mentions,
        relations=[RelationTriple(*_edge(each)) for each in row["relations"] or ()],
        id=row.get("id") or "",
        group=row.get("group") or "",
        meta=_meta(row.get("meta")),
        clusters=row.get("clusters"),
        interactions=None
        if interactions is None
        else [Interaction(*_edge(each), each.get("novelty") or "") for each in interactions],
        sentences=row.get("sentences"),
    )
    for each, mention in zip(row["mentions"] or (), mentions, strict=True):
        if not 0 <= mention.start < mention.end <= len(text):
            raise ValueError("a mention outside the text")
        if each.get("text") not in (None, annotated.words(mention)):
            raise ValueError(f"a mention is {each['text']!r}, but its offsets hold {annotated.words(mention)!r}")
    if any(each.label is None for each in (*mentions, *annotated.relations, *(annotated.interactions or ()))):
        raise ValueError("a mention or relation without a label")
    check_positions(annotated)
    return annotated


def read_parquet(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """The texts of a file that has the columns of :data:`SCHEMA`. Rows with an error, without a text, or whose parts do
    not fit together are left out and counted."""
    number = 0
    for batch in read_batches(path, ["text", "mentions", "relations"]):
        for row in batch.to_pylist():
            number += 1
            try:
                yield from_row(row)
            except (ValueError, TypeError, KeyError) as error:
                report.drop_text("row without a graph", f"row {number} ({row.get('id') or 'no id'}): {error}")


def read_batches(path: Path, needed: Iterable[str], columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet file, gzipped or not, some at a time; all columns, or those of these names.

    Raises ValueError if the file is not Parquet, is damaged, or lacks a column.
    """
    try:
        source = BytesIO(read_bytes(path)) if path.suffix.lower() == ".gz" else path
        with pq.ParquetFile(source, page_checksum_verification=True) as file:
            missing = [name for name in needed if name not in file.schema_arrow.names]
            if missing:
                raise ValueError(f"{path} has no column {missing[0]!r}, only {', '.join(file.schema_arrow.names)}.")
            yield from file.iter_batches(ROWS_AT_ONCE, columns=columns)
    except (pa.ArrowException, OSError) as error:  # an OSError without a name tells of damage, too
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"{path} is not a whole Parquet file: {' '.join(str(error).split())}") from None


def read_text_columns(path: Path, text: str, id: str) -> Iterator[tuple[str | None, str, dict[str, Any]]]:
    """Text, id and, for the keys ``group`` and ``meta``, what goes with it, of each row of a Parquet file.

    Columns that are not in :data:`SCHEMA` go into ``meta``, and so does a column ``meta`` without JSON objects. Raises
    ValueError as :func:`read_batches` does.
    """
    for batch in read_batches(path, [text] if id == "id" else [text, id]):
        others = [name for name in batch.schema.names if name not in {text, id, *SCHEMA.names}]
        for row in batch.to_pylist():
            meta = _meta(row.get("meta")) | {name: _as_json(row[name]) for name in others}
            data = {"group": id_text(row.get("group")), "meta": meta}
            value = row[text]
            yield (
                value if isinstance(value, str) else None,
                id_text(row.get(id)),
                {key: value for key, value in data.items() if value},
            )


def _meta(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        with suppress(ValueError):
            value = json.loads(value)
    value = _as_json(value)
    return value if isinstance(value, dict) else {"meta": value} if value else {}


def write_parquet(texts: Iterable[AnnotatedText], path: Path, report: Report) -> None:
    """Write a row for each text, some at a time. Entries of ``meta`` that JSON cannot hold are dropped and counted."""
    write_rows((to_row(text, report) for text in texts), path)


def write_rows(rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Write rows of :data:`SCHEMA`; columns that a row lacks are null."""
    rows = iter(rows)
    with pq.ParquetWriter(path, SCHEMA, **_WRITE) as writer:
        while part := list(islice(rows, ROWS_AT_ONCE)):
            writer.write_batch(pa.RecordBatch.from_pylist(part, SCHEMA))


def join_parquet(paths: Iterable[Path], path: Path) -> None:
    """Write the rows of several files of :data:`SCHEMA` to one, some at a time."""
    with pq.ParquetWriter(path, SCHEMA, **_WRITE) as writer:
        for part in paths:
            for batch in read_batches(part, SCHEMA.names):
                writer.write_batch(batch)


def _edge(row: Mapping[str, Any]) -> tuple[int, int, str, float]:
    return row["head"], row["tail"], row["label"], _score(row)


def _score(row: Mapping[str, Any]) -> float:
    return 1.0 if row["score"] is None else row["score"]


def _as_json(value: Any) -> Any:
    """The value, with what JSON has no place for, such as dates, as text."""
    return json.loads(json.dumps(value, default=str))
