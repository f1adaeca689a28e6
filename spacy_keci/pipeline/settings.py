"""The settings that all extractors share."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..ml.contrastive.settings import HardNegativesSettings
from ..settings import at_least, check_minimums
from ..tokens import SPANS_KEY
from .label_weights import LabelWeights, check_weights
from .thresholds import Threshold, check_threshold

# settings of all extractors in earlier versions, with the value that holds now
RETIRED = {"relation_weight": 1.0}


@dataclass(eq=False, kw_only=True)
class ExtractorSettings:
    """Settings of a component that predicts span graphs.

    spans_key: where mentions are written and, in training data, read.
    entities_from: mentions that another component set, whose relations and concepts alone are predicted: "ents" for
        ``doc.ents``, or a key of ``doc.spans``; None to predict mentions. All given mentions stay, in their order, with
        their labels, whatever these are, and however long the mentions are; ``threshold`` is not used. The model goes
        by its own prediction of their types. Mentions of the same tokens are one to it: the relations are those of the
        mention that has the type it finds most probable, or of the first. Training teaches relations, and the types of
        given mentions that are gold ones, if these types are labels; where a text has no such mentions set, the gold
        ones are used instead. A model that has learned to predict mentions reads the given ones among the spans that
        it would score anyway; one trained with this setting scores no others, and cannot predict any.
    relations_attr: name of the extension attribute ``doc._.relations``.
    symmetric: relation labels without direction; each relation is written once, head before tail.
    threshold, relation_threshold: minimum probability of predicted mentions and relations; None for the most probable
        class (of relations with ``multi_label``: 0.5). Or one by label, ``{"binds": 0.4, "*": 0.6}``, where "*" stands
        for all other labels; without it the most probable class counts for them. Or the same as a list of pairs, for
        labels that no config can have as a key. A mention has its most probable type, if that reaches its threshold,
        and so has a pair without ``multi_label``.
    temperature, bias, relation_temperature, relation_bias: the log-odds of the scores of mentions and relations are
        divided by a temperature, and a bias is added, so that scores are probabilities; ``spacy keci tune`` fits them.
        Thresholds count after that.
    max_pair_distance: maximum number of tokens between the starts of two mentions that may be related.
    max_batch_tokens: maximum number of tokens that are scored together in use: it bounds the memory. A text of more
        tokens is cut where a sentence ends or, without sentences, after so many tokens.
    entity_steps: updates at the beginning that learn mentions first.
    relation_weights: in training, what a pair counts that has a relation with this label: ``{"denies": 3}``, or a list
        of pairs, as a threshold; 1 for other labels. More than 1 finds more relations of a rare label, and more false
        ones.
    negatives: in training, which unrelated pairs of a batch count, a ``spacy_keci.HardNegatives.v1``: for each related
        pair as many as it says (``hardest``), those with the highest loss. Its ``source`` must be "batch", as the loss
        of a pair is that of the present weights. None: all.
    multi_label: whether several relations may hold between the same two mentions: binary cross-entropy instead of
        cross-entropy.
    by_sentence: whether each sentence is read as a document of its own. Models that were trained on sentences expect
        that. Sentences are set by a component before this one; a document without them is one sentence.
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
    negatives: HardNegativesSettings | None = None
    multi_label: bool = False
    by_sentence: bool = False

    def check(self, name: str) -> None:
        """Raises ValueError for a setting that is out of range. name: of the component."""
        check_minimums(self, f"'{name}'")
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
