"""Gold span graphs of a batch of examples as arrays, in the tokens of the predicted documents."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch

from ..alignment import align
from ..ml.graphs import NOT_ANNOTATED, GoldGraphs
from ..ml.spans.targets import find_spans
from ..sentences import cross_sentences, doc_starts, sentence_of_span, words_before

NEW_LABELS = (
    "Add it to the component's labels ([initialize.components.NAME.labels]) and train again, or remove it from the "
    "corpus. A component with 'source' keeps its labels: to add some, start a new component from its weights with "
    "spacy_keci.StartFrom.v1."
)
FURTHER_RELATIONS = "further relations of one pair (set multi_label = true)"


@dataclass(frozen=True)
class GoldReader:
    """Reads gold graphs, and counts the parts that a component with these settings can never predict.

    labels, relation_labels: the labels, numbered from 1.
    mentions_are_given: whether the component reads mentions instead of predicting them. Unknown types then count as not
        annotated, and mentions with the same offsets as one.
    symmetric: relations without direction. multi_label: whether one pair may have several relations.
    max_pair_distance: of the component. by_sentence: whether it reads each sentence separately.
    learn_scores: whether scores below 1 are probabilities to learn; otherwise all are 1.
    """

    spans_key: str
    labels: Sequence[str]
    relation_labels: Sequence[str]
    mentions_are_given: bool
    symmetric: Sequence[str]
    multi_label: bool
    max_pair_distance: int
    by_sentence: bool
    learn_scores: bool = False

    def __call__(self, examples: Iterable[Example], unreachable: Counter[str] | None = None) -> GoldGraphs:
        """Arrays of the gold mentions and relations that lie on token boundaries of the predicted documents.

        All others are counted in ``unreachable``, by reason. A reference without the span group counts as not
        annotated; if its group has no ``relations``, only its mentions are annotated.
        Raises ValueError for an unknown label, and if the two texts of an example differ.
        """
        label_ids = {label: i for i, label in enumerate(self.labels, start=1)}
        relation_ids = {label: i for i, label in enumerate(self.relation_labels, start=1)}
        counts = unreachable if unreachable is not None else Counter()
        mentions: list[tuple[int, int, int, int]] = []
        scores: list[float] = []
        relations: list[tuple[int, int, int]] = []
        relation_scores: list[float] = []
        has_mentions, has_relations = [], []
        for d, example in enumerate(examples):
            aligned = align(example, self.spans_key)
            group = example.reference.spans.get(self.spans_key)
            has_mentions.append(group is not None)
            has_relations.append(group is not None and "relations" in group.attrs)
            first: dict[tuple[int, int, str], int] = {}
            rows: list[int | None] = []
            for mention, span, score in zip(group or (), aligned.spans, aligned.scores, strict=True):
                if mention.label_ not in label_ids and not self.mentions_are_given:
                    raise ValueError(_unknown("entity", mention.label_, mention.text, self.labels))
                if span is None:
                    rows.append(None)
                    continue
                identity = (span.start, span.end, "" if self.mentions_are_given else mention.label_)
                rows.append(first.setdefault(identity, len(mentions)))
                mentions.append((d, span.start, span.end, label_ids.get(mention.label_, NOT_ANNOTATED)))
                scores.append(score if self.learn_scores else 1.0)
            for head, tail, label, score in aligned.relations:
                if label not in relation_ids:
                    raise ValueError(_unknown("relation", label, example.reference.text[:40], self.relation_labels))
                ends = rows[head], rows[tail]
                if ends[0] is not None and ends[1] is not None:
                    relations.append((*ends, relation_ids[label]))  # type: ignore[arg-type]
                    relation_scores.append(score if self.learn_scores else 1.0)
            counts["mentions that do not begin and end on tokens"] += aligned.lost_mentions
            counts["relations of mentions that do not begin and end on tokens"] += aligned.lost_relations
        of_mentions = np.array(mentions, dtype="int64").reshape(-1, 4)
        return GoldGraphs(
            spans=of_mentions[:, :3],
            labels=of_mentions[:, 3],
            scores=np.array(scores, dtype="float32"),
            relations=np.array(relations, dtype="int64").reshape(-1, 3),
            relation_scores=np.array(relation_scores, dtype="float32"),
            has_mentions=np.array(has_mentions, dtype=bool),
            has_relations=np.array(has_relations, dtype=bool),
        )

    def unreachable(
        self,
        examples: list[Example],
        reachable: Callable[[list[Doc], GoldGraphs], Mapping[str, np.ndarray]] | None = None,
    ) -> Counter[str]:
        """Count the gold that can never be predicted, by reason.

        reachable: which mentions can be predicted, (mentions,) of bool, keyed by a description of the others; None if
            every span may be a mention, or mentions are given.
        """
        counts: Counter[str] = Counter()
        for batch in minibatch(examples, 128):
            gold = self(batch, counts)
            docs = [example.predicted for example in batch]
            head, tail, _ = gold.relations.T
            for others, found in (reachable(docs, gold) if reachable is not None else {}).items():
                counts[others] += int((~found).sum())
                counts[f"relations of {others}"] += int((~found[head] | ~found[tail]).sum())
            start = words_before(docs)[doc_starts(docs)[gold.spans[:, 0]] + gold.spans[:, 1]]
            far = np.abs(start[head] - start[tail]) > self.max_pair_distance
            counts["relations over more than max_pair_distance words"] += int(far.sum())
            counts["relations of a mention with itself"] += int((head == tail).sum())
            self._count_pairs(gold, counts)
            if self.by_sentence:
                crossing, sentence = cross_sentences(gold.spans, docs), sentence_of_span(gold.spans, docs)
                counts["mentions across the end of a sentence ('by_sentence')"] += int(crossing.sum())
                counts["relations between sentences ('by_sentence')"] += int((sentence[head] != sentence[tail]).sum())
        return +counts

    def _count_pairs(self, gold: GoldGraphs, counts: Counter[str]) -> None:
        """Count duplicate relations and, without ``multi_label``, relations whose pair already has another label."""
        labels: dict[tuple[int, int], Counter[tuple[int, bool | None]]] = {}
        for head, tail, label in gold.relations.tolist():
            is_symmetric = self.relation_labels[label - 1] in self.symmetric
            if head != tail:
                pair = (min(head, tail), max(head, tail))
                labels.setdefault(pair, Counter())[label, None if is_symmetric else head > tail] += 1
        for of_pair in labels.values():
            counts["duplicate relations, which count once (both directions of a symmetric label are the same)"] += (
                of_pair.total() - len(of_pair)
            )
            if not self.multi_label:
                directions = {backward for _, backward in of_pair} - {None}
                counts[FURTHER_RELATIONS] += len(of_pair) - max(len(directions), 1)


def find_gold(candidates: np.ndarray, gold: GoldGraphs) -> tuple[np.ndarray, np.ndarray]:
    """Which gold mentions are among the candidates, and which gold relations have both mentions among them: (mentions,)
    and (relations,) of bool. Of two mentions with the same offsets, the first counts.

    candidates: (spans, 3) document, start and end."""
    found = np.isin(np.arange(len(gold.spans)), find_spans(candidates, gold.spans))
    head, tail, _ = gold.relations.T
    return found, found[head] & found[tail]


def limit_to_given(gold: GoldGraphs, candidates: np.ndarray, is_given: np.ndarray) -> GoldGraphs:
    """The gold for a batch whose mentions are given: given mentions are trained on their gold types, and certain; other
    candidates count as not annotated.

    candidates: (spans, 3) document, start and end. is_given: (spans,) of bool.
    """
    is_known = find_spans(gold.spans, candidates[is_given]) >= 0
    labels = np.where(is_known, gold.labels, NOT_ANNOTATED)
    return replace(
        gold,
        spans=np.concatenate([gold.spans, candidates]),
        labels=np.concatenate([labels, np.full(len(candidates), NOT_ANNOTATED)]),
        scores=np.ones(len(gold.spans) + len(candidates), dtype="float32"),
    )


def _unknown(kind: str, label: str, where: str, known: Sequence[str]) -> str:
    return (
        f"Unknown {kind} label {label!r} in '{where}'. The component was initialized with "
        f"{', '.join(known) or 'none'}. {NEW_LABELS}"
    )
