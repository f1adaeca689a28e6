"""The base class of all components that write span graphs, KECI and its siblings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples
from spacy.util import logger
from thinc.api import Optimizer, set_dropout_rate

from ..alignment import align
from ..ml.graphs import GoldGraphs
from ..ml.memory import EVERY, release_freed_memory
from ..ml.objective import Objective
from ..sentences import cross_sentences, sentence_of_span
from ..span_groups import stored_values
from .gold import GoldReader, find_gold, limit_to_given
from .label_settings import weight_array
from .mentions import has_mentions, read_mentions
from .predictor import Predictor

if TYPE_CHECKING:
    from ..ml.network import Sizes

# batches of a component from another pipeline whose gold is inspected
_INSPECTED = 128


class Extractor(Predictor):
    """Predicts mentions and relations, or the relations of given mentions.

    A subclass implements the input of its model (``make_input``), the predictions from its scores (``predict``), and
    how they are written (``set_annotations``).
    """

    # Properties of a system

    def make_sizes(self, examples: Iterable[Example]) -> Sizes:
        """The sizes from which the network is made."""
        from ..ml.network import Sizes

        return Sizes(
            len(self.labels), len(self.relation_labels), bool(self._directed_labels), self.multi_label, self.label_data
        )

    def reachable(self, docs: list[Doc], gold: GoldGraphs) -> dict[str, np.ndarray]:
        """Which gold mentions can be predicted, (mentions,) of bool, keyed by a description of those that cannot."""
        return {}

    def mentions_to_learn(self, examples: list[Example]) -> list[list[Span]] | None:
        """The mentions of each document that an update reads: the given ones, or the gold ones if none are set. None if
        the component predicts mentions."""
        if self.entities_from is None:
            return None
        return [
            read_mentions(example.predicted, self.entities_from)
            if has_mentions(example.predicted, self.entities_from)
            else align(example, self.spans_key).found
            for example in examples
        ]

    def progress(self) -> float:
        """The weight of relations in training: 0 while only mentions are learned, up to 1."""
        return 1.0 if self.entities_from is not None or self.cfg["steps"] >= self.entity_steps else 0.0

    # Training

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: dict[str, list[str]] | None = None,
    ) -> None:
        """Find the labels, report gold that cannot be predicted, and build the model.

        labels: ``{"entities": [...], "relations": [...]}``, from a file or the config; None for the labels of the
            examples, most frequent first.
        Raises ValueError if there is no entity type, or no example with annotation.
        """
        if labels is None:
            labels = self._find_labels(get_examples())
        if self.is_initialized:  # new weights, for the new labels alone
            self.model.shims[0]._model = None
            self.cfg |= {"labels": [], "relation_labels": []}
        for label in labels.get("entities", []):
            self.add_label(label)
        for label in labels.get("relations", []):
            self.add_relation_label(label)
        if not self.labels:
            raise ValueError(
                f"'{self.name}' has no entity types to learn: no example has a mention in "
                f"doc.spans[{self.spans_key!r}]. Check the spans key and the training corpus, or give the labels in "
                f"[initialize.components.{self.name}.labels]."
            )
        self._warn_of_symmetric()
        self._warn_of_replaced(nlp.pipeline if nlp else [])
        # fail for unknown labels now, not after the training
        self._threshold_array("threshold")
        self._threshold_array("relation_threshold")
        self.objective()
        self.cfg |= {"finds_mentions": self.entities_from is None, "steps": 0}
        self._counted.clear()
        self._inspect(self._annotated(get_examples()))
        self._lost = None
        sample = list(islice((example.x for example in get_examples() if len(example.x)), 10))
        self.model.initialize(X=sample, Y=self.make_sizes(get_examples()))

    def _warn_of_replaced(self, pipeline: list[tuple[str, Callable[[Doc], Doc]]]) -> None:
        """Warn of earlier extractors whose graph this one replaces."""
        before = takewhile(lambda pipe: pipe is not self, (pipe for _, pipe in pipeline))
        same = [pipe.name for pipe in before if isinstance(pipe, Extractor) and pipe.spans_key == self.spans_key]
        if same and self.entities_from != self.spans_key:
            self._warn_once(
                f"'{self.name}' replaces doc.spans[{self.spans_key!r}] of {', '.join(map(repr, same))}. To keep both, "
                "change spans_key and relations_attr of one of them."
            )

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | Literal[False] | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch. Examples without the spans key in their reference are skipped."""
        losses = losses if losses is not None else {}
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, f"{type(self).__name__}.update")
        self._warn_of_skipped(examples)
        set_dropout_rate(self.model, drop)
        docs = [example.predicted for example in examples]
        annotated = self._annotated(examples)
        X = self.make_input(docs, self.mentions_to_learn(examples), is_train=True) if annotated else None
        if X is None:
            self.read_lost_gold(annotated)
            self._pass_zero_gradient(docs)
            return losses
        scores, backprop = self.model.begin_update(X)
        loss = self.get_loss(examples, scores)
        backprop(loss)
        losses[self.name] += float(loss.detach())
        if sgd is not None and sgd is not False:  # as in spaCy's own components
            self.finish_update(sgd)
        return losses

    def get_loss(self, examples: Iterable[Example], scores: Any) -> Any:
        """The loss of the model's scores, a scalar tensor that ``backprop`` takes."""
        ((X, output),) = scores
        return output.loss(X, self.read_gold(list(examples), X), self.objective())

    def read_gold(self, examples: list[Example], X: Any) -> GoldGraphs:
        """The gold graphs of a batch. What the input cannot represent is reported."""
        self._inspect_batch(examples)
        gold = self.gold_reader(examples)
        if self.entities_from is None:
            # in initialize, the pipeline has not yet set sentences
            self._count_gold("mentions", ~cross_sentences(gold.spans, X.docs), "they cross the end of a sentence")
        if self.by_sentence:
            head, tail = sentence_of_span(gold.spans, X.docs)[gold.relations[:, :2]].T
            self._count_gold(
                "relations",
                head == tail,
                f"their mentions are in different sentences (--components.{self.name}.by_sentence false reads "
                "documents as a whole)",
            )
        if X.given is None:
            return gold
        reached = find_gold(X.candidates[X.given], gold)[1]
        self._count_gold("relations", reached, "their mentions are not among the given ones")
        return limit_to_given(gold, X.candidates, X.given)

    def read_lost_gold(self, examples: list[Example]) -> None:
        """Report the gold of a batch in which no mentions are given."""
        n = len(self.gold_reader(examples).relations)
        self._count_gold("relations", np.zeros(n, dtype=bool), "their mentions are not among the given ones")

    @property
    def gold_reader(self) -> GoldReader:
        return GoldReader(
            spans_key=self.spans_key,
            labels=self.labels,
            relation_labels=self.relation_labels,
            mentions_are_given=self.entities_from is not None,
            symmetric=tuple(self.symmetric),
            multi_label=self.multi_label,
            max_pair_distance=self.max_pair_distance,
            by_sentence=self.by_sentence,
            learn_scores=self.learn_scores,
        )

    def objective(self) -> Objective:
        """The objective of the next update."""
        weights = weight_array(self.relation_weights, self.relation_labels, "relation_weights", self.name)
        hardest = self.negatives.hardest if self.negatives is not None else 0
        return Objective(self._symmetric_array(), self.multi_label, self.progress(), weights, hardest)

    def _pass_zero_gradient(self, docs: list[Doc]) -> None:
        """Give the encoder a gradient of zero. A shared encoder is updated only when its last listener has
        backpropagated, so a zero gradient must be passed even if there is nothing to learn."""
        if not any(len(doc) for doc in docs):
            return  # Thinc's layers cannot backpropagate an empty batch
        tok2vec = self.model.get_ref("tok2vec")
        vectors, backprop = tok2vec.begin_update(docs)
        backprop([tok2vec.ops.xp.zeros_like(vector) for vector in vectors])

    def finish_update(self, sgd: Optimizer) -> None:
        """Update the weights. If the optimizer has a group with this component's name, its settings apply."""
        self.model.finish_update(getattr(sgd, "groups", {}).get(self.name, sgd))
        self.cfg["steps"] += 1
        if self.cfg["steps"] % EVERY == 0:
            release_freed_memory()

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Scores of the predictions; see the scorer for what it returns. Warns of gold labels that the component does
        not have, such as those that only a development part has."""
        if self.scorer is None:
            return {}
        examples = list(examples)
        for message in self.unknown_labels([example.reference for example in examples]):
            self._warn_once(message)
        return self.scorer(examples, spans_key=self.spans_key, symmetric=self.symmetric, **kwargs)

    # Reports on gold

    def unknown_labels(self, golds: Iterable[Doc]) -> Iterator[str]:
        """What to say of gold mentions and relations with labels that the component does not have."""
        groups = [gold.spans[self.spans_key] for gold in golds if self.spans_key in gold.spans]
        mentions = [span.label_ for group in groups for span in group]
        relations = [row[2] for group in groups for row in group.attrs.get("relations", ())]
        kinds = [("mentions", mentions, self.labels), ("relations", relations, self.relation_labels)]
        for kind, labels, known in kinds if self.entities_from is None else kinds[1:]:
            counts = Counter(labels)
            if unknown := {label: n for label, n in counts.most_common() if label not in known}:
                yield (
                    f"{sum(unknown.values())} of {counts.total()} gold {kind} have labels that '{self.name}' does not "
                    f"have, so they count as missed: {', '.join(f'{label} ({n})' for label, n in unknown.items())}. It "
                    f"has: {', '.join(known)}."
                )

    def _annotated(self, examples: Iterable[Example]) -> list[Example]:
        return [example for example in examples if self.spans_key in example.reference.spans]

    def _warn_of_skipped(self, examples: list[Example]) -> None:
        if len(self._annotated(examples)) < len(examples):
            self._warn_once(
                f"'{self.name}' cannot learn from examples without doc.spans[{self.spans_key!r}], and skips them "
                "(a text without mentions needs an empty group)."
            )

    def _inspect(self, annotated: list[Example]) -> None:
        """Report the gold that cannot be learned. Subclasses may first find what else they must know of the data."""
        self._warn_of_scores(annotated)
        self._report_unreachable(annotated)

    def _warn_of_scores(self, annotated: list[Example]) -> None:
        """Warn of scores that are not learned: of a pipeline, or left in annotations that a person has corrected."""
        if self.learn_scores:
            return
        unsure = 0
        for example in annotated:
            attrs = example.reference.spans[self.spans_key].attrs
            scores = stored_values(attrs, "scores") if self.entities_from is None else ()
            rows = attrs.get("interactions") or attrs.get("relations") or ()
            unsure += sum(score < 1 for score in (*scores, *(row[3] for row in rows)))
        if unsure:
            logger.warning(
                "'%s': %d scores of gold mentions and relations are below 1, but all gold counts as certain. Set "
                "learn_scores = true to learn them as probabilities.",
                self.name,
                unsure,
            )

    def _find_labels(self, examples: Iterable[Example]) -> dict[str, list[str]]:
        entities: Counter[str] = Counter()
        relations: Counter[str] = Counter()
        examples = list(examples)
        self._warn_of_skipped(examples)
        for example in self._annotated(examples):
            group = example.reference.spans[self.spans_key]
            entities.update(span.label_ for span in group)
            relations.update(row[2] for row in group.attrs.get("relations", []))
        return {
            "entities": sorted(entities, key=lambda label: (-entities[label], label)),
            "relations": sorted(relations, key=lambda label: (-relations[label], label)),
        }

    def _warn_of_symmetric(self) -> None:
        """Warn only: a part of the data may lack relations that the config names."""
        unknown = [label for label in self.symmetric if label not in self.relation_labels]
        self.cfg["symmetric_without_data"] = unknown
        for label in unknown:
            logger.warning("'%s': the symmetric label %r is not a relation label of the data.", self.name, label)

    def _report_unreachable(self, annotated: list[Example]) -> None:
        for reason, n in self._unreachable(annotated).items():
            logger.warning("'%s' cannot learn some of the gold: %s (%d).", self.name, reason, n)

    def _unreachable(self, examples: list[Example]) -> Counter[str]:
        return self.gold_reader.unreachable(examples, self.reachable if self.entities_from is None else None)

    def _inspect_batch(self, examples: list[Example]) -> None:
        """Report, less and less often, gold that cannot be learned in the first batches, if the component was not
        initialized: with ``source`` in its config, it meets the gold only here."""
        if self._lost is None or self._lost["batches"] == _INSPECTED:
            return
        self._lost.update(self._unreachable(examples), batches=1)
        batches = self._lost["batches"]
        for reason, n in self._lost.items():
            if reason != "batches" and batches.bit_count() == 1:
                logger.warning(
                    "'%s' cannot learn some of the gold in its batches so far: %s (%d).", self.name, reason, n
                )

    def _count_gold(self, parts: str, reached: np.ndarray, reason: str) -> None:
        """Report, less and less often, the share of the gold that cannot be learned for a reason.

        parts: mentions or relations. reached: (parts,) of bool, those of a batch that can be learned.
        """
        counts = self._counted.setdefault(reason, Counter())
        counts.update(batches=1, all=len(reached), reached=int(reached.sum()))
        if counts["batches"].bit_count() == 1 and counts["reached"] < counts["all"]:
            logger.warning(
                "'%s' cannot learn %.1f%% of the gold %s in its batches so far: %s.",
                self.name,
                100 - 100 * counts["reached"] / counts["all"],
                parts,
                reason,
            )
