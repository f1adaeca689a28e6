"""Relations of concepts and semantic types, and the graph that the concepts of each text induce."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .storage import Files, csr, expand

Ints = NDArray[Any]


@dataclass(frozen=True)
class SubgraphBatch:
    """Graphs of a batch of texts, as one graph whose nodes stand text by text, concepts before types.

    nodes (n,): number of the concept, or number of concepts + number of the type; node_text (n,): the text.
    edges (2, m): head and tail as positions in ``nodes``; labels (m,): number of the relation in ``labels`` of the
    knowledge base. queries (q,): position in ``nodes`` of each concept that was asked for.
    """

    nodes: NDArray[np.int64]
    node_text: NDArray[np.int64]
    edges: NDArray[np.int64]
    labels: NDArray[np.int64]
    queries: NDArray[np.int64]


class ConceptGraph:
    """Memory-mapped adjacency (CSR) of concept-concept, concept-type and type-type edges, each with a direction.

    Of a relation between concepts only the given direction is stored: an edge of the induced graph has both ends
    among the concepts of the text, so it is found from its head.
    """

    def __init__(self, files: Files) -> None:
        self.relations_indptr = files.array("relations.indptr")
        self.relations_target = files.array("relations.target")
        self.relations_label = files.array("relations.label")
        self.types_indptr = files.array("types.indptr")
        self.types_type = files.array("types.type")
        self.network_indptr = files.array("network.indptr")
        self.network_target = files.array("network.target")
        self.network_label = files.array("network.label")

    @property
    def n_concepts(self) -> int:
        return len(self.types_indptr) - 1

    def types(self, concept: int) -> Ints:
        """Numbers of the semantic types of a concept, first ones first."""
        return self.types_type[self.types_indptr[concept] : self.types_indptr[concept + 1]]

    def relations(self, concept: int) -> tuple[Ints, Ints]:
        """(labels, targets) of the relations that start at a concept."""
        rows = slice(self.relations_indptr[concept], self.relations_indptr[concept + 1])
        return self.relations_label[rows], self.relations_target[rows]

    def induce(self, texts: Ints, concepts: Ints, has_type: int) -> SubgraphBatch:
        """The graph of each text: its concepts, their types, and all relations among them.

        texts (q,): number of the text; concepts (q,): the concept. A concept may be asked for more
        than once and is one node of its text. ``has_type`` is the label of the edges from concepts to types.
        """
        texts, concepts = np.asarray(texts, np.int64), np.asarray(concepts, np.int64)
        span = self.n_concepts + len(self.network_indptr)
        query_keys = texts * span + concepts
        concept_keys = np.unique(query_keys)
        text, concept = np.divmod(concept_keys, span)
        which, entry = expand(self.types_indptr, concept)
        type_keys = text[which] * span + self.n_concepts + self.types_type[entry]
        keys = np.sort(np.concatenate([concept_keys, np.unique(type_keys)]))
        heads, tails = np.searchsorted(keys, concept_keys[which]), np.searchsorted(keys, type_keys)
        edges = [
            self._edges(keys, span, self.relations_indptr, self.relations_target, self.relations_label, 0),
            (heads, tails, np.full(len(heads), has_type)),
            self._edges(keys, span, self.network_indptr, self.network_target, self.network_label, self.n_concepts),
        ]
        node_text, nodes = np.divmod(keys, span)
        return SubgraphBatch(
            nodes=nodes,
            node_text=node_text,
            edges=np.stack([np.concatenate([e[0] for e in edges]), np.concatenate([e[1] for e in edges])]),
            labels=np.concatenate([e[2] for e in edges]).astype(np.int64),
            queries=np.searchsorted(keys, query_keys),
        )

    def _edges(
        self, keys: Ints, span: int, indptr: Ints, target: Ints, label: Ints, first: int
    ) -> tuple[Ints, Ints, Ints]:
        """Edges among the nodes ``first`` and up, by number of nodes of the same text."""
        text, node = np.divmod(keys, span)
        rows = np.flatnonzero((node >= first) & (node < first + len(indptr) - 1))
        which, entry = expand(indptr, node[rows] - first)
        heads = rows[which]
        wanted = text[heads] * span + first + target[entry]
        tails = np.searchsorted(keys, wanted)
        tails[tails == len(keys)] = 0
        found = keys[tails] == wanted if len(keys) else np.zeros(0, bool)
        return heads[found], tails[found], label[entry[found]].astype(np.int64)


def write_edges(folder: Path, name: str, heads: Ints, labels: Ints, targets: Ints, n_heads: int) -> int:
    """Write edges as CSR, sorted, without repetitions. Returns how many are left."""
    order = np.lexsort((targets, labels, heads))
    heads, labels, targets = heads[order], labels[order], targets[order]
    kept = np.ones(len(heads), bool)
    kept[1:] = (np.diff(heads) != 0) | (np.diff(labels) != 0) | (np.diff(targets) != 0)
    np.save(folder / f"{name}.indptr.npy", csr(heads[kept], n_heads))
    np.save(folder / f"{name}.target.npy", targets[kept].astype(np.int32))
    np.save(folder / f"{name}.label.npy", labels[kept].astype(np.int16))
    return int(kept.sum())
