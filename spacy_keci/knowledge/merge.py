"""When concepts of different vocabularies become one: what the Metathesaurus does by hand, done by plain rules.

:mod:`.identity` gathers the evidence.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .normalize import fold, normalize

# vocabularies whose names, except for the preferred ones, are codes that only they share
CODED = ("PFAM:", "IPR:")
# relations to what is above a concept
HIERARCHY = ("is_a", "part_of", "member_of")
_SHORT = 8
_FEW = 8  # concepts of a vocabulary with the same reference, beyond which it is one of a group
_SYMBOL = re.compile(r"\w[A-Z]")


class Clusters:
    """Concepts that are one. A cluster has at most one concept of each vocabulary, and none that is above another.

    ``groups``: the semantic groups of each concept, the main one first. Concepts become one if their main groups are
    the same, or, where the evidence is ``strong``, if they share a group.
    """

    def __init__(self, vocabularies: Sequence[int], groups: Sequence[tuple[str, ...]]) -> None:
        self._parent = list(range(len(groups)))
        # by the concept that stands for a cluster of several
        self._members: dict[int, set[int]] = {}
        self._relatives: dict[int, set[int]] = defaultdict(set)
        self.vocabularies, self.groups = vocabularies, groups

    def set_above(self, a: int, b: int) -> None:
        """Say that one of two concepts, such as a family and its member, is above the other."""
        self._relatives[a].add(b)
        self._relatives[b].add(a)

    def find(self, concept: int) -> int:
        while self._parent[concept] != concept:
            self._parent[concept] = concept = self._parent[self._parent[concept]]
        return concept

    def merge(self, a: int, b: int, strong: bool) -> bool:
        """Make two concepts one, if that is allowed; the one that came first stands for both."""
        is_alike = self.groups[a][:1] == self.groups[b][:1]
        if not is_alike and not (strong and set(self.groups[a]) & set(self.groups[b])):
            return False
        a, b = sorted((self.find(a), self.find(b)))
        if a == b:
            return True
        ours, theirs = self._members.get(a, {a}), self._members.get(b, {b})
        vocabularies = [{self.vocabularies[concept] for concept in members} for members in (ours, theirs)]
        if vocabularies[0] & vocabularies[1] or self._relatives.get(a, set()) & theirs:
            return False
        self._members[a] = ours | theirs
        if b in self._relatives:
            self._relatives[a] |= self._relatives[b]
        self._parent[b] = a
        return True

    def representatives(self) -> NDArray[np.int32]:
        """The concept that stands for each, (n,)."""
        return np.array([self.find(c) for c in range(len(self._parent))], np.int32)


def merge_by_reference(
    clusters: Clusters, references: Iterable[tuple[int, int]], is_above: Callable[[int, int], bool]
) -> None:
    """Merge concepts that refer to the same thing: (concept, reference), where a reference may be a concept itself.

    Only references that are one to one: no other concept of the vocabulary has it, or all others that do lie below
    this one (``is_above(this, other)``): a vocabulary that is less fine has one term for a disease and its kinds.
    """
    by_reference: dict[int, dict[int, None]] = defaultdict(dict)
    for concept, reference in references:
        by_reference[reference][concept] = None
    for concepts in by_reference.values():
        for concept, other in combinations(one_of_each_vocabulary(clusters, concepts, is_above), 2):
            clusters.merge(concept, other, strong=True)


def merge_by_name(
    clusters: Clusters, preferred: Sequence[str], names: Iterable[tuple[int, str]], related: set[tuple[int, int]]
) -> None:
    """Merge a concept with those of other vocabularies that have its preferred name among their names.

    ``preferred``: :func:`key_for_merging` of the preferred name of each concept; ``names``: (concept, key), all of
    them. A name that several concepts of a vocabulary have says nothing of these. Concepts that are related in any way
    stay apart. Across main groups (a gene and its protein) short names do not count.
    """
    wanted = set(preferred)
    holders: dict[str, list[int]] = defaultdict(list)
    for concept, key in names:
        if len(key) > 2 and key in wanted:
            holders[key].append(concept)
    for concept, key in enumerate(preferred):
        alone = one_of_each_vocabulary(clusters, holders.get(key, ()))
        for other in alone if concept in alone else ():
            if other != concept and (concept, other) not in related and (other, concept) not in related:
                clusters.merge(concept, other, strong=len(key) > _SHORT)


def key_for_merging(name: str, preferred: bool) -> str:
    """What names of one concept in several vocabularies have in common; "" for a name that says nothing of that.

    Symbols are shared by chance: TRP are channels, and tryptophan. Short ones count only where they are preferred, and
    as they are written. A word for the gene at the end does not count.
    """
    name = name.removesuffix(" Gene").removesuffix(" gene")
    key = normalize(name)
    if len(key) <= _SHORT and _SYMBOL.search(name):
        return fold(name) if preferred else ""
    return key


def one_of_each_vocabulary(
    clusters: Clusters, concepts: Iterable[int], is_above: Callable[[int, int], bool] | None = None
) -> list[int]:
    """The concepts that are alone in their vocabulary, or above all others there."""
    by_vocabulary: dict[int, list[int]] = defaultdict(list)
    for concept in dict.fromkeys(concepts):
        by_vocabulary[clusters.vocabularies[concept]].append(concept)
    chosen = []
    for several in by_vocabulary.values():
        if len(several) == 1:
            chosen.append(several[0])
        elif is_above is not None and len(several) <= _FEW:
            chosen += [c for c in several if all(is_above(c, other) for other in several if other != c)]
    return chosen


@lru_cache(maxsize=1)
def semantic_groups() -> dict[str, str]:
    """Semantic group of each semantic type, from ``semantic_groups.tsv``."""
    lines = (Path(__file__).parent / "semantic_groups.tsv").read_text(encoding="utf8").splitlines()
    return dict(line.split("\t")[:2] for line in lines if line and not line.startswith("#"))
