"""A compiled knowledge base: opened read-only and memory-mapped, safe for many processes at once."""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import marisa_trie
import numpy as np
from numpy.typing import NDArray

from ..identifiers import canonical_id
from .fuzzy import FuzzyIndex
from .graph import ConceptGraph, SubgraphBatch
from .lexicon import Lexicon
from .storage import KnowledgeBaseError, StringTable, open_array, pack_folder, read_manifest, unpack_folder

HAS_TYPE = "has_type"


class ConceptEntry(NamedTuple):
    """What the knowledge base says of a concept; relations are (label, identifier of the target)."""

    id: str
    name: str
    names: list[str]
    types: list[str]
    definition: str
    relations: list[tuple[str, str]]
    source: str


class KnowledgeBase:
    """``KnowledgeBase(folder)`` opens what ``spacy keci kb build`` wrote.

    Concepts have numbers, 0 to ``len(kb) - 1``, which hold within one compiled knowledge base, and identifiers
    (``HGNC:11998``), which hold anywhere. Pickling stores the path. Raises KnowledgeBaseError if the folder holds no
    complete knowledge base of this format.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder)
        self.manifest = read_manifest(self.path)
        try:
            self._open()
        except (OSError, RuntimeError, KeyError) as error:
            raise KnowledgeBaseError(f"{self.path} is damaged ({error}). Compile it anew.") from None

    def _open(self) -> None:
        self.labels: list[str] = self.manifest["labels"]
        self.types: list[str] = self.manifest["types"]
        self.type_names: dict[str, str] = self.manifest["type_names"]
        self._ids = StringTable(self.path, "ids")
        self._names = StringTable(self.path, "names")
        self._definitions = StringTable(self.path, "definitions")
        self._definition_of = open_array(self.path / "concepts.definition.npy")
        self._source_of = open_array(self.path / "concepts.source.npy")
        self._names_indptr = open_array(self.path / "concepts.names.indptr.npy")
        self._names_name = open_array(self.path / "concepts.names.npy")
        self._id_trie = marisa_trie.Trie().mmap(str(self.path / "ids.trie"))
        self._id_concept = open_array(self.path / "ids.concept.npy")
        self.lexicon = Lexicon(self.path, self._names)
        self.graph = ConceptGraph(self.path)

    def __reduce__(self) -> tuple[Any, ...]:
        return KnowledgeBase, (str(self.path),)

    def __len__(self) -> int:
        return len(self._ids)

    def index(self, concept: str) -> int:
        """Number of a concept, by identifier or alternative identifier (``UniProt:P04637``). Raises KeyError."""
        key = self._key(concept)
        if key is None:
            raise KeyError(f"The knowledge base {self.path} has no concept {concept!r}.")
        return int(self._id_concept[key])

    def __contains__(self, concept: str) -> bool:
        return self._key(concept) is not None

    def indices(self, concepts: Sequence[str]) -> NDArray[np.int64]:
        """Numbers of concepts, (n,); -1 for those that are not in the knowledge base."""
        keys = [self._key(c) for c in concepts]
        return np.array([-1 if k is None else int(self._id_concept[k]) for k in keys], np.int64)

    def _key(self, concept: str) -> int | None:
        key: int | None = self._id_trie.get(concept)
        return self._id_trie.get(canonical_id(concept)) if key is None else key

    def id(self, index: int) -> str:
        """Identifier of a concept."""
        return str(self._ids[index])

    def name(self, index: int) -> str:
        """Preferred name of a concept."""
        return str(self._names[int(self._names_name[self._names_indptr[index]])])

    def names(self, index: int) -> list[str]:
        """Names of a concept, the preferred one first."""
        rows = self._names_name[self._names_indptr[index] : self._names_indptr[index + 1]]
        return list(dict.fromkeys(self._names[int(i)] for i in rows))

    def n_names(self, index: Any) -> Any:
        return self._names_indptr[index + 1] - self._names_indptr[index]

    def definition(self, index: int) -> str:
        """Definition of a concept, "" if there is none."""
        row = int(self._definition_of[index])
        return "" if row < 0 else str(self._definitions[row])

    def concept_types(self, index: int) -> list[str]:
        """Semantic types (TUIs) of a concept, the main one first."""
        return [self.types[t] for t in self.graph.types(index)]

    @cached_property
    def kinds(self) -> NDArray[np.int64]:
        """(concepts, 2): numbers of the vocabulary and of the main semantic type of each concept; -1: it has none."""
        first, end = self.graph.types_indptr[:-1], self.graph.types_indptr[1:]
        types = np.full(len(self), -1, np.int64)
        types[first < end] = self.graph.types_type[first[first < end]]
        return np.stack([np.asarray(self._source_of, np.int64), types], axis=1)

    def __getitem__(self, concept: str | int) -> ConceptEntry:
        """All about a concept, by identifier or number. Raises KeyError."""
        index = self.index(concept) if isinstance(concept, str) else concept
        labels, targets = self.graph.relations(index)
        return ConceptEntry(
            self.id(index),
            self.name(index),
            self.names(index),
            self.concept_types(index),
            self.definition(index),
            [(self.labels[label], self.id(target)) for label, target in zip(labels, targets, strict=True)],
            self.manifest["sources"][int(self._source_of[index])]["name"],
        )

    def induce(self, texts: Any, concepts: Any) -> SubgraphBatch:
        """The graphs of a batch of texts; see :meth:`ConceptGraph.induce`."""
        return self.graph.induce(texts, concepts, self.labels.index(HAS_TYPE))

    @cached_property
    def fuzzy(self) -> FuzzyIndex | None:
        """Names that are nearly right; None if the knowledge base was compiled without."""
        return FuzzyIndex(self.path) if (self.path / "fuzzy.grams.npy").exists() else None

    @cached_property
    def vectors(self) -> dict[str, NDArray[Any]]:
        """Initial vectors by name: (concepts + types, width), half precision, zero where there is none."""
        return {p.name.split(".")[1]: open_array(p) for p in sorted(self.path.glob("vectors.*.npy"))}


class TemporaryKnowledgeBase(KnowledgeBase):
    """A knowledge base in a temporary folder that goes when it goes. Pickling stores the files.

    fill: makes the folder, with a compiled knowledge base in it.
    """

    def __init__(self, fill: Callable[[Path], object]) -> None:
        # open files stay readable on every system that maps them
        self._temporary = TemporaryDirectory(prefix="spacy-keci-", ignore_cleanup_errors=True)
        folder = Path(self._temporary.name) / "kb"
        fill(folder)
        super().__init__(folder)

    def __reduce__(self) -> tuple[Any, ...]:
        return TemporaryKnowledgeBase, (partial(unpack_folder, pack_folder(self.path)),)
