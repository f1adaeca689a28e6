"""Convert the concepts that the linker set on documents to the concept graphs that the model reads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from spacy.tokens import Doc
from spacy.training import Example

from ..identifiers import vocabulary_of
from ..ml.keci.concept_graphs import ConceptGraphs

if TYPE_CHECKING:
    from ..knowledge.knowledge_base import KnowledgeBase


@dataclass
class KnowledgeVocabulary:
    """The names behind the numbers that a trained model uses; a rebuilt knowledge base may number them differently.

    vectors: names of the initial vectors of concepts, with their widths. relations: labels of concept relations.
    kinds: vocabularies, the part of an identifier before the colon, and semantic types.
    """

    vectors: dict[str, int]
    kinds: list[str]
    relations: list[str]

    @property
    def sizes(self) -> dict[str, int]:
        """Sizes for the network: width of the initial vectors, number of kinds and relations of concepts."""
        return {
            "feature_width": max(sum(self.vectors.values()), 1),
            "n_kinds": len(self.kinds),
            "n_concept_relations": max(len(self.relations), 1),
        }

    @classmethod
    def of(
        cls, kb: "KnowledgeBase", vectors: Sequence[str], docs: Iterable[Doc], spans_key: str
    ) -> "KnowledgeVocabulary":
        """The named vectors, all types, and the vocabularies and relations that occur in the documents.

        Raises ValueError if the knowledge base lacks one of the vectors.
        """
        missing = [name for name in vectors if name not in kb.vectors]
        if missing:
            raise ValueError(
                f"The knowledge base {kb.path.name} has no vectors {', '.join(map(repr, missing))}, only "
                f"{', '.join(map(repr, kb.vectors)) or 'none'}. Build it with --vectors, or change the setting "
                "'vectors' of the component."
            )
        concepts = read_concepts(docs, spans_key)
        texts = concepts.mentions[:, 0]
        numbers = kb.indices(concepts.ids)
        graph = kb.induce(texts[numbers >= 0], numbers[numbers >= 0])
        return cls(
            vectors={name: kb.vectors[name].shape[1] for name in vectors},
            kinds=[*sorted({vocabulary_of(concept) for concept in concepts.ids}), *kb.types],
            relations=[kb.labels[label] for label in np.unique(graph.labels)],
        )


class KnowledgeReader:
    """Reads the concept graphs of documents, numbered by a vocabulary.

    Concepts missing from the knowledge base and relations missing from the vocabulary are left out. Raises ValueError
    if the vectors of the knowledge base differ from those of the vocabulary.
    """

    def __init__(self, kb: "KnowledgeBase", vocabulary: KnowledgeVocabulary, spans_key: str) -> None:
        widths = {name: kb.vectors[name].shape[1] for name in vocabulary.vectors if name in kb.vectors}
        if widths != vocabulary.vectors:
            raise ValueError(
                f"The model was trained with the vectors {vocabulary.vectors} (name and width), but the knowledge base "
                f"{kb.path.name} has {widths}. Use the knowledge base of the training, or train again."
            )
        self.kb = kb
        self.vocabulary = vocabulary
        self.spans_key = spans_key
        self.vectors = [kb.vectors[name] for name in vocabulary.vectors]
        self._kinds = {kind: i for i, kind in enumerate(vocabulary.kinds, start=1)}
        self._types = np.array([self._kinds.get(type_, 0) for type_ in kb.types], dtype="int64")
        relations = {label: i for i, label in enumerate(vocabulary.relations)}
        self._relations = np.array([relations.get(label, -1) for label in kb.labels], dtype="int64")

    def __reduce__(self) -> tuple[Any, ...]:
        # pickled without the vectors, which are files of the knowledge base
        return KnowledgeReader, (self.kb, self.vocabulary, self.spans_key)

    def __call__(self, concepts: "LinkedConcepts", texts: np.ndarray) -> ConceptGraphs:
        """The graphs of linked concepts, one for each text.

        texts: (concepts,) the text of each concept, a document or a sentence.
        """
        numbers = self.kb.indices(concepts.ids)
        known = numbers >= 0
        graph = self.kb.induce(texts[known], numbers[known])
        nodes = np.full(len(numbers), -1, dtype="int64")
        nodes[known] = graph.queries
        mentions = concepts.mentions.copy()
        mentions[~known, 0] = -1  # of no document
        is_type = graph.nodes >= len(self.kb)
        kinds = np.zeros(len(graph.nodes), dtype="int64")
        kinds[is_type] = self._types[graph.nodes[is_type] - len(self.kb)]
        mention_kinds = np.array(
            [
                (self._kinds.get(vocabulary_of(c), 0), self._kinds.get(t, 0) if t else 0)
                for c, t in zip(concepts.ids, concepts.types, strict=True)
            ],
            dtype="int64",
        ).reshape(-1, 2)
        kinds[nodes[known]] = mention_kinds[known, 0]
        relations = self._relations[graph.labels]
        features = [np.zeros((len(graph.nodes), 0 if self.vectors else 1), dtype="float32")]
        features += [vectors[graph.nodes].astype("float32") for vectors in self.vectors]
        return ConceptGraphs(
            features=np.concatenate(features, axis=1),
            kinds=kinds,
            edges=graph.edges[:, relations >= 0],
            labels=relations[relations >= 0],
            mentions=mentions,
            nodes=nodes,
            mention_kinds=mention_kinds,
        )


@dataclass
class LinkedConcepts:
    """The concepts that a linker set on a batch of documents, in order.

    mentions: (concepts, 3) document, start, end. ids, types: identifier and semantic type of each concept.
    """

    mentions: np.ndarray
    ids: list[str]
    types: list[str]

    def __getitem__(self, rows: np.ndarray) -> "LinkedConcepts":
        chosen = rows.tolist()
        return LinkedConcepts(self.mentions[rows], [self.ids[i] for i in chosen], [self.types[i] for i in chosen])


def read_concepts(docs: Iterable[Doc], spans_key: str) -> LinkedConcepts:
    """The concepts in ``doc.spans[spans_key]`` of the documents."""
    rows, concepts, types = [], [], []
    for d, doc in enumerate(docs):
        for span in doc.spans.get(spans_key, ()):
            rows.append((d, span.start, span.end))
            concepts.append(span.kb_id_)
            types.append(span.label_)
    return LinkedConcepts(np.array(rows, dtype="int64").reshape(-1, 3), concepts, types)


def write_attention(docs: Iterable[Doc], attention: np.ndarray, concepts_key: str) -> None:
    """Write attention weights to the concepts of the documents.

    attention: (candidates,), NaN if the span is not a node of the graph, which is written as None.
    """
    begin = 0
    for doc in docs:
        concepts = doc.spans.get(concepts_key, ())
        weights = attention[begin : begin + len(concepts)]
        begin += len(concepts)
        if len(concepts):
            concepts.attrs["attention"] = [None if np.isnan(weight) else float(weight) for weight in weights]


def choose_concepts(
    docs: Iterable[Doc],
    attention: np.ndarray,
    concept_types: np.ndarray | None,
    type_of_mention: Iterable[Mapping[tuple[int, int], int]],
    concepts_key: str,
) -> list[dict[tuple[int, int], str]]:
    """Choose the concept of each mention, in each document.

    It is the linker's first candidate whose most probable type is that of the mention. If there is none, it is the
    candidate that fits the type best or, without ``concept_types``, the one with the largest attention; or none, if the
    sentinel weighs more than each.
    attention: (candidates,). concept_types: (candidates, entity types), how well the types fit, or None.
    type_of_mention: in each document, the type of each mention as a column of ``concept_types``.
    """
    chosen = []
    begin = 0
    for doc, types in zip(docs, type_of_mention, strict=True):
        concepts = doc.spans.get(concepts_key, ())
        candidates: dict[tuple[int, int], list[tuple[int, str]]] = {}
        for row, concept in enumerate(concepts, start=begin):
            offsets = (concept.start, concept.end)
            if offsets in types and not np.isnan(attention[row]):
                candidates.setdefault(offsets, []).append((row, concept.kb_id_))
        begin += len(concepts)
        named = {}
        for offsets, several in candidates.items():
            rows = [row for row, _ in several]
            fits, is_expected = attention[rows], np.zeros(len(rows), dtype=bool)
            if concept_types is not None:
                fits = concept_types[rows, types[offsets]]
                is_expected = concept_types[rows].argmax(axis=1) == types[offsets]
            if is_expected.any():
                named[offsets] = several[int(is_expected.argmax())][1]
            elif attention[rows].max() > 1.0 - attention[rows].sum():
                named[offsets] = several[int(fits.argmax())][1]
        chosen.append(named)
    return chosen


def count_linked(examples: Iterable[Example], spans_key: str, concepts_key: str) -> tuple[int, int]:
    """Number of gold mentions with the offsets of a concept of the predicted document, and of all gold mentions."""
    linked = total = 0
    for example in examples:
        offsets = {(c.start_char, c.end_char) for c in example.predicted.spans.get(concepts_key, ())}
        mentions = example.reference.spans[spans_key]
        linked += sum((m.start_char, m.end_char) in offsets for m in mentions)
        total += len(mentions)
    return linked, total
