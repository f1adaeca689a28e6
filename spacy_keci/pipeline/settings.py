"""The settings that all extractors share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..ml.contrastive.settings import HardNegativesSettings
from ..settings import at_least, check_minimums
from ..tokens import SPANS_KEY
from .label_settings import LabelWeights, check_weights
from .thresholds import Threshold, check_threshold

# the default weights of scores of components that predict mentions and relations
SCORE_WEIGHTS: dict[str, float | None] = {
    "entities_micro_f": 0.5,
    "entities_micro_p": 0.0,
    "entities_micro_r": 0.0,
    "relations_micro_f": 0.5,
    "relations_micro_p": 0.0,
    "relations_micro_r": 0.0,
}
# former settings of all extractors, with the value that now always applies
RETIRED = {"relation_weight": 1.0}


def default_model(architecture: str, tok2vec: str = "spacy.HashEmbedCNN.v2", **settings: Any) -> dict[str, Any]:
    """The default of a component's model, as in its config: an architecture over a small network for tokens."""
    layer = {
        "@architectures": tok2vec,
        "pretrained_vectors": None,
        "width": 96,
        "depth": 4,
        "embed_size": 2000,
        "maxout_pieces": 3,
        "window_size": 1,
        "subword_features": True,
    }
    return {"@architectures": architecture, **settings, "tok2vec": layer}


@dataclass(eq=False, kw_only=True)
class ExtractorSettings:
    """Settings of a component that predicts span graphs.

    spans_key: where mentions are written and, in training data, read.
    entities_from: mentions set by another component, "ents" for ``doc.ents`` or a key of ``doc.spans``, of which only
        relations and concepts are predicted; None to predict mentions. All given mentions keep their order and labels,
        whatever their label and length; ``threshold`` is not used. The model uses its own prediction of their types. It
        reads mentions of the same tokens as one: relations go to the mention with the most probable type, or to the
        first. Training learns relations, and the types of given mentions that are also gold if these types are labels;
        if a text has no such mentions, the gold ones are used. A model trained to predict mentions reads the given ones
        among the spans that it scores anyway; a model trained with this setting scores no others, and cannot predict
        mentions.
    relations_attr: name of the extension attribute ``doc._.relations``.
    symmetric: labels of relations without direction; each relation is written once, head before tail.
    threshold, relation_threshold: minimum probability of predicted mentions and relations; None for the most probable
        class (for relations with ``multi_label``: 0.5). Or a threshold for each label, ``{"binds": 0.4, "*": 0.6}``,
        where "*" stands for all other labels; without "*", these get None. Or the same as a list of pairs, for labels
        that cannot be keys of a config. A mention gets its most probable type, if that reaches its threshold; so does a
        pair without ``multi_label``.
    temperature, bias, relation_temperature, relation_bias: calibration of the scores of mentions and relations: their
        log-odds are divided by the temperature, and the bias is added. ``spacy keci tune`` fits them. Thresholds apply
        to calibrated scores.
    max_pair_distance: maximum number of words between the starts of two mentions that may be related.
    max_batch_tokens: maximum number of tokens scored together in prediction; it bounds the memory. Longer texts are cut
        at the end of a sentence or, without sentences, after this number of tokens.
    entity_steps: number of updates at the beginning of the training that learn only mentions.
    relation_weights: training weights of pairs by the label of their relation, ``{"denies": 3}`` or a list of pairs; 1
        for other labels. A weight above 1 finds more relations of a rare label, and more false ones.
    learn_scores: whether a score of a gold mention or relation is learned as a probability, and the rest as that of
        "none": for texts that pipelines annotated. Otherwise all gold is certain. Given mentions are always certain.
        ``joint_ner_re`` learns mentions with a score of at least 0.5 as certain, and no others.
    negatives: the unrelated pairs of a batch that count in training, a ``spacy_keci.HardNegatives.v1``: for each
        related pair the ``hardest`` with the highest loss. Its ``source`` must be "batch", as the loss of a pair
        depends on the present weights. None: all.
    multi_label: whether several relations may hold between the same two mentions: binary cross-entropy instead of
        cross-entropy.
    by_sentence: whether each sentence is read separately, as models trained on sentences expect. An earlier component
        must set sentence boundaries; a document without them is one sentence.
    """

    spans_key: str = SPANS_KEY
    entities_from: str | None = None
    relations_attr: str = "relations"
    symmetric: Sequence[str] = ()
    threshold: Threshold = None
    relation_threshold: Threshold = None
    temperature: float = 1.0
    bias: float = 0.0
    relation_temperature: float = 1.0
    relation_bias: float = 0.0
    max_pair_distance: int = at_least(1, 128)
    max_batch_tokens: int = at_least(1, 2048)
    entity_steps: int = at_least(0, 0)
    relation_weights: LabelWeights = None
    learn_scores: bool = False
    negatives: HardNegativesSettings | None = None
    multi_label: bool = False
    by_sentence: bool = False

    def check(self, name: str) -> None:
        """Raises ValueError for a setting that is out of range. name: of the component."""
        check_minimums(self, f"'{name}'")
        if isinstance(self.symmetric, str):
            raise ValueError(
                f"The setting symmetric of '{name}' must be a list of labels, but it is {self.symmetric!r}: write "
                f'["{self.symmetric}"].'
            )
        for setting in ("temperature", "relation_temperature"):
            if getattr(self, setting) <= 0:
                raise ValueError(
                    f"The setting {setting} of '{name}' must be above 0, but it is {getattr(self, setting)}."
                )
        check_threshold(self.threshold, "threshold", name)
        check_threshold(self.relation_threshold, "relation_threshold", name)
        check_weights(self.relation_weights, "relation_weights", name)
        if self.negatives is not None and self.negatives.source != "batch":
            raise ValueError(
                f"The setting negatives of '{name}' chooses pairs of a batch by their loss: its source must be "
                f'"batch", but it is "{self.negatives.source}".'
            )
