"""Names to concepts: every span of a text is looked up in one pass along the trie of normalised names.

The trie is a marisa-trie: a succinct structure that is memory-mapped, so that opening it costs nothing and processes
share it. ``benchmarks/knowledge.py`` compares it with a sorted table and SQLite.
"""

import re
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import marisa_trie
import numpy as np
from numpy.typing import NDArray
from spacy.lang.en.stop_words import STOP_WORDS

from .normalize import fold, normalize, normalize_token
from .storage import KnowledgeBaseError, StringTable, StringTableWriter, csr, open_array

_QUALIFIER = re.compile(r"(.*\w.*?)\s+[(\[][^()\[\]]*[)\]]")
_KINDS = "proteins?|genes?|domains?|famil(?:y|ies)|molecules?|complex(?:es)?"
_HEAD_WORD = re.compile(rf"(.*\w.*)[\s-](?:{_KINDS})", re.IGNORECASE)
_FIRST = re.compile(r"(.*[^\W\d][\s-]?(?=1)|[A-Z]+\d(?=A))[1A]")
_FIRST_OF_NAME = re.compile(r"([a-z][\w -]*\w{3,}) alpha[ -]?1?(?:,.*)?", re.IGNORECASE)
_SYMBOL = re.compile(r"([A-Z][A-Z0-9]+)([ABGDEZ])(\d?)")
_GREEK_LETTERS = {"A": "alpha", "B": "beta", "G": "gamma", "D": "delta", "E": "epsilon", "Z": "zeta"}
# Words after a name that leave it what it is: kinds of things, and salts of drugs
_TAIL_WORDS = frozenset(
    "protein proteins gene genes domain domains family families molecule molecules acetate bromide chloride citrate "  # noqa: SIM905
    "fumarate hydrobromide hydrochloride maleate mesylate nitrate phosphate potassium sodium succinate sulfate "
    "sulphate tartrate".split()
)
# Words before the name of a disorder that say how bad it is, or how it runs
_COURSE_WORDS = frozenset(
    "acute bilateral chronic delayed diffuse fatal generalized irreversible isolated localized mild moderate "  # noqa: SIM905
    "persistent progressive prolonged recurrent reversible severe subacute transient unilateral".split()
)
_SPECIES = re.compile(r"(?:h|m|r|d|x|X|y|Hs|Mm|Dm|Xl|Sc)([A-Z][A-Za-z]*\w{1,})|([A-Z][a-z]{2}\d+)p")
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
            if lower and (rules < _SYMBOL_NAME).any():
                rules = np.where(rules < _SYMBOL_NAME, rules, _NEVER)
            rules = rules & ~_SYMBOL_NAME
            concepts = [
                concept
                for i, (concept, rule) in enumerate(zip(concepts, rules.tolist(), strict=True))
                if rule == _ANY_CASE
                or (rule == _NOT_LOWER_CASE and not lower)
                or (rule == _SAME_CASE and fold(self._names[int(self._name[first + i])]) == form)
            ]
            concepts = list(dict.fromkeys(concepts))
        if len(concepts) > 2 and self._short(key):
            # three letters that many concepts share: those that are written the same, if there are any
            form = fold(surface)
            rows = zip(self.concepts[first:last].tolist(), self._name[first:last].tolist(), strict=True)
            same = {concept for concept, name in rows if fold(self._names[name]) == form}
            concepts = [c for c in concepts if c in same] or concepts
        return concepts

    def _short(self, key: int) -> bool:
        return len(self.key_text(key)) < 4

    def lookup(self, text: str) -> list[int]:
        """Concepts with exactly this name, normalised."""
        key = self.key(text)
        return [] if key is None else self.candidates(key, text)

    def find(self, tokens: Sequence[str], spaces: Sequence[bool], max_words: int = 8) -> list[Hit]:
        """All spans of up to ``max_words`` words whose normalised form is a key, in order of start; they may overlap.

        ``spaces`` says which tokens are followed by whitespace. Words are tokens with a letter or digit. A span
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
            for piece in _without_species(tokens[word]):
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
                        if j < limits[i] and tokens[words[j]].lower() in _TAIL_WORDS and into is found:
                            variants.setdefault((word, words[j] + 1), key)
                        if i > 0 and limits[i - 1] >= j and tokens[words[i - 1]].lower() in _COURSE_WORDS and end:
                            variants.setdefault((words[i - 1], end), key)
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
        if (spaces[i] and _BREAK.search(token)) and words and (not breaks or breaks[-1] != len(words)):
            breaks.append(len(words))
    limits = []
    breaks.append(len(words))
    b = 0
    for i in range(len(words)):
        while breaks[b] <= i:
            b += 1
        limits.append(min(i + max_words, breaks[b]))
    return words, pieces, edges, limits


def _without_species(token: str) -> list[str]:
    """Keys of a token without the letter of a species: "hTERT", "mPER1", "dCtBP"; and, of yeast, "Cdc6p"."""
    match = _SPECIES.fullmatch(token)
    return [normalize(match[1] or match[2])] if match else []


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


@lru_cache(maxsize=1)
def ambiguous_words() -> frozenset[str]:
    """Normalised English words that are symbols too (``ambiguous_words.txt``), and spaCy's English stop words."""
    lines = (Path(__file__).parent / "ambiguous_words.txt").read_text(encoding="utf8").splitlines()
    words = chain.from_iterable(line.split() for line in lines if not line.startswith("#"))
    return frozenset(normalize(w) for w in chain(words, STOP_WORDS))


# How the case of a surface must agree with a name, by row of the postings
_ANY_CASE, _SAME_CASE, _NOT_LOWER_CASE, _NEVER = 0, 1, 2, 3
# … and added to it: a name in capitals, which a word in lower case means only where it is the name of nothing else
_SYMBOL_NAME = 4


def case_rule(name: str, key: str) -> int:
    """Two characters: not in lower case ("Rb" is RB, "at" is not AT). Words that are symbols too: as written."""
    if key in ambiguous_words():
        return _ANY_CASE if key not in STOP_WORDS and fold(name)[1:].islower() else _SAME_CASE
    return _NOT_LOWER_CASE if len(key) < 3 else _ANY_CASE


def keys_of(name: str) -> dict[str, int]:
    """Keys under which a name is found, and whether by a variant that the source does not have.

    Variants: without a qualifier in brackets at the end; without a head word that says what kind of thing it is
    ("SH3 domain" is found as "SH3"); the first of a numbered family without its number ("CREB1" as "CREB", "LIN7A" as
    "LIN7"); Greek for the last letter of a gene symbol ("GSK3B" as "GSK3beta").
    """
    key = normalize(name)
    keys = {key: 0} if len(key) > 1 and not key.isdigit() else {}
    variants = [(m[1], 1) for p in (_FIRST, _FIRST_OF_NAME) if (m := p.fullmatch(name))]
    greek = _SYMBOL.fullmatch(name)
    if greek:
        variants.append((f"{greek[1]}{_GREEK_LETTERS[greek[2]]}{greek[3]}", 1))
    variants += [(m[1], 2) for p in (_QUALIFIER, _HEAD_WORD) if (m := p.fullmatch(name))]
    for variant, kind in variants:
        key = normalize(variant)
        if len(key) > 2 and not key.isdigit() and key not in ambiguous_words():
            keys.setdefault(key, kind)
    return keys


def write_lexicon(folder: Path, names: Iterable[str], concepts: NDArray[np.int32]) -> int:
    """Write the lexicon of ``names``, with the concept of each: (n_names,). Returns the number of keys.

    Concepts with a lower number come first among the candidates of a key. Memory: the trie, and 21 bytes a name.
    """
    owner, case, variant = array("i"), bytearray(), bytearray()
    with StringTableWriter(folder, "keys") as keys:
        for i, name in enumerate(names):
            for key, is_variant in keys_of(name).items():
                keys.append(key)
                owner.append(i)
                case.append(case_rule(name, key) + (_SYMBOL_NAME if name.isupper() else 0))
                variant.append(is_variant)
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
    flags, weak = np.frombuffer(case, np.uint8), np.frombuffer(variant, np.uint8)
    order = np.lexsort((rows, flags, weak, concepts[rows], key_ids))
    # a name whose case does not matter makes the concept's other names with that key redundant
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(key_ids[order]) != 0) | (np.diff(concepts[rows[order]]) != 0)
    group = np.cumsum(first) - 1
    order = order[first | (flags[order][first][group] % _SYMBOL_NAME == _SAME_CASE)]
    order = order[np.lexsort((concepts[rows[order]], weak[order], key_ids[order]))]
    # less than a name counts only where nothing has that name
    named = np.zeros(n_keys, bool)
    named[key_ids[weak == 0]] = True
    order = order[(weak[order] < 2) | ~named[key_ids[order]]]
    np.save(folder / "postings.indptr.npy", csr(key_ids[order], n_keys))
    np.save(folder / "postings.concept.npy", concepts[rows[order]].astype(np.int32))
    np.save(folder / "postings.name.npy", rows[order])
    np.save(folder / "postings.case.npy", flags[order])
    return n_keys
