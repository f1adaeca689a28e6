"""The names of concepts in annotated texts, which vocabularies may lack or give to other concepts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from .normalize import normalize


class AnnotatedName(NamedTuple):
    """A name in an annotated text. label: of its mention. species: the identifier of the species that the text names
    nearest, if that tells what the name means, else empty. text: number of the text."""

    label: str
    name: str
    species: str
    identifier: str
    text: int


class AnnotatedNames:
    """The identifier that most texts with a name give to it.

    rows: label, name as normalised, species and identifier; each of the first three together once.
    """

    def __init__(self, rows: Iterable[Iterable[str]] = ()) -> None:
        self._identifiers = {(label, name, species): identifier for label, name, species, identifier in rows}

    @classmethod
    def count(cls, names: Iterable[AnnotatedName]) -> AnnotatedNames:
        """Count names in texts. If identifiers are equally frequent, the first one is taken."""
        texts: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
        for label, name, species, identifier, _ in dict.fromkeys(n._replace(name=normalize(n.name)) for n in names):
            texts[label, name, species][identifier] += 1
        return cls((*key, max(counts, key=counts.__getitem__)) for key, counts in texts.items() if key[1])

    def look_up(self, label: str, name: str, species: str = "") -> str:
        """The identifier, as annotated; empty if there is none."""
        return self._identifiers.get((label, normalize(name), species), "") if self._identifiers else ""

    def rows(self) -> list[list[str]]:
        """Label, name, species and identifier of each, for a new object."""
        return [[*key, identifier] for key, identifier in self._identifiers.items()]

    def __len__(self) -> int:
        return len(self._identifiers)
