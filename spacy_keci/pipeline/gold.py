"""Gold span graphs of a batch of examples, in the tokens of the predicted documents."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import minibatch
from thinc.types import Ragged

from ..ml.targets import GoldGraphs, candidate_array, find_spans
from ..tokens import get_relations


def gold_graphs(
    examples: Iterable[Example],
    spans_key: str,
    labels: Sequence[str],
    relation_labels: Sequence[str],
    unreachable: Counter[str] | None = None,
    *,
    mentions_are_given: bool = False,
) -> GoldGraphs:
    """Arrays of the gold mentions and relations that lie on token boundaries of the predicted documents.

    What does not, and relations that hang on it, is counted in ``unreachable``. A reference without the span group
    counts as not annotated, and so do the relations of one whose group has no ``relations``.
    mentions_are_given: whether somebody else finds the mentions. Their types may be unknown then, which counts as not
        annotated, and those with the same offsets are one.
    Raises ValueError for a label that is not among those given, and where the two texts differ.
    """
    from ..ml.losses import NOT_ANNOTATED

    def identity(span: Span) -> tuple[int, int, str]:
        return span.start, span.end, "" if mentions_are_given else span.label_

    label_ids = {label: i for i, label in enumerate(labels, start=1)}
    relation_ids = {label: i for i, label in enumerate(relation_labels, start=1)}
    counts = unreachable if unreachable is not None else Counter()
    mentions: list[tuple[int, int, int, int]] = []
    relations: list[tuple[int, int, int]] = []
    has_mentions, has_relations = [], []
    for d, example in enumerate(examples):
        is_annotated = spans_key in example.reference.spans
        has_mentions.append(is_annotated)
        has_relations.append(is_annotated and "relations" in example.reference.spans[spans_key].attrs)
        if not is_annotated:
            continue
        predicted, group = example.predicted, example.reference.spans[spans_key]
        if predicted.text != example.reference.text:
            raise ValueError(
                f"Cannot learn from {example.reference.text[:40]!r}: the document to predict has another text, "
                f"{predicted.text[:40]!r}, so that the offsets of gold mentions mean nothing there."
            )
        rows: dict[tuple[int, int, str], int] = {}
        for mention in group:
            if mention.label_ not in label_ids and not mentions_are_given:
                raise ValueError(_unknown("entity", mention.label_, mention.text, labels))
            span = predicted.char_span(mention.start_char, mention.end_char)
            if span is None:
                counts["mentions that do not begin and end on tokens"] += 1
            else:
                rows.setdefault(identity(mention), len(mentions))
                mentions.append((d, span.start, span.end, label_ids.get(mention.label_, NOT_ANNOTATED)))
        for relation in get_relations(example.reference, spans_key):
            if relation.label not in relation_ids:
                raise ValueError(_unknown("relation", relation.label, str(relation), relation_labels))
            head, tail = (rows.get(identity(span)) for span in (relation.head, relation.tail))
            if head is None or tail is None:
                counts["relations of mentions that do not begin and end on tokens"] += 1
            else:
                relations.append((head, tail, relation_ids[relation.label]))
    rows_ = np.array(mentions, dtype="int64").reshape(-1, 4)
    return GoldGraphs(
        spans=rows_[:, :3],
        labels=rows_[:, 3],
        relations=np.array(relations, dtype="int64").reshape(-1, 3),
        has_mentions=np.array(has_mentions, dtype=bool),
        has_relations=np.array(has_relations, dtype=bool),
    )


def find_unreachable(
    examples: list[Example],
    suggest: Callable[[list[Doc]], Ragged] | None,
    *,
    spans_key: str,
    labels: Sequence[str],
    relation_labels: Sequence[str],
    max_pair_distance: int,
) -> Counter[str]:
    """How much of the gold a component with these settings can never predict, by reason.

    suggest: the spans of documents that may be mentions; None where mentions are given.
    """
    counts: Counter[str] = Counter()
    others = "mentions that are not suggested, or have the offsets of another"
    for batch in minibatch(examples, 128):
        gold = gold_graphs(batch, spans_key, labels, relation_labels, counts, mentions_are_given=suggest is None)
        if suggest is not None:
            found, related = find_gold(candidate_array(suggest([example.predicted for example in batch])), gold)
            counts[others] += int((~found).sum())
            counts[f"relations of {others}"] += int((~related).sum())
        head, tail, _ = gold.relations.T
        far = np.abs(gold.spans[head, 1] - gold.spans[tail, 1]) > max_pair_distance
        counts["relations over more than max_pair_distance tokens"] += int(far.sum())
        counts["relations of a mention with itself"] += int((head == tail).sum())
    return +counts


def find_gold(candidates: np.ndarray, gold: GoldGraphs) -> tuple[np.ndarray, np.ndarray]:
    """Which gold mentions are among the candidates, (spans, 3) document, start and end, and which gold relations are
    between such: (mentions,) and (relations,) of bool. Where two mentions have the same offsets, the first counts."""
    found = np.isin(np.arange(len(gold.spans)), find_spans(candidates, gold.spans))
    head, tail, _ = gold.relations.T
    return found, found[head] & found[tail]


def of_given(gold: GoldGraphs, candidates: np.ndarray, is_given: np.ndarray) -> GoldGraphs:
    """The same for a batch whose mentions are given: these teach the types that they have in the gold, and no other
    candidate teaches a type, nor that it is none.

    candidates: (spans, 3) document, start and end. is_given: (spans,) of bool.
    """
    from ..ml.losses import NOT_ANNOTATED

    is_known = find_spans(gold.spans, candidates[is_given]) >= 0
    labels = np.where(is_known, gold.labels, NOT_ANNOTATED)
    return replace(
        gold,
        spans=np.concatenate([gold.spans, candidates]),
        labels=np.concatenate([labels, np.full(len(candidates), NOT_ANNOTATED)]),
    )


def _unknown(kind: str, label: str, where: str, known: Sequence[str]) -> str:
    return (
        f"Unknown {kind} label {label!r} in '{where}'. The component was initialized with "
        f"{', '.join(known) or 'none'}. Add it to the component's labels ([initialize.components.NAME.labels]) and "
        "train again, or take it out of the corpus."
    )
