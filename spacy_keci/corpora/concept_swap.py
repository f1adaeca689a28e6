"""Rewrite texts as if they spoke of other concepts, so that a model learns from names that a corpus does not have.

Mention replacement (Dai and Adel 2020, An analysis of simple data augmentation for named entity recognition), with
names from a knowledge base instead of the corpus.
"""

import random
import re
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from ..knowledge.knowledge_base import KnowledgeBase
from .annotation import AnnotatedText, Mention

_WORD = re.compile(r"[^\W_]+")
_NAME = re.compile(r"\w(?!.*, ).*[\w)+]|\w")  # "Receptor, TRH" is a name of no text
_DRAWS = 30  # concepts that are looked at for one that has names of the wanted forms
LEAST_OF_KIND = 0.2  # part of the mentions of a kind that have a label, and
LEAST_OF_LABEL = 0.05  # of the mentions of the label that are of the kind, for the two to go together


class ConceptSwap:
    """Replaces the concepts of a text by others of the same kind (vocabulary and main semantic type).

    A mention is swapped if the knowledge base has its text as a name, no other mention begins or ends inside it, and
    mentions of its label are of the concept's kind and those of the kind have its label, both often enough (ambiguous
    names have several candidates). All mentions of a concept in a text become names of one other concept that the text
    does not speak of, and so do all mentions of a cluster, or none: synonyms stay synonyms, and what is different stays
    different. Names take the place of names of their form: as many words, symbols for symbols. Labels, relations and
    clusters stay.

    texts: the corpus, which shows which labels and kinds go together.
    """

    def __init__(self, kb: KnowledgeBase, texts: Iterable[AnnotatedText]) -> None:
        self.kb = kb
        _, kinds = np.unique(kb.kinds, axis=0, return_inverse=True)
        self._kinds = kinds.ravel()
        order = np.argsort(self._kinds, kind="stable")
        self._members = np.split(order, np.flatnonzero(np.diff(self._kinds[order])) + 1)
        # concepts with many names are those that people write about
        self._weights = [np.cumsum(kb.n_names(members)).tolist() for members in self._members]
        pairs: Counter[tuple[str, int]] = Counter()
        of_kind: Counter[int] = Counter()
        of_label: Counter[str] = Counter()
        for text in texts:
            for mention in text.mentions:
                found = {self._kinds[c] for c in kb.lexicon.lookup(text.words(mention))}
                pairs.update((mention.label, kind) for kind in found)
                of_kind.update(found)
                of_label[mention.label] += bool(found)
        # part of the mentions of a label that are of a kind, where the two go together
        self._parts = {
            (label, kind): n / of_label[label]
            for (label, kind), n in pairs.items()
            if n >= LEAST_OF_KIND * of_kind[kind] and n >= LEAST_OF_LABEL * of_label[label]
        }

    def __call__(self, text: AnnotatedText, share: float, rng: random.Random) -> AnnotatedText:
        """The text with about ``share`` of its concepts swapped; offsets and ``kb_id`` of mentions follow."""
        concepts = [self.concept(text.words(mention), mention.label) for mention in text.mentions]
        innermost = _innermost(text.mentions)
        clusters = [[i] for i in range(len(concepts))] if text.clusters is None else text.clusters
        by_concept: dict[int, list[Mention]] = {}
        for cluster in clusters:
            concept, *others = {concepts[i] if innermost[i] else None for i in cluster} or {None}
            if concept is not None and not others:
                by_concept.setdefault(concept, []).extend(text.mentions[i] for i in cluster)
        swaps: dict[tuple[int, int], tuple[str, str]] = {}
        taken = {c for mention in text.mentions for c in self.kb.lexicon.lookup(text.words(mention))}
        for concept, mentions in by_concept.items():
            surfaces = sorted({text.words(m) for m in mentions})
            if rng.random() < share and (found := self.draw(concept, surfaces, taken, rng)) is not None:
                other, names = found
                taken.add(other)
                for m in mentions:
                    swaps[m.start, m.end] = names[text.words(m)], self.kb.id(other)
        return _rewrite(text, swaps)

    def concept(self, surface: str, label: str) -> int | None:
        """The concept that a mention most likely names, by the kinds that mentions of its label have."""
        best, most = None, 0.0
        for candidate in self.kb.lexicon.lookup(surface) if _is_name(surface) else ():
            part = self._parts.get((label, self._kinds[candidate]), 0.0)
            if part > most:
                best, most = candidate, part
        return best

    def draw(
        self, concept: int, surfaces: Sequence[str], taken: set[int], rng: random.Random
    ) -> tuple[int, dict[str, str]] | None:
        """Another concept of the same kind that is not taken, and its name for each text of a mention; None if none was
        found."""
        kind = self._kinds[concept]
        for other in map(int, rng.choices(self._members[kind], cum_weights=self._weights[kind], k=_DRAWS)):
            if other in taken:
                continue
            by_form: dict[tuple[int, bool], list[str]] = {}
            for name in self.kb.names(other):
                if _is_name(name):
                    by_form.setdefault(_form(name), []).append(name)
            if all(_form(surface) in by_form for surface in surfaces):
                return other, {surface: rng.choice(by_form[_form(surface)]) for surface in surfaces}
        return None


def _is_name(text: str) -> bool:
    """Whether nothing else stands at the edges of a name, such as a bracket whose other half is outside."""
    return _NAME.fullmatch(text) is not None and text.count("(") == text.count(")")


def _form(name: str) -> tuple[int, bool]:
    """Number of words, and whether one is a symbol ("FKBP12", "TNF-alpha"): a digit, or capitals after the first."""
    words = _WORD.findall(name)
    return len(words), any(word[0].isdigit() or not (word[1:].islower() or len(word) == 1) for word in words)


def _innermost(mentions: Sequence[Mention]) -> list[bool]:
    """Whether no other mention begins or ends inside a mention."""
    borders = sorted({border for m in mentions for border in (m.start, m.end)})
    return [bisect(borders, m.start) == bisect(borders, m.end - 1) for m in mentions]


def _rewrite(text: AnnotatedText, swaps: dict[tuple[int, int], tuple[str, str]]) -> AnnotatedText:
    """The text with other names at these offsets, none of which overlap, and identifiers of their concepts; a mention
    around a swapped name loses its own, as the new one is not known."""
    pieces: list[str] = []
    borders, shifts = [0], [0]  # what ends at a border, or later, is shifted
    position = 0
    for (start, end), (name, _) in sorted(swaps.items()):
        pieces += [text.text[position:start], name]
        borders.append(end)
        shifts.append(shifts[-1] + len(name) - (end - start))
        position = end

    def moved(mention: Mention) -> Mention:
        before, after = bisect(borders, mention.start), bisect(borders, mention.end)
        _, kb_id = swaps.get((mention.start, mention.end), ("", mention.kb_id if before == after else ""))
        start, end = mention.start + shifts[before - 1], mention.end + shifts[after - 1]
        return mention._replace(start=start, end=end, kb_id=kb_id)

    return replace(
        text,
        text="".join([*pieces, text.text[position:]]),
        mentions=[moved(mention) for mention in text.mentions],
        sentences=text.sentences and [start + shifts[bisect(borders, start) - 1] for start in text.sentences],
    )
