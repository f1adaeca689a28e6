"""The report as one HTML page, which needs neither a network nor anything beside it."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..visualize.markup import Markup, fill
from ..visualize.render import render_figure
from ..visualize.text import shorten
from .calibration import Calibration, calibrate
from .cases import CONCEPTS, GOLD, INITIAL, PREDICTED, Case
from .findings import MENTION_ERRORS, RELATION_ERRORS, RIGHT, Edge, Finding, Node, count_confusions
from .knowledge import CHANGES, Change, summarize_attention

if TYPE_CHECKING:
    from ..knowledge.knowledge_base import KnowledgeBase

KINDS = ("entities", "relations")
DRAWING_WIDTH = 900
NAME_LENGTH = 60


@dataclass(frozen=True)
class Confusion:
    """Rows are gold labels, columns predicted ones; the last of each is for what the other side does not have."""

    labels: list[str]
    counts: list[list[int]]

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> "Confusion":
        counts = count_confusions(findings)
        support: Counter[str] = Counter()
        for (gold, predicted), n in counts.items():
            for label in {gold, predicted} - {None}:
                support[str(label)] += n * (1000 if label == gold else 1)
        labels = [label for label, _ in sorted(support.items(), key=lambda item: (-item[1], item[0]))]
        keys = [*labels, None]
        return cls(labels, [[counts[gold, predicted] for predicted in keys] for gold in keys])

    @property
    def largest(self) -> int:
        """The largest count off the diagonal, for colours."""
        return max((n for i, row in enumerate(self.counts) for j, n in enumerate(row) if i != j), default=0)


def make_page(
    result: Mapping[str, Any],
    titles: Mapping[str, str],
    cases: Sequence[Case],
    *,
    symmetric: Iterable[str] = (),
    kb: "KnowledgeBase | None" = None,
    shown: int = 100,
) -> str:
    """The page.

    result: what ``spacy keci evaluate`` writes. titles: of its scores, in their order.
    cases: the documents. shown: how many of them are drawn at most, in each section.
    """
    drawing = {"symmetric": list(symmetric), "kb": kb, "concepts_key": CONCEPTS, "width": DRAWING_WIDTH}
    errors = drawing | {"compare": (GOLD, PREDICTED), "overlay": True}
    changes = drawing | {"compare": (INITIAL, PREDICTED)}
    wrong = sorted((case for case in cases if case.errors), key=lambda case: -case.severity)
    changed = sorted((case for case in cases if case.changes), key=lambda case: -len(case.changes))
    findings = [finding for case in cases for finding in case.findings]
    split = {kind: [f for f in findings if f.is_relation == (kind == "relations")] for kind in KINDS}
    return fill(
        "spacy_keci.report",
        "report.html.jinja",
        result=result,
        scores=_score_rows(result, titles),
        per_type={
            kind: sorted(labels.items(), key=lambda item: -item[1]["support"])
            for kind, labels in result["per_type"].items()
        },
        confusions={kind: Confusion.of(split[kind]) for kind in KINDS},
        calibrations={kind: _calibrate(split[kind]) for kind in KINDS},
        attention=summarize_attention([case.doc for case in cases], CONCEPTS),
        type_names=kb.type_names if kb else {},
        has_initial=any(INITIAL in case.doc.spans for case in cases),
        change_counts={
            kind: Counter(
                c.kind for case in cases for c in case.changes if isinstance(c.item, Edge) == (kind == "relations")
            )
            for kind in KINDS
        },
        change_kinds=CHANGES,
        errors=_section(wrong, "errors", [*MENTION_ERRORS, *RELATION_ERRORS], errors, shown),
        changed=_section(changed, "changes", CHANGES, changes, shown),
    )


def _section(
    cases: Sequence[Case], items: str, kinds: Sequence[str], drawing: Mapping[str, Any], shown: int
) -> dict[str, Any]:
    """Cases with their ``errors`` or ``changes``, the first of them drawn."""
    found = [getattr(case, items) for case in cases]
    return {
        "kinds": kinds,
        "labels": sorted({label for several in found for item in several for label in item.labels}),
        "total": len(cases),
        "cards": [_card(case, several, drawing) for case, several in zip(cases[:shown], found, strict=False)],
    }


def _score_rows(result: Mapping[str, Any], titles: Mapping[str, str]) -> list[dict[str, Any]]:
    rows = []
    for name, title in titles.items():
        if f"{name}_f" in result["scores"]:
            values = {what: result["scores"][f"{name}_{what}"] for what in "prf"}
            rows.append({"title": title, **values, "interval": result["intervals"].get(f"{name}_f")})
    return rows


def _calibrate(findings: Iterable[Finding]) -> Calibration | None:
    # a relation holds whatever the types of its mentions, which have probabilities of their own
    holds = (RIGHT, "wrong type of an argument")
    predicted = [(f.score, f.kind in holds) for f in findings if f.score is not None]
    return calibrate([score for score, _ in predicted], [right for _, right in predicted])


def _card(case: Case, items: Sequence[Finding | Change], drawing: Mapping[str, Any]) -> dict[str, Any]:
    """A drawing, and its errors or changes in words. What the same words say of several mentions stands there once,
    with the highest probability."""
    describe = _Describer(case.doc.text, drawing["symmetric"])
    merged: dict[tuple[str, str], dict[str, Any]] = {}
    for item in items:
        words = describe.error(item) if isinstance(item, Finding) else describe.item(item.item)
        chip: dict[str, Any] = {
            "kind": item.kind,
            "text": words,
            "labels": [],
            "score": None,
            "good": item.is_good,
            "count": 0,
        }
        first = merged.setdefault((item.kind, words), chip)
        first["count"] += 1
        first["labels"] = list(dict.fromkeys([*first["labels"], *item.labels]))
        first["score"] = max((s for s in (first["score"], item.score) if s is not None), default=None)
    return {
        "name": case.name,
        "text": case.doc.text,
        "chips": list(merged.values()),
        "count": sum(chip["count"] for chip in merged.values()),
        "severity": case.severity,
        "drawing": Markup(render_figure(case.doc, options=drawing)),
    }


@dataclass(frozen=True)
class _Describer:
    """Items in words."""

    text: str
    symmetric: Collection[str]

    def error(self, error: Finding) -> str:
        """The gold item and what it was taken for, where the two differ."""
        gold, predicted = error.gold, error.predicted
        if gold is None or predicted is None:
            return "".join(self.item(item) for item in (gold, predicted) if item is not None)
        if isinstance(gold, Edge) and isinstance(predicted, Edge) and error.kind == "wrong type of an argument":
            ends = zip((gold.head, gold.tail), (predicted.head, predicted.tail), strict=True)
            wrong = [f"{self.name(a)} ({a.label}) taken for {b.label}" for a, b in ends if a != b]
            return f"{self.item(gold)}, {' and '.join(wrong)}"
        taken_for = self.item(predicted) if gold.label == predicted.label else predicted.label
        return f"{self.item(gold)} taken for {taken_for}"

    def item(self, item: Node | Edge) -> str:
        if isinstance(item, Node):
            return f"{self.name(item)} ({item.label})"
        arrow = "–" if item.label in self.symmetric else "→"
        return f"{self.name(item.head)} –{item.label}{arrow} {self.name(item.tail)}"

    def name(self, node: Node) -> str:
        return shorten(self.text[node.start : node.end], NAME_LENGTH)
