"""Names to concepts: every span of a text is looked up in one pass along the trie of normalised names.

The trie is a marisa-trie: a succinct structure that is memory-mapped, so that opening it costs nothing and processes
share it. ``benchmarks/knowledge.py`` compares it with a sorted table and SQLite.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from .normalize import fold, normalize
from .spans import Hit, find_spans
from .storage import Files, StringTable
from .variants import ANY_CASE, IN_CAPITALS, NEVER, NOT_LOWER_CASE, SAME_CASE, without_modifiers


class Lexicon:
    """The look-up side of a knowledge base. ``names`` are the surface forms, by number."""

    def __init__(self, files: Files, names: StringTable) -> None:
        self._trie = files.trie("keys")
        self._names = names
        self.indptr = files.array("postings.indptr")
        self.concepts = files.array("postings.concept")
        self._name = files.array("postings.name")
        self._case = files.array("postings.case")

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
        """All spans of up to ``max_words`` words that a concept may be named by; see :func:`~.spans.find_spans`."""
        return find_spans(self._trie.iter_prefixes_with_ids, tokens, spaces, max_words)
