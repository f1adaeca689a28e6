"""Names to concepts: every span of a text is looked up in one pass along the trie of normalised names.

The trie is a marisa-trie: a succinct structure that is memory-mapped, so that opening it costs nothing and processes
share it. ``benchmarks/knowledge.py`` compares it with a sorted table and SQLite.
"""

import re
from array import array
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import marisa_trie
import numpy as np
from numpy.typing import NDArray
from spacy.lang.en.stop_words import STOP_WORDS

from .normalize import fold, normalize, normalize_token
from .storage import KnowledgeBaseError, StringTable, StringTableWriter, csr, open_array
from .variants import (
    ANY_CASE,
    IN_CAPITALS,
    LESS,
    NAME,
    NEVER,
    NOT_LOWER_CASE,
    SAME_CASE,
    TAIL_WORDS,
    case_rule,
    is_modifier,
    keys_of,
    without_modifiers,
    without_species,
)

_BREAK = re.compile(r"[.,;:!?]$")
_BRACKETS = {")": "(", "]": "[", "}": "{"}


class Hit(NamedTuple):
    """Tokens ``start`` to ``end`` (exclusive) are the key ``key`` of the lexicon."""

    start: int
    end: int
    key: int


class Lexicon:
    """The look-up side of a knowledge base. ``names`` are the surface forms, by number."""

    def __init__(self, folder: Path, names: StringTable) -> None:
        try:
            self._trie = marisa_trie.Trie().mmap(str(folder / "keys.trie"))
        except (OSError, RuntimeError) as error:
            raise KnowledgeBaseError(f"{folder / 'keys.trie'} cannot be read ({error}). Compile it anew.") from None
        self._names = names
        self.indptr = open_array(folder / "postings.indptr.npy")
        self.concepts = open_array(folder / "postings.concept.npy")
        self._name = open_array(folder / "postings.name.npy")
        self._case = open_array(folder / "postings.case.npy")

    def __len__(self) -> int:
        """Number of keys: distinct normalised names."""
        return len(self.indptr) - 1

    def key(self, text: str) -> int | None:
        """Number of the key that a text normalises to, if there is one."""
        key: int | None = self._trie.get(normalize(text))
        return key

    def key_text(self, key: int) -> str:
        text: str = self._trie.restore_key(key)
        return text

    def candidates(self, key: int, surface: str) -> list[int]:
        """Concepts that have a name with this key, best first; where case matters, it is compared to ``surface``."""
        first, last = int(self.indptr[key]), int(self.indptr[key + 1])
        concepts: list[int] = self.concepts[first:last].tolist()
        rules = self._case[first:last]
        if rules.any():
            form = fold(surface)
            lower = form.islower() and form.isalpha()
            if lower and (rules < IN_CAPITALS).any():
                rules = np.where(rules < IN_CAPITALS, rules, NEVER)
            rules = rules % IN_CAPITALS
            concepts = [
                concept
                for i, (concept, rule) in enumerate(zip(concepts, rules.tolist(), strict=True))
                if rule == ANY_CASE
                or (rule == NOT_LOWER_CASE and not lower)
                or (rule == SAME_CASE and fold(self._names[int(self._name[first + i])]) == form)
            ]
            concepts = list(dict.fromkeys(concepts))
        if len(concepts) > 2 and len(self.key_text(key)) < 4:
            # three letters that many concepts share: those that are written the same, if there are any
            form = fold(surface)
            rows = zip(self.concepts[first:last].tolist(), self._name[first:last].tolist(), strict=True)
            same = {concept for concept, name in rows if fold(self._names[name]) == form}
            concepts = [c for c in concepts if c in same] or concepts
        return concepts

    def lookup(self, text: str) -> list[int]:
        """Concepts with this name, normalised; if there are none, with the name that is left without modifiers.

        What :meth:`find` finds of a text that is a name, and nothing else.
        """
        for name in chain((text,), without_modifiers(text)):
            key = self.key(name)
            if key is not None:
                return self.candidates(key, text)
        return []

    def find(self, tokens: Sequence[str], spaces: Sequence[bool], max_words: int = 8) -> list[Hit]:
        """All spans of up to ``max_words`` words whose normalised form is a key, in order of start; they may overlap.

        ``spaces`` says which tokens are followed by a space. Words are tokens with a letter or digit. A span
        begins and ends with a word, or with the bracket that closes one inside; it does not run across punctuation
        that is followed by whitespace.
        """
        words, pieces, edges, limits = _words(tokens, spaces, max_words)
        text = "".join(pieces)
        prefixes = self._trie.iter_prefixes_with_ids
        found: dict[tuple[int, int], int] = {}
        variants: dict[tuple[int, int], int] = {}
        for i, word in enumerate(words):
            begin = edges[i]
            ends = {edges[j]: j for j in range(i + 1, limits[i] + 1)}
            forms = [(text[begin : edges[limits[i]]], 0, found)]
            for piece in without_species(tokens[word]):
                # the rest of the text stands where it stood
                shift = len(pieces[i]) - len(piece)
                forms.append((piece + text[edges[i + 1] : edges[limits[i]]], shift, variants))
            for form, shift, into in forms:
                for prefix, key in prefixes(form):
                    j = ends.get(begin + shift + len(prefix))
                    if j is not None and not (j - i > 1 and _is_phrase(tokens[word], tokens[words[j - 1]])):
                        last = words[j - 1] + 1
                        end = _close_brackets(tokens, word, last)
                        if end:
                            into.setdefault((word, end), key)
                        if j < limits[i] and tokens[words[j]].lower() in TAIL_WORDS and into is found:
                            variants.setdefault((word, words[j] + 1), key)
                        before = i - 1
                        while end and before >= 0 and limits[before] >= j:
                            if not is_modifier(tokens[words[before]], tokens[words[before + 1]]):
                                break
                            variants.setdefault((words[before], end), key)
                            before -= 1
                        if end == last < len(tokens) and tokens[last][0] == "+" and not spaces[last - 1]:
                            # a charge: "Ca2+"
                            variants.setdefault((word, end + 1), key)
        # a variant inside a name is a part of it: "acute kidney" in "acute kidney injury"
        parts = [v for v in variants if any(s <= v[0] and v[1] <= e and v != (s, e) for s, e in found)]
        for part in parts:
            del variants[part]
        return [Hit(*span, key) for span, key in sorted((variants | found).items())]


def _words(
    tokens: Sequence[str], spaces: Sequence[bool], max_words: int
) -> tuple[list[int], list[str], list[int], list[int]]:
    """Tokens that are words, their keys, the character edges of the keys, and how far a span from each may run."""
    words: list[int] = []
    pieces: list[str] = []
    edges, breaks = [0], list[int]()
    for i, token in enumerate(tokens):
        piece = normalize_token(token)
        if piece:
            words.append(i)
            pieces.append(piece)
            edges.append(edges[-1] + len(piece))
        # a line break is a token of its own
        ends_here = _BREAK.search(token) and (spaces[i] or "".join(tokens[i + 1 : i + 2]).isspace())
        if ends_here and words and (not breaks or breaks[-1] != len(words)):
            breaks.append(len(words))
    limits = []
    breaks.append(len(words))
    b = 0
    for i in range(len(words)):
        while breaks[b] <= i:
            b += 1
        limits.append(min(i + max_words, breaks[b]))
    return words, pieces, edges, limits


def _is_phrase(first: str, last: str) -> bool:
    """Whether a span is more likely words of the sentence than a name: "as a" is not ASA."""
    return first in STOP_WORDS or last in STOP_WORDS


def _close_brackets(tokens: Sequence[str], start: int, end: int) -> int:
    """The end of the span with the brackets that it opens closed; 0 if that is not possible."""
    if end - start == 1:
        return end
    open_brackets: list[str] = []
    position = start
    while position < end or (open_brackets and position < len(tokens) and not normalize_token(tokens[position])):
        for character in tokens[position]:
            if character in "([{":
                open_brackets.append(character)
            elif character in ")]}" and (not open_brackets or open_brackets.pop() != _BRACKETS[character]):
                return 0
        position += 1
    return 0 if open_brackets else position


def write_lexicon(folder: Path, names: Iterable[str], concepts: NDArray[np.int32]) -> int:
    """Write the lexicon of ``names``, with the concept of each: (n_names,). Returns the number of keys.

    Concepts with a lower number come first among the candidates of a key. Memory: the trie, and 21 bytes a name.
    """
    owner, case, kinds = array("i"), bytearray(), bytearray()
    with StringTableWriter(folder, "keys") as keys:
        for i, name in enumerate(names):
            for key, kind in keys_of(name).items():
                keys.append(key)
                owner.append(i)
                case.append(case_rule(name, key))
                kinds.append(kind)
    table = StringTable(folder, "keys")
    trie = marisa_trie.Trie(iter(table))
    trie.save(str(folder / "keys.trie"))
    key_ids = np.fromiter(map(trie.key_id, table), np.int32, len(table))
    del table
    for file in ("keys.utf8", "keys.offsets.npy"):
        (folder / file).unlink()
    n_keys = len(trie)
    del trie
    rows = np.frombuffer(owner, np.int32) if owner else np.empty(0, np.int32)
    rules, kind_of = np.frombuffer(case, np.uint8), np.frombuffer(kinds, np.uint8)
    order = np.lexsort((rows, rules, kind_of, concepts[rows], key_ids))
    # a name whose case does not matter makes the concept's other names with that key redundant
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(key_ids[order]) != 0) | (np.diff(concepts[rows[order]]) != 0)
    group = np.cumsum(first) - 1
    order = order[first | (rules[order][first][group] % IN_CAPITALS == SAME_CASE)]
    order = order[np.lexsort((concepts[rows[order]], kind_of[order], key_ids[order]))]
    # less than a name counts only where nothing has that name
    named = np.zeros(n_keys, bool)
    named[key_ids[kind_of == NAME]] = True
    order = order[(kind_of[order] < LESS) | ~named[key_ids[order]]]
    np.save(folder / "postings.indptr.npy", csr(key_ids[order], n_keys))
    np.save(folder / "postings.concept.npy", concepts[rows[order]].astype(np.int32))
    np.save(folder / "postings.name.npy", rows[order])
    np.save(folder / "postings.case.npy", rules[order])
    return n_keys
