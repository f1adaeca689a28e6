"""Gold span graphs of a batch of examples, in the tokens of the predicted documents."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from spacy.tokens import Span
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
    mentions_are_given: whether there is nothing to learn of mentions but their relations. Their types, which may be
        unknown, do not count then: those with the same offsets are one.
    Raises ValueError for a label that is not among those given.
    """

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
        has_mentions.append(is_annotated and not mentions_are_given)
        has_relations.append(is_annotated and "relations" in example.reference.spans[spans_key].attrs)
        if not is_annotated:
            continue
        predicted, group = example.predicted, example.reference.spans[spans_key]
        rows: dict[tuple[int, int, str], int] = {}
        for mention in group:
            if mention.label_ not in label_ids and not mentions_are_given:
                raise ValueError(_unknown("entity", mention.label_, mention.text, labels))
            span = predicted.char_span(mention.start_char, mention.end_char)
            if span is None:
                counts["mentions do not begin and end on tokens"] += 1
            else:
                rows.setdefault(identity(mention), len(mentions))
                mentions.append((d, span.start, span.end, label_ids.get(mention.label_, 0)))
        for relation in get_relations(example.reference, spans_key):
            if relation.label not in relation_ids:
                raise ValueError(_unknown("relation", relation.label, str(relation), relation_labels))
            head, tail = (rows.get(identity(span)) for span in (relation.head, relation.tail))
            if head is None or tail is None:
                counts["relations of such mentions"] += 1
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
    get_candidates: Callable[[list[Example]], Ragged],
    *,
    spans_key: str,
    labels: Sequence[str],
    relation_labels: Sequence[str],
    max_pair_distance: int,
    mentions_are_given: bool = False,
) -> Counter[str]:
    """How much of the gold a component with these settings can never predict, by reason.

    get_candidates: the spans of a batch that may be mentions, or that are given as such.
    """
    counts: Counter[str] = Counter()
    for batch in minibatch(examples, 128):
        gold = gold_graphs(batch, spans_key, labels, relation_labels, counts, mentions_are_given=mentions_are_given)
        found, related = find_gold(candidate_array(get_candidates(batch)), gold)
        head, tail, _ = gold.relations.T
        if not mentions_are_given:
            counts["mentions that are not suggested, or have the offsets of another"] += int((~found).sum())
            counts["relations of such mentions"] += int((~related).sum())
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


def _unknown(kind: str, label: str, where: str, known: Sequence[str]) -> str:
    return (
        f"Unknown {kind} label {label!r} in '{where}'. The component was initialized with "
        f"{', '.join(known) or 'none'}. Add it to the labels in [initialize.components.keci] and train again, or "
        "take it out of the corpus."
    )
