"""SpERT's JSON (Eberts & Ulges 2020, https://github.com/lavis-nlp/spert), in which ADE is commonly shared.

``tokens``, ``entities`` with token offsets (end exclusive), ``relations`` with indices of entities, ``orig_id``.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..reports import Report
from ..tokens import SPANS_KEY
from .annotation import AnnotatedText, Mention, RelationTriple
from .documents import to_doc
from .records import Record, id_text, read_records


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
    """Sentences whose text is the tokens joined by one space, with ``orig_id`` as id.

    Raises ValueError if the file is not SpERT's JSON; malformed sentences, which may be such with an entity or a
    relation out of range, are left out and reported.
    """
    for number, sentence in enumerate(read_records(path, _Sentence, "SpERT JSON", report), start=1):
        n_tokens, n_entities = len(sentence.tokens), len(sentence.entities)
        where = f"sentence {number}" if sentence.orig_id is None else f"orig_id {sentence.orig_id}"
        if not all(0 <= entity.start < entity.end <= n_tokens for entity in sentence.entities):
            report.drop_text("sentence with an entity outside its tokens", where)
        elif not all(0 <= i < n_entities for relation in sentence.relations for i in (relation.head, relation.tail)):
            report.drop_text("sentence with a relation of an entity that is not there", where)
        else:
            starts = list(accumulate((len(token) + 1 for token in sentence.tokens), initial=0))
            yield AnnotatedText(
                text=" ".join(sentence.tokens),
                mentions=[Mention(starts[e.start], starts[e.end] - 1, e.type) for e in sentence.entities],
                relations=[RelationTriple(r.head, r.tail, r.type) for r in sentence.relations],
                id=id_text(sentence.orig_id),
            )


def write_spert(
    texts: Iterable[AnnotatedText], path: Path, report: Report, make_doc: Callable[[str], Doc] | None = None
) -> None:
    """Write sentences with the tokens of ``make_doc``, split further at the boundaries of mentions.

    Without ``make_doc``, tokens are what whitespace separates: what was read from SpERT's JSON comes out the same.
    """
    make_doc = make_doc or Tokenizer(Vocab())
    records = [_to_record(text, to_doc(text, make_doc, report), report) for text in texts]
    path.write_text(json.dumps(records, ensure_ascii=False) + "\n", encoding="utf8")


def _to_record(text: AnnotatedText, doc: Doc, report: Report) -> dict[str, Any]:
    words = [token.text for token in doc]
    index = list(accumulate((not word.isspace() for word in words), initial=0))
    words = [word for word in words if not word.isspace()]
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
