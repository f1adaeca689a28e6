"""The component ``keci``: reads a Doc, writes its span graph to ``doc.spans["entities"]`` and ``doc._.relations``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import logger
from spacy.vocab import Vocab
from thinc.api import Model, NumpyOps

from ..ml.graphs import GoldGraphs, PredictedGraphs, Pruning
from ..ml.keci.inputs import KeciInput, SpanGraphInput, tokens_at_once
from ..ml.spans.targets import candidate_array, in_order
from ..sentences import doc_starts, whitespace
from ..settings import at_least, defaults, takes_settings
from ..span_groups import initial_key
from ..suggesters import Suggester, build_sentence_span_suggester
from .concept_linker import ConceptLinker
from .concept_reading import (
    KnowledgeReader,
    KnowledgeVocabulary,
    choose_concepts,
    count_linked,
    read_concepts,
    write_attention,
)
from .extractor import Extractor
from .find_linker import check_saved_linker, find_linker
from .gold import find_gold
from .mentions import as_candidates
from .settings import RETIRED, SCORE_WEIGHTS, ExtractorSettings, default_model
from .writing import types_of_mentions, write_graphs

if TYPE_CHECKING:
    from ..ml.keci.concept_graphs import ConceptGraphs
    from ..ml.network import Sizes


@dataclass(eq=False, kw_only=True)
class KeciSettings(ExtractorSettings):
    """Settings of ``keci``, in addition to those of all extractors.

    spans_per_token: λ, the number of spans per word that stay in the graph (Sec. 2.3).
    type_prior, mention_prior: weights of the type of a mention, and of whether a span is a mention, as predicted from
        knowledge alone, if the model learns this (``knowledge_prior``); 0 to ignore it.
    keep_initial: whether the graph before the use of knowledge is kept as well, in
        ``doc.spans[initial_key(spans_key)]``.
    """

    spans_per_token: float = at_least(0, 0.5)
    type_prior: float = at_least(0, 1.0)
    mention_prior: float = at_least(0, 0.25)
    keep_initial: bool = False

    def check(self, name: str) -> None:
        super().check(name)
        if self.spans_per_token == 0 and self.entities_from is None:
            raise ValueError(f"The setting spans_per_token of '{name}' must be above 0, but it is 0.")


@Language.factory(
    "keci",
    assigns=["doc.spans", "doc._.relations", "span._.relations"],
    default_config={
        **defaults(KeciSettings),
        "model": default_model("spacy_keci.SpanGraph.v1", max_span_length=12),
        "linker": None,
        "suggester": None,
        "vectors": {},
        "scorer": {"@scorers": "spacy_keci.strict_scorer.v1"},
    },
    default_score_weights=SCORE_WEIGHTS,
)
@takes_settings(
    KeciSettings, retired=RETIRED | {"final_weight": 2.0, "link_by_type": True, "span_graph_attr": "span_graph"}
)
def make_keci(
    nlp: Language,
    name: str,
    model: Model,
    suggester: Suggester | None,
    linker: str | None,
    vectors: dict[str, bool],
    scorer: Callable | None,
    **settings: Any,
) -> Keci:
    """Create the component; see :class:`KeciSettings` and :class:`~spacy_keci.pipeline.settings.ExtractorSettings`.

    suggester: proposes the spans that may be mentions, in any order; None for all spans of a sentence up to the model's
        ``max_span_length``. linker: name of the component that links concepts.
    vectors: initial vectors of concepts in its knowledge base, and whether they are used.
    """
    return Keci(
        nlp.vocab,
        model,
        name,
        suggester=suggester,
        linker=find_linker(nlp, name, linker, needed=model.attrs["uses_knowledge"]),
        vectors=[vector for vector, is_used in vectors.items() if is_used],
        scorer=scorer,
        **settings,
    )


@dataclass
class Prediction:
    """The final graphs of a batch and, if kept, the initial ones; these are the same if the model has no knowledge.

    For the linker's concepts, in the order of the documents, or None:
    attention: (concepts,). concept_types: (concepts, entity types), log-probabilities of the types of their mentions.
    """

    final: PredictedGraphs
    initial: PredictedGraphs | None = None
    attention: np.ndarray | None = None
    concept_types: np.ndarray | None = None


class Keci(Extractor, KeciSettings):
    """Extracts typed, possibly nested mentions and typed relations between them."""

    def __init__(
        self,
        vocab: Vocab,
        model: Model,
        name: str = "keci",
        *,
        suggester: Suggester | None = None,
        linker: ConceptLinker | None = None,
        vectors: Iterable[str] = (),
        scorer: Callable | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(vocab, model, name, scorer=scorer, **settings)
        self.suggester = suggester or build_sentence_span_suggester(self.model.attrs["max_span_length"])
        self.linker = linker
        self.vectors = tuple(vectors)
        self.cfg["knowledge"] = None
        self._reader: KnowledgeReader | None = None

    # Use

    def predict(self, docs: Iterable[Doc]) -> Prediction:
        """The span graphs of the documents, which are not changed."""
        docs = list(docs)
        X = self.make_input(docs, self.given_mentions(docs), is_train=False)
        rules = self.relation_rules()
        final, initial = [], []
        of_concepts: dict[str, np.ndarray] = {}
        for part, output in self.model.predict(X) if X is not None else ():
            final.append(output.decode(part, rules))
            if self.keep_initial:
                initial.append(output.decode(part, rules, initial=True))
            for key in ("attention", "concept_types"):
                if getattr(output, key) is not None:
                    values = of_concepts.setdefault(key, _unknown(X, getattr(output, key)))
                    values[part.concept_rows] = getattr(output, key).float().cpu().numpy()
        return Prediction(
            self.calibrated(PredictedGraphs.joined(final)),
            self.calibrated(PredictedGraphs.joined(initial)) if self.keep_initial else None,
            of_concepts.get("attention"),
            of_concepts.get("concept_types"),
        )

    def set_annotations(self, docs: Iterable[Doc], prediction: Prediction) -> None:
        """Write span graphs to ``doc.spans[spans_key]``, replacing previous ones.

        If the model attends to concepts, the linker's concepts get their attention weights, and each mention gets its
        concept as ``kb_id_`` (:func:`~spacy_keci.pipeline.concept_reading.choose_concepts`).
        """
        docs = list(docs)
        concepts: list[dict[tuple[int, int], str]] = [{} for _ in docs]
        if prediction.initial is not None:
            # written first, since the final graph may replace the given mentions
            write_graphs(self, docs, prediction.initial, initial_key(self.spans_key), concepts)
        if prediction.attention is not None and self.linker is not None:
            key, types = self.linker.spans_key, types_of_mentions(prediction.final, len(docs))
            write_attention(docs, prediction.attention, key)
            concepts = choose_concepts(docs, prediction.attention, prediction.concept_types, types, key)
        write_graphs(self, docs, prediction.final, self.spans_key, concepts)

    def make_input(
        self, docs: list[Doc], mentions: list[list[Span]] | None, *, is_train: bool
    ) -> SpanGraphInput | None:
        self.check_trained_settings()
        threshold, given = None, None
        suggested = self.suggester(docs, ops=self.model.ops) if self.cfg["finds_mentions"] else None
        if mentions is not None:
            candidates, given = as_candidates(mentions, suggested)
        else:
            assert suggested is not None  # ensured by check_trained_settings
            candidates, threshold = in_order(candidate_array(suggested)), self._threshold_array("threshold")
        if not len(candidates):
            return None
        limit = None if is_train else self.max_batch_tokens
        texts = self.read_texts(docs, candidates[:0] if given is None else candidates[given], limit)
        doc, start, end = candidates.T
        first = doc_starts(docs)[doc] + start
        in_one_text = texts[first] == texts[first + end - start - 1]
        kept = np.flatnonzero(in_one_text if given is None else in_one_text | given)
        X = SpanGraphInput(
            docs,
            texts,
            whitespace(docs),
            candidates[kept],
            None if given is None else given[kept],
            Pruning(self.spans_per_token, self.max_pair_distance, threshold),
            max_tokens=limit and tokens_at_once(self.model.ops, limit),
        )
        return self._with_knowledge(X) if self.model.attrs["uses_knowledge"] else X

    def _with_knowledge(self, X: SpanGraphInput) -> KeciInput:
        linker = self._require_linker()
        if any(linker.spans_key not in doc.spans for doc in X.docs):
            self._warn_once(
                f"doc.spans[{linker.spans_key!r}] is not set: '{self.name}' runs without background knowledge. Add a "
                f"concept linker before it (and to annotating_components in training)."
            )
        if self.cfg["knowledge"] is None:
            raise ValueError(f"'{self.name}' has not been initialized: call nlp.initialize().")
        vocabulary = KnowledgeVocabulary(**self.cfg["knowledge"])
        if self._reader is None or self._reader.kb is not linker.kb or self._reader.vocabulary != vocabulary:
            self._reader = KnowledgeReader(linker.kb, vocabulary, linker.spans_key)
        reader, concepts = self._reader, read_concepts(X.docs, linker.spans_key)
        doc, start, _ = concepts.mentions.T
        last = len(X.text_of_token) - 1
        texts = X.text_of_token[np.minimum(X.offsets[doc] + start, last)]  # an empty span may begin at the end

        def read(rows: np.ndarray) -> ConceptGraphs:
            graphs = reader(concepts[rows], texts[rows])
            if (graphs.nodes < 0).any():
                self._warn_once(
                    f"'{self.name}' skips concepts that are not in the knowledge base of its linker '{linker.name}': "
                    "another linker set them. If the linker was replaced, or the component comes from another "
                    "pipeline, save the pipeline and load it again."
                )
            return graphs

        return KeciInput(
            **{each.name: getattr(X, each.name) for each in fields(X)},
            mentions=concepts.mentions,
            read=read,
            type_prior=self.type_prior,
            mention_prior=self.mention_prior,
        )

    def check_trained_settings(self) -> None:
        super().check_trained_settings()
        learned = self.vectors if self.cfg["knowledge"] is None else self.cfg["knowledge"]["vectors"]
        if set(self.vectors) != set(learned):
            raise ValueError(
                f"The vectors of '{self.name}' are {', '.join(self.vectors) or 'none'} in its settings, but its "
                f"weights were trained with {', '.join(learned) or 'none'}. Train again to change them."
            )

    def _require_linker(self) -> ConceptLinker:
        if self.linker is None:
            raise ValueError(
                f"The model of '{self.name}' reads background knowledge. Name the component that links concepts in the "
                f'setting "linker", such as "concept_linker".'
            )
        return self.linker

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Raises ValueError if the pipeline that is being saved has lost its linker."""
        if self.linker is not None:
            check_saved_linker(Path(path).parent, self.name, self.linker.name)
        super().to_disk(path, exclude=exclude)

    # Training

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: dict[str, list[str]] | None = None,
    ) -> None:
        """See :class:`Extractor`. nlp: the pipeline; the component uses its current linker of the configured name."""
        if nlp is not None and self.linker is not None:
            self.linker = find_linker(nlp, self.name, self.linker.name, needed=self.model.attrs["uses_knowledge"])
        super().initialize(get_examples, nlp=nlp, labels=labels)

    def make_sizes(self, examples: Iterable[Example]) -> Sizes:
        sizes = super().make_sizes(examples)
        if not self.model.attrs["uses_knowledge"]:
            return sizes
        from ..ml.keci.network import KnowledgeSizes

        return KnowledgeSizes(**{**asdict(sizes), **self._find_knowledge(examples).sizes})

    def reachable(self, docs: list[Doc], gold: GoldGraphs) -> dict[str, np.ndarray]:
        suggested = candidate_array(self.suggester(docs, ops=NumpyOps()))
        return {"mentions that are not suggested, or have the offsets of another": find_gold(suggested, gold)[0]}

    def _find_knowledge(self, examples: Iterable[Example]) -> KnowledgeVocabulary:
        """The vocabulary of the concepts in the training texts. Logs the number of mentions with concepts."""
        linker = self._require_linker()
        examples = self._annotated(examples)
        docs = [linker(example.predicted) for example in examples]
        vocabulary = KnowledgeVocabulary.of(linker.kb, self.vectors, docs, linker.spans_key)
        self.cfg["knowledge"] = asdict(vocabulary)
        self._reader = None
        linked, mentions = count_linked(examples, self.spans_key, linker.spans_key)
        logger.info("'%s': %d of %d gold mentions have concepts.", self.name, linked, mentions)
        return vocabulary


def _unknown(X: Any, values: Any) -> np.ndarray:
    """NaN for all concepts of an input; the other dimensions are those of ``values``."""
    return np.full((len(X.mentions), *values.shape[1:]), np.nan, dtype="float32")
