"""The component ``latent_relations``: classifies pairs of given mentions, with a representation pre-trained on
unlabelled text (RELVM, Shah and Fauqueur 2020)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model

from ..ml.latent.inputs import LatentInput
from ..ml.latent.settings import representation_settings
from ..ml.latent.vocabulary import extended, frequent
from ..settings import defaults, takes_settings
from ..span_groups import VECTORS
from .pair_relations import PairRelations, PairRelationsSettings, Prediction

if TYPE_CHECKING:
    from ..ml.latent.pretrained import Pretrained
    from ..ml.network import Sizes

# minimum count in the training data of a word that is unknown from pre-training
MIN_COUNT = 2


@dataclass(eq=False, kw_only=True)
class LatentRelationsSettings(PairRelationsSettings):
    """Settings of ``latent_relations``, in addition to
    :class:`~spacy_keci.pipeline.pair_relations.PairRelationsSettings`.

    by_sentence: as for all extractors. True by default, since the representation is pre-trained on sentences.
    max_pair_distance: as for all extractors, but limited by the context size of the model.
    vectors: whether the vector of each relation is stored, for :func:`spacy_keci.relation_vectors`.
    """

    by_sentence: bool = True
    vectors: bool = False


@Language.factory(
    "latent_relations",
    assigns=["doc.spans", "doc._.relations", "span._.relations"],
    requires=["doc.spans"],
    default_config={
        **defaults(LatentRelationsSettings),
        "model": {"@architectures": "spacy_keci.LatentRelations.v1"},
        "scorer": {"@scorers": "spacy_keci.strict_scorer.v1"},
    },
    default_score_weights={"relations_micro_f": 1.0, "relations_micro_p": 0.0, "relations_micro_r": 0.0},
)
@takes_settings(LatentRelationsSettings)
def make_latent_relations(
    nlp: Language, name: str, model: Model, scorer: Callable | None, **settings: Any
) -> LatentRelations:
    """Create the component; see :class:`LatentRelationsSettings`."""
    return LatentRelations(nlp.vocab, model, name, scorer=scorer, **settings)


class LatentRelations(PairRelations, LatentRelationsSettings):
    """Predicts relations between given mentions, from samples of a latent representation (Eq. 13-17)."""

    reads_in_order = True
    level = "mention"
    spell_out = True

    def __init__(self, vocab: Vocab, model: Model, name: str = "latent_relations", **settings: Any) -> None:
        super().__init__(vocab, model, name, **settings)
        self._pretrained: Pretrained | None = None

    @property
    def _most_distance(self) -> int:
        # both must be in one context
        return min(self.max_pair_distance, self.model.attrs["representation"]["max_length"] - 1)

    def predict(self, docs: Iterable[Doc]) -> Prediction:
        prediction = super().predict(docs)
        if not self.vectors:
            prediction.pairs.extra.pop(VECTORS, None)
        return prediction

    def make_input(self, docs: list[Doc], mentions: list[list[Span]] | None, *, is_train: bool) -> LatentInput | None:
        X = super().make_input(docs, mentions, is_train=is_train)
        if X is None:
            return None
        network: Any = self.network
        return LatentInput(
            **vars(X),
            vocabulary=network.vocabulary,
            type_rows=network.type_rows(self.labels),
            masks=network.settings.masks,
            max_length=network.settings.max_length,
            by_sentence=self.by_sentence,
        )

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: dict[str, list[str]] | None = None,
        pretrained: str | None = None,
    ) -> None:
        """See :class:`~spacy_keci.pipeline.extractor.Extractor`.

        pretrained: a folder written by ``spacy keci pretrain-relations``; None to learn the representation from the
            examples alone.
        Raises ValueError if it is not such a folder, or was pre-trained with other settings or on concepts.
        """
        self._pretrained = None if pretrained is None else self._read_pretrained(Path(pretrained))
        super().initialize(get_examples, nlp=nlp, labels=labels)
        network: Any = self.network
        if self._pretrained is not None:
            network.start_from(self._pretrained)
        self._pretrained = None

    def _read_pretrained(self, folder: Path) -> Pretrained:
        from ..ml.latent.pretrained import Pretrained

        found = Pretrained.from_disk(folder)
        if found.kind != "types":
            raise ValueError(
                f"{folder} was pre-trained on pairs of concepts, but '{self.name}' reads mentions: pre-train with "
                '[contexts] entities = "types".'
            )
        mine = self.model.attrs["representation"]
        for name, value in representation_settings(found.settings).items():
            if mine[name] != value:
                raise ValueError(
                    f"The config says {name} = {mine[name]!r}, but {folder} was pre-trained with {name} = {value!r}: "
                    f"set it in [components.{self.name}.model], or pre-train again."
                )
        return found

    def make_sizes(self, examples: Iterable[Example]) -> Sizes:
        from ..ml.latent.sizes import LatentSizes

        counts = Counter(token.lower_ for example in examples for token in example.predicted)
        known = self._pretrained
        return LatentSizes(
            **vars(super().make_sizes(())),
            directed_labels=self._directed_labels,
            words=extended([] if known is None else known.words, frequent(counts, MIN_COUNT)),
            types=extended([] if known is None else known.entities, self.labels),
        )
