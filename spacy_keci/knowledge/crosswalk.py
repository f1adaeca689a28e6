"""From a concept to those that have an identifier of the preferred vocabulary, if it has none itself.

In the order of Bodenreider et al. 1998, Beyond synonymy: exploiting the UMLS semantics in mapping vocabularies: what
references say, names that are shared, then what is broader.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from ..identifiers import vocabulary_here
from .knowledge_base import KnowledgeBase
from .merge import semantic_groups
from .normalize import normalize
from .sources.ontology import EXACT, SEE_ALSO, XREF
from .variants import SALTS

_REFERENCES = (EXACT, XREF, "close_match", SEE_ALSO, "broad_match", "related_match")
_STEPS = 3  # of is_a; farther, everything is a disease
_MOST_NAMES = 40
_SHORT = 4  # characters of names that say nothing

# how MeSH calls the proteins of its supplementary records
_HUMAN_PROTEIN = re.compile(r"(\S+) protein(?:, human)?")

Fits = Callable[[int], bool]


class Crosswalk:
    """vocabulary: as identifiers begin; a concept with an identifier of it is a goal."""

    def __init__(self, kb: KnowledgeBase, vocabulary: str) -> None:
        self.kb, self.vocabulary = kb, vocabulary
        self.is_goal = lru_cache(maxsize=1 << 16)(self._is_goal)

    def _is_goal(self, concept: int) -> bool:
        return any(vocabulary_here(id) == self.vocabulary for id in self.kb.identifiers(concept))

    def same(self, concept: int, fits: Fits) -> list[int]:
        """Goals that a reference of the concept, or else one of its names, leads to, or its name with a salt: a drug
        of which the vocabulary has the salt alone. fits: which concepts are of the required type."""
        for label in _REFERENCES:
            if goals := [c for c in self.kb.related(concept, label) if self.is_goal(c) and fits(c)]:
                return goals[:1]
        names = [name for name in self.kb.names(concept)[:_MOST_NAMES] if len(normalize(name)) > _SHORT]
        names += [found[1] for name in names if (found := _HUMAN_PROTEIN.fullmatch(name))]
        for name in (*names, *(f"{name} {salt}" for name in names[:2] for salt in SALTS)):
            if goals := [c for c in self.kb.lexicon.lookup(name) if self.is_goal(c) and fits(c)]:
                return goals
        return []

    def above(self, concept: int, fits: Fits) -> list[int]:
        """The nearest goals that the concept is a kind of, without those that lie above another of them."""
        level, seen = [concept], {concept}
        group = self._group(concept)
        for _ in range(_STEPS):
            level = [p for p in dict.fromkeys(p for c in level for p in self.kb.related(c, "is_a")) if p not in seen]
            seen.update(level)
            if goals := [c for c in level if self.is_goal(c) and fits(c) and self._group(c) == group]:
                return [c for c in goals if not any(c in self.ancestors(other) for other in goals if other != c)]
        return []

    def ancestors(self, concept: int) -> list[int]:
        """What lies above a concept, the nearest first."""
        found, level = dict[int, None](), [concept]
        for _ in range(_STEPS):
            level = [p for c in level for p in self.kb.related(c, "is_a") if p not in found]
            found.update(dict.fromkeys(level))
        return list(found)

    def _group(self, concept: int) -> str:
        types = self.kb.concept_types(concept)
        return semantic_groups().get(types[0], types[0]) if types else ""
