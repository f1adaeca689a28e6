"""The base class of all components that write span graphs: what KECI and its siblings have in common."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples
from spacy.util import logger, minibatch
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer, set_dropout_rate

from ..alignment import align
from ..extensions import install_extensions
from ..ml.graphs import GoldGraphs, PredictedGraphs
from ..ml.memory import EVERY, release_freed_memory
from ..ml.objective import Objective
from ..ml.relations.decoding import RelationRules
from ..sentences import doc_starts, sentence_of_span, sentence_starts, text_of_token
from .calibration import Scaling
from .gold import GoldReader, find_gold, of_given
from .mentions import has_mentions, place_of, read_mentions
from .settings import ExtractorSettings
from .thresholds import threshold_array

if TYPE_CHECKING:
    from ..ml.network import Input, Network, Sizes


NO_SENTENCES = "no sentences"


class Extractor(TrainablePipe, ExtractorSettings):
    """Predicts mentions and relations, or the relations of given mentions.

    A subclass says what its model reads (:meth:`make_input`), and how predictions are made of its scores
    (:meth:`predict`) and written (:meth:`set_annotations`). Settings are attributes; see the dataclass of each system.
    """

    def __init__(
        self, vocab: Vocab, model: Model, name: str, *, scorer: Callable | None = None, **settings: Any
    ) -> None:
        known = {f.name for f in fields(self)}
        if unknown := settings.keys() - known:
            raise TypeError(f"{type(self).__name__} has no setting {', '.join(sorted(unknown))}.")
        for key, value in settings.items():
            setattr(self, key, value)
        self.symmetric = tuple(self.symmetric)
        self.check(name)
        install_extensions(self.relations_attr, self.spans_key)
        self.vocab = vocab
        self.model = model
        self.name = name
        self.scorer = scorer
        self.cfg: dict[str, Any] = {"labels": [], "relation_labels": [], "finds_mentions": True, "steps": 0}
        self._warned: set[str] = set()
        self._counted: dict[str, Counter[str]] = {}

    @property
    def labels(self) -> tuple[str, ...]:
        """Entity types."""
        return tuple(self.cfg["labels"])

    @property
    def relation_labels(self) -> tuple[str, ...]:
        return tuple(self.cfg["relation_labels"])

    @property
    def label_data(self) -> dict[str, list[str]]:
        """What ``spacy init labels`` saves and ``[initialize.components.NAME.labels]`` reads."""
        return {"entities": list(self.labels), "relations": list(self.relation_labels)}

    @property
    def network(self) -> Network | None:
        """The torch network; None before the component is initialized."""
        return self.model.shims[0]._model

    @property
    def is_initialized(self) -> bool:
        return self.network is not None

    def add_label(self, label: str) -> int:
        """Add an entity type before the component is initialized. Returns 1 if it is new, else 0."""
        return self._add_label("labels", label)

    def add_relation_label(self, label: str) -> int:
        """Add a relation type before the component is initialized. Returns 1 if it is new, else 0."""
        return self._add_label("relation_labels", label)

    def _add_label(self, kind: str, label: str) -> int:
        if label in self.cfg[kind]:
            return 0
        if self.is_initialized:
            raise ValueError(f"Cannot add the label {label!r}: '{self.name}' has been initialized already.")
        self.cfg[kind].append(label)
        self.vocab.strings.add(label)
        return 1

    # What a system says of itself

    def make_input(self, docs: list[Doc], mentions: list[list[Span]] | None, *, is_train: bool) -> Input | None:
        """What the model reads; None where there is nothing to score.

        mentions: of each document, where they are given.
        """
        raise NotImplementedError

    def make_sizes(self, examples: Iterable[Example]) -> Sizes:
        """What the network must know before it is made."""
        from ..ml.network import Sizes

        return Sizes(
            len(self.labels), len(self.relation_labels), bool(self._directed_labels), self.multi_label, self.label_data
        )

    def reachable(self, docs: list[Doc], gold: GoldGraphs) -> dict[str, np.ndarray]:
        """Which gold mentions can be predicted, (mentions,) of bool each, by what is said of those that cannot."""
        return {}

    def mentions_to_learn(self, examples: list[Example]) -> list[list[Span]] | None:
        """The mentions of each document that an update reads; None to learn to find them. Where mentions are given in
        use, these, and the gold ones where none are set."""
        if self.entities_from is None:
            return None
        return [
            read_mentions(example.predicted, self.entities_from)
            if has_mentions(example.predicted, self.entities_from)
            else align(example, self.spans_key).found
            for example in examples
        ]

    def progress(self) -> float:
        """From 0, where only mentions are learned, to 1, where everything counts."""
        return 1.0 if self.entities_from is not None or self.cfg["steps"] >= self.entity_steps else 0.0

    # Use

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Annotate a stream of documents, in its order."""
        for batch in minibatch(stream, batch_size):
            for docs in _by_tokens(batch, self.max_batch_tokens):
                yield from super().pipe(docs, batch_size=len(docs))

    def given_mentions(self, docs: list[Doc]) -> list[list[Span]] | None:
        """The mentions of each document, where they are given."""
        if self.entities_from is None:
            return None
        if not all(has_mentions(doc, self.entities_from) for doc in docs):
            self._warn_once(
                f"{place_of(self.entities_from)} is not set, so '{self.name}' has no mentions to relate. Add a "
                f"component that sets it before '{self.name}', or change its setting 'entities_from'."
            )
        return [read_mentions(doc, self.entities_from) for doc in docs]

    def read_texts(self, docs: list[Doc], mentions: np.ndarray, limit: int | None) -> np.ndarray:
        """(tokens,) the text, a sentence or a document, that each token belongs to.

        mentions: (mentions, 3) document, start and end, that no text ends inside of. limit: tokens of the longest text.
        """
        self.warn_without_sentences(docs)
        doc, start, end = mentions.T
        first = doc_starts(docs)[doc] + start
        inside = np.zeros(sum(map(len, docs)) + 1, dtype="int64")
        np.add.at(inside, first + 1, 1)
        np.add.at(inside, first + end - start, -1)
        texts = text_of_token(docs, self.by_sentence, limit, covered=inside.cumsum()[:-1] > 0)
        if limit is not None and len(np.unique(texts)) > len(np.unique(text_of_token(docs, self.by_sentence))):
            self._warn_once(
                f"'{self.name}' reads a {'sentence' if self.by_sentence else 'document'} of over {limit} tokens in "
                "parts, and predicts no relations between the parts. Raise max_batch_tokens to avoid that; it takes "
                "more memory. Without sentence boundaries, a document is one sentence: add 'biomedical_sentencizer'."
            )
        return texts

    def relation_rules(self) -> RelationRules:
        """How relations are read from probabilities."""
        return RelationRules(self._is_symmetric(), self._threshold_array("relation_threshold"), self.multi_label)

    def _threshold_array(self, setting: str) -> np.ndarray | None:
        """(labels,) thresholds of the scores of the network, which have no temperature."""
        is_mention = setting == "threshold"
        labels = self.labels if is_mention else self.relation_labels
        thresholds = threshold_array(getattr(self, setting), labels, setting, self.name)
        scaling = self.scaling if is_mention else self.relation_scaling
        return None if thresholds is None else scaling.inverse()(thresholds)

    @property
    def scaling(self) -> Scaling:
        """From the scores of mentions to probabilities."""
        return Scaling(self.temperature, self.bias)

    @property
    def relation_scaling(self) -> Scaling:
        """From the scores of relations to probabilities."""
        return Scaling(self.relation_temperature, self.relation_bias)

    def calibrated(self, graphs: PredictedGraphs) -> PredictedGraphs:
        """The graphs with scores that are probabilities."""
        return replace(
            graphs,
            scores=self.scaling(graphs.scores),
            relation_scores=self.relation_scaling(graphs.relation_scores),
        )

    def check_trained_settings(self) -> None:
        """Raises ValueError for settings of the component that the weights were not learned with."""
        arguments = {} if self.network is None else self.network.arguments
        if not self.is_initialized:
            raise ValueError(
                f"'{self.name}' has not been initialized: call nlp.initialize(), or load a trained pipeline."
            )
        if self.entities_from is None and not self.cfg["finds_mentions"]:
            raise ValueError(
                f"The model of '{self.name}' was trained on given mentions, and cannot predict any: say in its setting "
                "'entities_from' where they are."
            )
        learned = arguments.get("labels")
        if learned is not None and learned != self.label_data:
            raise ValueError(
                f"The labels of '{self.name}' are {self.label_data}, but its weights were learned with {learned}: the "
                "file 'cfg' of the saved component was changed. Restore it, or train again."
            )
        self._check_symmetric()
        if self._directed_labels and not arguments.get("directed", True):
            raise ValueError(
                f"The relations {', '.join(self._directed_labels)} are not symmetric in the settings of '{self.name}', "
                "but its weights were learned with symmetric relations only. Only another training can change that."
            )
        if arguments.get("multi_label", self.multi_label) != self.multi_label:
            raise ValueError(
                f"The setting multi_label of '{self.name}' is {json.dumps(self.multi_label)}, but its weights were "
                f"learned with {json.dumps(arguments['multi_label'])}. Only another training can change that."
            )

    def _check_symmetric(self) -> None:
        # labels that the config named and the training data did not have
        allowed = {*self.relation_labels, *self.cfg.get("symmetric_without_data", self.symmetric)}
        if unknown := [label for label in self.symmetric if label not in allowed]:
            raise ValueError(
                f"The setting symmetric of '{self.name}' has unknown labels: {', '.join(map(repr, unknown))}. Allowed: "
                f"{', '.join(map(repr, self.relation_labels)) or 'none'}."
            )

    def warn_without_sentences(self, docs: list[Doc]) -> None:
        """A model of sentences that reads a text of several as one predicts relations all over it."""
        if self.by_sentence and NO_SENTENCES not in self._warned:
            unset = (doc for doc in docs if len(doc) and not doc.has_annotation("SENT_START"))
            if any(len(sentence_starts(doc)) > 1 for doc in unset):
                self._warned.add(NO_SENTENCES)
                self._warn_once(
                    f"'{self.name}' reads each sentence by itself, but no sentences are set: texts of several "
                    "sentences are read as one, and predictions get worse. Add the component, first in the pipeline: "
                    "nlp.add_pipe('biomedical_sentencizer', first=True)."
                )

    def _warn_once(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            warnings.warn(f"{message} (Shown once.)", stacklevel=3)

    @property
    def _directed_labels(self) -> list[str]:
        """Relations that may hold in one direction only."""
        return [label for label in self.relation_labels if label not in self.symmetric]

    def _is_symmetric(self) -> np.ndarray:
        return np.array([False, *(label in self.symmetric for label in self.relation_labels)])

    # Training

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: dict[str, list[str]] | None = None,
    ) -> None:
        """Find the labels, report gold that cannot be predicted, and build the model.

        labels: ``{"entities": [...], "relations": [...]}``, from a file or the config; None takes what the examples
            hold, most frequent first.
        Raises ValueError if there is no entity type, or no example with annotation.
        """
        if labels is None:
            labels = self._find_labels(get_examples())
        for label in labels.get("entities", []):
            self.add_label(label)
        for label in labels.get("relations", []):
            self.add_relation_label(label)
        if not self.labels:
            raise ValueError(
                f"There is no entity type for '{self.name}' to learn: no example has a mention in "
                f"doc.spans[{self.spans_key!r}]. Check the spans key and the training corpus, or give the labels in "
                f"[initialize.components.{self.name}.labels]."
            )
        self._warn_of_symmetric()
        self._threshold_array("threshold")  # unknown labels are an error now, and not after the training
        self._threshold_array("relation_threshold")
        self.cfg |= {"finds_mentions": self.entities_from is None, "steps": 0}
        self._counted.clear()
        self._report_unreachable(get_examples())
        sample = list(islice((example.x for example in get_examples() if len(example.x)), 10))
        self.model.initialize(X=sample, Y=self.make_sizes(get_examples()))

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | Literal[False] | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch. Examples whose reference lacks the spans key teach nothing."""
        losses = losses if losses is not None else {}
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, f"{type(self).__name__}.update")
        set_dropout_rate(self.model, drop)
        docs = [example.predicted for example in examples]
        X = None
        if self._annotated(examples):
            X = self.make_input(docs, self.mentions_to_learn(examples), is_train=True)
        if X is None:
            self._learn_nothing(docs)
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
        """The gold graphs of a batch, of which what the input cannot reach is reported."""
        gold = self.gold_reader(examples)
        if self.by_sentence:
            head, tail = sentence_of_span(gold.spans, X.docs)[gold.relations[:, :2]].T
            self._count_relations(
                head == tail,
                f"their mentions are in different sentences (--components.{self.name}.by_sentence false reads "
                "documents as a whole)",
            )
        if X.given is None:
            return gold
        reached = find_gold(X.candidates[X.given], gold)[1]
        self._count_relations(reached, "their mentions are not among those that are given")
        return of_given(gold, X.candidates, X.given)

    @property
    def gold_reader(self) -> GoldReader:
        return GoldReader(
            self.spans_key,
            self.labels,
            self.relation_labels,
            self.entities_from is not None,
            tuple(self.symmetric),
            self.multi_label,
            self.max_pair_distance,
            self.by_sentence,
        )

    def objective(self) -> Objective:
        """What the next update minimizes."""
        return Objective(
            self._is_symmetric(), self.multi_label, relation_weight=self.relation_weight, progress=self.progress()
        )

    def _learn_nothing(self, docs: list[Doc]) -> None:
        """Give the encoder a gradient of zero. A shared encoder is updated only when its last listener has
        backpropagated, so a zero gradient must be passed even if there is nothing to learn."""
        if not any(len(doc) for doc in docs):
            return  # Thinc's layers have no gradient of nothing
        tok2vec = self.model.get_ref("tok2vec")
        vectors, backprop = tok2vec.begin_update(docs)
        backprop([tok2vec.ops.xp.zeros_like(vector) for vector in vectors])

    def finish_update(self, sgd: Optimizer) -> None:
        """Update the weights; an optimizer that has a group of this component's name uses its settings."""
        self.model.finish_update(getattr(sgd, "groups", {}).get(self.name, sgd))
        self.cfg["steps"] += 1
        if self.cfg["steps"] % EVERY == 0:
            release_freed_memory()

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Scores of the predictions; see the scorer for what it returns."""
        if self.scorer is None:
            return {}
        return self.scorer(examples, spans_key=self.spans_key, symmetric=self.symmetric, **kwargs)

    # Reports on the training data

    def _annotated(self, examples: list[Example]) -> list[Example]:
        annotated = [example for example in examples if self.spans_key in example.reference.spans]
        if len(annotated) < len(examples):
            self._warn_once(
                f"'{self.name}' cannot learn from examples without doc.spans[{self.spans_key!r}], and skips them "
                "(a text without mentions needs an empty group)."
            )
        return annotated

    def _find_labels(self, examples: Iterable[Example]) -> dict[str, list[str]]:
        entities: Counter[str] = Counter()
        relations: Counter[str] = Counter()
        for example in self._annotated(list(examples)):
            group = example.reference.spans[self.spans_key]
            entities.update(span.label_ for span in group)
            relations.update(row[2] for row in group.attrs.get("relations", []))
        return {
            "entities": sorted(entities, key=lambda label: (-entities[label], label)),
            "relations": sorted(relations, key=lambda label: (-relations[label], label)),
        }

    def _warn_of_symmetric(self) -> None:
        """A config may name relations that a part of the data does not have."""
        unknown = [label for label in self.symmetric if label not in self.relation_labels]
        self.cfg["symmetric_without_data"] = unknown
        for label in unknown:
            logger.warning("'%s': the symmetric label %r is not a relation label of the data.", self.name, label)

    def _report_unreachable(self, examples: Iterable[Example]) -> None:
        annotated = [example for example in examples if self.spans_key in example.reference.spans]
        reachable = self.reachable if self.entities_from is None else None
        for reason, n in self.gold_reader.unreachable(annotated, reachable).items():
            logger.warning("'%s' cannot learn some of the gold: %s (%d).", self.name, reason, n)

    def _count_relations(self, reached: np.ndarray, reason: str) -> None:
        """Report, ever less often, what part of the gold relations cannot be learned for a reason.

        reached: (relations,) of bool, those of a batch.
        """
        counts = self._counted.setdefault(reason, Counter())
        counts.update(batches=1, all=len(reached), reached=int(reached.sum()))
        if counts["batches"].bit_count() == 1 and counts["reached"] < counts["all"]:
            logger.warning(
                "'%s' cannot learn %.1f%% of the gold relations in its batches so far: %s.",
                self.name,
                100 - 100 * counts["reached"] / counts["all"],
                reason,
            )


def _by_tokens(docs: Iterable[Doc], limit: int) -> Iterator[list[Doc]]:
    """Parts of at most that many tokens, or of one longer document, in order."""
    part: list[Doc] = []
    n_tokens = 0
    for doc in docs:
        if part and n_tokens + len(doc) > limit:
            yield part
            part, n_tokens = [], 0
        part.append(doc)
        n_tokens += len(doc)
    if part:
        yield part
