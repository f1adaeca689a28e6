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

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from ..doc_operations import id_text
from ..reports import Report
from .annotation import AnnotatedText, Interaction, Mention, RelationTriple, check_positions
from .foreign import TextRecord
from .reading import Record, count_unknown_keys, read_lines
from .writing import meta_for_json, present, write_lines


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
    # null as well: pandas writes it where something is missing
    id: str | int | float | None = None
    group: str | int | float | None = None
    meta: dict[str, Any] | None = None
    clusters: list[list[int]] | None = None
    interactions: list[_Interaction] | None = None
    sentences: list[int] | None = None


# of a line
KEYS = frozenset(_Line.model_fields)


def read_jsonl(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """The texts of a file. Lines that have the annotation of another format are malformed; empty ones are skipped; keys
    that mean nothing here are counted."""
    return read_lines(path, partial(_parse, report=report), report)


def write_jsonl(texts: Iterable[AnnotatedText], path: Path, report: Report) -> None:
    """One line for each text; mentions with text and offsets. Entries of ``meta`` that JSON cannot hold, such as bytes,
    are dropped and counted."""
    write_lines((_to_object(text, report) for text in texts), path)


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
    for start in parsed.sentences or []:
        if not 0 <= start <= len(parsed.text):
            raise ValueError(f"sentences: {start} is not inside the text, which has {len(parsed.text)} characters")
    text = AnnotatedText(
        text=parsed.text,
        mentions=mentions,
        relations=[RelationTriple(r.head, r.tail, r.label, r.score) for r in parsed.relations],
        id=id_text(parsed.id),
        group=id_text(parsed.group),
        meta=parsed.meta or {},
        clusters=clusters,
        interactions=None
        if clusters is None
        else [Interaction(r.head, r.tail, r.label, r.score, r.novelty) for r in parsed.interactions or []],
        sentences=parsed.sentences,
    )
    check_positions(text, "entities")
    return text


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


def _to_object(text: AnnotatedText, report: Report) -> dict[str, Any]:
    line = present(id=text.id, group=text.group, meta=meta_for_json(text, report))
    line["text"] = text.text
    line["entities"] = [
        {"text": text.words(m), "label": m.label, "start": m.start, "end": m.end}
        | present(kb_id=m.kb_id, score=m.score)
        for m in text.mentions
    ]
    line["relations"] = [_to_relation(r) for r in text.relations]
    if text.clusters is not None:
        line["clusters"] = text.clusters
        line["interactions"] = [_to_relation(r) | present(novelty=r.novelty) for r in text.interactions or []]
    if text.sentences is not None:
        line["sentences"] = text.sentences
    return line


def _to_relation(r: RelationTriple | Interaction) -> dict[str, Any]:
    return {"head": r.head, "tail": r.tail, "label": r.label} | present(score=r.score)
