"""PubAnnotation's JSON (https://www.pubannotation.org/docs/annotation-format/): an object for a text, a list of them,
one a line, or a folder of files.

``denotations`` are mentions, whose ``span`` has a begin and an end in characters, end exclusive; ``relations`` join a
``subj`` and an ``obj`` by a ``pred``. The concept of a mention is an attribute with the predicate ``denotes``.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from ..doc_operations import id_text
from ..reports import Report
from .annotation import AnnotatedText
from .foreign import TextRecord
from .reading import Record, count_unknown_keys, find_files, read_records
from .standoff import StandoffText
from .writing import present, write_list

FORMAT = "PubAnnotation JSON"
CONCEPT = "denotes"
_KNOWN = ("source_url", "namespaces", "config", "typesettings", "styles")


class _Span(Record):
    begin: int
    end: int


class _Denotation(Record):
    id: str | int = ""
    span: _Span | list[_Span]
    obj: str


class _Triple(Record):
    id: str | int = ""
    pred: str
    subj: str | int
    obj: Any


class _Track(Record):
    denotations: list[_Denotation] = Field(default_factory=list)
    blocks: list[Any] = Field(default_factory=list)
    relations: list[_Triple] = Field(default_factory=list)
    attributes: list[_Triple] = Field(default_factory=list)
    modifications: list[Any] = Field(default_factory=list)


class _ProjectTrack(_Track):
    project: str = ""


class _Document(_Track, TextRecord):
    ANNOTATION = ("denotations", "tracks", "blocks")
    text: str
    sourcedb: str | None = None
    sourceid: str | int | None = None
    divid: str | int | None = None
    project: str | None = None
    tracks: list[_ProjectTrack] = Field(default_factory=list)
    target: str | None = None


def read_pubannotation(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """The texts, with "sourcedb:sourceid" as id, and the annotations of all projects (tracks). Attributes other than
    concepts, modifications and blocks have no place here."""
    for file in find_files(path, ".json") if path.is_dir() else [path]:
        for document in read_records(file, _Document, FORMAT, report):
            yield _parse(document, report)


def write_pubannotation(texts: Iterable[AnnotatedText], path: Path, report: Report) -> None:
    """A list of the texts, one a line; an id "PubMed:123" is written as source and its number."""
    write_list(map(_to_object, texts), path)


def _parse(document: _Document, report: Report) -> AnnotatedText:
    count_unknown_keys(document, "documents", report, known=_KNOWN)
    id = id_text(document.sourceid)
    if document.sourcedb and id:
        id = f"{document.sourcedb}:{id}"
    if document.divid is not None:
        id = f"{id}-{document.divid}"
    text = StandoffText(document.text, id, report)
    tracks: list[tuple[str, _Track]] = [("", document)]
    tracks += [(f"{number} ", track) for number, track in enumerate(document.tracks, start=1)]
    for name, track in tracks:
        concepts: dict[str, list[str]] = {}
        for attribute in track.attributes:
            if attribute.pred == CONCEPT and isinstance(attribute.obj, str):
                concepts.setdefault(str(attribute.subj), []).append(attribute.obj)
            else:
                report.drop("attribute", f"{id}: {attribute.pred} of {attribute.subj}")
        for denotation in track.denotations:
            spans = denotation.span if isinstance(denotation.span, list) else [denotation.span]
            kb_id = ",".join(concepts.pop(str(denotation.id), []))
            pieces = [(span.begin, span.end) for span in spans]
            text.add_mention(f"{name}{denotation.id}", pieces, denotation.obj, kb_id=kb_id)
        for relation in track.relations:
            text.add_relation(f"{name}{relation.subj}", f"{name}{relation.obj}", relation.pred)
        report.drop_each("concept of a missing mention", id, concepts)
        report.drop_each("modification", id, track.modifications)
        report.drop_each("block", id, track.blocks)
    return text.build()


def _to_object(text: AnnotatedText) -> dict[str, Any]:
    source, _, number = text.id.partition(":")
    about = {"sourcedb": source, "sourceid": number} if source and number else {"sourceid": text.id}
    concepts = [
        {"id": f"A{i}", "pred": CONCEPT, "subj": f"T{i}", "obj": mention.kb_id}
        for i, mention in enumerate(text.mentions, start=1)
        if mention.kb_id
    ]
    return {
        **(about if text.id else {}),
        "text": text.text,
        "denotations": [
            {"id": f"T{i}", "span": {"begin": m.start, "end": m.end}, "obj": m.label}
            for i, m in enumerate(text.mentions, start=1)
        ],
        "relations": [
            {"id": f"R{i}", "pred": r.label, "subj": f"T{r.head + 1}", "obj": f"T{r.tail + 1}"}
            for i, r in enumerate(text.relations, start=1)
        ],
        **present(attributes=concepts),
    }
