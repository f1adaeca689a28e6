"""Contexts on disk: written in one pass over texts, then read in any order, memory-mapped, for any number of contexts.

A text with several pairs of mentions is stored once. All numbers have 32 bits or more. Only NumPy and spaCy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import srsly
from spacy.tokens import Doc, Span

from ...identifiers import linked
from ...sentences import sentences
from ...settings import at_least, check_minimums
from ...tokens import SPANS_KEY
from .contexts import N_SPECIAL, UNKNOWN, Contexts, make_batch, make_context
from .vocabulary import frequent

WORDS, TEXTS, PAIRS, NAMES = "words.int32", "texts.int64", "pairs.int32", "names.json"
# one in this number of texts is held out
HELD_OUT = 50
# number of contexts that are shuffled together, and of batches whose contexts are sorted by length
CHUNK, SORTED = 2**18, 64


@dataclass(kw_only=True)
class ContextSettings:
    """Choice of the pairs of mentions that are read.

    entities: the kind of x and y: "types" of mentions, or their linked "concepts", without mentions that have none.
    types: new names of types, ``{"Protein": "Gene"}``, to unify several corpora.
    pair_types: pairs of types that may be related, in any order; None for all.
    by_sentence: whether a text is a sentence; otherwise it is a document.
    max_pairs: maximum number of pairs of a text, the closest ones.
    max_pair_distance: maximum number of tokens between the starts of two mentions.
    """

    entities: Literal["types", "concepts"] = "types"
    types: dict[str, str] = field(default_factory=dict)
    pair_types: list[list[str]] | None = None
    by_sentence: bool = True
    max_pairs: int = at_least(1, 32)
    max_pair_distance: int = at_least(1, 128)

    def __post_init__(self) -> None:
        check_minimums(self, "the contexts")


def write_contexts(docs: Iterable[Doc], folder: Path, settings: ContextSettings) -> Counter:
    """Store the contexts of documents in a folder. Returns the counts of what was read and left out, by name.

    Only the distinct words and entities are kept in memory.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    words, entities = _Numbers(), _Numbers()
    n_words = n_texts = 0
    with ExitStack() as stack:
        of_words, of_texts, of_pairs = (
            stack.enter_context((folder / name).open("wb")) for name in (WORDS, TEXTS, PAIRS)
        )
        for doc in docs:
            counts["texts"] += 1
            for begin, end, pairs in _pairs(doc, settings, counts):
                numbers = [words(token.lower_) for token in doc[begin:end]]
                _write(of_words, np.array(numbers, dtype="int32"))
                rows = [[n_texts, *place, entities(x), entities(y)] for place, x, y in pairs]
                _write(of_pairs, np.array(rows, dtype="int32"))
                _write(of_texts, np.array([n_words], dtype="int64"))
                n_words, n_texts = n_words + len(numbers), n_texts + 1
                counts["contexts"] += len(rows)
        _write(of_texts, np.array([n_words], dtype="int64"))
    counts["tokens"] = n_words
    # written last: without it, the folder is incomplete
    srsly.write_json(folder / NAMES, {"words": words.table(), "entities": entities.table()})
    return counts


def _pairs(
    doc: Doc, settings: ContextSettings, counts: Counter
) -> Iterator[tuple[int, int, list[tuple[list[int], str, str]]]]:
    """For each text, its begin and end, and the positions (relative to its begin) and entities of its pairs."""
    allowed = settings.pair_types and {frozenset(pair) for pair in settings.pair_types}
    mentions = sorted((m for m in doc.spans.get(SPANS_KEY, ()) if len(m)), key=lambda m: (m.start, m.end))
    texts = [(s.start, s.end) for s in sentences(doc)] if settings.by_sentence else [(0, len(doc))]
    for begin, end in texts:
        inside = {(m.start, m.end): m for m in mentions if begin <= m.start and m.end <= end}
        known = [(m, name) for m in inside.values() if (name := _name(m, settings))]
        found = []
        for i, (a, x) in enumerate(known):
            for j, (b, y) in enumerate(known[i + 1 :], i + 1):
                if b.start - a.start > settings.max_pair_distance:
                    counts["pairs that are too far apart"] += len(known) - j
                    break
                if not allowed or frozenset((_type(a, settings), _type(b, settings))) in allowed:
                    found.append(([a.start - begin, a.end - begin, b.start - begin, b.end - begin], x, y))
        nearest = sorted(found, key=lambda pair: pair[0][2] - pair[0][1])
        counts["pairs beyond max_pairs of a text"] += max(0, len(nearest) - settings.max_pairs)
        if nearest:
            yield begin, end, nearest[: settings.max_pairs]


def _type(mention: Span, settings: ContextSettings) -> str:
    return settings.types.get(mention.label_, mention.label_)


def _name(mention: Span, settings: ContextSettings) -> str:
    return _type(mention, settings) if settings.entities == "types" else linked(mention.kb_id_)


def _write(file: BinaryIO, array: np.ndarray) -> None:
    file.write(array.tobytes())


class _Numbers:
    """Numbers names in order of appearance, and counts them."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._counts: list[int] = []

    def __call__(self, name: str) -> int:
        number = self._numbers.setdefault(name, len(self._numbers))
        if number == len(self._counts):
            self._counts.append(0)
        self._counts[number] += 1
        return number

    def table(self) -> dict[str, Any]:
        return {"names": list(self._numbers), "counts": self._counts}


class ContextStore:
    """The contexts of a folder.

    min_count, max_words: of the vocabulary. min_entity_count: minimum count of a known entity.
    masks, max_length: see :class:`~spacy_keci.ml.latent.settings.RepresentationSettings`.
    Raises ValueError if the folder has none.
    """

    def __init__(
        self,
        folder: Path,
        *,
        min_count: int = 2,
        max_words: int | None = None,
        min_entity_count: int = 1,
        masks: Literal["different", "single"] = "different",
        max_length: int = 140,
    ) -> None:
        names = srsly.read_json(folder / NAMES)
        if not (folder / PAIRS).stat().st_size:
            raise ValueError("No training data: no sentence of the texts has two mentions.")
        self.masks, self.max_length = masks, max_length
        self._words = np.memmap(folder / WORDS, dtype="int32", mode="r")
        self._texts = np.memmap(folder / TEXTS, dtype="int64", mode="r")
        self.pairs: np.ndarray = np.memmap(folder / PAIRS, dtype="int32", mode="r").reshape(-1, 7)
        self.words, self._word_numbers = _kept(names["words"], min_count, max_words, N_SPECIAL, UNKNOWN)
        self.entities, self._entity_numbers = _kept(names["entities"], min_entity_count, None, 1, 0)

    def __len__(self) -> int:
        return len(self.pairs)

    def batch(self, rows: np.ndarray) -> Contexts:
        """The contexts of these rows."""
        made = []
        pairs = np.asarray(self.pairs[rows])
        for text, *places in pairs[:, :5].tolist():
            words = self._word_numbers[self._words[self._texts[text] : self._texts[text + 1]]]
            first, second = (places[0], places[1]), (places[2], places[3])
            made.append(make_context(words, first, second, masks=self.masks, max_length=self.max_length))
        x, y = self._entity_numbers[pairs[:, 5]], self._entity_numbers[pairs[:, 6]]
        return make_batch(made, x.tolist(), y.tolist())

    def held_out(self, limit: int) -> np.ndarray:
        """Held-out rows, at most ``limit``."""
        return np.flatnonzero(np.asarray(self.pairs[:, 0]) % HELD_OUT == HELD_OUT - 1)[:limit]

    def batches(self, size: int, seed: int, epoch: int) -> Iterator[np.ndarray]:
        """The rows of an epoch, in an order that depends only on the seed and the epoch. Contexts of a batch have
        similar lengths."""
        random = np.random.default_rng((seed, epoch))
        for chunk in random.permutation(-(-len(self) // CHUNK)):
            rows = chunk * CHUNK + random.permutation(min(CHUNK, len(self) - chunk * CHUNK))
            texts = np.asarray(self.pairs[rows, 0], dtype="int64")
            rows, texts = rows[texts % HELD_OUT < HELD_OUT - 1], texts[texts % HELD_OUT < HELD_OUT - 1]
            lengths = self._texts[texts + 1] - self._texts[texts]
            for begin in range(0, len(rows), size * SORTED):
                part = slice(begin, begin + size * SORTED)
                ordered = rows[part][np.argsort(lengths[part], kind="stable")]
                for i in random.permutation(-(-len(ordered) // size)):
                    yield ordered[i * size : (i + 1) * size]

    def pair_counts(self) -> Iterator[tuple[str, str, int]]:
        """The number of contexts of each pair of known entities, in any order."""
        numbers = np.sort(self._entity_numbers[self.pairs[:, 5:7]], axis=1)
        found, counts = np.unique(numbers[numbers[:, 0] > 0], axis=0, return_counts=True)
        for (a, b), n in zip(found.tolist(), counts.tolist(), strict=True):
            yield self.entities[a - 1], self.entities[b - 1], n


def _kept(
    table: dict[str, Any], min_count: int, limit: int | None, first: int, rest: int
) -> tuple[list[str], np.ndarray]:
    """The kept names, most frequent first, and the new number of each old one."""
    names = table["names"]
    kept = frequent(dict(zip(names, table["counts"], strict=True)), min_count, limit)
    new = {name: first + i for i, name in enumerate(kept)}
    return kept, np.array([new.get(name, rest) for name in names], dtype="int64")
