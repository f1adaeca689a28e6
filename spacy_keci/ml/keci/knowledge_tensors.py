"""Concept graphs as tensors for the networks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..network import to_tensor
from ..spans.targets import find_spans
from .concept_graphs import ConceptGraphs


@dataclass
class KnowledgeTensors:
    """:class:`ConceptGraphs` on the device of the network, with spans as rows of the candidate spans.

    features, kinds, edges, labels, mention_kinds: as there.
    mentions: (candidates, 2) start and end in the rows of the network, -1 for unknown concepts.
    span: (links,) candidate span, not descending; node: (links,) concept.
    row: (links,) row of ``ConceptGraphs.mentions``: candidates of spans that were not suggested are left out.
    type_prior, mention_prior: weights of the prediction from knowledge alone of a span's type, and of whether it is a
        mention.
    """

    features: Tensor
    kinds: Tensor
    edges: Tensor
    labels: Tensor
    span: Tensor
    node: Tensor
    row: Tensor
    mentions: Tensor
    mention_kinds: Tensor
    type_prior: float
    mention_prior: float

    def per_mention(self, weights: Tensor, links: Tensor) -> Tensor:
        """Weights of some of the links, ``links`` being (links,) of bool, in the order of ``ConceptGraphs.mentions``:
        (mentions,), NaN for the others."""
        found = torch.full((len(self.mentions),), float("nan"), device=weights.device)
        found[self.row[links]] = weights.detach().float()
        return found


def to_tensors(
    graphs: ConceptGraphs,
    candidates: np.ndarray,
    in_rows: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    device: torch.device,
    type_prior: float = 0.0,
    mention_prior: float = 0.0,
) -> KnowledgeTensors:
    """candidates: (spans, 3) document, start and end of all candidate spans. in_rows: returns start and end of such
    spans in the rows of the network."""
    span = find_spans(graphs.mentions, candidates)
    row = np.argsort(span, kind="stable")
    row = row[span[row] >= 0]
    known = graphs.mentions[:, 0] >= 0
    mentions = np.full((len(known), 2), -1)
    mentions[known] = np.stack(in_rows(graphs.mentions[known]), axis=1)
    arrays = {
        "features": graphs.features,
        "kinds": graphs.kinds,
        "edges": graphs.edges,
        "labels": graphs.labels,
        "span": span[row],
        "node": graphs.nodes[row],
        "row": row,
        "mentions": mentions,
        "mention_kinds": graphs.mention_kinds,
    }
    tensors = {name: to_tensor(array, device) for name, array in arrays.items()}
    return KnowledgeTensors(**tensors, type_prior=type_prior, mention_prior=mention_prior)
