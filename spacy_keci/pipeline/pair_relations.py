"""The base class of components that classify pairs of given mentions or of their concepts."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import logger

from ..ml.concept_pairs.graphs import GoldPairs, PredictedPairs
from ..ml.concept_pairs.inputs import ConceptPairInput
from ..ml.concept_pairs.pairs import make_bags
from ..settings import at_least
from ..tokens import SPANS_KEY
from .concept_gold import NOT_GIVEN, NOT_SCORED, ConceptGold, GoldRelation, gold_relations
from .concept_writing import RelationWriter
from .concepts import ConceptReader, Level
from .extractor import Extractor
from .gold import FURTHER_RELATIONS
from .settings import ExtractorSettings

# Minimum share of the relations that a pair of types must have; rarer pairs are almost never related.
MIN_SHARE = 0.001


@dataclass(eq=False, kw_only=True)
class PairRelationsSettings(ExtractorSettings):
    """Settings of components that classify pairs, in addition to those of all extractors, see
    :class:`~spacy_keci.pipeline.settings.ExtractorSettings`.

    entities_from: as for all extractors, but required: mentions are always given. ``threshold`` is not used.
    relation_threshold: minimum probability that a pair is related at all, 1 - p(none), with the same forms as for all
        extractors; None: 0.5. With ``multi_label``, minimum probability of each label.
    pair_types: pairs of types that may be related, ``[["Gene", "Disease"], ...]``, in any order; None: the pairs in the
        training data.
    max_batch_pairs: maximum number of pairs scored together in prediction; it bounds the memory.
    """

    entities_from: str | None = SPANS_KEY
    pair_types: list[list[str]] | None = None
    max_batch_pairs: int = at_least(1, 4096)

    def check(self, name: str) -> None:
        super().check(name)
        if self.entities_from is None:
            raise ValueError(
                f"'{name}' relates given mentions: set entities_from to 'ents' or a key of doc.spans. It cannot be "
                "null."
            )
        if any(len(pair) != 2 for pair in self.pair_types or ()):
            raise ValueError(f"The setting pair_types of '{name}' must be pairs of types, but it is {self.pair_types}.")


@dataclass
class Prediction:
    """The relations of a batch, with their mentions and the model's input; the input is None if there are no pairs."""

    mentions: list[list[Span]]
    X: ConceptPairInput | None
    pairs: PredictedPairs


class PairRelations(Extractor, PairRelationsSettings):
    """Predicts relations between given mentions, each of which is a concept of its own.

    A subclass implements the input of its model (``make_input``).

    reads_in_order: whether the first of a pair is the earlier mention; otherwise it is the one with the lower type.
    """

    reads_in_order: ClassVar[bool] = False
    # constants, or settings if concepts may have several mentions
    level: Level
    spell_out: bool

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.cfg |= {"pair_types": None, "novelties": []}

    @property
    def novelties(self) -> tuple[str, ...]:
        """Possible values of novelty; empty if the training data has none."""
        return tuple(self.cfg["novelties"])

    @property
    def _most_distance(self) -> int:
        """Maximum number of tokens between the starts of two mentions of a pair."""
        return self.max_pair_distance

    @property
    def _most_mention_pairs(self) -> int:
        """Maximum number of mention pairs that are read for two concepts."""
        return 1

    @property
    def reader(self) -> ConceptReader:
        return ConceptReader(self.level, None, self.type_numbers)

    @property
    def type_numbers(self) -> dict[str, int]:
        """Numbers of the entity types, from 1."""
        return {label: i for i, label in enumerate(self.labels, start=1)}

    @property
    def allowed_types(self) -> set[tuple[int, int]] | None:
        """Pairs of type numbers, the lower first; None for all."""
        named = self.pair_types if self.pair_types is not None else self.cfg["pair_types"]
        if named is None:
            return None
        numbers = self.type_numbers
        if unknown := sorted({type_ for pair in named for type_ in pair} - numbers.keys()):
            raise ValueError(
                f"The setting pair_types of '{self.name}' has unknown types: {', '.join(map(repr, unknown))}. Allowed: "
                f"{', '.join(map(repr, numbers)) or 'none'}."
            )
        pairs = [(numbers[a], numbers[b]) for a, b in named]
        return {(min(pair), max(pair)) for pair in pairs}

    # Use

    def predict(self, docs: Iterable[Doc]) -> Prediction:
        """The relations of the documents, which are not changed."""
        docs = list(docs)
        mentions = self.given_mentions(docs) or []
        for type_ in sorted({m.label_ for given in mentions for m in given} - {*self.labels}):
            self._warn_once(
                f"'{self.name}' has not learned mentions of the type {type_!r}, and relates none of them. It knows: "
                f"{', '.join(self.labels)}."
            )
        X = self.make_input(docs, mentions, is_train=False)
        rules = self.relation_rules()
        scores = [] if X is None else self.model.predict(X)
        pairs = PredictedPairs.joined([output.decode(part, rules) for part, output in scores])
        pairs.scores = self.relation_scaling(pairs.scores)
        return Prediction(mentions, X, pairs)

    @property
    def default_relation_threshold(self) -> float:
        return 0.5

    def set_annotations(self, docs: Iterable[Doc], prediction: Prediction) -> None:
        """Write the given mentions and their relations to ``doc.spans[spans_key]``, replacing previous ones."""
        docs = list(docs)
        X = prediction.X or self._pairs(docs, prediction.mentions)
        write = RelationWriter(
            self.spans_key,
            source=self.entities_from,
            reader=self.reader,
            labels=self.relation_labels,
            symmetric=self.symmetric,
            novelties=self.novelties,
            spell_out=self.spell_out,
        )
        write(docs, prediction.mentions, X.concepts, X.bags, prediction.pairs)

    def make_input(
        self, docs: list[Doc], mentions: list[list[Span]] | None, *, is_train: bool
    ) -> ConceptPairInput | None:
        self.check_trained_settings()
        X = self._pairs(docs, mentions or [[] for _ in docs])
        if not is_train:
            X.max_tokens, X.max_pairs = self.max_batch_tokens, self.max_batch_pairs
        return X if len(X.bags) else None

    def _pairs(self, docs: list[Doc], mentions: Sequence[Sequence[Span]]) -> ConceptPairInput:
        concepts = self.reader(docs, mentions)
        bags = make_bags(
            concepts,
            pair_types=self.allowed_types,
            max_distance=self._most_distance,
            max_mention_pairs=self._most_mention_pairs,
            by_sentence=self.by_sentence,
            by_place=self.reads_in_order,
        )
        return ConceptPairInput(docs, concepts, bags)

    def check_trained_settings(self) -> None:
        super().check_trained_settings()
        assert self.network is not None
        if (learned := self.network.arguments["directed_labels"]) != self._directed_labels:
            raise ValueError(
                f"The settings of '{self.name}' give directed_labels = {self._directed_labels}, but its weights were "
                f"trained with {learned}. Train again to change the setting symmetric."
            )

    # Training

    def progress(self) -> float:
        return 1.0  # there are no mentions to learn first

    def read_gold(self, examples: list[Example], X: Any) -> GoldPairs:  # type: ignore[override]
        relations, unreachable = self._relations(examples), Counter[str]()
        gold = self._gold()(relations, X.concepts, X.bags, unreachable)
        number = np.arange(sum(len(of_doc or ()) for of_doc in relations))
        for reason, words in (
            (NOT_GIVEN, "their concepts or mentions are not among the given ones"),
            (NOT_SCORED, "their pairs are not scored (types, distance or sentence)"),
        ):
            self._count_gold("relations", number >= unreachable[reason], words)
        return gold

    def read_lost_gold(self, examples: list[Example]) -> None:
        docs = [example.predicted for example in examples]
        self.read_gold(examples, self._pairs(docs, self.mentions_to_learn(examples) or []))

    def _gold(self) -> ConceptGold:
        return ConceptGold(self.relation_labels, self._directed_labels, self.novelties)

    def _relations(self, examples: list[Example]) -> list[list[GoldRelation] | None]:
        return [
            gold_relations(example, self.spans_key, self.level, learn_scores=self.learn_scores) for example in examples
        ]

    def _find_labels(self, examples: Iterable[Example]) -> dict[str, list[str]]:
        found = super()._find_labels(examples := list(examples))
        counts = Counter(r.label for of_doc in self._relations(examples) for r in of_doc or ())
        return {**found, "relations": sorted(counts, key=lambda label: (-counts[label], label))}

    def _inspect(self, annotated: list[Example]) -> None:
        """Find the pair types and the values of novelty in the training data, then report."""
        found = Counter(r.novelty for of_doc in self._relations(annotated) for r in of_doc or () if r.novelty)
        self.cfg["novelties"] = sorted(found, key=lambda each: (-found[each], each))
        self.cfg["pair_types"] = None
        if self.pair_types is None:
            self.cfg["pair_types"] = self._find_pair_types(annotated)
        super()._inspect(annotated)

    def _report_unreachable(self, annotated: list[Example]) -> None:
        counts: Counter[str] = Counter()
        X, gold = self._pairs_to_learn(annotated, counts)
        of_pair = gold.targets[:, 1:]
        if not self.multi_label:  # probabilities of several labels have a sum of at most 1
            several = of_pair[of_pair.sum(axis=1) > 1.001]
            counts[FURTHER_RELATIONS] += int((several > 0).sum()) - len(several)
        for reason, n in (+counts).items():
            logger.warning("'%s' cannot learn some of the gold: %s (%d).", self.name, reason, n)
        related = int((of_pair.sum(axis=1) > 0).sum())
        logger.log(
            logging.INFO if related else logging.WARNING,
            "'%s': %d pairs of %ss, %d of them related.",
            self.name,
            len(X.bags),
            self.level,
            related,
        )

    def _find_pair_types(self, examples: list[Example]) -> list[list[str]]:
        X, gold = self._pairs_to_learn(examples)
        related = np.flatnonzero(gold.targets[:, 1:].sum(axis=1) > 0)
        ends = np.stack([X.concepts.types[X.bags.first], X.concepts.types[X.bags.second]], axis=1)[related]
        types, counts = np.unique(np.sort(ends, axis=1), axis=0, return_counts=True)
        kept = types[(counts >= MIN_SHARE * counts.sum()) & (types > 0).all(axis=1)]
        return [[self.labels[a - 1], self.labels[b - 1]] for a, b in kept.tolist()]

    def _pairs_to_learn(
        self, examples: list[Example], unreachable: Counter[str] | None = None
    ) -> tuple[ConceptPairInput, GoldPairs]:
        """The pairs of the examples with their gold relations. Those of no pair are counted in ``unreachable``."""
        docs = [example.predicted for example in examples]
        X = self._pairs(docs, self.mentions_to_learn(examples) or [])
        return X, self._gold()(self._relations(examples), X.concepts, X.bags, unreachable)
