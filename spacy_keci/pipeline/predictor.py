"""The prediction side of extractors: labels, given mentions, thresholds, probabilities, texts of any length."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span
from spacy.util import minibatch
from spacy.vocab import Vocab
from thinc.api import Model

from ..extensions import install_extensions
from ..ml.graphs import PredictedGraphs
from ..ml.relations.decoding import RelationRules
from ..sentences import cut_texts, doc_starts, inside_of_spans, sentence_of_token, sentence_starts, text_of_token
from .calibration import Scaling
from .mentions import has_mentions, read_mentions, without_mentions
from .settings import ExtractorSettings
from .thresholds import threshold_array

if TYPE_CHECKING:
    from ..ml.network import Input, Network

NO_SENTENCES = "no sentences"


class Predictor(TrainablePipe, ExtractorSettings):
    """The part of an :class:`~spacy_keci.pipeline.extractor.Extractor` that predicts. Settings are attributes; see the
    dataclass of each system."""

    def __init__(
        self, vocab: Vocab, model: Model, name: str, *, scorer: Callable | None = None, **settings: Any
    ) -> None:
        known = {f.name for f in fields(self)}
        if unknown := settings.keys() - known:
            raise TypeError(f"{type(self).__name__} has no setting {', '.join(sorted(unknown))}.")
        for key, value in settings.items():
            setattr(self, key, value)
        self.check(name)
        self.symmetric = tuple(self.symmetric)
        install_extensions(self.relations_attr, self.spans_key)
        self.vocab = vocab
        self.model = model
        self.name = name
        self.scorer = scorer
        self.cfg: dict[str, Any] = {"labels": [], "relation_labels": [], "finds_mentions": True, "steps": 0}
        self._warned: set[str] = set()
        self._counted: dict[str, Counter[str]] = {}
        self._lost: Counter[str] | None = Counter()

    @property
    def labels(self) -> tuple[str, ...]:
        """Entity types."""
        return tuple(self.cfg["labels"])

    @property
    def relation_labels(self) -> tuple[str, ...]:
        return tuple(self.cfg["relation_labels"])

    @property
    def label_data(self) -> dict[str, list[str]]:
        """The labels that ``spacy init labels`` saves and ``[initialize.components.NAME.labels]`` reads."""
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

    # Use

    def make_input(self, docs: list[Doc], mentions: list[list[Span]] | None, *, is_train: bool) -> Input | None:
        """The input of the model; None if there is nothing to score.

        mentions: of each document, if they are given.
        """
        raise NotImplementedError

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Annotate a stream of documents, in its order."""
        for batch in minibatch(stream, batch_size):
            for docs in _by_tokens(batch, self.max_batch_tokens):
                yield from super().pipe(docs, batch_size=len(docs))

    def given_mentions(self, docs: list[Doc]) -> list[list[Span]] | None:
        """The mentions of each document, if they are given."""
        if self.entities_from is None:
            return None
        if not all(has_mentions(doc, self.entities_from) for doc in docs):
            self._warn_once(without_mentions(self.entities_from, self.name, "relate"))
        return [read_mentions(doc, self.entities_from) for doc in docs]

    def read_texts(self, docs: list[Doc], mentions: np.ndarray, limit: int | None) -> np.ndarray:
        """(tokens,) the text, a sentence or a document, that each token belongs to.

        mentions: (mentions, 3) document, start and end; no text ends inside a mention. limit: maximum tokens of a text.
        """
        self.warn_without_sentences(docs)
        texts = text_of_token(docs, self.by_sentence)
        if limit is None or not len(texts) or np.bincount(texts).max() <= limit:
            return texts
        doc, start, end = mentions.T
        first = doc_starts(docs)[doc] + start
        cut = cut_texts(texts, limit, sentence_of_token(docs), inside_of_spans(first, first + end - start, len(texts)))
        if cut[-1] > texts[-1]:
            self._warn_once(
                f"'{self.name}' reads a {'sentence' if self.by_sentence else 'document'} of over {limit} tokens in "
                "parts, and predicts no relations between them. To avoid this, raise max_batch_tokens, which takes "
                "more memory."
            )
        return cut

    def relation_rules(self) -> RelationRules:
        """The rules that turn probabilities into relations."""
        return RelationRules(self._symmetric_array(), self._threshold_array("relation_threshold"), self.multi_label)

    @property
    def default_relation_threshold(self) -> float | None:
        """The minimum probability of relations without a threshold; None: the most probable label counts."""
        return 0.5 if self.multi_label else None

    def _threshold_array(self, setting: str) -> np.ndarray | None:
        """(labels,) thresholds for the network's scores, before temperature and bias."""
        is_mention = setting == "threshold"
        labels = self.labels if is_mention else self.relation_labels
        default = None if is_mention else self.default_relation_threshold
        thresholds = threshold_array(getattr(self, setting), labels, setting, self.name, default)
        scaling = self.scaling if is_mention else self.relation_scaling
        return None if thresholds is None else scaling.inverse()(thresholds)

    @property
    def scaling(self) -> Scaling:
        """Converts scores of mentions to probabilities."""
        return Scaling(self.temperature, self.bias)

    @property
    def relation_scaling(self) -> Scaling:
        """Converts scores of relations to probabilities."""
        return Scaling(self.relation_temperature, self.relation_bias)

    def calibrated(self, graphs: PredictedGraphs) -> PredictedGraphs:
        """The graphs with calibrated scores."""
        return replace(
            graphs,
            scores=self.scaling(graphs.scores),
            relation_scores=self.relation_scaling(graphs.relation_scores),
        )

    def check_trained_settings(self) -> None:
        """Raises ValueError for settings of the component that differ from those of its training."""
        if self.network is None:
            raise ValueError(
                f"'{self.name}' has not been initialized: call nlp.initialize(), or load a trained pipeline."
            )
        if self.entities_from is None and not self.cfg["finds_mentions"]:
            raise ValueError(
                f"The model of '{self.name}' was trained on given mentions and cannot predict any: set 'entities_from' "
                "to their location."
            )
        arguments = self.network.arguments
        learned = arguments.get("labels")
        if learned is not None and learned != self.label_data:
            raise ValueError(
                f"The labels of '{self.name}' are {self.label_data}, but its weights were trained with {learned}: the "
                "file 'cfg' of the saved component was changed. Restore it, or train again."
            )
        self._check_symmetric()
        if self._directed_labels and not arguments.get("directed", True):
            raise ValueError(
                f"The relations {', '.join(self._directed_labels)} are not symmetric in the settings of '{self.name}', "
                "but its weights were trained with symmetric relations only. Train again to change that."
            )
        if arguments.get("multi_label", self.multi_label) != self.multi_label:
            raise ValueError(
                f"The setting multi_label of '{self.name}' is {json.dumps(self.multi_label)}, but its weights were "
                f"trained with {json.dumps(arguments['multi_label'])}. Train again to change it."
            )

    def _check_symmetric(self) -> None:
        # labels in the config that the training data did not have
        allowed = {*self.relation_labels, *self.cfg.get("symmetric_without_data", self.symmetric)}
        if unknown := [label for label in self.symmetric if label not in allowed]:
            raise ValueError(
                f"The setting symmetric of '{self.name}' has unknown labels: {', '.join(map(repr, unknown))}. Allowed: "
                f"{', '.join(map(repr, self.relation_labels)) or 'none'}."
            )

    def warn_without_sentences(self, docs: list[Doc]) -> None:
        """Warn: a model trained on sentences predicts relations across the whole text if it reads it as one
        sentence."""
        if self.by_sentence and NO_SENTENCES not in self._warned:
            unset = (doc for doc in docs if len(doc) and not doc.has_annotation("SENT_START"))
            if any(len(sentence_starts(doc)) > 1 for doc in unset):
                self._warned.add(NO_SENTENCES)
                self._warn_once(
                    f"'{self.name}' reads each sentence separately, but sentence boundaries are not set: each text is "
                    "read as one sentence, and predictions get worse. Set them with a component at the start of the "
                    "pipeline: nlp.add_pipe('biomedical_sentencizer', first=True)."
                )

    def _warn_once(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            warnings.warn(f"{message} (Shown once.)", stacklevel=3)

    @property
    def _directed_labels(self) -> list[str]:
        """Labels of relations with a direction."""
        return [label for label in self.relation_labels if label not in self.symmetric]

    def _symmetric_array(self) -> np.ndarray:
        """(1 + relation labels,) of bool; the first is for no relation."""
        return np.array([False, *(label in self.symmetric for label in self.relation_labels)])


def _by_tokens(docs: Iterable[Doc], limit: int) -> Iterator[list[Doc]]:
    """Split the documents into parts of at most ``limit`` tokens, or of one longer document, in order."""
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
