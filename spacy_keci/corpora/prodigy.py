"""Prodigy's relations (https://prodi.gy/docs/api-interfaces#relations): one task with its answer a line.

``spans`` are mentions with offsets of characters (end exclusive) and of tokens (end inclusive); ``relations`` join a
``head`` and a ``child``, given as the last token of the span and as the span itself. Besides what Prodigy asks for,
spans have a ``kb_id`` and relations a ``score`` where there is one, and ``meta`` holds id and group.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import Field
from spacy.tokens import Doc, Span

from ..doc_operations import id_text
from ..reports import Report
from ..tokens import SPANS_KEY
from .annotation import AnnotatedText, MakeDoc
from .documents import to_doc
from .foreign import TextRecord
from .reading import Record, count_unknown_keys, read_lines
from .standoff import StandoffText
from .writing import present, write_lines

# Of tokens, tasks and their display.
_KNOWN = ["tokens", "arcs", "options", "accept", "config", "relations.color"]
_KNOWN += [
    f"{span}.{key}"
    for span in ("spans", "relations.head_span", "relations.child_span")
    for key in ("type", "token_start")
]


class _Span(Record):
    start: int
    end: int
    label: str | None = None
    text: str | None = None
    token_end: int | None = None
    kb_id: str | None = None


class _Relation(Record):
    head: int
    child: int
    label: str
    head_span: _Span | None = None
    child_span: _Span | None = None
    score: float = Field(1.0, allow_inf_nan=False)


class _Task(TextRecord):
    ANNOTATION = ("spans", "relations")
    text: str
    spans: list[_Span] = Field(default_factory=list)
    relations: list[_Relation] = Field(default_factory=list)
    meta: dict[str, Any] = Field(default_factory=dict)
    answer: str = "accept"


def read_prodigy(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """The texts of accepted tasks; rejected and ignored ones, and relations of spans without a label, are counted."""
    for task in read_lines(path, _Task.model_validate, report):
        if task.answer != "accept":
            report.drop_text(f"task with the answer {task.answer[:20]!r}", task.text[:40])
            continue
        unknown = {key for key in task.model_extra or () if key.startswith("_")}
        count_unknown_keys(task, "tasks", report, known=[*_KNOWN, *unknown])
        for key in task.meta.keys() - {"id", "group"}:
            report.drop("entry of a task's meta", f"{key}: {task.meta[key]}")
        text = StandoffText(task.text, id_text(task.meta.get("id")), report)
        by_last_token: dict[int, str] = {}
        spans: dict[str, _Span] = {}
        for span in task.spans:
            if span.token_end is not None:
                by_last_token.setdefault(span.token_end, _name(span))
            first = spans.setdefault(_name(span), span)
            report.count("duplicate spans of a task, kept once", int(first is not span))
            first.kb_id = first.kb_id or span.kb_id
        for name, span in spans.items():
            text.add_mention(name, [(span.start, span.end)], span.label or "", span.text, span.kb_id or "")
        for r in task.relations:
            head, child = (
                _name(span) if span else by_last_token.get(token, f"token {token}")
                for token, span in ((r.head, r.head_span), (r.child, r.child_span))
            )
            text.add_relation(head, child, r.label, r.score)
        yield text.build(group=id_text(task.meta.get("group")))


def write_prodigy(texts: Iterable[AnnotatedText], path: Path, report: Report, make_doc: MakeDoc) -> None:
    """Accepted tasks, with the tokens of ``make_doc``, split further at the boundaries of mentions."""
    write_lines((_to_task(text, to_doc(text, make_doc, report)) for text in texts), path)


def _name(span: _Span) -> str:
    return f"{span.start}-{span.end} {span.label}"


def _to_task(text: AnnotatedText, doc: Doc) -> dict[str, Any]:
    spans = list(doc.spans[SPANS_KEY])
    relations = [
        {
            "head": spans[head].end - 1,
            "child": spans[tail].end - 1,
            "head_span": _to_span(spans[head]),
            "child_span": _to_span(spans[tail]),
            "label": label,
        }
        | present(score=score)
        for head, tail, label, score in doc.spans[SPANS_KEY].attrs["relations"]
    ]
    return {
        "text": doc.text,
        "tokens": [
            {"text": t.text, "start": t.idx, "end": t.idx + len(t), "id": t.i, "ws": bool(t.whitespace_)} for t in doc
        ],
        "spans": [_to_span(span) | present(kb_id=span.kb_id_) for span in spans],
        "relations": relations,
        "meta": present(id=text.id, group=text.group),
        "_view_id": "relations",
        "answer": "accept",
    }


def _to_span(span: Span) -> dict[str, Any]:
    return {
        "start": span.start_char,
        "end": span.end_char,
        "token_start": span.start,
        "token_end": span.end - 1,
        "label": span.label_,
    }
