"""This package's own format: one JSON object a line, easy to write by hand.

    {"text": "FK506 binds FKBP12 and inhibits calcineurin.",
     "entities": [{"text": "FK506", "label": "drug"}, {"text": "FKBP12", "label": "protein"}],
     "relations": [{"head": 0, "tail": 1, "label": "binds"}]}

An entity is found by its ``text`` (with ``occurrence``, counted from 1, where the string occurs more than once), or by
``start`` and ``end`` (characters, end exclusive); ``text`` and offsets must agree where both are given. ``kb_id`` is
the id of a concept. ``head`` and ``tail`` of a relation are positions in ``entities``, counted from 0. A line may have
an ``id``, a ``group`` (what the text was taken from), ``meta`` (an object with anything), ``clusters`` of entities that
are the same with ``interactions`` between clusters (which may have a ``novelty``), and ``sentences``, the offsets that
its sentences begin with. Entities and relations may have a ``score``.
"""

import json
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from ..reports import Report
from .annotation import AnnotatedText, Interaction, Mention, RelationTriple
from .foreign import TextRecord
from .reading import Record, count_unknown_keys, read_lines


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


class _Interaction(_Relation):
    novelty: str = ""


class _Line(TextRecord):
    ANNOTATION = ("entities",)
    text: str
    entities: list[_Entity] = Field(default_factory=list)
    relations: list[_Relation] = Field(default_factory=list)
    id: str | int = ""
    group: str | int = ""
    meta: dict[str, Any] = Field(default_factory=dict)
    clusters: list[list[int]] | None = None
    interactions: list[_Interaction] | None = None
    sentences: list[int] | None = None


def read_jsonl(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """The texts of a file. Malformed lines, and those that have the annotation of another format, are left out and
    reported by number; empty ones are skipped; keys that mean nothing here are counted.

    Raises ValueError if no line can be read.
    """
    return read_lines(path, partial(_parse, report=report), report)


def write_jsonl(texts: Iterable[AnnotatedText], path: Path, report: Report) -> None:
    """One line for each text; mentions with text and offsets. Entries of ``meta`` that JSON cannot hold, such as bytes,
    are dropped and counted."""
    with path.open("w", encoding="utf8") as file:
        for text in texts:
            file.write(json.dumps(_to_object(text, report), ensure_ascii=False) + "\n")


def _parse(line: Any, report: Report) -> AnnotatedText:
    parsed = _Line.model_validate(line)
    count_unknown_keys(parsed, "lines", report)
    starts: dict[str, list[int]] = {}
    mentions = []
    for number, entity in enumerate(parsed.entities):
        try:
            mentions.append(Mention(*_locate(entity, parsed.text, starts), entity.label, entity.kb_id, entity.score))
        except ValueError as error:
            raise ValueError(f"entities.{number}: {error}") from None
    clusters = parsed.clusters
    if clusters is None and parsed.interactions:
        raise ValueError("interactions: hold between 'clusters', which are missing")
    for number, cluster in enumerate(clusters or []):
        for i in cluster:
            _check_position(f"clusters.{number}: {i}", i, "entities", len(mentions))
    for start in parsed.sentences or []:
        if not 0 <= start <= len(parsed.text):
            raise ValueError(f"sentences: {start} is not inside the text, which has {len(parsed.text)} characters")
    _check_ends("relations", parsed.relations, "entities", len(mentions))
    _check_ends("interactions", parsed.interactions or [], "clusters", len(clusters or []))
    return AnnotatedText(
        text=parsed.text,
        mentions=mentions,
        relations=[RelationTriple(r.head, r.tail, r.label, r.score) for r in parsed.relations],
        id=str(parsed.id),
        group=str(parsed.group),
        meta=parsed.meta,
        clusters=clusters,
        interactions=None
        if clusters is None
        else [Interaction(r.head, r.tail, r.label, r.score, r.novelty) for r in parsed.interactions or []],
        sentences=parsed.sentences,
    )


def _locate(entity: _Entity, text: str, starts_of: dict[str, list[int]]) -> tuple[int, int]:
    """``starts_of``: where strings occur in this text, for those that were looked up before."""
    if entity.start is not None and entity.end is not None:
        start, end = entity.start, entity.end
        if not 0 <= start < end <= len(text):
            raise ValueError(f"{start}-{end} is not inside the text, which has {len(text)} characters")
        if entity.text not in (None, text[start:end]):
            raise ValueError(f"'text' is {entity.text!r}, but {start}-{end} of the text is {text[start:end]!r}")
        return start, end
    if entity.text is None or entity.start is not None or entity.end is not None:
        raise ValueError("needs 'text', or both 'start' and 'end'")
    if entity.text not in starts_of:
        starts_of[entity.text] = occurrences(entity.text, text)
    starts = starts_of[entity.text]
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


def occurrences(words: str, text: str) -> list[int]:
    """Where ``words`` begins in ``text``, overlapping ones too, in time that grows with the length of the text only."""
    # Where the words repeat after ``period`` characters, as "abab" does, so do overlapping occurrences.
    period = (words + words).find(words, 1)
    rest = words[len(words) - period :]
    starts: list[int] = []
    start = text.find(words)
    while start >= 0:
        starts.append(start)
        if text.startswith(rest, start + len(words)):
            start += period
        else:
            start = text.find(words, start + period)
    return starts


def _check_ends(name: str, relations: Iterable[_Relation], ends: str, n: int) -> None:
    for number, relation in enumerate(relations):
        _check_position(f"{name}.{number}: 'head' is {relation.head}", relation.head, ends, n)
        _check_position(f"{name}.{number}: 'tail' is {relation.tail}", relation.tail, ends, n)


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
        line["interactions"] = [
            _to_relation(r) | ({"novelty": r.novelty} if r.novelty else {}) for r in text.interactions or []
        ]
    if text.sentences is not None:
        line["sentences"] = text.sentences
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


def _to_relation(r: RelationTriple | Interaction) -> dict[str, Any]:
    return {"head": r.head, "tail": r.tail, "label": r.label} | ({"score": r.score} if r.score != 1.0 else {})
