"""doccano's JSON lines (https://doccano.github.io/doccano/tutorial/), of projects for sequence labelling and for
relations: ``entities`` with ``start_offset`` and ``end_offset`` in characters, end exclusive, and ``relations`` between
their ids; or ``label`` (in older exports ``labels``) with a [start, end, label] for each; or, in the oldest,
``annotations`` with offsets and the number of a label.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from ..doc_operations import id_text
from ..reports import Report
from .annotation import AnnotatedText
from .foreign import TextRecord
from .reading import Record, count_unknown_keys, read_records
from .standoff import StandoffText
from .writing import present, write_lines


class _Entity(Record):
    id: int | str
    label: str
    start_offset: int
    end_offset: int


class _OldEntity(Record):
    label: int | str
    start_offset: int
    end_offset: int


class _Relation(Record):
    id: int | str = ""
    from_id: int | str
    to_id: int | str
    type: str


class _Line(TextRecord):
    ANNOTATION = ("entities", "annotations", "label", "labels")
    text: str | None = None
    data: str | None = None
    id: int | str | None = None
    group: int | str | None = None
    entities: list[_Entity] = Field(default_factory=list)
    relations: list[_Relation] = Field(default_factory=list)
    annotations: list[_OldEntity] = Field(default_factory=list)
    label: list[Any] = Field(default_factory=list)
    labels: list[Any] = Field(default_factory=list)
    comments: list[Any] = Field(default_factory=list, alias="Comments")


def read_doccano(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """The texts of a file. Comments and unknown keys (doccano's metadata) have no place here."""
    for line in read_records(path, _Line, "doccano's JSON", report):
        count_unknown_keys(line, "texts", report)
        id = id_text(line.id)
        words = line.text if line.text is not None else line.data
        if words is None:
            report.drop_text("malformed record", f"{id}: neither 'text' nor 'data'")
            continue
        text = StandoffText(words, id, report)
        for entity in line.entities:
            text.add_mention(str(entity.id), [(entity.start_offset, entity.end_offset)], entity.label)
        for number, old in enumerate(line.annotations):
            text.add_mention(f"annotation {number}", [(old.start_offset, old.end_offset)], str(old.label))
            report.count("mentions with the number of a label in place of its name", int(isinstance(old.label, int)))
        for number, label in enumerate([*line.label, *line.labels]):
            match label:
                case [int(start), int(end), str(name)]:
                    text.add_mention(f"label {number}", [(start, end)], name)
                case _:
                    report.drop("label that is not [start, end, label]", f"{id}: {str(label)[:80]}")
        for relation in line.relations:
            text.add_relation(str(relation.from_id), str(relation.to_id), relation.type)
        report.drop_each("comment", id, line.comments)
        yield text.build(group=id_text(line.group))


def write_doccano(texts: Iterable[AnnotatedText], path: Path, report: Report) -> None:
    """Lines for a project with relations."""
    write_lines(map(_to_object, texts), path)


def _to_object(text: AnnotatedText) -> dict[str, Any]:
    return {
        **present(id=text.id, group=text.group),
        "text": text.text,
        "entities": [
            {"id": i, "label": m.label, "start_offset": m.start, "end_offset": m.end}
            for i, m in enumerate(text.mentions)
        ],
        "relations": [
            {"id": i, "from_id": r.head, "to_id": r.tail, "type": r.label} for i, r in enumerate(text.relations)
        ],
        "Comments": [],
    }
