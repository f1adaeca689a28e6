"""The component ``keci``: reads a Doc, writes its span graph to ``doc.spans["entities"]`` and ``doc._.relations``."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example, validate_examples
from spacy.util import logger, minibatch
from spacy.vocab import Vocab
from thinc.api import Config, Model, Optimizer, set_dropout_rate

from ..ml.targets import candidate_array
from ..suggesters import Suggester
from ..tokens import SPANS_KEY, install_extensions
from .gold import find_unreachable, gold_graphs

if TYPE_CHECKING:
    from ..ml.decoding import PredictedGraphs
    from ..ml.model import SpanGraphInput

DEFAULT_CONFIG = """
[keci]
spans_key = "entities"
relations_attr = "relations"
symmetric = []
threshold = null
relation_threshold = null
spans_per_token = 0.5
max_pair_distance = 128
max_batch_tokens = 2048
relation_weight = 1.0
multi_label = false

[keci.model]
@architectures = "spacy_keci.SpanGraph.v1"
max_span_length = 12

[keci.model.tok2vec]
@architectures = "spacy.HashEmbedCNN.v2"
pretrained_vectors = null
width = 96
depth = 4
embed_size = 2000
maxout_pieces = 3
window_size = 1
subword_features = true

[keci.suggester]
@misc = "spacy_keci.SentenceSpanSuggester.v1"
max_length = 12

[keci.scorer]
@scorers = "spacy_keci.strict_scorer.v1"
"""


@Language.factory(
    "keci",
    assigns=["doc.spans"],
    default_config=Config().from_str(DEFAULT_CONFIG)["keci"],
    default_score_weights={
        "entities_micro_f": 0.5,
        "entities_micro_p": 0.0,
        "entities_micro_r": 0.0,
        "relations_micro_f": 0.5,
        "relations_micro_p": 0.0,
        "relations_micro_r": 0.0,
    },
)
def make_keci(
    nlp: Language,
    name: str,
    model: Model,
    suggester: Suggester,
    spans_key: str,
    relations_attr: str,
    symmetric: list[str],
    threshold: float | None,
    relation_threshold: float | None,
    spans_per_token: float,
    max_pair_distance: int,
    max_batch_tokens: int,
    relation_weight: float,
    multi_label: bool,
    scorer: Callable | None,
) -> Keci:
    """Create the component; see :class:`Keci` for the settings."""
    return Keci(
        nlp.vocab,
        model,
        name,
        suggester=suggester,
        spans_key=spans_key,
        relations_attr=relations_attr,
        symmetric=symmetric,
        threshold=threshold,
        relation_threshold=relation_threshold,
        spans_per_token=spans_per_token,
        max_pair_distance=max_pair_distance,
        max_batch_tokens=max_batch_tokens,
        relation_weight=relation_weight,
        multi_label=multi_label,
        scorer=scorer,
    )


class Keci(TrainablePipe):
    """Joint extraction of typed, possibly nested mentions and of typed relations between them.

    suggester: proposes the spans that may be mentions.
    spans_key: where mentions are written and, in training data, read.
    relations_attr: name of the extension attribute, ``doc._.relations``.
    symmetric: relation labels without direction; they are given once, head before tail.
    threshold, relation_threshold: least probability of what is predicted; None for the most probable class.
    spans_per_token: λ, the number of spans per token that stay in the graph (Sec. 2.3).
    max_pair_distance: tokens between the beginnings of two mentions that may be related.
    max_batch_tokens: in ``pipe``, tokens that are looked at together, whole documents at least: it bounds the memory.
    relation_weight: of the relation loss against the entity loss.
    multi_label: whether several relations may hold between the same two mentions: binary cross-entropy instead of
        cross-entropy.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model,
        name: str = "keci",
        *,
        suggester: Suggester,
        spans_key: str = SPANS_KEY,
        relations_attr: str = "relations",
        symmetric: Iterable[str] = (),
        threshold: float | None = None,
        relation_threshold: float | None = None,
        spans_per_token: float = 0.5,
        max_pair_distance: int = 128,
        max_batch_tokens: int = 2048,
        relation_weight: float = 1.0,
        multi_label: bool = False,
        scorer: Callable | None = None,
    ) -> None:
        for setting, value in (("threshold", threshold), ("relation_threshold", relation_threshold)):
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"The setting {setting} of '{name}' is a probability, but it is {value}.")
        if max_batch_tokens < 1:
            raise ValueError(
                f"The setting max_batch_tokens of '{name}' must be 1 or more, but it is {max_batch_tokens}."
            )
        install_extensions(relations_attr, spans_key)
        self.vocab = vocab
        self.model = model
        self.name = name
        self.suggester = suggester
        self.spans_key = spans_key
        self.symmetric = tuple(symmetric)
        self.threshold = threshold
        self.relation_threshold = relation_threshold
        self.spans_per_token = spans_per_token
        self.max_pair_distance = max_pair_distance
        self.max_batch_tokens = max_batch_tokens
        self.relation_weight = relation_weight
        self.multi_label = multi_label
        self.scorer = scorer
        self.cfg: dict[str, Any] = {"labels": [], "relation_labels": []}
        self._warned_unannotated = False

    @property
    def labels(self) -> tuple[str, ...]:
        """Entity types."""
        return tuple(self.cfg["labels"])

    @property
    def relation_labels(self) -> tuple[str, ...]:
        return tuple(self.cfg["relation_labels"])

    @property
    def label_data(self) -> dict[str, list[str]]:
        """What ``spacy init labels`` saves and ``[initialize.components.keci.labels]`` reads."""
        return {"entities": list(self.labels), "relations": list(self.relation_labels)}

    @property
    def is_initialized(self) -> bool:
        return self.model.shims[0]._model is not None

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

    # Use

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Annotate a stream of documents, in its order."""
        for batch in minibatch(stream, batch_size):
            part = np.cumsum([len(doc) for doc in batch]) // self.max_batch_tokens
            for _, members in groupby(zip(part, batch, strict=True), key=itemgetter(0)):
                docs = [doc for _, doc in members]
                yield from super().pipe(docs, batch_size=len(docs))

    def predict(self, docs: Iterable[Doc]) -> PredictedGraphs:
        """The span graphs of the documents, which stay as they are."""
        from ..ml.decoding import PredictedGraphs, decode

        docs = list(docs)
        X = self._model_input(docs)
        if not len(X.spans.dataXd):
            return PredictedGraphs.empty()
        graph = self.model.predict(X)
        return decode(graph, candidate_array(X.spans), self._is_symmetric(), self.relation_threshold, self.multi_label)

    def set_annotations(self, docs: Iterable[Doc], graphs: PredictedGraphs) -> None:
        """Write span graphs to ``doc.spans[spans_key]``; what stood there before is replaced."""
        docs = list(docs)
        end_of_doc = np.searchsorted(graphs.spans[:, 0], np.arange(len(docs)), side="right").tolist()
        first_relation = np.searchsorted(graphs.relations[:, 0], [0, *end_of_doc]).tolist()
        spans, labels, scores = graphs.spans.tolist(), graphs.labels.tolist(), graphs.scores.tolist()
        relations, relation_scores = graphs.relations.tolist(), graphs.relation_scores.tolist()
        begin = 0
        for d, (doc, end) in enumerate(zip(docs, end_of_doc, strict=True)):
            mentions = [
                Span(doc, spans[i][1], spans[i][2], label=self.cfg["labels"][labels[i] - 1]) for i in range(begin, end)
            ]
            rows = [
                [head - begin, tail - begin, self.cfg["relation_labels"][label - 1], relation_scores[i]]
                for i, (head, tail, label) in enumerate(
                    relations[first_relation[d] : first_relation[d + 1]], start=first_relation[d]
                )
            ]
            doc.spans[self.spans_key] = SpanGroup(
                doc,
                name=self.spans_key,
                spans=mentions,
                attrs={"scores": scores[begin:end], "relations": rows},
            )
            begin = end

    def _model_input(self, docs: list[Doc]) -> SpanGraphInput:
        from ..ml.model import SpanGraphInput
        from ..ml.pruning import Pruning

        pruning = Pruning(self.spans_per_token, self.max_pair_distance, self.threshold)
        return SpanGraphInput(docs, self.suggester(docs, ops=self.model.ops), pruning)

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
        from ..ml.model import GraphLabels

        if labels is None:
            labels = self._find_labels(get_examples())
        for label in labels["entities"]:
            self.add_label(label)
        for label in labels.get("relations", []):
            self.add_relation_label(label)
        if not self.labels:
            raise ValueError(
                f"There is no entity type for '{self.name}' to learn: no example has a mention in "
                f"doc.spans[{self.spans_key!r}]. Check the spans key and the training corpus, or give the labels in "
                f"[initialize.components.{self.name}.labels]."
            )
        for label in self.symmetric:
            if label not in self.relation_labels:
                logger.warning("'%s': the symmetric label %r is no relation label of the data.", self.name, label)
        self._report_unreachable(get_examples())
        sample = [example.x for example in islice(get_examples(), 10)]
        directed = any(label not in self.symmetric for label in self.relation_labels)
        self.model.initialize(X=sample, Y=GraphLabels(len(self.labels), len(self.relation_labels), directed))

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch. Examples whose reference lacks the spans key teach nothing."""
        losses = losses if losses is not None else {}
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, "Keci.update")
        if not self._annotated(examples):
            return losses
        set_dropout_rate(self.model, drop)
        X = self._model_input([example.predicted for example in examples])
        if not len(X.spans.dataXd):
            return losses
        graph, backprop = self.model.begin_update(X)
        loss, gradients = self.get_loss(examples, (X, graph))
        backprop(gradients)
        losses[self.name] += loss
        if sgd is not None:
            self.finish_update(sgd)
        return losses

    def get_loss(self, examples: Iterable[Example], scores: Any) -> tuple[float, Any]:
        """The loss of the model's input and output, and its gradients with regard to both logits."""
        from ..ml.losses import loss_and_gradients

        X, graph = scores
        gold = gold_graphs(examples, self.spans_key, self.labels, self.relation_labels)
        return loss_and_gradients(
            graph, candidate_array(X.spans), gold, self._is_symmetric(), self.relation_weight, self.multi_label
        )

    def finish_update(self, sgd: Optimizer) -> None:
        """Update the weights; an optimizer that has a group of this component's name uses its settings."""
        self.model.finish_update(getattr(sgd, "groups", {}).get(self.name, sgd))

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Scores of the predictions; see the scorer for what it returns."""
        if self.scorer is None:
            return {}
        return self.scorer(examples, spans_key=self.spans_key, symmetric=self.symmetric, **kwargs)

    def _annotated(self, examples: list[Example]) -> list[Example]:
        annotated = [example for example in examples if self.spans_key in example.reference.spans]
        if len(annotated) < len(examples) and not self._warned_unannotated:
            self._warned_unannotated = True
            warnings.warn(
                f"'{self.name}' cannot learn from examples without doc.spans[{self.spans_key!r}], and leaves them out "
                "(a text without mentions needs an empty group). This is said once.",
                stacklevel=2,
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

    def _report_unreachable(self, examples: Iterable[Example]) -> None:
        report = find_unreachable(
            [example for example in examples if self.spans_key in example.reference.spans],
            self.suggester,
            spans_key=self.spans_key,
            labels=self.labels,
            relation_labels=self.relation_labels,
            max_pair_distance=self.max_pair_distance,
        )
        for reason, n in report.items():
            logger.warning("'%s' cannot learn %d gold %s.", self.name, n, reason)
