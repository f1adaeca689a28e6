"""The component ``concept_relations``: predicts relations between the concepts that mentions of a document name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model

from ..extensions import install_interactions_extension
from ..ml.concept_pairs.inputs import ConceptPairInput
from ..settings import at_least, defaults, takes_settings
from ..tokens import CONCEPTS_KEY
from .concepts import ConceptReader, Level, pair_keys
from .pair_relations import PairRelations, PairRelationsSettings
from .settings import RETIRED, default_model

if TYPE_CHECKING:
    from ..ml.network import Sizes


@dataclass(eq=False, kw_only=True)
class ConceptRelationsSettings(PairRelationsSettings):
    """Settings of ``concept_relations``, in addition to
    :class:`~spacy_keci.pipeline.pair_relations.PairRelationsSettings`.

    max_pair_distance: maximum number of tokens between the starts of the closest mentions of two concepts.
    level: "concept": relations hold between the concepts of a document, each with any number of mentions. "mention":
        between mentions; with ``by_sentence``, in the same sentence.
    concepts_key: key of ``doc.spans`` with the candidates of a linker. A mention without an identifier gets the first
        one; None: such mentions have no concept.
    max_mention_pairs: maximum number of mention pairs that are read for two concepts, the closest ones.
    spell_out: whether ``doc._.relations`` has all mention pairs of two related concepts, as corpora have; otherwise
        only the pairs that are the evidence.
    interactions_attr: name of the extension attribute ``doc._.interactions``.
    """

    max_pair_distance: int = at_least(1, 1000)
    level: Level = "concept"
    concepts_key: str | None = CONCEPTS_KEY
    max_mention_pairs: int = at_least(1, 16)
    spell_out: bool = True
    interactions_attr: str = "interactions"


@Language.factory(
    "concept_relations",
    assigns=["doc.spans", "doc._.relations", "doc._.interactions", "span._.relations"],
    requires=["doc.spans"],
    default_config={
        **defaults(ConceptRelationsSettings),
        "model": default_model("spacy_keci.ConceptPairs.v1"),
        "scorer": {"@scorers": "spacy_keci.concept_scorer.v1"},
    },
    default_score_weights={
        "concepts_pair_f": 0.5,
        "concepts_typed_f": 0.5,
    },
)
@takes_settings(ConceptRelationsSettings, retired=RETIRED)
def make_concept_relations(
    nlp: Language, name: str, model: Model, scorer: Callable | None, **settings: Any
) -> ConceptRelations:
    """Create the component; see :class:`ConceptRelationsSettings`."""
    return ConceptRelations(nlp.vocab, model, name, scorer=scorer, **settings)


class ConceptRelations(PairRelations, ConceptRelationsSettings):
    """Predicts relations between the concepts of whole documents, or between given mentions."""

    def __init__(self, vocab: Vocab, model: Model, name: str = "concept_relations", **settings: Any) -> None:
        super().__init__(vocab, model, name, **settings)
        if self.level == "concept":
            install_interactions_extension(self.interactions_attr, self.spans_key)

    @property
    def _most_mention_pairs(self) -> int:
        return self.max_mention_pairs

    @property
    def reader(self) -> ConceptReader:
        return ConceptReader(self.level, self.concepts_key if self.level == "concept" else None, self.type_numbers)

    def make_input(
        self, docs: list[Doc], mentions: list[list[Span]] | None, *, is_train: bool
    ) -> ConceptPairInput | None:
        X = super().make_input(docs, mentions, is_train=is_train)
        if X is None and self.level == "concept" and any(mentions or ()):
            self._warn_without_identifiers(docs, mentions or [])
        if X is not None and is_train:
            X.keys, X.groups = pair_keys(docs, X.concepts, X.bags, self.level)
        return X

    def _warn_without_identifiers(self, docs: list[Doc], mentions: list[list[Span]]) -> None:
        if not len(self.reader(docs, mentions).doc):
            self._warn_once(
                f"None of the mentions given to '{self.name}' has an identifier: there are no concepts to relate. Add "
                'a component before it that links them, such as "concept_linker", or train with level = "mention".'
            )

    def check_trained_settings(self) -> None:
        super().check_trained_settings()
        assert self.network is not None
        if (learned := self.network.arguments["level"]) != self.level:
            raise ValueError(
                f"The setting level of '{self.name}' is {self.level}, but its weights were trained with {learned}. "
                "Train again to change it."
            )

    def make_sizes(self, examples: Iterable[Example]) -> Sizes:
        from ..ml.concept_pairs.sizes import ConceptPairSizes

        return ConceptPairSizes(
            **vars(super().make_sizes(examples)),
            directed_labels=self._directed_labels,
            novelty_labels=list(self.novelties),
            level=self.level,
        )
