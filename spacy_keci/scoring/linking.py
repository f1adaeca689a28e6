"""Concepts that attention chooses, against gold concepts that no training saw."""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from spacy.training import Example

from ..tokens import CONCEPTS_KEY, SPANS_KEY, Concept, get_concepts

if TYPE_CHECKING:
    from ..knowledge.knowledge_base import KnowledgeBase


def linking_counts(
    examples: Iterable[Example], kb: "KnowledgeBase", spans_key: str = SPANS_KEY, concepts_key: str = CONCEPTS_KEY
) -> Counter[str]:
    """How often the gold concept of a mention (``kb_id_``) is found, and by what.

    grounded: gold mentions whose concept the knowledge base has. among candidates: those with the gold concept among
    the candidates of their span. Of these, in which the first choice is the gold concept -- first: the linker's order;
    attention: the largest weight; mention: the ``kb_id_`` of the predicted mention, which is empty where the sentinel
    has won. found: the span is predicted as a mention. pruned: the span had no attention, as it was pruned. ambiguous:
    it had several candidates; ``ambiguous, first`` and so on are what is found and hit among these.
    """
    counts: Counter[str] = Counter()
    for example in examples:
        predicted = example.predicted
        chosen = {(m.start, m.end): m.kb_id_ for m in predicted.spans.get(spans_key, ())}
        for gold in example.reference.spans[spans_key]:
            if not gold.kb_id_:
                continue
            counts["with a concept"] += 1
            if gold.kb_id_ not in kb:
                continue
            counts["grounded"] += 1
            right = kb.index(gold.kb_id_)
            span = predicted.char_span(gold.start_char, gold.end_char)
            candidates = [] if span is None else get_concepts(span, concepts_key)
            if span is None or not any(kb.index(candidate.id) == right for candidate in candidates):
                continue
            counts["among candidates"] += 1
            first = kb.index(candidates[0].id) == right
            best = max(candidates, key=_attention)
            counts["pruned"] += best.attention is None
            attention = best.attention is not None and kb.index(best.id) == right
            mention = chosen.get((span.start, span.end))
            hits = {
                "first": first,
                "attention": attention,
                "found": mention is not None,
                "found, first": mention is not None and first,
                "mention": mention is not None and mention in kb and kb.index(mention) == right,
            }
            counts.update(hits)
            if len(candidates) > 1:
                counts.update(ambiguous=1, **{f"ambiguous, {what}": hit for what, hit in hits.items()})
    return counts


def _attention(candidate: Concept) -> float:
    return -1.0 if candidate.attention is None else candidate.attention
