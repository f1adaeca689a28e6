"""Texts as they would read if they spoke of other concepts: names to learn from that a corpus does not have.

Mention replacement (Dai and Adel 2020, An analysis of simple data augmentation for named entity recognition), with
names from a knowledge base instead of the corpus.
"""

import random
import re
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from ..knowledge.knowledge_base import KnowledgeBase
from .annotation import AnnotatedText, Mention

_WORD = re.compile(r"[^\W_]+")
_DRAWS = 30  # concepts that are looked at for one that has names of the wanted forms
LEAST_SHARE = 0.2  # of a label among the mentions of a kind, for that kind to be what the label means


class ConceptSwap:
    """Puts concepts of the same kind, that is vocabulary and main semantic type, in the place of those of a text.

    A mention is swapped if the knowledge base has its text as a name, no other mention begins or ends inside it, and
    the concept is of a kind that mentions of its label have (ambiguous names have several candidates). All mentions of
    a concept in a text become names of one other concept, so that synonyms stay synonyms, and names take the place of
    names of their form: as many words, symbols for symbols. Labels, relations and clusters stay.

    texts: the corpus, by which labels and kinds are told to go together.
    """

    def __init__(self, kb: KnowledgeBase, texts: Iterable[AnnotatedText]) -> None:
        self.kb = kb
        _, kinds = np.unique(kb.kinds, axis=0, return_inverse=True)
        self._kinds = kinds.ravel()
        order = np.argsort(self._kinds, kind="stable")
        self._members = np.split(order, np.flatnonzero(np.diff(self._kinds[order])) + 1)
        # concepts with many names are those that people write about
        self._weights = [np.cumsum(kb.n_names(members)).tolist() for members in self._members]
        self._pairs: Counter[tuple[str, int]] = Counter()
        self._totals: Counter[int] = Counter()
        for text in texts:
            for mention in text.mentions:
                for kind in {self._kinds[c] for c in kb.lexicon.lookup(text.text[mention.start : mention.end])}:
                    self._pairs[mention.label, kind] += 1
                    self._totals[kind] += 1

    def __call__(self, text: AnnotatedText, share: float, rng: random.Random) -> AnnotatedText:
        """The text with about ``share`` of its concepts swapped; offsets and ``kb_id`` of mentions follow."""
        by_concept: dict[int, list[Mention]] = {}
        for mention in _innermost(text.mentions):
            concept = self.concept(text.text[mention.start : mention.end], mention.label)
            if concept is not None:
                by_concept.setdefault(concept, []).append(mention)
        swaps: dict[tuple[int, int], tuple[str, str]] = {}
        for concept, mentions in by_concept.items():
            surfaces = sorted({text.text[m.start : m.end] for m in mentions})
            if rng.random() < share and (found := self.draw(concept, surfaces, rng)) is not None:
                other, names = found
                for m in mentions:
                    swaps[m.start, m.end] = names[text.text[m.start : m.end]], self.kb.id(other)
        return _rewrite(text, swaps)

    def concept(self, surface: str, label: str) -> int | None:
        """The concept that a mention most likely names, by the kinds that mentions of its label have."""
        best, most = None, LEAST_SHARE
        for candidate in self.kb.lexicon.lookup(surface):
            kind = self._kinds[candidate]
            share = self._pairs[label, kind] / max(self._totals[kind], 1)
            if share > most:
                best, most = candidate, share
        return best

    def draw(self, concept: int, surfaces: Sequence[str], rng: random.Random) -> tuple[int, dict[str, str]] | None:
        """Another concept of the same kind, and its name for each text of a mention; None if none was found."""
        kind = self._kinds[concept]
        for other in map(int, rng.choices(self._members[kind], cum_weights=self._weights[kind], k=_DRAWS)):
            if other == concept:
                continue
            by_form: dict[tuple[int, bool], list[str]] = {}
            for name in self.kb.names(other):
                by_form.setdefault(_form(name), []).append(name)
            if all(_form(surface) in by_form for surface in surfaces):
                return other, {surface: rng.choice(by_form[_form(surface)]) for surface in surfaces}
        return None


def _form(name: str) -> tuple[int, bool]:
    """Number of words, and whether it is a symbol ("FKBP12", "TNF-alpha") and not plain words ("growth factor")."""
    return len(_WORD.findall(name)), any(c.isdigit() or c.isupper() for c in name[1:])


def _innermost(mentions: Sequence[Mention]) -> list[Mention]:
    """Mentions inside which no other one begins or ends."""
    borders = sorted({border for m in mentions for border in (m.start, m.end)})
    return [m for m in mentions if bisect(borders, m.start) == bisect(borders, m.end - 1)]


def _rewrite(text: AnnotatedText, swaps: dict[tuple[int, int], tuple[str, str]]) -> AnnotatedText:
    """The text with other names at these offsets, none of which overlap, and identifiers of their concepts."""
    pieces: list[str] = []
    borders, shifts = [0], [0]  # what ends at a border, or later, is shifted
    position = 0
    for (start, end), (name, _) in sorted(swaps.items()):
        pieces += [text.text[position:start], name]
        borders.append(end)
        shifts.append(shifts[-1] + len(name) - (end - start))
        position = end

    def moved(offset: int) -> int:
        return offset + shifts[bisect(borders, offset) - 1]

    return AnnotatedText(
        "".join([*pieces, text.text[position:]]),
        [
            m._replace(start=moved(m.start), end=moved(m.end), kb_id=swaps.get((m.start, m.end), ("", m.kb_id))[1])
            for m in text.mentions
        ],
        text.relations,
        id=text.id,
        group=text.group,
        clusters=text.clusters,
        interactions=text.interactions,
        meta=text.meta,
    )
