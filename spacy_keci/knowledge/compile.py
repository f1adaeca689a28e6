"""Compile vocabularies into a knowledge base. Memory grows with the number of concepts and relations, not with text."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import marisa_trie
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ..identifiers import canonical_id, vocabulary_of
from .fuzzy import write_fuzzy
from .graph import write_edges
from .knowledge_base import HAS_TYPE, KnowledgeBase
from .lexicon import Lexicon, write_lexicon
from .merge import CODED, HIERARCHY, Clusters, key_for_merging, merge_by_name, merge_by_reference, semantic_groups
from .normalize import normalize
from .semantic_network import SemanticNetwork, read_semantic_network
from .sources import SOURCES, ConceptRecord, SourceReport, TypeTable
from .sources.record import checksum
from .storage import KnowledgeBaseError, StringTable, StringTableWriter, csr, expand, new_folder, write_manifest
from .vectors import add_vectors, parse_vectors

_MOST_LABELS = 32_767  # numbers of 16 bits


@dataclass(frozen=True)
class SourceFiles:
    """Files of one source: ``format`` is a name in ``SOURCES``."""

    format: str
    paths: list[Path]
    version: str = ""

    @classmethod
    def parse(cls, text: str) -> "SourceFiles":
        """From ``format=FILE`` or ``format=FILE,FILE``. Raises KnowledgeBaseError."""
        name, equals, files = text.partition("=")
        if not equals or name not in SOURCES:
            raise KnowledgeBaseError(
                f"Cannot read the source {text!r}: FORMAT=FILE is wanted (several files: FORMAT=FILE,FILE), with a "
                f"FORMAT of {', '.join(SOURCES)}."
            )
        paths = [Path(f) for f in files.split(",") if f]
        if not paths:
            raise KnowledgeBaseError(f"The source {text!r} names no file.")
        return cls(name, paths)


def compile_knowledge_base(
    out: Path,
    sources: Sequence[SourceFiles],
    semantic_network: Sequence[Path] = (),
    type_tables: Sequence[Path] = (),
    merge: bool = True,
    fuzzy: bool = True,
    vectors: Sequence[str] = (),
    encode_names: bool = True,
    overwrite: bool = False,
    max_errors: int = 1000,
    progress: bool = False,
) -> dict[str, SourceReport]:
    """Compile ``sources`` into the folder ``out``. Returns what was read and dropped, by source.

    Sources given first come first among the candidates of a name, and name and define the concepts that several
    of them have. With ``merge``, concepts of several vocabularies become one where their references or names say so
    (see ``merge.py``); with ``fuzzy``, the index for names that are nearly right is built too. ``vectors`` and
    ``encode_names``: see ``vectors.py``.

    Raises KnowledgeBaseError for sources or vectors that cannot be read, FileExistsError if ``out`` is there.
    """
    if not sources:
        raise KnowledgeBaseError("A knowledge base needs at least one source.")
    for each in vectors:
        parse_vectors(each)  # what is wrong with it is said now, not after the compilation
    types = TypeTable(*type_tables)
    reports: dict[str, SourceReport] = {}
    with new_folder(out, overwrite) as folder:
        with Compiler(folder) as compiler:
            entries = []
            for number, source in enumerate(sources):
                report = SourceReport(max_errors)
                title = f"{source.format}: {', '.join(p.name for p in source.paths)}"
                reports[title] = report
                before = compiler.n_concepts
                records = SOURCES[source.format].read(source.paths, types, report)
                n_records = 0
                for record in tqdm(records, title, unit=" records", disable=not progress):
                    compiler.add(record, number, report)
                    n_records += 1
                if not n_records:
                    why = "; ".join(report.summary())
                    raise KnowledgeBaseError(f"No concept could be read from {title}. {why}".rstrip())
                version = source.version or ", ".join(report.versions)
                licence = SOURCES[source.format].licence
                concepts = compiler.n_concepts - before
                entries.append(
                    {
                        "name": source.format,
                        "files": _checksums(source.paths),
                        "version": version,
                        "licence": licence,
                        "concepts": concepts,
                    }
                )
            network_report = SourceReport(max_errors)
            network = read_semantic_network(list(semantic_network), network_report)
            if semantic_network:
                reports["semantic network"] = network_report
            reports["knowledge base"] = compiler.report
            if progress:
                tqdm.write("Writing the lexicon and the graph …")
            compiler.finish(network, entries, merge, fuzzy, _checksums(semantic_network))
        # what was written must open before it gets its name
        KnowledgeBase(folder)
        for each in vectors:
            add_vectors(folder, each, encode_names, progress)
    return reports


def _checksums(paths: Sequence[Path]) -> list[dict[str, Any]]:
    files = [f for p in paths for f in (sorted(p.iterdir()) if p.is_dir() else [p])]
    return [{"name": f.name, "bytes": f.stat().st_size, "sha256": checksum(f)} for f in files if f.is_file()]


@dataclass
class Compiler:
    """Collects records on disk, then writes the knowledge base into ``folder``."""

    folder: Path
    report: SourceReport = field(default_factory=SourceReport)

    def __enter__(self) -> "Compiler":
        self._numbers: dict[str, int] = {}  # every identifier that was met, also of a concept that is yet to come
        self._concept = array("i")  # by that number: the concept, or -1
        self._alt: dict[int, int] = {}
        self._ids = StringTableWriter(self.folder, "ids")
        self._names = StringTableWriter(self.folder, "names")
        self._definitions = StringTableWriter(self.folder, "definitions")
        self._source = bytearray()
        self._name_owner = array("i")
        self._definition_owner = array("i")
        self._with_definition: set[int] = set()
        self._type_sets: dict[tuple[str, ...], int] = {}
        self._typed, self._type_set = array("i"), array("i")
        self._labels: dict[str, int] = {HAS_TYPE: 0}
        self._heads, self._label, self._targets = array("i"), array("h"), array("i")
        return self

    def __exit__(self, *exception: Any) -> None:
        for writer in (self._ids, self._names, self._definitions):
            writer.__exit__(*exception)

    @property
    def n_concepts(self) -> int:
        return len(self._ids)

    def add(self, record: ConceptRecord, source: int, report: SourceReport) -> None:
        """Take up a record; it may stand alone, or add to a concept that has come or is yet to come."""
        number = self._number(record.id)
        names = dict.fromkeys(n for n in (record.name, *record.aliases) if n)
        if record.name:
            if self._concept[number] < 0:
                self._concept[number] = self._ids.append(record.id)
                self._source.append(min(source, 255))
                report.count("concepts")
            else:
                report.count("records merged into a concept that was there")
        for name in names:
            self._names.append(name)
            self._name_owner.append(number)
        report.count("names", len(names))
        if record.definition and number not in self._with_definition:
            self._with_definition.add(number)
            self._definitions.append(record.definition)
            self._definition_owner.append(number)
            report.count("definitions")
        if record.types:
            self._typed.append(number)
            self._type_set.append(self._type_sets.setdefault(record.types, len(self._type_sets)))
        for label, target in record.relations:
            self._heads.append(number)
            self._label.append(self._label_number(label))
            self._targets.append(self._number(target))
        report.count("relations", len(record.relations))
        for alt in record.alt_ids:
            self._alt.setdefault(self._number(alt), number)

    def _number(self, id: str) -> int:
        """Of an identifier, however its vocabulary is written."""
        number = self._numbers.setdefault(canonical_id(id), len(self._numbers))
        if number == len(self._concept):
            self._concept.append(-1)
        return number

    def _label_number(self, label: str) -> int:
        number = self._labels.setdefault(label, len(self._labels))
        if number > _MOST_LABELS:
            raise KnowledgeBaseError(
                f"There are more than {_MOST_LABELS:,} labels of relations, the last is {label[:60]!r}: are these "
                "labels, or texts?"
            )
        return number

    def finish(
        self,
        network: SemanticNetwork,
        sources: list[dict[str, Any]],
        merge: bool,
        fuzzy: bool,
        network_files: Sequence[dict[str, Any]] = (),
    ) -> None:
        """Write everything. Relations to concepts that never came are dropped and counted."""
        folder = self.folder
        concept = _ints(self._concept).copy()
        for alt, number in self._alt.items():
            if concept[alt] < 0:
                concept[alt] = concept[number]
        for writer in (self._ids, self._names, self._definitions):
            writer.__exit__(None, None, None)
        if len(sources) > 1 and merge:
            concept = self._merge(concept)
        n = self._write_ids(concept)

        owner = concept[_ints(self._definition_owner)]
        rows = np.full(n, -1, np.int32)
        defined = np.flatnonzero(owner >= 0)[::-1]  # the first definition is written last
        rows[owner[defined]] = defined
        np.save(folder / "concepts.definition.npy", rows)
        np.save(folder / "concepts.source.npy", np.frombuffer(self._source, np.uint8))

        owner = concept[_ints(self._name_owner)]
        name_ids = np.argsort(owner, kind="stable")
        name_ids = name_ids[int((owner < 0).sum()) :]
        np.save(folder / "concepts.names.npy", name_ids.astype(np.int32))
        np.save(folder / "concepts.names.indptr.npy", csr(owner[name_ids], n))
        self._drop("name of an unknown concept", int((owner < 0).sum()))
        names = zip(StringTable(folder, "names"), owner, strict=True)
        n_keys = write_lexicon(folder, (name if concept >= 0 else "" for name, concept in names), owner)
        if fuzzy:
            write_fuzzy(folder, Lexicon(folder, StringTable(folder, "names")))

        tuis = self._write_types(concept, network, n)
        n_relations = self._write_relations(concept, n)
        row = {tui: i for i, tui in enumerate(tuis)}
        edges = [(row[h], self._label_number(x), row[t]) for h, x, t in network.edges]
        heads, labels, targets = np.array(edges, np.int64).reshape(-1, 3).T
        write_edges(folder, "network", heads, labels, targets, len(tuis))
        self.report.counts.update(
            {"concepts": n, "names": len(name_ids), "keys of the lexicon": n_keys, "relations": n_relations}
        )
        self.report.count("definitions", int((rows >= 0).sum()))
        write_manifest(
            folder,
            {
                "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                "counts": {k: v for k, v in self.report.counts.items() if not k.startswith("dropped")},
                "sources": sources,
                "semantic_network": list(network_files),
                "labels": list(self._labels),
                "types": tuis,
                "type_names": {tui: network.names[tui] for tui in tuis if tui in network.names},
            },
        )

    def _merge(self, concept: NDArray[np.int32]) -> NDArray[np.int32]:
        """Numbers of the concepts when those of several vocabularies are one; (identifiers,), as ``concept``."""
        ids = list(self._numbers)
        of_vocabulary: dict[str, int] = {}
        table = list(StringTable(self.folder, "ids"))
        n = len(table)
        # identifiers without a prefix (those of UMLS) are one vocabulary
        vocabularies = [of_vocabulary.setdefault(vocabulary_of(canonical_id(id)), len(of_vocabulary)) for id in table]
        of_type, types = semantic_groups(), list(self._type_sets)
        groups: list[tuple[str, ...]] = [()] * n
        for number, which in zip(self._typed, self._type_set, strict=True):
            c = concept[number]
            if c >= 0 and not groups[c]:
                groups[c] = tuple(dict.fromkeys(of_type.get(tui, tui) for tui in types[which]))
        xref = self._labels.get("xref", -1)
        # a reference is a concept, or what is known by its identifier alone
        references, related, hierarchy = [], set(), []
        above = {self._labels.get(label, -1) for label in HIERARCHY}
        for head, label, target in zip(self._heads, self._label, self._targets, strict=True):
            h, t = int(concept[head]), int(concept[target])
            if label == xref and h >= 0:
                reference = t if t >= 0 else n + target
                references.append((h, reference))
                if t >= 0:
                    references.append((t, reference))
            elif h >= 0 and t >= 0:
                related.add((h, t))
                if label in above:
                    hierarchy.append((h, t))
        clusters = Clusters(vocabularies, groups, hierarchy)
        merge_by_reference(clusters, references)
        for coded in (False, True):
            preferred: list[str | None] = [None] * n
            for c, key in self._name_keys(concept, ids, coded):
                if preferred[c] is None:
                    preferred[c] = key
            merge_by_name(clusters, [key or "" for key in preferred], self._name_keys(concept, ids, coded), related)
        representatives = clusters.representatives()
        kept = representatives == np.arange(n)
        new = (np.cumsum(kept) - 1).astype(np.int32)[representatives]
        self.report.count("concepts merged into one of another vocabulary", n - int(kept.sum()))
        self._source = bytearray(np.frombuffer(self._source, np.uint8)[kept].tobytes())
        with StringTableWriter(self.folder, "ids") as self._ids:
            for id, keep in zip(table, kept, strict=True):
                if keep:
                    self._ids.append(id)
        return np.where(concept >= 0, new[concept], -1).astype(np.int32)

    def _name_keys(self, concept: NDArray[np.int32], ids: list[str], coded: bool) -> Iterator[tuple[int, str]]:
        """(concept, key) of the names that say what a concept is, the preferred one first.

        With ``coded``, of the vocabularies whose names are codes, and the codes too.
        """
        seen = bytearray(len(self._ids))
        for number, name in zip(self._name_owner, StringTable(self.folder, "names"), strict=True):
            c, is_coded = int(concept[number]), ids[number].startswith(CODED)
            if c < 0 or (coded and not is_coded):
                continue
            preferred = not seen[c]
            seen[c] = 1
            if coded:
                yield c, normalize(name)
            elif preferred or not is_coded:
                yield c, key_for_merging(name, preferred)

    def _write_ids(self, concept: NDArray[np.int32]) -> int:
        trie = marisa_trie.Trie(id for id, number in self._numbers.items() if concept[number] >= 0)
        trie.save(str(self.folder / "ids.trie"))
        by_key = np.zeros(len(trie), np.int32)
        for id, number in self._numbers.items():
            if concept[number] >= 0:
                by_key[trie.key_id(id)] = concept[number]
        np.save(self.folder / "ids.concept.npy", by_key)
        self._numbers = {}
        return len(self._ids)

    def _write_types(self, concept: NDArray[np.int32], network: SemanticNetwork, n: int) -> list[str]:
        tuis = list(dict.fromkeys([*network.names, *(t for types in self._type_sets for t in types)]))
        number = {tui: i for i, tui in enumerate(tuis)}
        sets = [np.array([number[t] for t in types], np.int32) for types in self._type_sets]
        sizes = np.array([len(s) for s in sets], np.int64)
        owner, which = concept[_ints(self._typed)], _ints(self._type_set)
        owner, which = owner[owner >= 0], which[owner >= 0]
        pointers = np.concatenate([[0], np.cumsum(sizes)])
        flat = np.concatenate([*sets, np.empty(0, np.int32)])
        typed, entry = expand(pointers, which)
        rows, types = owner[typed].astype(np.int64), flat[entry]
        # the first mention of a type of a concept counts, and its order
        _, kept = np.unique(rows * max(len(tuis), 1) + types, return_index=True)
        kept.sort()
        kept = kept[np.argsort(rows[kept], kind="stable")]
        np.save(self.folder / "types.indptr.npy", csr(rows[kept], n))
        np.save(self.folder / "types.type.npy", types[kept].astype(np.int16))
        return tuis

    def _write_relations(self, concept: NDArray[np.int32], n: int) -> int:
        heads, targets = concept[_ints(self._heads)], concept[_ints(self._targets)]
        labels = np.frombuffer(self._label, np.int16) if self._label else np.empty(0, np.int16)
        known = (heads >= 0) & (targets >= 0)
        xref = labels == self._labels.get("xref", -1)
        self.report.count("cross references to vocabularies that are not there", int((~known & xref).sum()))
        self._drop("relation to or from a concept that is not there", int((~known & ~xref).sum()))
        loop = known & (heads == targets)
        self._drop("relation of a concept to itself", int(loop.sum()))
        known &= ~loop
        return write_edges(self.folder, "relations", heads[known], labels[known], targets[known], n)

    def _drop(self, reason: str, n: int) -> None:
        if n:
            self.report.count(f"dropped: {reason}", n)


def _ints(values: "array[int]") -> NDArray[np.int32]:
    return np.frombuffer(values, np.int32) if values else np.empty(0, np.int32)
