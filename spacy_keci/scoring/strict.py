"""Strict scores: mentions must match in offsets and type, relations in label and both typed mentions."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from spacy.training import Example

from ..corpora.annotation import AnnotatedText
from ..tokens import SPANS_KEY
from .counts import CountTable, Statistic, macro, micro, read_graphs, summarize

# (head, tail, label), head and tail being (start, end, type) or, untyped, (start, end)
Triple = tuple[tuple[Any, ...], tuple[Any, ...], str]


def make_strict_scorer(spans_key: str = SPANS_KEY, symmetric: list[str] | None = None) -> "StrictScorer":
    """Registered as ``spacy_keci.strict_scorer.v1``.

    symmetric: relation labels whose head and tail may be swapped.
    """
    return StrictScorer(spans_key, frozenset(symmetric or ()))


@dataclass(frozen=True)
class StrictScorer:
    """Compares sets of mentions and relations by their character offsets: duplicates count once, and gold that is not
    on token boundaries of the pipeline counts as missed.

    Micro scores sum over all labels; macro scores are means over the labels that occur in gold or prediction (the score
    of ADE, as in SpERT). If there is nothing to score, scores are 0.
    """

    spans_key: str = SPANS_KEY
    symmetric: frozenset[str] = frozenset()

    # name of a score: its table, and the function that computes it
    statistics: ClassVar[dict[str, tuple[str, Statistic]]] = {
        "entities_micro": ("entities", micro),
        "entities_macro": ("entities", macro),
        "relations_micro": ("relations", micro),
        "relations_macro": ("relations", macro),
        "relations_untyped_micro": ("relations_untyped", micro),
    }

    def configured(self, spans_key: str | None = None, symmetric: Iterable[str] | None = None) -> "StrictScorer":
        """A copy of the scorer with these settings, if given."""
        return replace(
            self,
            spans_key=self.spans_key if spans_key is None else spans_key,
            symmetric=self.symmetric if symmetric is None else frozenset(symmetric),
        )

    def __call__(
        self,
        examples: Iterable[Example],
        *,
        spans_key: str | None = None,
        symmetric: Iterable[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """``entities_micro_*``, ``entities_macro_*``, ``relations_micro_*``, ``relations_macro_*`` and
        ``relations_untyped_micro_*`` (types of the arguments ignored) with ``_p``, ``_r``, ``_f``;
        ``entities_per_type`` and ``relations_per_type``; ``*_gold`` and ``*_predicted``, the numbers of items of each
        table; ``entities_unreachable`` and ``relations_unreachable``: gold that is not on token boundaries of the
        predicted document.

        spans_key, symmetric: settings of the calling component, which override the scorer's own. Other keyword
            arguments are ignored.
        Raises ValueError if the spans key is missing in a reference document.
        """
        scorer, examples = self.configured(spans_key, symmetric), list(examples)
        tables = scorer.tables(examples)
        per_type = {f"{name}_per_type": tables[name].per_type() for name in ("entities", "relations")}
        return summarize(tables, self.statistics) | per_type | scorer._unreachable(examples)

    def tables(self, examples: Iterable[Example]) -> dict[str, CountTable]:
        """Counts per document and label of ``entities``, ``relations`` and ``relations_untyped``."""
        graphs = read_graphs(examples, self.spans_key)
        gold, predicted = [gold for gold, _ in graphs], [predicted for _, predicted in graphs]

        def table(items: Any) -> CountTable:
            return CountTable.from_sets([items(graph) for graph in gold], [items(graph) for graph in predicted])

        return {
            "entities": table(_entities),
            "relations": table(self._relations),
            "relations_untyped": table(partial(self._relations, typed=False)),
        }

    def _relations(self, graph: AnnotatedText, *, typed: bool = True) -> set[Triple]:
        return set(triples(graph, [mention[: 3 if typed else 2] for mention in graph.mentions], self.symmetric))

    def _unreachable(self, examples: list[Example]) -> dict[str, int]:
        entities = relations = 0
        for example, (gold, _) in zip(examples, read_graphs(examples, self.spans_key), strict=True):
            starts = {token.idx for token in example.predicted}
            ends = {token.idx + len(token) for token in example.predicted}
            lost = {entity for entity in _entities(gold) if entity[0] not in starts or entity[1] not in ends}
            entities += len(lost)
            relations += sum(head in lost or tail in lost for head, tail, _ in self._relations(gold))
        return {"entities_unreachable": entities, "relations_unreachable": relations}


def triples(graph: AnnotatedText, mentions: Sequence[tuple[Any, ...]], symmetric: Collection[str]) -> Iterator[Triple]:
    """The relations as comparable triples: label and both ``mentions``, sorted if the label is ``symmetric``."""
    for i, j, label, _ in graph.relations:
        head, tail = mentions[i], mentions[j]
        if label in symmetric:
            head, tail = sorted((head, tail))
        yield head, tail, label


def _entities(graph: AnnotatedText) -> set[tuple[int, int, str]]:
    return {mention[:3] for mention in graph.mentions}
