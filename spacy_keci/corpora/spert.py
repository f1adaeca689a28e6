"""SpERT's JSON (Eberts & Ulges 2020, https://github.com/lavis-nlp/spert), in which ADE is commonly shared.

``tokens``, ``entities`` with token offsets (end exclusive), ``relations`` with indices of entities, ``orig_id``.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from ..doc_operations import id_text
from ..reports import Report
from ..tokens import SPANS_KEY
from .annotation import AnnotatedText, MakeDoc
from .documents import to_doc, token_starts, words_of
from .reading import Record, read_records
from .standoff import StandoffText
from .writing import write_list


class _Entity(Record):
    type: str
    start: int
    end: int


class _Relation(Record):
    type: str
    head: int
    tail: int


class _Sentence(Record):
    tokens: list[str]
    entities: list[_Entity]
    relations: list[_Relation]
    orig_id: int | str | None = None


def read_spert(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """Sentences whose text is the tokens joined by one space, with ``orig_id`` as id. Each text is one sentence."""
    for sentence in read_records(path, _Sentence, "SpERT JSON", report):
        starts = token_starts(sentence.tokens)
        text = StandoffText(" ".join(sentence.tokens), id_text(sentence.orig_id), report)
        for i, entity in enumerate(sentence.entities):
            inside = 0 <= entity.start < entity.end < len(starts)
            pieces = [(starts[entity.start], starts[entity.end] - 1)] if inside else []
            text.add_mention(str(i), pieces, entity.type)
        for relation in sentence.relations:
            text.add_relation(str(relation.head), str(relation.tail), relation.type)
        yield text.build(sentences=[0])


def write_spert(texts: Iterable[AnnotatedText], path: Path, report: Report, make_doc: MakeDoc) -> None:
    """Write sentences with the tokens of ``make_doc``, split further at the boundaries of mentions."""
    write_list((_to_record(text, to_doc(text, make_doc, report), report) for text in texts), path)


def _to_record(text: AnnotatedText, doc: Doc, report: Report) -> dict[str, Any]:
    words, index = words_of(doc)
    report.count("texts whose spacing is not kept", int(" ".join(words) != text.text))
    group = doc.spans[SPANS_KEY]
    record: dict[str, Any] = {
        "tokens": words,
        "entities": [{"type": span.label_, "start": index[span.start], "end": index[span.end]} for span in group],
        "relations": [{"type": label, "head": h, "tail": t} for h, t, label, _ in group.attrs["relations"]],
    }
    if not text.id:
        return record
    is_number = text.id.isdecimal() and str(int(text.id)) == text.id  # not so "007"
    return {**record, "orig_id": int(text.id) if is_number else text.id}
