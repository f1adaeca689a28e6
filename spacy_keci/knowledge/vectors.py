"""Initial vectors of concepts, one array a kind: ``vectors.<name>.npy``, which ``KnowledgeBase.vectors`` opens.

(concepts + types, width), half precision, with zeros for those that have none. They are the user's own (here), trained
on the relations (:mod:`.relation_vectors`), or encoded definitions (:mod:`spacy_keci.ml.definitions`).
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from .atomic import new_folder
from .folder import seal
from .knowledge_base import KnowledgeBase
from .relation_vectors import train_vectors
from .sources.files import read_lines
from .sources.source import SourceReport
from .storage import KnowledgeBaseError


def parse_vectors(text: str) -> tuple[str, Callable[[KnowledgeBase], NDArray[np.float32]]]:
    """Vectors as a command names them, ``NAME=FILE`` or ``trained``: their name, and what computes them.

    Raises KnowledgeBaseError if the text asks for no vectors, or there is no such file.
    """
    name, _, file = text.partition("=")
    if file and name.isidentifier():
        if not Path(file).is_file():
            raise KnowledgeBaseError(f"There is no file {file} to read vectors from.")
        return name, partial(read_vectors, path=Path(file))
    if text != "trained":
        raise KnowledgeBaseError(f"Vectors {text!r}: expected 'trained', 'definitions=MODEL' or NAME=FILE.")
    return text, train_vectors


def add_vectors(folder: Path, text: str) -> int:
    """Add vectors to a knowledge base, or replace those of that name: see :func:`parse_vectors`. Returns how many.

    The knowledge base is replaced by one with the vectors. Raises KnowledgeBaseError as :func:`parse_vectors` and
    :func:`write_vectors`, or if the file cannot be read.
    """
    name, compute = parse_vectors(text)
    kb = KnowledgeBase(folder)
    vectors = compute(kb)
    with new_folder(folder, overwrite=True) as new:
        kb.files.save(new)
        write_vectors(new, name, vectors)
        seal(new, kb.manifest)
    return int(vectors.any(axis=1).sum())


def write_vectors(folder: Path, name: str, vectors: NDArray[Any]) -> None:
    """Write vectors, (concepts + types, width), in half precision. Raises KnowledgeBaseError for numbers that are not
    finite, or too large for it."""
    with np.errstate(over="ignore"):
        halves = vectors.astype(np.float16)
    if not np.isfinite(halves).all():
        raise KnowledgeBaseError(f"The vectors {name!r} contain NaN or values outside the float16 range (±65504).")
    np.save(folder / f"vectors.{name}.npy", halves)


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


def _read_npz(path: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    try:
        with np.load(path) as data:
            if {"ids", "vectors"} <= set(data.files):
                pairs = list(zip(data["ids"].tolist(), data["vectors"], strict=True))
            else:
                pairs = [(name, data[name]) for name in data.files]
        shapes = {np.shape(vector) for _, vector in pairs}
        if len(shapes) > 1 or any(len(shape) != 1 or shape == (0,) for shape in shapes):
            raise ValueError(f"expected vectors of one width, found the shapes {', '.join(map(str, sorted(shapes)))}")
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
            raise KnowledgeBaseError(f"{path}, line {number}: expected a word and numbers.") from None
        width = width or len(vector)
        if len(vector) != width or not width:
            raise KnowledgeBaseError(f"{path}, line {number}: {len(vector)} numbers, but {width} in the lines before.")
        yield fields[0], vector
