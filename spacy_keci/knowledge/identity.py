"""Evidence that concepts of several vocabularies are one: references that their sources give, and names they share."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..identifiers import vocabulary_of
from .collect import Collection
from .merge import (
    CODED,
    HIERARCHY,
    Clusters,
    key_for_merging,
    merge_by_name,
    merge_by_reference,
    one_of_each_vocabulary,
    semantic_groups,
)
from .normalize import normalize
from .sources.ncbi_gene import IN_TAXON
from .sources.ontology import EXACT, SEE_ALSO, XREF
from .storage import StringTable

# Prefixes of references that are no evidence: classifications, whose codes stand for groups of things (diseases,
# organisms, reactions, drugs), and documents; all editions of some too. Letters and digits in lower case.
_NOT_ONE_THING = (
    "ncbitaxid", "ncbitaxon", "taxonomy", "ec", "eccode", "enzyme", "meddra", "loinc", "rhea",
    "atc", "dsm", "icf",
    "wikipedia", "wiki", "pmid", "pubmed", "pmc", "doi", "isbn", "goc", "orcid", "http", "https", "url", "news",
)  # fmt: skip
_EDITIONS = ("icd", "umlsicd", "icpc", "dsmi", "dsmv", "dsm3", "dsm4", "dsm5")  # not DSMZ, which has strains
_FARTHEST = 32  # steps of is_a


@dataclass(frozen=True)
class Identity:
    """concept: the concept of each identifier, (identifiers,), -1 where there is none. main: the number of the concept
    that stands for each merged one, (merged concepts,)."""

    concept: NDArray[np.int32]
    main: NDArray[np.int32]


def find_identity(collection: Collection, merge: bool) -> Identity:
    """Which concepts there are, and which identifiers each of them has.

    With ``merge``, concepts of several vocabularies become one where references or names say so. An identifier that no
    source describes belongs to the concept that refers to it, where its source says that they are one: MESH:D001943
    is found without MeSH, as DOID has it.
    """
    concept = collection.concepts()
    heads, labels, targets = collection.relations
    refers = np.isin(labels, [collection.labels.get(label, -1) for label in (XREF, EXACT)]) & (concept[heads] >= 0)
    if not merge and not refers.any():  # saves the memory for evidence: a release of UMLS is large
        return Identity(concept, np.arange(collection.n_concepts, dtype=np.int32))
    evidence = _Evidence(collection, concept)
    evidence.read_references(heads[refers], targets[refers])
    evidence.read_relations(heads[~refers], labels[~refers], targets[~refers])
    if merge:
        evidence.merge()
    merged = evidence.clusters.representatives()
    main = np.flatnonzero(merged == np.arange(len(merged)))
    new = np.full(len(merged), -1, np.int32)
    new[main] = np.arange(len(main))
    concept[concept >= 0] = new[merged[concept[concept >= 0]]]
    for identifier, holder in evidence.known_by_reference():
        concept[identifier] = new[merged[holder]]
    return Identity(concept, main.astype(np.int32))


class _Evidence:
    """What the sources say. Concepts are numbered from 0, identifiers without a concept from ``n`` on."""

    def __init__(self, collection: Collection, concept: NDArray[np.int32]) -> None:
        self.collection, self.concept = collection, concept
        self.ids = list(collection.numbers)
        self.table = collection.ids.close()
        self.names: StringTable = collection.names.close()
        self.n = len(self.table)
        self.references: list[tuple[int, int]] = []
        self.related: set[tuple[int, int]] = set()
        self.of_one_species: set[int] = set()
        self.parents: dict[int, list[int]] = defaultdict(list)
        self.clusters = Clusters(self._vocabularies(), self._groups())

    def read_references(self, heads: NDArray[np.int32], targets: NDArray[np.int32]) -> None:
        """References, from identifiers of concepts to any identifiers."""
        for head, target in zip(heads.tolist(), targets.tolist(), strict=True):
            if _names_one_thing(self.ids[target]):
                h, t = int(self.concept[head]), int(self.concept[target])
                reference = t if t >= 0 else self.n + target
                self.references.append((h, reference))
                if t >= 0:
                    self.references.append((t, reference))

    def read_relations(self, heads: NDArray[np.int32], labels: NDArray[np.int16], targets: NDArray[np.int32]) -> None:
        """All other relations: which concepts are related, so that they are two, and which lie above which."""
        number = self.collection.labels
        self.of_one_species.update(self.concept[heads[labels == number.get(IN_TAXON, -1)]].tolist())
        above = {number.get(label, -1) for label in HIERARCHY}
        is_a, see_also = number.get("is_a", -1), number.get(SEE_ALSO, -1)
        h, t = self.concept[heads], self.concept[targets]
        known = (h >= 0) & (t >= 0) & (labels != see_also)
        for head, label, target in zip(h[known].tolist(), labels[known].tolist(), t[known].tolist(), strict=True):
            self.related.add((head, target))
            if label in above:
                self.clusters.set_above(target, head)
            if label == is_a:
                self.parents[head].append(target)

    def merge(self) -> None:
        merge_by_reference(self.clusters, self.references, self.is_above)
        for coded in (False, True):
            first: dict[int, str] = {}
            for c, key in self._name_keys(coded):
                first.setdefault(c, key)
            preferred = [first.get(c, "") for c in range(self.n)]
            merge_by_name(self.clusters, preferred, self._name_keys(coded), self.related)

    def is_above(self, concept: int, other: int) -> bool:
        """Whether ``other`` is a kind of ``concept``."""
        level, seen = [other], {other}
        for _ in range(_FARTHEST):
            level = [parent for each in level for parent in self.parents.get(each, ()) if parent not in seen]
            if concept in level:
                return True
            seen.update(level)
        return False

    def known_by_reference(self) -> Iterator[tuple[int, int]]:
        """(identifier, concept) of identifiers that no source describes, and the one concept that refers to each."""
        by_reference: dict[int, dict[int, None]] = defaultdict(dict)
        for concept, reference in self.references:
            if reference >= self.n:
                by_reference[reference - self.n][concept] = None
        for identifier, concepts in by_reference.items():
            holders = one_of_each_vocabulary(self.clusters, concepts, self.is_above)
            if len({self.clusters.find(c) for c in holders}) == 1:
                yield identifier, holders[0]

    def _vocabularies(self) -> list[int]:
        """Of each concept. Identifiers without a prefix (those of UMLS) are one vocabulary."""
        numbers: dict[str, int] = {}
        own = np.flatnonzero(self.collection.is_own())
        vocabularies = [0] * self.n
        for number in own.tolist():
            vocabularies[self.concept[number]] = numbers.setdefault(vocabulary_of(self.ids[number]), len(numbers))
        return vocabularies

    def _groups(self) -> list[tuple[str, ...]]:
        """Semantic groups of each concept, as the first source that has its types says."""
        of_type, types = semantic_groups(), list(self.collection.type_sets)
        groups: list[tuple[str, ...]] = [()] * self.n
        for number, which in zip(*self.collection.types, strict=True):
            c = int(self.concept[number])
            if c >= 0 and not groups[c]:
                groups[c] = tuple(dict.fromkeys(of_type.get(tui, tui) for tui in types[which]))
        return groups

    def _name_keys(self, coded: bool) -> Iterator[tuple[int, str]]:
        """(concept, key) of the names that say what a concept is, the preferred one first; not of the genes of a
        species, which share their names with those of others.

        With ``coded``, of the vocabularies whose names are codes, and the codes too.
        """
        seen = bytearray(self.n)
        for number, name in zip(self.collection.name_owner.tolist(), self.names, strict=True):
            c, is_coded = int(self.concept[number]), self.ids[number].startswith(CODED)
            if c < 0 or c in self.of_one_species or (coded and not is_coded):
                continue
            preferred = not seen[c]
            seen[c] = 1
            if coded:
                yield c, normalize(name)
            elif preferred or not is_coded:
                yield c, key_for_merging(name, preferred)


def _names_one_thing(id: str) -> bool:
    """Whether a reference to an identifier can say what a concept is."""
    prefix = "".join(c for c in vocabulary_of(id).lower() if c.isalnum())
    return prefix not in _NOT_ONE_THING and not prefix.startswith(_EDITIONS)
