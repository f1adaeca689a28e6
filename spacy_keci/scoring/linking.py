"""Compare the concepts chosen by a linker or by attention with gold concepts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from spacy.training import Example

from ..identifiers import identifiers, named_concepts
from ..tokens import CONCEPTS_KEY, SPANS_KEY, Concept, get_concepts
from .counts import CountTable, Statistic, micro, summarize

if TYPE_CHECKING:
    from ..knowledge.knowledge_base import KnowledgeBase


def linking_counts(
    examples: Iterable[Example], kb: "KnowledgeBase", spans_key: str = SPANS_KEY, concepts_key: str = CONCEPTS_KEY
) -> Counter[str]:
    """Count how often the gold concept of a mention (``kb_id_``) is found, by method. As in :class:`LinkingScorer`,
    any of several concepts is correct.

    grounded: gold mentions whose concept is in the knowledge base. among candidates: mentions with the gold concept
        among the candidates of their span. Among these, mentions whose gold concept is chosen by -- first: the linker's
        order; attention: the largest weight; mention: the ``kb_id_`` of the predicted mention, which is empty if the
        sentinel weighs more. found: the span is predicted as a mention. pruned: the span was pruned, and had no
        attention. ambiguous: the span has several candidates; ``ambiguous, first`` and so on are the counts among
        these.
    """

    def numbers(kb_id: str) -> set[int]:
        return {kb.index(id) for id in named_concepts(kb_id) if id in kb}

    counts: Counter[str] = Counter()
    for example in examples:
        predicted = example.predicted
        chosen = {(m.start, m.end): m.kb_id_ for m in predicted.spans.get(spans_key, ())}
        for gold in example.reference.spans[spans_key]:
            if not named_concepts(gold.kb_id_):
                continue
            counts["with a concept"] += 1
            right = numbers(gold.kb_id_)
            if not right:
                continue
            counts["grounded"] += 1
            span = predicted.char_span(gold.start_char, gold.end_char)
            candidates = [] if span is None else get_concepts(span, concepts_key)
            if span is None or not any(kb.index(candidate.id) in right for candidate in candidates):
                continue
            counts["among candidates"] += 1
            first = kb.index(candidates[0].id) in right
            best = max(candidates, key=_attention)
            counts["pruned"] += best.attention is None
            attention = best.attention is not None and kb.index(best.id) in right
            mention = chosen.get((span.start, span.end))
            hits = {
                "first": first,
                "attention": attention,
                "found": mention is not None,
                "found, first": mention is not None and first,
                "mention": mention is not None and not right.isdisjoint(numbers(mention)),
            }
            counts.update(hits)
            if len(candidates) > 1:
                counts.update(ambiguous=1, **{f"ambiguous, {what}": hit for what, hit in hits.items()})
    return counts


def _attention(candidate: Concept) -> float:
    return -1.0 if candidate.attention is None else candidate.attention


@dataclass(frozen=True)
class LinkingScorer:
    """How often the concept of a gold mention is found at its offsets, by the type of the mention:

    - ``linking_first``: is it the first candidate? Recall is the accuracy on given mentions; precision is the accuracy
      on mentions with a candidate.
    - ``linking_candidates``: is it among the candidates?
    - ``linking_known_first`` and ``linking_known_candidates``: the same for mentions whose concept is in the knowledge
      base; for genes, only human ones, if it has only human genes.

    Mentions without an identifier do not count. For a mention of several concepts, or a composite of them, any of them
    is correct. The knowledge base maps different identifiers to the same concept. A mention without
    candidates has its own identifier as one: the normal form of a sequence variant is in no knowledge base.
    """

    kb: "KnowledgeBase"
    spans_key: str = SPANS_KEY
    concepts_key: str = CONCEPTS_KEY

    statistics: ClassVar[dict[str, tuple[str, Statistic]]] = {
        name: (name, micro)
        for name in ("linking_first", "linking_candidates", "linking_known_first", "linking_known_candidates")
    }

    def __call__(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """The scores with ``_p``, ``_r`` and ``_f``, and ``_per_type``; ``*_gold`` and ``*_predicted``, the numbers of
        mentions and of mentions with a candidate. Other arguments are ignored."""
        tables = self.tables(examples)
        return summarize(tables, self.statistics) | {f"{name}_per_type": t.per_type() for name, t in tables.items()}

    def tables(self, examples: Iterable[Example]) -> dict[str, CountTable]:
        """Counts per document and type of mention, by the name of the score."""
        gold: dict[str, list[set[tuple[Any, ...]]]] = {name: [] for name in self.statistics}
        predicted: dict[str, list[set[tuple[Any, ...]]]] = {name: [] for name in self.statistics}
        for example in examples:
            for name in self.statistics:
                gold[name].append(set())
                predicted[name].append(set())
            own = {(m.start, m.end, m.label_): m.kb_id_ for m in example.predicted.spans.get(self.spans_key, ())}
            for i, mention in enumerate(example.reference.spans[self.spans_key]):
                ids = named_concepts(mention.kb_id_)
                if not ids:
                    continue
                right = {self._concept(id) for id in ids}
                is_known = any(id in self.kb for id in ids)
                span = example.predicted.char_span(mention.start_char, mention.end_char)
                candidates = [] if span is None else get_concepts(span, self.concepts_key)
                found = [candidate.id for candidate in candidates]
                if span is not None and not found:
                    found = identifiers(own.get((span.start, span.end, mention.label_), ""))
                concepts = [self._concept(id) for id in found]
                for name in self.statistics:
                    if "known" in name and not is_known:
                        continue
                    answers = concepts[:1] if name.endswith("first") else concepts
                    gold[name][-1].add((i, mention.label_))
                    if answers:
                        # a wrong prediction is a separate item that is never gold
                        place = i if right.intersection(answers) else -1 - i
                        predicted[name][-1].add((place, mention.label_))
        return {name: CountTable.from_sets(gold[name], predicted[name]) for name in self.statistics}

    def _concept(self, id: str) -> int | str:
        """Its number in the knowledge base, or else the identifier."""
        return self.kb.index(id) if id in self.kb else id
