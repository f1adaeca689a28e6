"""Initial vectors of concepts: the user's own, trained on the relations, or encoded definitions.

Each kind is one array in the knowledge base, ``vectors.<name>.npy``: (concepts + types, width), half precision, with
zeros for those that have none. ``KnowledgeBase.vectors`` opens them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from .knowledge_base import HAS_TYPE, KnowledgeBase
from .sources.record import SourceReport, read_lines
from .storage import KnowledgeBaseError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

WIDTH = 50
_TOKENIZED = 1 << 14  # texts that are tokenized at a time


def add_vectors(folder: Path, text: str, names: bool = True, progress: bool = False) -> int:
    """Add vectors to a knowledge base: ``NAME=FILE``, ``trained`` or ``definitions=MODEL``. Returns how many.

    ``names``: see :func:`encode_definitions`. Raises KnowledgeBaseError as :func:`parse_vectors`, or if the file cannot
    be read, or its numbers are not finite.
    """
    kb = KnowledgeBase(folder)
    kind, value = parse_vectors(text)
    if not value:
        vectors = train_vectors(kb)
    elif kind == "definitions":
        vectors = encode_definitions(kb, value, names, progress=progress)
    else:
        vectors = read_vectors(kb, Path(value))
    with np.errstate(over="ignore"):
        halves = vectors.astype(np.float16)
    if not np.isfinite(halves).all():
        raise KnowledgeBaseError(f"Vectors {text!r} have numbers that are none, or beyond half precision (±65504).")
    np.save(folder / f"vectors.{kind}.npy", halves)
    return int(vectors.any(axis=1).sum())


def parse_vectors(text: str) -> tuple[str, str]:
    """Their name, and the file or model that they come from, "" for those that are to be trained.

    Raises KnowledgeBaseError if the text asks for no vectors, or there is no such file, or package of a model.
    """
    kind, _, value = text.partition("=")
    if kind == "definitions" and value:
        return kind, _resolve(value)
    if value and kind.isidentifier():
        if not Path(value).is_file():
            raise KnowledgeBaseError(f"There is no file {value} to read vectors from.")
        return kind, value
    if text != "trained":
        raise KnowledgeBaseError(f"Vectors {text!r}: 'trained', 'definitions=MODEL' or NAME=FILE is wanted.")
    return kind, ""


def _resolve(model: str) -> str:
    """A model as transformers understands it: the folder of a package's, else as it is."""
    try:
        from ..ml.encoders.transformer import resolve_name
    except ImportError:
        raise KnowledgeBaseError("To encode definitions, install spacy-keci[transformers].") from None
    try:
        return resolve_name(model)
    except ValueError as error:
        raise KnowledgeBaseError(str(error)) from None


def read_vectors(kb: KnowledgeBase, path: Path) -> NDArray[np.float32]:
    """Vectors by identifier of a concept or type, from word2vec's text format (plain or gzipped) or an npz file.

    npz: arrays ``ids`` (n,) and ``vectors`` (n, width), or one array per identifier. Identifiers that the knowledge
    base does not have are passed over; raises KnowledgeBaseError if it has none of them.
    """
    pairs = _read_npz(path) if path.suffix == ".npz" else _read_word2vec(path)
    rows: dict[int, NDArray[np.float32]] = {}
    types = {tui: len(kb) + i for i, tui in enumerate(kb.types)}
    for id, vector in pairs:
        row = types.get(id, kb.index(id) if id in kb else -1)
        if row >= 0:
            rows[row] = vector
    if not rows:
        raise KnowledgeBaseError(f"{path} has vectors for none of the concepts of the knowledge base.")
    vectors = np.zeros((len(kb) + len(kb.types), len(next(iter(rows.values())))), np.float32)
    vectors[list(rows)] = list(rows.values())
    return vectors


def train_vectors(kb: KnowledgeBase, width: int = WIDTH, iterations: int = 4, seed: int = 0) -> NDArray[np.float32]:
    """Vectors from the relations: a truncated singular value decomposition of (node, relation and direction and node).

    A row of the matrix is a concept or type, a column a neighbour together with the relation to it and its direction;
    values are positive pointwise mutual information (Levy and Goldberg 2014, Neural word embedding as implicit matrix
    factorization). Concepts with the same neighbours by the same relations come out alike. Deterministic.
    """
    try:
        from sklearn.utils.extmath import randomized_svd
    except ImportError:
        raise KnowledgeBaseError("To train vectors, install spacy-keci[vectors] (scikit-learn).") from None
    matrix = _neighbours(kb)
    size = min(width, min(matrix.shape) - 1)
    vectors = np.zeros((matrix.shape[0], width), np.float32)
    if size > 0 and matrix.nnz:
        u, s, _ = randomized_svd(matrix, size, n_iter=iterations, random_state=seed)
        vectors[:, :size] = u * np.sqrt(s)
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, norm, out=np.zeros_like(vectors), where=norm > 1e-6)


def encode_definitions(
    kb: KnowledgeBase, model: str, names: bool = True, batch_tokens: int = 1024, progress: bool = False
) -> NDArray[np.float32]:
    """Definition of each concept, or with ``names`` its name where there is none, and name of each type, encoded.

    ``model`` is a folder or a name on the model hub; a vector is the mean of the last layer over the tokens, of which
    a text has 128 at most. ``batch_tokens``: tokens of a batch, padding included. On GPUs, and CPUs that multiply in
    bfloat16, that is what is used: the cosine to vectors in single precision is above 0.9999.
    """
    import torch
    from transformers import AutoModel, AutoTokenizer

    from ..ml.mixed_precision import computes_in_bfloat16

    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(model)
    encoder = AutoModel.from_pretrained(model).eval().to(device)
    texts = [kb.definition(i) or (kb.name(i) if names else "") for i in range(len(kb))]
    texts += [kb.type_names.get(tui, tui) for tui in kb.types]
    vectors = np.zeros((len(texts), encoder.config.hidden_size), np.float32)
    rows = sorted((i for i, text in enumerate(texts) if text), key=lambda i: len(texts[i]))
    bar = tqdm(total=len(rows), desc="definitions", unit=" texts", disable=not progress)
    with bar, torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=computes_in_bfloat16(device)):
        for start in range(0, len(rows), _TOKENIZED):
            chunk = rows[start : start + _TOKENIZED]
            ids = tokenizer([texts[i] for i in chunk], truncation=True, max_length=128)["input_ids"]
            for batch in _by_length([len(each) for each in ids], batch_tokens):
                padded = tokenizer.pad({"input_ids": [ids[i] for i in batch]}, return_tensors="pt").to(device)
                hidden = encoder(**padded).last_hidden_state.float()
                mask = padded["attention_mask"].unsqueeze(-1)
                vectors[[chunk[i] for i in batch]] = ((hidden * mask).sum(1) / mask.sum(1)).cpu().numpy()
                bar.update(len(batch))
    return vectors


def _by_length(lengths: list[int], limit: int) -> Iterator[list[int]]:
    """Batches of positions with similar lengths, of up to ``limit`` tokens when padded to the longest."""
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[i] > limit:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


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


def _read_npz(path: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    try:
        with np.load(path) as data:
            if {"ids", "vectors"} <= set(data.files):
                pairs = list(zip(data["ids"].tolist(), data["vectors"], strict=True))
            else:
                pairs = [(name, data[name]) for name in data.files]
        shapes = {np.shape(vector) for _, vector in pairs}
        if len(shapes) > 1:
            raise ValueError(f"its vectors have different shapes, {', '.join(map(str, sorted(shapes)))}")
        for id, vector in pairs:
            yield str(id), np.asarray(vector, np.float32)
    except (OSError, ValueError, BadZipFile) as error:
        raise KnowledgeBaseError(f"{path} cannot be read as npz: {error}") from None


def _read_word2vec(path: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    width = 0
    for number, line in read_lines(path, SourceReport()):
        fields = line.split()
        if not fields or (number == 1 and len(fields) == 2):
            continue
        try:
            vector = np.array(fields[1:], np.float32)
        except ValueError:
            raise KnowledgeBaseError(f"{path}, line {number}: a word and numbers are wanted.") from None
        width = width or len(vector)
        if len(vector) != width or not width:
            raise KnowledgeBaseError(f"{path}, line {number}: {len(vector)} numbers, and {width} before.")
        yield fields[0], vector
