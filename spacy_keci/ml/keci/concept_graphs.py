"""The background knowledge of a batch of documents: concepts, their relations, and the spans that may name them."""

from dataclasses import dataclass

import numpy as np


@dataclass
class ConceptGraphs:
    """The concept graphs of a batch as arrays: one graph for all documents, without edges between documents.

    features: (nodes, width) initial vectors v^0 of concepts and semantic types.
    kinds: (nodes,) the vocabulary of a concept, or the semantic type itself; counts from 1, 0 is unknown.
    edges: (2, edges) head and tail as rows of ``features``. labels: (edges,) number of the relation.
    mentions: (candidates, 3) document, start and end of a span. nodes: (candidates,) a concept that it may name.
    mention_kinds: (candidates, 2) kinds of that concept: its vocabulary and its semantic type.
    """

    features: np.ndarray
    kinds: np.ndarray
    edges: np.ndarray
    labels: np.ndarray
    mentions: np.ndarray
    nodes: np.ndarray
    mention_kinds: np.ndarray
