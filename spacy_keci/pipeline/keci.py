"""The component ``keci``: reads a Doc, writes its span graph to ``doc.spans["entities"]`` and ``doc._.relations``."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples
from spacy.util import logger, minibatch
from spacy.vocab import Vocab
from thinc.api import Config, Model, NumpyOps, Optimizer, set_dropout_rate

from ..corpora.reader import aligned_mentions
from ..ml.memory import EVERY, release_freed_memory
from ..sentences import sentence_of_span
from ..suggesters import Suggester
from ..tokens import SPANS_KEY, install_extensions
from .annotations import types_of_mentions, write_graphs
from .concept_linker import ConceptLinker
from .given import as_candidates, has_mentions, place_of, read_mentions
from .gold import find_gold, find_unreachable, gold_graphs, of_given
from .knowledge import KnowledgeReader, KnowledgeVocabulary, choose_concepts, count_linked, write_attention
from .thresholds import Threshold, check_threshold, threshold_array

if TYPE_CHECKING:
    from ..ml.concept_graphs import ConceptGraphs, KnowledgeSchema
    from ..ml.decoding import PredictedGraphs
    from ..ml.model import SpanGraphInput

DEFAULT_CONFIG = """
[keci]
spans_key = "entities"
entities_from = null
relations_attr = "relations"
span_graph_attr = "span_graph"
symmetric = []
threshold = null
relation_threshold = null
spans_per_token = 0.5
max_pair_distance = 128
max_batch_tokens = 2048
relation_weight = 1.0
final_weight = 2.0
entity_steps = 0
multi_label = false
linker = null
type_prior = 1.0
mention_prior = 0.25
link_by_type = true
keep_initial = false
by_sentence = false

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

[keci.vectors]

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
    entities_from: str | None,
    relations_attr: str,
    span_graph_attr: str,
    symmetric: list[str],
    threshold: Threshold,
    relation_threshold: Threshold,
    spans_per_token: float,
    max_pair_distance: int,
    max_batch_tokens: int,
    relation_weight: float,
    final_weight: float,
    entity_steps: int,
    multi_label: bool,
    linker: str | None,
    vectors: dict[str, bool],
    type_prior: float,
    mention_prior: float,
    link_by_type: bool,
    keep_initial: bool,
    by_sentence: bool,
    scorer: Callable | None,
) -> Keci:
    """Create the component; see :class:`Keci` for the settings.

    linker: name of the component that links concepts. vectors: initial vectors of concepts in its knowledge base, and
        whether they are used.
    """
    return Keci(
        nlp.vocab,
        model,
        name,
        suggester=suggester,
        linker=_find_linker(nlp, name, linker),
        vectors=[vector for vector, is_used in vectors.items() if is_used],
        type_prior=type_prior,
        mention_prior=mention_prior,
        link_by_type=link_by_type,
        keep_initial=keep_initial,
        by_sentence=by_sentence,
        spans_key=spans_key,
        entities_from=entities_from,
        relations_attr=relations_attr,
        span_graph_attr=span_graph_attr,
        symmetric=symmetric,
        threshold=threshold,
        relation_threshold=relation_threshold,
        spans_per_token=spans_per_token,
        max_pair_distance=max_pair_distance,
        max_batch_tokens=max_batch_tokens,
        relation_weight=relation_weight,
        final_weight=final_weight,
        entity_steps=entity_steps,
        multi_label=multi_label,
        scorer=scorer,
    )


def _find_linker(nlp: Language, name: str, linker: str | None) -> ConceptLinker | None:
    if linker is None:
        return None
    if linker not in nlp.component_names:
        raise ValueError(
            f"The component '{name}' reads the concepts that '{linker}' links: that component must stand before it in "
            f"the pipeline, and there is none. Add it (nlp.add_pipe('concept_linker', name='{linker}')), or change the "
            f"setting 'linker' of '{name}'."
        )
    return nlp.get_pipe(linker)  # type: ignore[return-value]


@dataclass
class Prediction:
    """The final graphs of a batch; where they are to be kept, the initial ones, which are the same where the model has
    no knowledge.

    For the concepts of the linker, in the order in which they stand on the documents, or None:
    attention: (concepts,). concept_types: (concepts, entity types), log-probability of the types of what names them.
    """

    final: PredictedGraphs
    initial: PredictedGraphs | None = None
    attention: np.ndarray | None = None
    concept_types: np.ndarray | None = None


class Keci(TrainablePipe):
    """Joint extraction of typed, possibly nested mentions and of typed relations between them.

    suggester: proposes the spans that may be mentions, in any order.
    spans_key: where mentions are written and, in training data, read.
    entities_from: mentions that somebody else found, of which only relations and concepts are to be told: "ents" for
        ``doc.ents``, or a key of ``doc.spans``; None to find them. All of them stay, in their order, with their labels,
        whatever these are, and however long the mentions are; ``threshold`` is not used. The model goes by its own view
        of their types. Mentions of the same tokens are one to it: the relations are those of the one that has the type
        it finds likeliest, else of the first. Training teaches relations, and the types of given mentions that are gold
        ones, if these types are labels; where a text has no such mentions set, the gold ones stand in. A model that has
        learnt to find mentions reads the given ones among the spans that it would look at anyway; one trained with this
        setting looks at no others, and cannot find any. (The setting of the model that has the same name tells its
        final classifier what to look at.)
    relations_attr, span_graph_attr: names of the extension attributes ``doc._.relations`` and ``doc._.span_graph``.
    symmetric: relation labels without direction; they are given once, head before tail.
    threshold, relation_threshold: least probability of what is predicted; None for the most probable class (of
        relations with ``multi_label``: 0.5). Or one by label, ``{"binds": 0.4, "*": 0.6}``, "*" standing for all other
        labels, for which without it the most probable class counts; or the same as a list of pairs, for labels that
        no config can have as a key. A mention has its most probable type, if that reaches its threshold, and so has a
        pair without ``multi_label``.
    spans_per_token: λ, the number of spans per token that stay in the graph (Sec. 2.3).
    max_pair_distance: tokens between the beginnings of two mentions that may be related.
    max_batch_tokens: in ``pipe``, the most tokens that are looked at together, or one longer document: it bounds the
        memory.
    relation_weight, final_weight: of the relation losses, and of the losses of the final graph (Eq. 10).
    entity_steps: updates at the beginning that learn nothing but the mentions of the first graph.
    multi_label: whether several relations may hold between the same two mentions: binary cross-entropy instead of
        cross-entropy.
    linker: the component whose concepts, and whose knowledge base, the model reads, if it reads any.
    vectors: names of the initial vectors of concepts in that knowledge base; no vectors are fine too.
    type_prior, mention_prior: how much it counts, where the model learns it (``knowledge_prior``), what knowledge alone
        expects of a mention's type, and of whether a span is a mention; 0: not at all.
    link_by_type: whether a mention's ``kb_id_`` is the candidate that fits its predicted type best, where the model
        learns which do (``knowledge_prior``); otherwise the one with the largest attention, as in the paper.
    keep_initial: whether the graph that was read off before the knowledge came in is kept as well, as
        ``doc.spans[f"{spans_key}_initial"]``.
    by_sentence: whether each sentence is read as if it were a document of its own, as models want it that were trained
        on sentences. Sentences are what a component before this one has set; a document where none has is one.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model,
        name: str = "keci",
        *,
        suggester: Suggester,
        spans_key: str = SPANS_KEY,
        entities_from: str | None = None,
        relations_attr: str = "relations",
        span_graph_attr: str = "span_graph",
        symmetric: Iterable[str] = (),
        threshold: Threshold = None,
        relation_threshold: Threshold = None,
        spans_per_token: float = 0.5,
        max_pair_distance: int = 128,
        max_batch_tokens: int = 2048,
        relation_weight: float = 1.0,
        final_weight: float = 2.0,
        entity_steps: int = 0,
        multi_label: bool = False,
        linker: ConceptLinker | None = None,
        vectors: Iterable[str] = (),
        type_prior: float = 1.0,
        mention_prior: float = 0.25,
        link_by_type: bool = True,
        keep_initial: bool = False,
        by_sentence: bool = False,
        scorer: Callable | None = None,
    ) -> None:
        check_threshold(threshold, "threshold", name)
        check_threshold(relation_threshold, "relation_threshold", name)
        if max_batch_tokens < 1:
            raise ValueError(
                f"The setting max_batch_tokens of '{name}' must be 1 or more, but it is {max_batch_tokens}."
            )
        if spans_per_token < 0 or (spans_per_token == 0 and entities_from is None):
            raise ValueError(f"The setting spans_per_token of '{name}' must be above 0, but it is {spans_per_token}.")
        for setting, weight in (("type_prior", type_prior), ("mention_prior", mention_prior)):
            if weight < 0:
                raise ValueError(f"The setting {setting} of '{name}' must be 0 or more, but it is {weight}.")
        install_extensions(relations_attr, spans_key, span_graph_attr)
        self.vocab = vocab
        self.model = model
        self.name = name
        self.suggester = suggester
        self.spans_key = spans_key
        self.entities_from = entities_from
        self.symmetric = tuple(symmetric)
        self.threshold = threshold
        self.relation_threshold = relation_threshold
        self.spans_per_token = spans_per_token
        self.max_pair_distance = max_pair_distance
        self.max_batch_tokens = max_batch_tokens
        self.relation_weight = relation_weight
        self.final_weight = final_weight
        self.entity_steps = entity_steps
        self.multi_label = multi_label
        self.linker = linker
        self.vectors = tuple(vectors)
        self.type_prior = type_prior
        self.mention_prior = mention_prior
        self.link_by_type = link_by_type
        self.keep_initial = keep_initial
        self.by_sentence = by_sentence
        self.scorer = scorer
        self.cfg: dict[str, Any] = {
            "labels": [],
            "relation_labels": [],
            "knowledge": None,
            "finds_mentions": True,
            "steps": 0,
        }
        self._reader: KnowledgeReader | None = None
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
            for docs in _by_tokens(batch, self.max_batch_tokens):
                yield from super().pipe(docs, batch_size=len(docs))

    def predict(self, docs: Iterable[Doc]) -> Prediction:
        """The span graphs of the documents, which stay as they are."""
        from ..ml.decoding import PredictedGraphs, decode

        docs = list(docs)
        mentions = None if self.entities_from is None else [self._read_mentions(doc) for doc in docs]
        X = self._model_input(docs, mentions)
        relation_threshold = self._threshold_array("relation_threshold")
        if not len(X.spans.dataXd):
            return Prediction(PredictedGraphs.empty(), PredictedGraphs.empty() if self.keep_initial else None)
        output = self.model.predict(X)
        read = partial(
            decode,
            candidates=X.candidates,
            symmetric=self._is_symmetric(),
            threshold=X.pruning.threshold,
            relation_threshold=relation_threshold,
            multi_label=self.multi_label,
        )
        final, initial = read(output.graphs[-1]), read(output.graphs[0]) if self.keep_initial else None
        of_concepts = (output.attention, output.concept_types if self.link_by_type else None)
        return Prediction(final, initial, *(None if each is None else each.cpu().numpy() for each in of_concepts))

    def set_annotations(self, docs: Iterable[Doc], prediction: Prediction) -> None:
        """Write span graphs to ``doc.spans[spans_key]``; what stood there before is replaced.

        Where the model attends to concepts, those of the linker get their weights, and a mention the one that it names
        as its ``kb_id_``, unless its own context weighs more.
        """
        docs = list(docs)
        write = partial(
            write_graphs,
            docs,
            labels=self.labels,
            relation_labels=self.relation_labels,
            symmetric=self.symmetric,
            entities_from=self.entities_from,
        )
        concepts: list[dict[tuple[int, int], str]] = [{} for _ in docs]
        if prediction.initial is not None:
            # the first to be written, as the final one may take the place of the mentions that are given
            write(prediction.initial, f"{self.spans_key}_initial", concepts=concepts)
        if prediction.attention is not None and self.linker is not None:
            key, types = self.linker.spans_key, types_of_mentions(prediction.final, len(docs))
            write_attention(docs, prediction.attention, key)
            concepts = choose_concepts(docs, prediction.attention, prediction.concept_types, types, key)
        write(prediction.final, self.spans_key, concepts=concepts)

    def _model_input(self, docs: list[Doc], mentions: list[list[Span]] | None = None) -> SpanGraphInput:
        """mentions: of each document, where they are given."""
        from ..ml.model import SpanGraphInput
        from ..ml.pruning import Pruning

        self._check_trained_settings()
        threshold, given = None, None
        spans = self.suggester(docs, ops=self.model.ops) if self.cfg["finds_mentions"] else None
        if mentions is not None:
            spans, given = as_candidates(mentions, spans)
        elif spans is None:
            raise ValueError(
                f"The model of '{self.name}' was trained among given mentions, and cannot find any itself: say in its "
                "setting 'entities_from' where they are."
            )
        else:
            threshold = self._threshold_array("threshold")
        pruning = Pruning(self.spans_per_token, self.max_pair_distance, threshold)
        knowledge = self._read_knowledge(docs) if self.model.attrs["uses_knowledge"] else None
        return SpanGraphInput(
            docs, spans, pruning, knowledge, given, self.type_prior, self.mention_prior, self.by_sentence
        )

    def _threshold_array(self, setting: str) -> np.ndarray | None:
        labels = self.labels if setting == "threshold" else self.relation_labels
        return threshold_array(getattr(self, setting), labels, setting, self.name)

    def _check_trained_settings(self) -> None:
        """Raises ValueError for settings of the component that the weights were not learnt with."""
        network = self.model.shims[0]._model
        arguments = {} if network is None else network.arguments
        if self._directed_labels and not arguments.get("directed", True):
            raise ValueError(
                f"The relations {', '.join(self._directed_labels)} are not symmetric in the settings of '{self.name}', "
                "but its weights were learnt with symmetric relations only: only another training can change that."
            )
        if arguments.get("multi_label", self.multi_label) != self.multi_label:
            raise ValueError(
                f"The setting multi_label of '{self.name}' is {json.dumps(self.multi_label)}, but its weights were "
                f"learnt with {json.dumps(arguments['multi_label'])}: only another training can change that."
            )
        learnt = self.vectors if self.cfg["knowledge"] is None else self.cfg["knowledge"]["vectors"]
        if set(self.vectors) != set(learnt):
            raise ValueError(
                f"The vectors of '{self.name}' are {', '.join(self.vectors) or 'none'} in its settings, but its "
                f"weights were learnt with {', '.join(learnt) or 'none'}: only another training can change that."
            )

    def _read_mentions(self, doc: Doc) -> list[Span]:
        assert self.entities_from is not None
        if not has_mentions(doc, self.entities_from):
            self._warn_once(
                f"'{self.name}' gets texts in which nobody has looked for mentions: {place_of(self.entities_from)} is "
                "not set. Let a component that finds them stand before it in the pipeline, or change its setting "
                "'entities_from'."
            )
        return read_mentions(doc, self.entities_from)

    def _warn_once(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            warnings.warn(f"{message} This is said once.", stacklevel=3)

    def _read_knowledge(self, docs: list[Doc]) -> ConceptGraphs:
        linker = self._require_linker()
        if any(linker.spans_key not in doc.spans for doc in docs):
            self._warn_once(
                f"'{self.name}' gets texts that no linker has been over: there is no doc.spans[{linker.spans_key!r}], "
                "so that it reads them without knowledge. Let a concept linker stand before it in the pipeline and, in "
                "training, among annotating_components."
            )
        if self.cfg["knowledge"] is None:
            raise ValueError(f"'{self.name}' has not been initialized: call nlp.initialize().")
        vocabulary = KnowledgeVocabulary(**self.cfg["knowledge"])
        if self._reader is None or self._reader.kb is not linker.kb or self._reader.vocabulary != vocabulary:
            self._reader = KnowledgeReader(linker.kb, vocabulary, linker.spans_key)
        concepts = self._reader(docs, self.by_sentence)
        if (concepts.nodes < 0).any():
            self._warn_once(
                f"'{self.name}' gets concepts that the knowledge base of its linker '{linker.name}' does not have, and "
                "leaves them out: another linker was over the texts. After the linker was replaced, or the component "
                "came from another pipeline, save the pipeline and load it again."
            )
        return concepts

    def _require_linker(self) -> ConceptLinker:
        if self.linker is None:
            raise ValueError(
                f"The model of '{self.name}' reads background knowledge. Name the component that links concepts in the "
                f'setting "linker", such as "concept_linker".'
            )
        return self.linker

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

        nlp: the pipeline; the component reads the concepts of the linker of that name that is in it now.
        labels: ``{"entities": [...], "relations": [...]}``, from a file or the config; None takes what the examples
            hold, most frequent first.
        Raises ValueError if there is no entity type, or no example with annotation.
        """
        from ..ml.model import GraphLabels

        if nlp is not None and self.linker is not None:
            self.linker = _find_linker(nlp, self.name, self.linker.name)
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
        for label in self.symmetric:
            if label not in self.relation_labels:
                logger.warning("'%s': the symmetric label %r is no relation label of the data.", self.name, label)
        self._threshold_array("threshold")  # labels that are not there are an error now, and not after the training
        self._threshold_array("relation_threshold")
        self.cfg |= {"finds_mentions": self.entities_from is None, "steps": 0}
        self._counted.clear()
        self._report_unreachable(get_examples())
        sample = list(islice((example.x for example in get_examples() if len(example.x)), 10))
        directed = bool(self._directed_labels)
        knowledge = self._find_knowledge(get_examples()) if self.model.attrs["uses_knowledge"] else None
        self.model.initialize(
            X=sample,
            Y=GraphLabels(len(self.labels), len(self.relation_labels), directed, self.multi_label, knowledge),
        )

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
        validate_examples(examples, "Keci.update")
        set_dropout_rate(self.model, drop)
        docs = [example.predicted for example in examples]
        if not self._annotated(examples):
            self._learn_nothing(docs)
            return losses
        mentions = None if self.entities_from is None else [self._gold_mentions(example) for example in examples]
        X = self._model_input(docs, mentions)
        if not len(X.spans.dataXd):
            self._learn_nothing(docs)
            return losses
        output, backprop = self.model.begin_update(X)
        loss, gradients = self.get_loss(examples, (X, output))
        backprop(gradients)
        losses[self.name] += loss
        if sgd is not None and sgd is not False:  # as in spaCy's own components
            self.finish_update(sgd)
        return losses

    def _learn_nothing(self, docs: list[Doc]) -> None:
        """Give the encoder a gradient of zero. One that is shared learns what others have given it when the last
        component that listens to it has given its own."""
        if not any(len(doc) for doc in docs):
            return  # Thinc's layers have no gradient of nothing
        tok2vec = self.model.get_ref("tok2vec")
        vectors, backprop = tok2vec.begin_update(docs)
        backprop([tok2vec.ops.xp.zeros_like(vector) for vector in vectors])

    def get_loss(self, examples: Iterable[Example], scores: Any) -> tuple[float, Any]:
        """The loss of the model's input and output, and its gradients with regard to the logits of each graph."""
        from ..ml.losses import LossWeights, loss_and_gradients

        X, output = scores
        given = self.entities_from is not None
        gold = gold_graphs(examples, self.spans_key, self.labels, self.relation_labels, mentions_are_given=given)
        if self.by_sentence:
            head, tail = sentence_of_span(gold.spans, X.docs)[gold.relations[:, :2]].T
            self._count_relations(head == tail, "their mentions are in different sentences ('by_sentence')")
        if given:
            reached = find_gold(X.candidates[X.given], gold)[1]
            self._count_relations(reached, "their mentions are not among those that are given")
            gold = of_given(gold, X.candidates, X.given)
        weights = [LossWeights(1.0, 0.0), LossWeights(0.0, 0.0)]
        if given or self.cfg["steps"] >= self.entity_steps:
            final, relations = self.final_weight, self.relation_weight
            weights = [LossWeights(1.0, relations), LossWeights(final, final * relations)]
        return loss_and_gradients(
            output,
            X.candidates,
            gold,
            self._is_symmetric(),
            weights[: len(output.graphs)] + [LossWeights(1.0, 0.0)] * (output.prior is not None),
            self.multi_label,
        )

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

    def _annotated(self, examples: list[Example]) -> list[Example]:
        annotated = [example for example in examples if self.spans_key in example.reference.spans]
        if len(annotated) < len(examples):
            self._warn_once(
                f"'{self.name}' cannot learn from examples without doc.spans[{self.spans_key!r}], and leaves them out "
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

    def _find_knowledge(self, examples: Iterable[Example]) -> KnowledgeSchema:
        """What the concepts of the training texts need to be known by; reports how many mentions have any."""
        linker = self._require_linker()
        examples = [example for example in examples if self.spans_key in example.reference.spans]
        docs = [linker(example.predicted) for example in examples]
        vocabulary = KnowledgeVocabulary.of(linker.kb, self.vectors, docs, linker.spans_key)
        self.cfg["knowledge"] = asdict(vocabulary)
        self._reader = None
        linked, mentions = count_linked(examples, self.spans_key, linker.spans_key)
        logger.info("'%s': %d of %d gold mentions have concepts.", self.name, linked, mentions)
        return vocabulary.schema

    def _report_unreachable(self, examples: Iterable[Example]) -> None:
        report = find_unreachable(
            [example for example in examples if self.spans_key in example.reference.spans],
            None if self.entities_from is not None else partial(self.suggester, ops=NumpyOps()),
            spans_key=self.spans_key,
            labels=self.labels,
            relation_labels=self.relation_labels,
            max_pair_distance=self.max_pair_distance,
        )
        for reason, n in report.items():
            logger.warning("'%s' cannot learn some of the gold: %s (%d).", self.name, reason, n)

    def _gold_mentions(self, example: Example) -> list[Span]:
        """The mentions that are given in training; the gold ones where nobody has looked for any."""
        assert self.entities_from is not None
        if has_mentions(example.predicted, self.entities_from):
            return read_mentions(example.predicted, self.entities_from)
        return aligned_mentions(example, self.spans_key)

    def _count_relations(self, reached: np.ndarray, reason: str) -> None:
        """Report, ever less often, what part of the gold relations cannot be learnt for a reason.

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
