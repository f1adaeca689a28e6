"""Arrow record batches in, Arrow record batches out: the function that Ray Data, Spark and others call.

    from spacy_keci.arrow import SCHEMA, annotate_batches

    annotate = annotate_batches("en_keci_biorelex", text="abstract", id="pmid")
    for batch in annotate(dataset.to_batches(columns=["pmid", "abstract", "year"])):
        ...  # the columns of SCHEMA, and "year"

Needs the extra ``export``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
from spacy.language import Language
from spacy.tokens import Doc, Span

from .annotator import Annotator
from .corpora.annotation import AnnotatedText
from .corpora.documents import from_doc, to_doc
from .corpora.parquet import SCHEMA, from_row, to_row
from .doc_operations import id_text
from .reports import Report
from .span_groups import CONCEPTS_KEY, SPANS_KEY, set_span_graph
from .tokenizer import biomedical_tokenizer
from .tokens import get_concepts

__all__ = ["SCHEMA", "AnnotateBatches", "annotate_batches", "docs_from_batches", "error_row", "graph_row"]


@dataclass(frozen=True)
class AnnotateBatches:
    """``annotate_batches(...)``: a function that annotates the texts in record batches. Can be pickled if ``pipeline``
    is a folder or the name of a package.

    pipeline: a folder or the name of a package, loaded once a process, when the first batch comes.
    text, id: the columns that hold texts and their ids; ids are written as strings.
    spans_key: where the pipeline writes mentions; None: as its extractor says.
    batch_size: number of rows that are processed together, and of an output batch; None: as the pipeline says.
    keep_text: False leaves ``text`` null; ``text_hash`` still tells which text it was.
    """

    pipeline: str | Path | Language
    _: KW_ONLY
    text: str = "text"
    id: str = "id"
    spans_key: str | None = None
    batch_size: int | None = None
    keep_text: bool = True

    @cached_property
    def _annotator(self) -> Annotator:
        return Annotator(self.pipeline, spans_key=self.spans_key, batch_size=self.batch_size)

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Batches with the columns of :meth:`schema`: a row for each row, in the same order.

        A text that is null, or that the pipeline fails on, has a row with an ``error`` in place of a graph.
        Raises ValueError if the columns of text or ids are missing or of another kind.
        """
        for whole in batches:
            schema, others = self.schema(whole.schema), self._others(whole.schema)
            texts = whole.column(self.text).to_pylist()
            start = 0
            # a text that is missing is replaced, so that documents and rows stay side by side
            for outcomes in self._annotator.annotate(text or "" for text in texts):
                part = whole.slice(start, len(outcomes))
                ids = part.column(self.id).cast(pa.string()).to_pylist()
                rows = [self._row(*each) for each in zip(ids, texts[start:], outcomes, strict=False)]
                graphs = pa.RecordBatch.from_pylist(rows, SCHEMA)
                arrays = [(part if name in others else graphs).column(name) for name in schema.names]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
                start += len(outcomes)

    def table(self, table: pa.Table) -> pa.Table:
        """:meth:`__call__` for engines that hand over tables."""
        return pa.Table.from_batches(self(table.to_batches()), self.schema(table.schema))

    def schema(self, given: pa.Schema) -> pa.Schema:
        """The columns of the output: those of :data:`SCHEMA`, then those that pass through unchanged.

        A column ``group`` or ``meta`` that is given passes through in its place.
        """
        for name, is_fit in ((self.text, _is_string), (self.id, lambda kind: not pa.types.is_nested(kind))):
            if name not in given.names:
                raise ValueError(
                    f"The batches have no column {name!r}, only {', '.join(given.names) or 'none at all'}."
                )
            if not is_fit(given.field(name).type):
                raise ValueError(f"The column {name!r} is {given.field(name).type}, which cannot be used as such.")
        others = self._others(given)
        fields = [given.field(field.name) if field.name in others else field for field in SCHEMA]
        return pa.schema([*fields, *(given.field(name) for name in others if name not in SCHEMA.names)])

    def _others(self, given: pa.Schema) -> list[str]:
        written = {self.text, self.id, *SCHEMA.names} - {"group", "meta"}
        return [name for name in given.names if name not in written]

    def _row(self, id: str | None, text: str | None, outcome: Doc | str) -> dict[str, Any]:
        if text is None:
            return {"id": id, "error": "no text"}
        if isinstance(outcome, str):
            row = error_row(AnnotatedText(text), outcome)
        else:
            row = graph_row(outcome, self._annotator.spans_key)
        return {**row, "id": id, "text": text if self.keep_text else None}


annotate_batches = AnnotateBatches


def graph_row(
    doc: Doc, spans_key: str = SPANS_KEY, concepts_key: str = CONCEPTS_KEY, report: Report | None = None
) -> dict[str, Any]:
    """The span graph of a document as a row of :data:`SCHEMA`; id, group and meta are those in its user data. report:
    counts what a row has no place for."""
    try:
        row = to_row(from_doc(doc, spans_key, sentences=True, report=report), report)
        for mention, span in zip(row["mentions"], doc.spans.get(spans_key, ()), strict=True):
            mention["candidates"] = [
                {"concept": each.id, "type": each.type, "score": each.score, "attention": each.attention}
                for each in get_concepts(span, concepts_key)
            ]
    except ValueError as error:
        return error_row(AnnotatedText(doc.text, id=id_text(doc.user_data.get("id"))), str(error))
    symmetric = set(doc.spans[spans_key].attrs.get("symmetric", ())) if spans_key in doc.spans else set()
    for relation in row["relations"]:
        relation["symmetric"] = relation["label"] in symmetric
    return row


def error_row(text: AnnotatedText, error: str, report: Report | None = None) -> dict[str, Any]:
    """A row of :data:`SCHEMA` for a text without a graph. report: as of :func:`graph_row`."""
    return {**to_row(text, report), "mentions": None, "relations": None, "error": error}


def docs_from_batches(
    batches: Iterable[pa.RecordBatch],
    make_doc: Callable[[str], Doc] | None = None,
    *,
    spans_key: str = SPANS_KEY,
    concepts_key: str = CONCEPTS_KEY,
    report: Report | None = None,
) -> Iterator[Doc]:
    """Documents with mentions, relations, sentences and the candidate concepts of mentions, of rows of :data:`SCHEMA`.

    make_doc: what makes the tokens, such as a pipeline's ``make_doc``; None: the biomedical tokenizer.
    report: counts the rows that have an error or no text; they have no document.
    """
    make_doc = make_doc or biomedical_tokenizer()
    report = report or Report()
    for batch in batches:
        for row in batch.to_pylist():
            try:
                doc = to_doc(from_row(row), make_doc, report, spans_key)
            except (ValueError, KeyError, TypeError) as error:
                report.drop_text("row without a graph", f"{row.get('id') or 'no id'}: {error}")
            else:
                _restore(doc, row, spans_key, concepts_key)
                yield doc


def _restore(doc: Doc, row: Mapping[str, Any], spans_key: str, concepts_key: str) -> None:
    """Set what AnnotatedText has no place for."""
    symmetric = sorted({each["label"] for each in row["relations"] or () if each.get("symmetric")})
    if symmetric:
        doc.spans[spans_key].attrs["symmetric"] = symmetric
    spans, scores, attention = [], [], []
    tokens = {(span.start_char, span.end_char): (span.start, span.end) for span in doc.spans[spans_key]}
    # a mention may be there twice, with two labels: its candidates are the same
    seen = {(each["start"], each["end"]): each for each in row["mentions"] or ()}
    for (start, end), mention in seen.items():
        words = doc.text[start:end]
        start += len(words) - len(words.lstrip())  # to_doc leaves white space at the edges out
        if (place := tokens.get((start, start + len(words.strip())))) is None:
            continue
        for each in mention.get("candidates") or ():
            spans.append(Span(doc, *place, label=each["type"], kb_id=each["concept"]))
            scores.append(each["score"])
            attention.append(each["attention"])
    if spans:
        read = {"attention": attention} if any(weight is not None for weight in attention) else {}
        set_span_graph(doc, concepts_key, spans, None, scores=scores, **read)


def _is_string(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)
