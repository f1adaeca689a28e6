"""The component ``joint_ner_re``: tags mentions and classifies their pairs (Giorgi et al. 2019)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer

from ..alignment import align
from ..ml.graphs import GoldGraphs, PredictedGraphs
from ..ml.joint.decoding import MentionRules
from ..ml.joint.inputs import JointInput
from ..ml.joint.targets import ends_are_words, longest_flat
from ..sentences import doc_starts, segment_of_token, whitespace
from ..settings import at_least, defaults, takes_settings
from .extractor import Extractor
from .mentions import as_candidates
from .settings import RETIRED, SCORE_WEIGHTS, ExtractorSettings, default_model
from .writing import write_graphs

if TYPE_CHECKING:
    from ..ml.network import Sizes


@dataclass(eq=False, kw_only=True)
class JointSettings(ExtractorSettings):
    """Settings of ``joint_ner_re``, in addition to those of all extractors.

    entity_steps: number of updates in which the weight λ of the relation loss rises from 0 to 1 (Eq. 10); -1: one
        epoch, as in the paper; 0: it is 1 from the beginning.
    by_sentence: as for all extractors. True by default, since the system was designed for sentences.
    decoding: "viterbi" for the most probable legal tag sequence of a text; "argmax", as in the paper, for the most
        probable tag of each token, dropping incomplete mentions.
    candidates: mentions between which relations are learned: only predicted ones ("predicted", as in the paper), or
        gold ones as well.
    set_ents: whether predicted mentions are also written to ``doc.ents``, replacing previous ones.
    """

    entity_steps: int = at_least(-1, -1)
    by_sentence: bool = True
    decoding: Literal["viterbi", "argmax"] = "viterbi"
    candidates: Literal["predicted", "predicted+gold"] = "predicted+gold"
    set_ents: bool = False


@Language.factory(
    "joint_ner_re",
    assigns=["doc.spans", "doc._.relations", "span._.relations"],
    default_config={
        **defaults(JointSettings),
        "model": default_model("spacy_keci.BiaffineJoint.v1", "spacy_keci.SentenceCNN.v1"),
        "scorer": {"@scorers": "spacy_keci.strict_scorer.v1"},
    },
    default_score_weights=SCORE_WEIGHTS,
)
@takes_settings(JointSettings, retired=RETIRED)
def make_joint_ner_re(nlp: Language, name: str, model: Model, scorer: Callable | None, **settings: Any) -> JointNerRe:
    """Create the component; see :class:`JointSettings` and :class:`~spacy_keci.pipeline.settings.ExtractorSettings`."""
    return JointNerRe(nlp.vocab, model, name, scorer=scorer, **settings)


class JointNerRe(Extractor, JointSettings):
    """Extracts typed, flat mentions and typed relations between them."""

    def __init__(self, vocab: Vocab, model: Model, name: str = "joint_ner_re", **settings: Any) -> None:
        super().__init__(vocab, model, name, **settings)
        self.cfg |= {"examples_seen": 0, "examples_in_all": 0}

    # Use

    def predict(self, docs: Iterable[Doc]) -> PredictedGraphs:
        """The span graphs of the documents, which are not changed."""
        docs = list(docs)
        X = self.make_input(docs, self.given_mentions(docs), is_train=False)
        rules = self.relation_rules()
        scores = [] if X is None else self.model.predict(X)
        return self.calibrated(PredictedGraphs.joined([output.decode(part, rules) for part, output in scores]))

    def set_annotations(self, docs: Iterable[Doc], graphs: PredictedGraphs) -> None:
        """Write span graphs to ``doc.spans[spans_key]``, and mentions to ``doc.ents`` if ``set_ents``."""
        docs = list(docs)
        write_graphs(self, docs, graphs, self.spans_key, concepts=[{} for _ in docs])
        if self.set_ents and self.entities_from is None:
            for doc in docs:
                doc.ents = list(doc.spans[self.spans_key])

    def make_input(self, docs: list[Doc], mentions: list[list[Span]] | None, *, is_train: bool) -> JointInput | None:
        """mentions: the given ones; in training, gold ones if none are given."""
        self.check_trained_settings()
        if not any(len(doc) for doc in docs):
            return None
        are_given = self.entities_from is not None
        candidates = types = None
        if mentions is not None:
            candidates, _ = as_candidates(mentions)
            types = self._types(mentions, candidates) if not are_given else np.full(len(candidates), -1)
        if are_given and not len(candidates if candidates is not None else ()):
            return None
        limit = None if is_train else self.max_batch_tokens
        covered = candidates if are_given and candidates is not None else np.zeros((0, 3), dtype="int64")
        texts = self.read_texts(docs, covered, limit)
        return JointInput(
            docs,
            texts,
            whitespace(docs),
            candidates,
            np.ones(len(covered), dtype=bool) if are_given else None,
            texts + segment_of_token(docs),
            types,
            MentionRules(self.decoding, None if is_train else self._threshold_array("threshold")),
            self.max_pair_distance,
            max_tokens=limit,
        )

    def _types(self, mentions: list[list[Span]], candidates: np.ndarray) -> np.ndarray:
        """(candidates,) types of gold mentions, from 0; of several with the same offsets, the first."""
        numbers = {label: i for i, label in enumerate(self.labels)}
        types: dict[tuple[int, int, int], int] = {}
        for d, of_doc in enumerate(mentions):
            for span in of_doc:
                types.setdefault((d, span.start, span.end), numbers.get(span.label_, -1))
        return np.array([types[d, start, end] for d, start, end in candidates.tolist()], dtype="int64")

    # Training

    def make_sizes(self, examples: Iterable[Example]) -> Sizes:
        self.cfg |= {"examples_seen": 0, "examples_in_all": sum(1 for _ in examples)}
        return super().make_sizes(())

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | Literal[False] | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """See :class:`Extractor`; also counts the examples, for the weight of the relation loss."""
        examples = list(examples)
        losses = super().update(examples, drop=drop, sgd=sgd, losses=losses)
        self.cfg["examples_seen"] += len(examples)
        return losses

    def progress(self) -> float:
        """λ of Eq. 10."""
        if self.entities_from is not None:
            return 1.0
        if self.entity_steps < 0:
            done, duration = self.cfg["examples_seen"], self.cfg["examples_in_all"]
        else:
            done, duration = self.cfg["steps"], self.entity_steps
        return min(done / duration, 1.0) if duration else 1.0

    def mentions_to_learn(self, examples: list[Example]) -> list[list[Span]] | None:
        if self.entities_from is None and self.candidates == "predicted+gold":
            return [align(example, self.spans_key).found for example in examples]
        return super().mentions_to_learn(examples)

    def reachable(self, docs: list[Doc], gold: GoldGraphs) -> dict[str, np.ndarray]:
        doc, start, end = gold.spans.T
        first = doc_starts(docs)[doc] + start
        last, segment = first + end - start, segment_of_token(docs)
        words, inside = ends_are_words(first, last, whitespace(docs)), segment[first] == segment[last - 1]
        rows = np.flatnonzero(words & inside)
        flat = np.ones(len(words), dtype=bool)
        flat[rows] = longest_flat(first[rows], last[rows])
        return {
            "mentions that begin or end with white space": words,
            "mentions across a line break, a tab, or the end of a sentence": inside,
            "mentions that overlap with a longer one": flat,
        }
