"""Scores of relations between concepts, as BioRED counts them (Luo et al. 2022): a relation is correct if the document
states it anywhere, between any mentions."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, ClassVar

from spacy.tokens import Doc
from spacy.training import Example

from ..identifiers import identifiers
from ..interactions import Interaction, get_interactions
from ..tokens import SPANS_KEY, get_relations
from .counts import CountTable, Statistic, micro, read_graphs, summarize

PAIR = "pair"  # the only label if labels do not count
# two identifiers, the lower first, the label and the novelty ("" if unknown)
Fact = tuple[str, str, str, str]


def make_concept_scorer(spans_key: str = SPANS_KEY) -> "ConceptScorer":
    """Registered as ``spacy_keci.concept_scorer.v1``."""
    return ConceptScorer(spans_key)


@dataclass(frozen=True)
class ConceptScorer:
    """Micro precision, recall and F1 of sets of (document, unordered pair of identifiers, ...), each counted once:

    - ``concepts_pair``: the pair alone;
    - ``concepts_typed``: the pair and the label of the relation;
    - ``concepts_novelty``: the pair and whether the relation is novel, as BioCreative VIII scores it;
    - ``concepts_full``: the pair, the label and the novelty, the column "+ novelty" of the paper of BioRED.

    Facts are the interactions of a document (:func:`~spacy_keci.interactions.get_interactions`). If none are stored, as
    in KECI's predictions, they are derived from relations between mentions: each identifier of the head with each
    identifier of the tail. Mentions without an identifier have no facts. Where the gold has neither interactions nor
    relations, they are not annotated, and predicted ones are left out, as in training. The last two scores are left out
    if no gold interaction has a novelty.
    """

    spans_key: str = SPANS_KEY

    # name of a score: the table it is computed from, and how
    statistics: ClassVar[dict[str, tuple[str, Statistic]]] = {
        name: (name, micro) for name in ("concepts_pair", "concepts_typed", "concepts_novelty", "concepts_full")
    }

    def __call__(self, examples: Iterable[Example], *, spans_key: str | None = None, **kwargs: Any) -> dict[str, Any]:
        """The scores with ``_p``, ``_r`` and ``_f``; ``concepts_typed_per_type``; ``*_gold`` and ``*_predicted``, the
        numbers of facts of each table; ``concepts_unidentified``: gold relations that are left out, since one of their
        mentions has no identifier.

        spans_key: setting of the calling component, which overrides the scorer's own. Other arguments are ignored.
        Raises ValueError if a reference document lacks the spans key, or if its text differs from the prediction.
        """
        scorer = self if spans_key is None else replace(self, spans_key=spans_key)
        tables = scorer.tables(examples := list(examples))
        return summarize(tables, self.statistics) | {
            "concepts_typed_per_type": tables["concepts_typed"].per_type(),
            "concepts_unidentified": sum(count_unidentified(each.reference, scorer.spans_key) for each in examples),
        }

    def tables(self, examples: Iterable[Example]) -> dict[str, CountTable]:
        """Counts per document and label, by the name of the score."""
        examples, key = list(examples), self.spans_key
        read_graphs(examples, key)  # for its checks
        gold = [concept_facts(each.reference, key) for each in examples]
        predicted = [concept_facts(e.predicted, key) if is_annotated(e.reference, key) else set() for e in examples]

        def table(*columns: int) -> CountTable:
            def items(facts: set[Fact]) -> set[tuple[Any, ...]]:
                # the last element of an item is the label under which it is counted
                return {(*fact[:2], *(fact[i] for i in columns)) if columns else (*fact[:2], PAIR) for fact in facts}

            return CountTable.from_sets([items(facts) for facts in gold], [items(facts) for facts in predicted])

        tables = {"concepts_pair": table(), "concepts_typed": table(2)}
        if any(novelty for facts in gold for *_, novelty in facts):
            tables |= {"concepts_novelty": table(3), "concepts_full": table(3, 2)}
        return tables


def concept_facts(doc: Doc, spans_key: str = SPANS_KEY) -> set[Fact]:
    """The facts of a document, stated or derived."""
    return {
        (min(each.head, each.tail), max(each.head, each.tail), each.label, each.novelty)
        for each in stated_interactions(doc, spans_key)
    }


def stated_interactions(doc: Doc, spans_key: str = SPANS_KEY) -> list[Interaction]:
    """The interactions of a document if it has any, else those derived from relations between mentions, with their
    scores. Empty without the spans key."""
    if spans_key not in doc.spans or "interactions" in doc.spans[spans_key].attrs:
        return get_interactions(doc, spans_key)
    return [
        Interaction(head, tail, relation.label, relation.score)
        for relation in get_relations(doc, spans_key)
        for head, tail in product(identifiers(relation.head.kb_id_), identifiers(relation.tail.kb_id_))
    ]


def count_unidentified(doc: Doc, spans_key: str = SPANS_KEY) -> int:
    """How many interactions or, if the document has none, relations between mentions lack an identifier."""
    if (stored := doc.spans[spans_key].attrs.get("interactions")) is not None:
        return len(stored) - len(get_interactions(doc, spans_key))
    ends = ((identifiers(r.head.kb_id_), identifiers(r.tail.kb_id_)) for r in get_relations(doc, spans_key))
    return sum(not (head and tail) for head, tail in ends)


def is_annotated(gold: Doc, spans_key: str = SPANS_KEY) -> bool:
    """Whether the gold says what is related: an empty list of interactions or relations says that nothing is."""
    return spans_key in gold.spans and not {"interactions", "relations"}.isdisjoint(gold.spans[spans_key].attrs)
