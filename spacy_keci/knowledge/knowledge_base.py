"""A compiled knowledge base: opened read-only and memory-mapped, safe for many processes at once."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..identifiers import canonical_id, vocabulary_here
from .folder import OpenFolder, unpack
from .fuzzy import FuzzyIndex
from .graph import ConceptGraph, SubgraphBatch
from .lexicon import Lexicon
from .storage import KnowledgeBaseError

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
    identifiers: list[str]


class KnowledgeBase:
    """``KnowledgeBase(folder)`` opens what ``spacy keci kb build`` wrote.

    Concepts have numbers, 0 to ``len(kb) - 1``, which hold within one compiled knowledge base, and identifiers
    (``HGNC:11998``), which hold anywhere. An open knowledge base does not change when its folder is replaced, nor
    do its copies: pickling stores the path, or the files where the path holds another one by then. Raises
    KnowledgeBaseError if the folder holds no complete knowledge base of this format.

    labels: of relations, by number. types: semantic types (TUIs), by number. type_names: TUI to name. vectors: initial
    vectors by name, (concepts + types, width), half precision, zero where there is none. fuzzy: the index for similar
    names, None if the knowledge base has none.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder)
        self.files = files = OpenFolder(self.path)
        self.manifest = files.manifest
        self.labels: list[str] = self.manifest["labels"]
        self.types: list[str] = self.manifest["types"]
        self.type_names: dict[str, str] = self.manifest["type_names"]
        self._ids, self._names = files.strings("ids"), files.strings("names")
        self._source_of = files.array("concepts.source")
        self._names_indptr = files.array("concepts.names.indptr")
        self._names_name = files.array("concepts.names")
        self._id_trie = files.trie("ids")
        self._id_concept = files.array("ids.concept")
        self.lexicon = Lexicon(files, self._names)
        self.graph = ConceptGraph(files)
        self._definitions = files.strings("definitions") if "definitions.utf8" in files else ()
        self._definition_of = files.array("concepts.definition") if "concepts.definition.npy" in files else None
        self.fuzzy = FuzzyIndex(files) if "fuzzy.grams.npy" in files else None
        names = [name.removesuffix(".npy") for name in files.buffers if name.startswith("vectors.")]
        self.vectors: dict[str, NDArray[Any]] = {name.split(".")[1]: files.array(name) for name in names}

    def __reduce__(self) -> tuple[Any, ...]:
        try:
            is_there = OpenFolder(self.path).identity == self.files.identity
        except KnowledgeBaseError:
            is_there = False
        if is_there:
            return _open_again, (str(self.path), self.files.identity)
        return TemporaryKnowledgeBase, (partial(unpack, self.files.pack()),)

    def __len__(self) -> int:
        return len(self._ids)

    def index(self, concept: str) -> int:
        """Number of a concept, by any of its identifiers (``UniProt:P04637``). Raises KeyError."""
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
        """Main identifier of a concept: that of the source that came first."""
        return str(self._ids[index])

    def identifiers(self, concept: str | int) -> list[str]:
        """All identifiers of a concept: the main one, those of the vocabularies that were merged into it, then
        alternative ones. Raises KeyError."""
        index = self.index(concept) if isinstance(concept, str) else concept
        first, keys = self._identifiers
        found = [str(self._id_trie.restore_key(key)) for key in keys[first[index] : first[index + 1]].tolist()]
        own = self.id(index)
        return [own, *(id for id in found if id != canonical_id(own))]

    def preferred_id(self, index: int, vocabularies: Sequence[str]) -> str:
        """The identifier of a concept in the first of the vocabularies that has it, else the main one.

        vocabularies: as identifiers begin, ``["MESH", "NCBIGene"]``; ``"UMLS"`` for those without a prefix.
        """
        by_vocabulary: dict[str, str] = {}
        for id in self.identifiers(index) if vocabularies else ():
            by_vocabulary.setdefault(vocabulary_here(id), id)
        return next((by_vocabulary[v] for v in vocabularies if v in by_vocabulary), self.id(index))

    def vocabularies(self, names: Iterable[str]) -> tuple[str, ...]:
        """Vocabularies as identifiers here begin, however they are called elsewhere (``MeSH``, ``UMLS_CUI``). Raises
        ValueError for those of which no concept has an identifier."""
        found = tuple(vocabulary_here(f"{name}:x") for name in names)
        if missing := [name for name in found if not self.has_vocabulary(name)]:
            raise ValueError(f"No concept of the knowledge base {self.path} has an identifier of {', '.join(missing)}.")
        return found

    def has_vocabulary(self, vocabulary: str) -> bool:
        """Whether any concept has an identifier of a vocabulary, such as ``MESH``."""
        if vocabulary == "UMLS":
            return any(":" not in id for id in self._id_trie.iterkeys("C"))
        return any(True for _ in self._id_trie.iterkeys(f"{vocabulary}:"))

    @cached_property
    def _identifiers(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """By concept, (concepts + 1,) and (identifiers,) in CSR form: keys of the trie of identifiers, best first."""
        if "concepts.ids.npy" in self.files:
            return self.files.array("concepts.ids.indptr"), self.files.array("concepts.ids")
        # written by an earlier version of the package, which did not keep their order
        keys = np.argsort(self._id_concept, kind="stable")
        return np.searchsorted(self._id_concept[keys], np.arange(len(self) + 1)), keys

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
        row = -1 if self._definition_of is None else int(self._definition_of[index])
        return "" if row < 0 else self._definitions[row]

    def concept_types(self, index: int) -> list[str]:
        """Semantic types (TUIs) of a concept, the main one first."""
        return [self.types[t] for t in self.graph.types(index)]

    def related(self, index: int, label: str) -> list[int]:
        """Concepts to which a concept has a relation with this label."""
        labels, targets = self.graph.relations(index)
        return targets[labels == self._label_numbers.get(label, -1)].tolist()

    @cached_property
    def _label_numbers(self) -> dict[str, int]:
        return {label: number for number, label in enumerate(self.labels)}

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
            self.identifiers(index),
        )

    def induce(self, texts: Any, concepts: Any) -> SubgraphBatch:
        """The graphs of a batch of texts; see :meth:`ConceptGraph.induce`."""
        return self.graph.induce(texts, concepts, self.labels.index(HAS_TYPE))


class TemporaryKnowledgeBase(KnowledgeBase):
    """A knowledge base in a temporary folder, which is deleted with it. Pickling stores the files.

    fill: makes the folder, with a compiled knowledge base in it.
    """

    def __init__(self, fill: Callable[[Path], object]) -> None:
        # open files stay readable on every system that maps them
        self._temporary = TemporaryDirectory(prefix="spacy-keci-", ignore_cleanup_errors=True)
        folder = Path(self._temporary.name) / "kb"
        fill(folder)
        super().__init__(folder)

    def __reduce__(self) -> tuple[Any, ...]:
        return TemporaryKnowledgeBase, (partial(unpack, self.files.pack()),)


def _open_again(path: str, identity: str) -> KnowledgeBase:
    kb = KnowledgeBase(path)
    if kb.files.identity != identity:
        raise KnowledgeBaseError(
            f"{path} has been replaced since the object that uses it was pickled. Build it again from the same "
            "sources, or save the pipeline with nlp.to_disk() instead of pickling it."
        )
    return kb
