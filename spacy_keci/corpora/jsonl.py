"""This package's own format: one JSON object a line, easy to write by hand.

    {"text": "FK506 binds FKBP12 and inhibits calcineurin.",
     "entities": [{"text": "FK506", "label": "drug"}, {"text": "FKBP12", "label": "protein"}],
     "relations": [{"head": 0, "tail": 1, "label": "binds"}]}

An entity is found by its ``text`` (with ``occurrence``, counted from 1, where the string occurs more than once), or by
``start`` and ``end`` (characters, end exclusive); ``text`` and offsets must agree where both are given. ``kb_id`` is
the id of a concept. ``head`` and ``tail`` of a relation are positions in ``entities``, counted from 0. A line may have
an ``id``, a ``group`` (what the text was taken from), ``meta`` (an object with anything), and ``clusters`` of entities
that are the same with ``interactions`` between clusters. Entities and relations may have a ``score``.
"""

import json
import re
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from ..reports import Report
from .annotation import AnnotatedText, Mention, RelationTriple
from .records import Record, count_unknown_keys, read_lines


class _Entity(Record):
    label: str = Field(min_length=1)
    text: str | None = Field(None, min_length=1)
    start: int | None = None
    end: int | None = None
    occurrence: int | None = None
    kb_id: str = ""
    score: float = Field(1.0, allow_inf_nan=False)


class _Relation(Record):
    head: int
    tail: int
    label: str = Field(min_length=1)
    score: float = Field(1.0, allow_inf_nan=False)


class _Line(Record):
    text: str
    entities: list[_Entity] = Field(default_factory=list)
    relations: list[_Relation] = Field(default_factory=list)
    id: str | int = ""
    group: str | int = ""
    meta: dict[str, Any] = Field(default_factory=dict)
    clusters: list[list[int]] | None = None
    interactions: list[_Relation] | None = None


def read_jsonl(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """The texts of a file. Malformed lines are left out and reported by number; empty ones are skipped; keys that
    mean nothing here are counted.

    Raises ValueError if no line can be read.
    """
    return read_lines(path, partial(_parse, report=report), report)


def write_jsonl(texts: Iterable[AnnotatedText], path: Path, report: Report) -> None:
    """One line for each text; mentions with text and offsets. Entries of ``meta`` that JSON cannot hold, such as bytes,
    are dropped and counted."""
    with path.open("w", encoding="utf8") as file:
        for text in texts:
            file.write(json.dumps(_to_object(text, report), ensure_ascii=False) + "\n")


def _parse(line: str, report: Report) -> AnnotatedText:
    parsed = _Line.model_validate_json(line)
    count_unknown_keys(parsed, "lines", report)
    mentions = []
    for number, entity in enumerate(parsed.entities):
        try:
            mentions.append(Mention(*_locate(entity, parsed.text), entity.label, entity.kb_id, entity.score))
        except ValueError as error:
            raise ValueError(f"entities.{number}: {error}") from None
    clusters = parsed.clusters
    if clusters is None and parsed.interactions:
        raise ValueError("interactions: hold between 'clusters', which are missing")
    for number, cluster in enumerate(clusters or []):
        for i in cluster:
            _check_position(f"clusters.{number}: {i}", i, "entities", len(mentions))
    return AnnotatedText(
        text=parsed.text,
        mentions=mentions,
        relations=_read_relations("relations", parsed.relations, "entities", len(mentions)),
        id=str(parsed.id),
        group=str(parsed.group),
        meta=parsed.meta,
        clusters=clusters,
        interactions=None
        if clusters is None
        else _read_relations("interactions", parsed.interactions or [], "clusters", len(clusters)),
    )


def _locate(entity: _Entity, text: str) -> tuple[int, int]:
    if entity.start is not None and entity.end is not None:
        start, end = entity.start, entity.end
        if not 0 <= start < end <= len(text):
            raise ValueError(f"{start}-{end} is not inside the text, which has {len(text)} characters")
        if entity.text not in (None, text[start:end]):
            raise ValueError(f"'text' is {entity.text!r}, but {start}-{end} of the text is {text[start:end]!r}")
        return start, end
    if entity.text is None or entity.start is not None or entity.end is not None:
        raise ValueError("needs 'text', or both 'start' and 'end'")
    starts = [match.start() for match in re.finditer(f"(?={re.escape(entity.text)})", text)]
    if not starts:
        raise ValueError(f"{entity.text!r} does not occur in the text")
    if entity.occurrence is None and len(starts) > 1:
        raise ValueError(
            f"{entity.text!r} occurs {len(starts)} times in the text: add 'occurrence' (1 to {len(starts)}), "
            "or 'start' and 'end'"
        )
    occurrence = 1 if entity.occurrence is None else entity.occurrence
    if not 1 <= occurrence <= len(starts):
        raise ValueError(f"'occurrence' is {occurrence}, but {entity.text!r} occurs {len(starts)} times")
    start = starts[occurrence - 1]
    return start, start + len(entity.text)


def _read_relations(name: str, relations: Iterable[_Relation], ends: str, n: int) -> list[RelationTriple]:
    for number, relation in enumerate(relations):
        _check_position(f"{name}.{number}: 'head' is {relation.head}", relation.head, ends, n)
        _check_position(f"{name}.{number}: 'tail' is {relation.tail}", relation.tail, ends, n)
    return [RelationTriple(r.head, r.tail, r.label, r.score) for r in relations]


def _check_position(where: str, position: int, what: str, n: int) -> None:
    if not n:
        raise ValueError(f"{where}, but there are no {what}")
    if not 0 <= position < n:
        raise ValueError(f"{where}, but {what} are counted from 0 to {n - 1}")


def _to_object(text: AnnotatedText, report: Report) -> dict[str, Any]:
    about = {"id": text.id, "group": text.group, "meta": _to_meta(text, report)}
    line: dict[str, Any] = {key: value for key, value in about.items() if value}
    line["text"] = text.text
    line["entities"] = [
        {"text": text.text[m.start : m.end], "label": m.label, "start": m.start, "end": m.end}
        | ({"kb_id": m.kb_id} if m.kb_id else {})
        | ({"score": m.score} if m.score != 1.0 else {})
        for m in text.mentions
    ]
    line["relations"] = [_to_relation(r) for r in text.relations]
    if text.clusters is not None:
        line["clusters"] = text.clusters
        line["interactions"] = [_to_relation(r) for r in text.interactions or []]
    return line


def _to_meta(text: AnnotatedText, report: Report) -> dict[str, Any]:
    meta = {}
    for key, value in text.meta.items():
        try:
            json.dumps({key: value})
        except (TypeError, ValueError):
            report.drop("entry of meta that JSON cannot hold", f"{text.id or text.text[:40]!r}: {key!r}: {value!r}")
        else:
            meta[key] = value
    return meta


def _to_relation(r: RelationTriple) -> dict[str, Any]:
    return {"head": r.head, "tail": r.tail, "label": r.label} | ({"score": r.score} if r.score != 1.0 else {})
