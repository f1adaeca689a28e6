"""BigBIO's knowledge base schema (Fries et al. 2022, https://arxiv.org/abs/2206.15076), as its data sets are saved to
JSON: a list of documents, or one a line (``.jsonl``).

Offsets are characters, end exclusive, of the passages joined by a space. Corpora that relate concepts have their
relations spelled out over the mentions already.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from ..identifiers import with_vocabulary
from ..reports import Report
from .annotation import AnnotatedText
from .offsets import Passage
from .reading import Record, count_unknown_keys, read_records
from .standoff import StandoffText


class _Passage(Record):
    text: list[str]
    offsets: list[list[int]]
    id: str = ""
    type: str | None = None


class _Concept(Record):
    db_name: str | None = None
    db_id: str | None = None


class _Entity(Record):
    id: str
    type: str
    text: list[str]
    offsets: list[list[int]]
    normalized: list[_Concept] = Field(default_factory=list)


class _Relation(Record):
    type: str
    arg1_id: str
    arg2_id: str
    id: str = ""
    normalized: list[_Concept] = Field(default_factory=list)


class _Document(Record):
    passages: list[_Passage]
    entities: list[_Entity]
    relations: list[_Relation]
    id: str = ""
    document_id: str = ""
    events: list[Any] = Field(default_factory=list)
    coreferences: list[Any] = Field(default_factory=list)


def read_bigbio(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """The documents, with ``document_id`` as id. Concepts are written "database:identifier", several of one mention
    with commas between them. Events and coreferences have no place here."""
    for document in read_records(path, _Document, "BigBIO's knowledge base schema", report):
        count_unknown_keys(document, "documents", report)
        id = document.document_id or document.id
        try:
            text = StandoffText(list(_passages(document)), id, report, filler=" ")
        except ValueError as error:
            report.drop_text("malformed record", f"document {id}: {error}")
            continue
        for entity in document.entities:
            pieces = [(piece[0], piece[1]) for piece in entity.offsets if len(piece) == 2]
            kb_id = ",".join(filter(None, map(_kb_id, entity.normalized)))
            text.add_mention(entity.id, pieces, entity.type, " ".join(entity.text), kb_id)
        for relation in document.relations:
            text.add_relation(relation.arg1_id, relation.arg2_id, relation.type)
            report.drop_each("concept of a relation", id, map(_kb_id, relation.normalized))
        report.drop_each("event", id, document.events)
        report.drop_each("coreference", id, document.coreferences)
        yield text.build()


def _passages(document: _Document) -> Iterator[Passage]:
    """Raises ValueError if a passage has no offset."""
    for passage in document.passages:
        if len(passage.text) != len(passage.offsets) or not all(passage.offsets):
            raise ValueError("a passage needs an offset for each of its texts")
        yield from (Passage(offsets[0], text) for offsets, text in zip(passage.offsets, passage.text, strict=True))


def _kb_id(concept: _Concept) -> str:
    return with_vocabulary(concept.db_name or "", concept.db_id or "")
