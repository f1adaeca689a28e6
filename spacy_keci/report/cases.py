"""A document of the report: gold, prediction and, if it was kept, the prediction without knowledge, in one Doc."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from spacy.tokens import Doc, Span, SpanGroup

from ..corpora.annotation import AnnotatedText, Mention
from ..corpora.documents import to_doc
from ..reports import Report
from ..span_groups import attrs_beside, checked_spans, initial_key, set_span_graph
from .findings import RIGHT, Finding, Graph, compare_graphs
from .knowledge import Change, find_changes

GOLD, PREDICTED, INITIAL, CONCEPTS = "gold", "predicted", "initial", "concepts"


@dataclass(frozen=True)
class Case:
    """``doc`` has the span groups ``gold``, ``predicted`` and, where there were such, ``initial`` and ``concepts``."""

    name: str
    doc: Doc
    findings: list[Finding]
    changes: list[Change] = field(default_factory=list)

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.kind != RIGHT]

    @property
    def severity(self) -> float:
        """One for everything that is missed, its probability for everything that is wrong."""
        return sum(1.0 if error.score is None else error.score for error in self.errors)


def make_cases(
    golds: Sequence[Doc],
    docs: Sequence[Doc],
    make_doc: Callable[[str], Doc],
    *,
    spans_key: str,
    symmetric: Collection[str] = (),
    concepts_key: str = CONCEPTS,
) -> list[Case]:
    """Compare each prediction with its gold, and with ``doc.spans[initial_key(spans_key)]`` if it has that.

    Where relations were not annotated, predicted ones are left out, as in the scores.
    """
    cases = []
    for number, (gold, doc) in enumerate(zip(golds, docs, strict=True), start=1):
        first_key = initial_key(spans_key)
        groups = {GOLD: gold.spans[spans_key], PREDICTED: SpanGroup(doc, name=spans_key)}
        for name, key in ((PREDICTED, spans_key), (INITIAL, first_key), (CONCEPTS, concepts_key)):
            if key in doc.spans:
                groups[name] = doc.spans[key]
        truth, final, initial = (
            Graph.of(source, key, symmetric) for source, key in ((gold, spans_key), (doc, spans_key), (doc, first_key))
        )
        annotated = "relations" in gold.spans[spans_key].attrs
        if not annotated:
            final, initial = replace(final, edges={}), replace(initial, edges={})
        combined = combine(gold.text, groups, make_doc, relations=annotated)
        cases.append(
            Case(
                str(gold.user_data.get("id") or f"document {number}"),
                combined,
                compare_graphs(truth, final),
                find_changes(truth, initial, final) if first_key in doc.spans else [],
            )
        )
    return cases


def combine(text: str, groups: dict[str, SpanGroup], make_doc: Callable[[str], Doc], relations: bool = True) -> Doc:
    """One Doc with span groups of several, whose tokens may differ; ``relations``: with theirs."""
    mentions = [Mention(span.start_char, span.end_char, span.label_) for group in groups.values() for span in group]
    doc = to_doc(AnnotatedText(text, mentions), make_doc, Report())
    doc.spans.clear()
    for name, group in groups.items():
        # characters inside the text: expanded to whole tokens, there is always a span
        spans = [
            cast(Span, doc.char_span(s.start_char, s.end_char, s.label_, s.kb_id_, alignment_mode="expand"))
            for s in checked_spans(group)
        ]
        rows = group.attrs.get("relations") if relations else None
        set_span_graph(doc, name, spans, rows, **attrs_beside(group, "relations"))
    return doc
