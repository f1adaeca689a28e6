"""Names that are nearly right: cosine similarity of character 3-grams, weighted by TF-IDF, as in scispaCy.

Neumann et al. 2019, ScispaCy: Fast and Robust Models for Biomedical Natural Language Processing, section 5; there with
an approximate index, here exact: a key can only be similar enough if it has one of the query's rare 3-grams.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .lexicon import Lexicon
from .normalize import normalize
from .storage import Files, expand

_CHUNK = 1 << 16
_ROUNDING = 2e-3  # weights are stored in half precision


class FuzzyIndex:
    """Keys of the lexicon by similarity to a text."""

    def __init__(self, files: Files) -> None:
        self._grams = files.array("fuzzy.grams")
        self._idf = files.array("fuzzy.idf")
        self._by_gram = files.array("fuzzy.by_gram.indptr")
        self._by_gram_key = files.array("fuzzy.by_gram.key")
        self._by_gram_weight = files.array("fuzzy.by_gram.weight")
        self._by_key = files.array("fuzzy.by_key.indptr")
        self._by_key_gram = files.array("fuzzy.by_key.gram")
        self._by_key_weight = files.array("fuzzy.by_key.weight")

    def nearest(self, text: str, k: int = 5, threshold: float = 0.7) -> list[tuple[int, float]]:
        """Up to ``k`` keys with a cosine of at least ``threshold`` (more than 0), best first: [(key, cosine)]."""
        _, codes = _grams([normalize(text)])
        codes, counts = np.unique(codes, return_counts=True)
        at = np.searchsorted(self._grams, codes)
        at[at == len(self._grams)] = 0
        known = self._grams[at] == codes if len(self._grams) else np.zeros(len(codes), bool)
        # 3-grams that no key has still count in the norm
        unknown_idf = float(self._idf.max()) if len(self._idf) else 1.0
        weights = counts * np.where(known, self._idf[at] if len(self._idf) else 0.0, unknown_idf)
        norm = float(np.linalg.norm(weights))
        grams, weights = at[known], weights[known] / (norm or 1.0)
        if not len(grams):
            return []
        rare_first = np.argsort(self._by_gram[grams + 1] - self._by_gram[grams], kind="stable")
        grams, weights = grams[rare_first], weights[rare_first]
        # cosine of a key that has none of the first grams, at most; Cauchy-Schwarz
        rest = np.sqrt(np.maximum(np.cumsum((weights**2)[::-1])[::-1] - weights**2, 0.0))
        # further than the bound needs: a few more entries to add up, far fewer keys to check
        first = int(np.argmax(rest < max(0.6 * threshold - _ROUNDING, 1e-6))) + 1
        # only the pages that are touched take up memory
        partial = np.zeros(len(self._by_key) - 1, np.float32)
        touched = []
        for gram, weight in zip(grams[:first].tolist(), weights[:first].tolist(), strict=True):
            entries = slice(int(self._by_gram[gram]), int(self._by_gram[gram + 1]))
            holders = self._by_gram_key[entries]
            partial[holders] += np.float32(weight) * self._by_gram_weight[entries]
            touched.append(holders)
        candidates = np.concatenate(touched)
        keys = np.unique(candidates[partial[candidates] + rest[first - 1] >= threshold - _ROUNDING])
        which, entry = expand(self._by_key, keys)
        query = np.zeros(len(self._grams), np.float32)
        query[grams] = weights
        cosine = np.bincount(which, query[self._by_key_gram[entry]] * self._by_key_weight[entry], len(keys))
        best = np.lexsort((keys, -cosine))[:k]
        return [(int(keys[i]), min(float(cosine[i]), 1.0)) for i in best if cosine[i] >= threshold]


def write_fuzzy(folder: Path, lexicon: Lexicon) -> None:
    """Index all keys of a lexicon. Memory: 8 bytes a distinct 3-gram, and some for each chunk of keys."""
    n = len(lexicon)
    vocabulary = np.empty(0, np.int64)
    frequency = np.empty(0, np.int64)
    sizes = np.zeros(n, np.int64)
    for start, rows, codes, _ in _chunks(lexicon):
        merged, inverse = np.unique(np.concatenate([vocabulary, codes]), return_inverse=True)
        frequency = np.bincount(
            inverse, np.concatenate([frequency, np.ones(len(codes), np.int64)]), len(merged)
        ).astype(np.int64)
        vocabulary = merged
        chunk = np.bincount(rows)
        sizes[start : start + len(chunk)] = chunk
    # as scikit-learn's TfidfTransformer, smooth
    idf = (np.log((1 + n) / (1 + frequency)) + 1).astype(np.float32)
    by_gram = np.concatenate([[0], np.cumsum(frequency)])
    by_key = np.concatenate([[0], np.cumsum(sizes)])
    total = int(by_key[-1])
    files = {
        "by_gram.key": np.int32,
        "by_gram.weight": np.float16,
        "by_key.gram": np.int32,
        "by_key.weight": np.float16,
    }
    out = {k: _create(folder / f"fuzzy.{k}.npy", total, dtype) for k, dtype in files.items()}
    free = by_gram[:-1].copy()
    for start, rows, codes, counts in _chunks(lexicon):
        grams = np.searchsorted(vocabulary, codes)
        weights = counts * idf[grams]
        weights = weights / np.sqrt(np.bincount(rows, weights**2))[rows]
        here = slice(int(by_key[start]), int(by_key[start]) + len(rows))
        out["by_key.gram"][here] = grams
        out["by_key.weight"][here] = weights
        order = np.argsort(grams, kind="stable")
        present, first, count = np.unique(grams[order], return_index=True, return_counts=True)
        place = np.repeat(free[present] - first, count) + np.arange(len(order))
        out["by_gram.key"][place] = start + rows[order]
        out["by_gram.weight"][place] = weights[order]
        free[present] += count
    np.save(folder / "fuzzy.grams.npy", vocabulary)
    np.save(folder / "fuzzy.idf.npy", idf)
    np.save(folder / "fuzzy.by_gram.indptr.npy", by_gram)
    np.save(folder / "fuzzy.by_key.indptr.npy", by_key)


def _create(path: Path, size: int, dtype: Any) -> NDArray[Any]:
    if size == 0:
        np.save(path, np.empty(0, dtype))
        return np.empty(0, dtype)
    return np.lib.format.open_memmap(path, "w+", dtype, (size,))


def _chunks(lexicon: Lexicon) -> Any:
    """(first key, row of each distinct 3-gram of a key within the chunk, the 3-gram, how often the key has it)."""
    for start in range(0, len(lexicon), _CHUNK):
        rows, codes = _grams([lexicon.key_text(key) for key in range(start, min(start + _CHUNK, len(lexicon)))])
        order = np.lexsort((codes, rows))
        rows, codes = rows[order], codes[order]
        first = np.ones(len(rows), bool)
        first[1:] = (np.diff(rows) != 0) | (np.diff(codes) != 0)
        counts = np.diff(np.append(np.flatnonzero(first), len(rows)))
        yield start, rows[first], codes[first], counts


def _grams(keys: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All 3-grams of keys with a space at each end: (row, three code points in one number)."""
    text = "".join(f" {key} " for key in keys)
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.int64)
    lengths = np.array([len(key) + 2 for key in keys], np.int64)
    codes = (points[:-2] << 42) | (points[1:-1] << 21) | points[2:]
    rows = np.repeat(np.arange(len(keys)), lengths)
    # a 3-gram starts two characters before the end of its key at the latest
    inside = np.arange(len(points)) < np.repeat(np.cumsum(lengths) - 2, lengths)
    return rows[inside], codes[inside[: len(codes)]]
