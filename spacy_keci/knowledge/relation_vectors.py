"""Vectors of concepts and semantic types, trained on their relations."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .knowledge_base import HAS_TYPE, KnowledgeBase
from .storage import KnowledgeBaseError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

WIDTH = 50


def train_vectors(kb: KnowledgeBase) -> NDArray[np.float32]:
    """Vectors from the relations: a truncated singular value decomposition of (node, relation and direction and node).

    A row of the matrix is a concept or type, a column a neighbour together with the relation to it and its direction;
    values are positive pointwise mutual information (Levy and Goldberg 2014, Neural word embedding as implicit matrix
    factorization). Concepts with the same neighbours by the same relations come out alike. Deterministic.
    """
    try:
        from sklearn.utils.extmath import randomized_svd
    except ImportError:
        raise KnowledgeBaseError("To train vectors, run pip install scikit-learn.") from None
    matrix = _neighbours(kb)
    size = min(WIDTH, min(matrix.shape) - 1)
    vectors = np.zeros((matrix.shape[0], WIDTH), np.float32)
    if size > 0 and matrix.nnz:
        u, s, _ = randomized_svd(matrix, size, n_iter=4, random_state=0)
        vectors[:, :size] = u * np.sqrt(s)
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, norm, out=np.zeros_like(vectors), where=norm > 1e-6)


def _neighbours(kb: KnowledgeBase) -> "csr_matrix":
    """Positive pointwise mutual information of nodes and (relation, direction, neighbour); (nodes, contexts)."""
    from scipy.sparse import coo_matrix

    graph, n = kb.graph, len(kb)
    size = n + len(kb.types)
    has_type = kb.labels.index(HAS_TYPE)
    parts = [
        (_rows(graph.relations_indptr), graph.relations_label, graph.relations_target),
        (_rows(graph.types_indptr), np.full(len(graph.types_type), has_type), n + graph.types_type.astype(np.int64)),
        (n + _rows(graph.network_indptr), graph.network_label, n + graph.network_target.astype(np.int64)),
    ]
    heads, labels, tails = (np.concatenate([np.asarray(p[i], np.int64) for p in parts]) for i in range(3))
    rows = np.concatenate([heads, tails])
    contexts = np.concatenate([2 * labels * size + tails, (2 * labels + 1) * size + heads])
    _, columns = np.unique(contexts, return_inverse=True)
    if not len(rows):
        return coo_matrix((size, 1), dtype=np.float32).tocsr()
    of_row, of_column = np.bincount(rows, minlength=size), np.bincount(columns)
    information = np.log(len(rows) / (of_row[rows] * of_column[columns].astype(np.float64)))
    values = np.maximum(information, 0.0).astype(np.float32)
    return coo_matrix((values, (rows, columns)), shape=(size, len(of_column))).tocsr()


def _rows(indptr: NDArray[Any]) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
