"""Concepts of a mention whose type is known: those of the type, with an identifier of a preferred vocabulary."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from .crosswalk import Crosswalk
from .knowledge_base import KnowledgeBase
from .merge import semantic_groups
from .normalize import normalize
from .rephrase import rephrase
from .sources.ncbi_gene import IN_TAXON

_NEVER = (1 << 16, True)
_MOST_NAMES = 60  # of what lies above the last word of a mention


@dataclass(frozen=True)
class MentionType:
    """What mentions with a label name.

    types: semantic types, or semantic groups (``"DISO"``), of the concepts; those of the first are preferred.
    prefer: the vocabularies to take identifiers from, in order; none: any.
    broader: whether a mention for which these have no concept stands for a broader one.
    variant: whether they are sequence variants, which are not looked up: their normal form
        (:func:`~spacy_keci.knowledge.sequence_variants.variant_form`) is their identifier.
    species_from: the label of the mentions that tell the species, for genes; empty: the species is not used.
    species: identifier of the species of those concepts for which the knowledge base says none; empty: unknown.
    """

    types: tuple[str, ...]
    prefer: tuple[str, ...] = ()
    broader: bool = False
    variant: bool = False
    species_from: str = ""
    species: str = ""


class Found(NamedTuple):
    """Concepts, best first, and whether the first of them have a preferred identifier."""

    concepts: list[int]
    is_identified: bool


class TypedLookup:
    """Looks up the texts of mentions of one type."""

    def __init__(self, kb: KnowledgeBase, wanted: MentionType) -> None:
        self.kb, self.wanted = kb, wanted
        self.crosswalks = [Crosswalk(kb, vocabulary) for vocabulary in wanted.prefer]
        self._default_species = kb.index(wanted.species) if wanted.species else None
        self._rank = lru_cache(maxsize=1 << 16)(self._rank_of)
        self._look_up = lru_cache(maxsize=1 << 16)(self._look_up_text)

    def __reduce__(self) -> tuple[Any, ...]:
        return TypedLookup, (self.kb, self.wanted)

    def __call__(self, text: str, long_form: str | None = None, species: int | None = None) -> list[int]:
        """Concepts, best first. long_form: what the text stands for, where it is an abbreviation that is defined.
        species: the concept of the species, where the text names one, or -1 for a species that the knowledge base does
        not have. Genes of another one are left out, and those of unknown species come last.

        A short form has the concepts of its long form; its own count only if the long form is unknown.
        """
        own = self._look_up(text, species)
        if long_form is None:
            return own.concepts
        long = self._look_up(long_form, species)
        first, second = (own, long) if own.is_identified and not long.is_identified else (long, own)
        return first.concepts if first.is_identified else _unique([*first.concepts, *second.concepts])

    def _look_up_text(self, text: str, species: int | None) -> Found:
        """The first way that leads to a concept with a preferred identifier is used: the text itself, other
        texts for it, what is broader, and last concepts of which the type is not the main one. A text without letters
        or digits has no concepts: to rephrase "-" as "- disease" would find any disease."""
        if not normalize(text):
            return Found([], False)
        weak: list[int] = []
        for concepts in self._ways(text):
            fitting = self._of_species(self.fitting(concepts), species)
            if found := self._of_species(self._identified(fitting, species), species):
                return Found(_unique([*found, *fitting, *weak]), True)
            weak += fitting
        by_other_type = [c for c in self.kb.lexicon.lookup(text) if self._is_also(c) and self._is_wanted(c)]
        by_other_type = self._of_species(by_other_type, species)
        return Found(_unique([*by_other_type, *weak]), bool(by_other_type))

    def _ways(self, text: str) -> Iterator[Iterable[int]]:
        look_up = self.kb.lexicon.lookup
        exact = look_up(text)
        yield exact
        for other in rephrase(text):
            yield look_up(other)
        if not self.wanted.broader:
            return
        words = text.split()
        heads = [" ".join(words[i:]) for i in range(1, len(words))]
        for head in heads[:-1]:
            yield look_up(head)
        for name in self._broader_names(words[-1]) if heads else ():
            yield look_up(" ".join([*words[:-1], name]))
        for concept in self.fitting(exact)[:1]:
            for crosswalk in self.crosswalks:
                yield crosswalk.above(concept, self.fits)
        for head in heads[-1:]:
            yield look_up(head)

    def _broader_names(self, word: str) -> list[str]:
        """Words for what the word names or is a kind of: of "adenocarcinoma", "carcinoma" and "neoplasm"."""
        names: list[str] = []
        for concept in self.fitting(self.kb.lexicon.lookup(word))[:1]:
            for broader in (concept, *(self.crosswalks[0].ancestors(concept) if self.crosswalks else ())):
                if self.fits(broader):
                    names += [name for name in self.kb.names(broader) if " " not in name]
        return list(dict.fromkeys(names))[:_MOST_NAMES]

    def _identified(self, fitting: list[int], species: int | None) -> list[int]:
        """Those with a preferred identifier, or else what they are in the vocabulary."""

        def fits(concept: int) -> bool:  # what a reference or a name leads to may be a gene of another species
            return self.fits(concept) and bool(self._of_species([concept], species))

        if not self.crosswalks:
            return fitting
        for crosswalk in self.crosswalks:
            if found := [c for c in fitting if crosswalk.is_goal(c)]:
                return found
            if found := [same for c in fitting for same in crosswalk.same(c, fits)]:
                return found
        return []

    def fitting(self, concepts: Iterable[int]) -> list[int]:
        """The concepts whose main type is that of the mention, those that fit better first."""
        return sorted((c for c in _unique(concepts) if self.fits(c)), key=self._rank)

    def _of_species(self, concepts: list[int], species: int | None) -> list[int]:
        """Those of a species, then those of unknown species; if none is asked for, then all others."""
        own: list[int] = []
        unknown: list[int] = []
        others: list[int] = []
        asked = self._default_species if species is None else species
        for concept in concepts:
            taxa = self.kb.related(concept, IN_TAXON)
            if not taxa and self._default_species is not None and self._is_wanted(concept):
                taxa = [self._default_species]
            (own if asked in taxa else others if taxa else unknown).append(concept)
        return own + unknown + (others if species is None else [])

    def fits(self, concept: int) -> bool:
        return self._rank(concept) < _NEVER

    def _rank_of(self, concept: int) -> tuple[int, bool]:
        """Lower for what fits better: the first of the types, and others of them too (a gene with a protein)."""
        types = self.kb.concept_types(concept)
        if not types or not any(_is_of(types[0], wanted) for wanted in self.wanted.types):
            return _NEVER
        matches = [i for i, wanted in enumerate(self.wanted.types) if any(_is_of(type, wanted) for type in types)]
        return matches[0], len(matches) == 1

    def _is_also(self, concept: int) -> bool:
        types = self.kb.concept_types(concept)
        return any(_is_of(type, wanted) for type in types for wanted in self.wanted.types)

    def _is_wanted(self, concept: int) -> bool:
        return any(crosswalk.is_goal(concept) for crosswalk in self.crosswalks)


def _is_of(type: str, wanted: str) -> bool:
    """Whether a semantic type is the required one, or of that group."""
    return wanted in (type, semantic_groups().get(type))


def _unique(concepts: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(concepts))
