"""The scores of the joint network, with their loss (Eq. 2, 8-10) and decoding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from ..graphs import NOT_ANNOTATED, GoldGraphs, PredictedGraphs
from ..network import to_tensor
from ..objective import Objective
from ..relations.decoding import RelationRules, decode_relations
from ..relations.loss import relation_loss, relation_probabilities
from ..relations.targets import pair_relation_targets
from ..spans.targets import find_spans
from .inputs import JointInput
from .tags import Spans
from .targets import tag_targets


@dataclass
class JointGraphs:
    """Scores of tags, and of the relations of mentions.

    tag_logits: (tokens, tags) (Eq. 1).
    mentions, scores: the sorted mentions in the rows of the batch, and their probabilities; in training also gold
        mentions that were not predicted.
    first, second: (pairs,) indices of mentions, first < second (R).
    relation_logits: (pairs, 1 + relation types) for first -> second; if relations have a direction, (2 * pairs, 1 +
        relation types), the second half for second -> first (Eq. 7).
    """

    tag_logits: Tensor
    mentions: Spans
    scores: np.ndarray
    first: np.ndarray
    second: np.ndarray
    relation_logits: Tensor

    def loss(self, X: JointInput, gold: GoldGraphs, objective: Objective) -> Tensor:
        """Eq. 10: the cross-entropies of tokens (Eq. 2) and pairs (Eq. 8), a mean over annotated documents.

        ``objective.progress`` is λ. A mention with another type than the gold mention with its offsets counts as wrong,
        and has no relations.
        """
        device = self.tag_logits.device
        tags = self._tag_targets(X, gold)
        loss = F.cross_entropy(self.tag_logits, to_tensor(tags, device), reduction="sum", ignore_index=NOT_ANNOTATED)
        # in rows, which do without the white space at the ends of gold mentions
        spans = np.stack([X.doc_of_row[self.mentions.starts], self.mentions.starts, self.mentions.ends], axis=1)
        row = find_spans(spans, np.stack([gold.spans[:, 0], *X.in_rows(gold.spans)], axis=1))
        if X.given is None:
            row[np.append(gold.labels, 0)[row] != 1 + self.mentions.types] = -1
        both_ways = len(self.relation_logits) > len(self.first)
        targets = pair_relation_targets(self.first, self.second, both_ways, row, spans[:, 0], gold, objective.symmetric)
        of_pairs = relation_loss(
            self.relation_logits, targets, objective.multi_label, objective.class_weights(), objective.hardest
        )
        loss = loss + objective.progress * of_pairs
        return loss / max(int((gold.has_mentions | gold.has_relations).sum()), 1)

    def _spans(self, X: JointInput) -> np.ndarray:
        """(mentions, 3) document, start and end. Given mentions may begin or end with white space, which has no
        rows."""
        if X.given is not None and X.candidates is not None:
            return X.candidates
        return X.in_docs(self.mentions.starts, self.mentions.ends)

    @staticmethod
    def _tag_targets(X: JointInput, gold: GoldGraphs) -> np.ndarray:
        known = (gold.labels != NOT_ANNOTATED) & (gold.scores >= 0.5)
        spans = Spans(*X.in_rows(gold.spans[known]), gold.labels[known] - 1)
        tags = tag_targets(spans, X.segment_of_row)
        if X.given is not None:
            tags[tags == 0] = NOT_ANNOTATED
        tags[~gold.has_mentions[X.doc_of_row]] = NOT_ANNOTATED
        return tags

    def decode(self, X: JointInput, rules: RelationRules) -> PredictedGraphs:
        """The mentions and their relations."""
        probabilities = relation_probabilities(self.relation_logits.double(), rules.multi_label).cpu().numpy()
        relations, scores = decode_relations(self.first, self.second, probabilities, rules)
        return PredictedGraphs(
            spans=self._spans(X),
            labels=1 + self.mentions.types,
            scores=self.scores,
            relations=relations,
            relation_scores=scores,
        )
