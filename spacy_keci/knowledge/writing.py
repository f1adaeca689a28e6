"""Writes the files of a knowledge base from what was collected; ``seal`` makes it complete."""

from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import marisa_trie
import numpy as np
from numpy.typing import NDArray

from .collect import MOST_LABELS, Collection
from .fuzzy import write_fuzzy
from .graph import write_edges
from .identity import Identity
from .lexicon import Lexicon
from .lexicon_writer import write_lexicon
from .semantic_network import SemanticNetwork
from .sources import SourceReport
from .sources.ontology import EXACT, SEE_ALSO, XREF
from .storage import Files, KnowledgeBaseError, StringTableWriter, as_array, csr, expand


def write_knowledge(
    folder: Path,
    collection: Collection,
    identity: Identity,
    network: SemanticNetwork,
    report: SourceReport,
    *,
    fuzzy: bool,
    definitions: bool,
) -> dict[str, Any]:
    """Write all files, and count what was written and dropped. Returns the manifest, without the sources."""
    concept, n = identity.concept, len(identity.main)
    merged = collection.n_concepts - n
    report.count("concepts merged into one of another vocabulary", merged)
    write_ids(folder, collection, identity)
    n_names = write_names(folder, collection, concept, n, report)
    names = zip(collection.names.close(), concept[collection.name_owner].tolist(), strict=True)
    owner = concept[collection.name_owner]
    n_keys = write_lexicon(folder, (name if c >= 0 else "" for name, c in names), owner, collection.name_rank)
    n_definitions = write_definitions(folder, collection, concept, n) if definitions else 0
    if not definitions:
        for file in ("definitions.utf8", "definitions.offsets.npy"):
            (folder / file).unlink()
    tuis = write_types(folder, collection, concept, n, network)
    n_relations = write_relations(folder, collection, concept, n, report)
    write_network(folder, collection, network, tuis)
    if fuzzy:
        files = Files.of_folder(folder)
        write_fuzzy(folder, Lexicon(files, files.strings("names")))
    report.counts.update({"concepts": n, "names": n_names, "keys of the lexicon": n_keys, "relations": n_relations})
    report.count("definitions", n_definitions)
    return {
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "counts": {k: v for k, v in report.counts.items() if not k.startswith("dropped")},
        "labels": list(collection.labels),
        "types": tuis,
        "type_names": {tui: network.names[tui] for tui in tuis if tui in network.names},
    }


def write_ids(folder: Path, collection: Collection, identity: Identity) -> None:
    """The main identifier of each concept; a trie of all identifiers; those of each concept, best first."""
    concept, table = identity.concept, list(collection.ids.close())
    with closing(StringTableWriter(folder, "ids")) as writer:
        for number in identity.main.tolist():
            writer.append(table[number])
    np.save(folder / "concepts.source.npy", as_array(collection.source, np.uint8)[identity.main])
    known = [(id, number) for id, number in collection.numbers.items() if concept[number] >= 0]
    trie = marisa_trie.Trie(id for id, _ in known)
    trie.save(str(folder / "ids.trie"))
    keys = np.fromiter((trie.key_id(id) for id, _ in known), np.int32, len(known))
    numbers = np.fromiter((number for _, number in known), np.int64, len(known))
    owner = concept[numbers]
    by_key = np.zeros(len(keys), np.int32)
    by_key[keys] = owner
    np.save(folder / "ids.concept.npy", by_key)
    # identifiers of concepts that were merged, then alternative ones, then those that only references name
    rank = np.full(len(concept), 2, np.int8)
    rank[list(collection.alternatives)] = 1
    rank[collection.is_own()] = 0
    order = np.lexsort((numbers, rank[numbers], owner))
    np.save(folder / "concepts.ids.npy", keys[order])
    np.save(folder / "concepts.ids.indptr.npy", csr(owner[order], len(identity.main)))


def write_names(folder: Path, collection: Collection, concept: NDArray[np.int32], n: int, report: SourceReport) -> int:
    """The names of each concept, the preferred one first. Returns how many there are."""
    owner = concept[collection.name_owner]
    unknown = int((owner < 0).sum())
    rows = np.argsort(owner, kind="stable")[unknown:]
    np.save(folder / "concepts.names.npy", rows.astype(np.int32))
    np.save(folder / "concepts.names.indptr.npy", csr(owner[rows], n))
    report.count("dropped: name of an unknown concept", unknown)
    return len(rows)


def write_definitions(folder: Path, collection: Collection, concept: NDArray[np.int32], n: int) -> int:
    """The definition of each concept, the first one that came. Returns how many concepts have one."""
    owner = concept[collection.definition_owner]
    rows = np.full(n, -1, np.int32)
    defined = np.flatnonzero(owner >= 0)[::-1]  # the first definition is written last
    rows[owner[defined]] = defined
    np.save(folder / "concepts.definition.npy", rows)
    return int((rows >= 0).sum())


def write_types(
    folder: Path, collection: Collection, concept: NDArray[np.int32], n: int, network: SemanticNetwork
) -> list[str]:
    """The semantic types of each concept, the main one first. Returns all types, in the order of their numbers. Raises
    KnowledgeBaseError for too many."""
    type_sets = list(collection.type_sets)
    tuis = list(dict.fromkeys([*network.names, *(t for types in type_sets for t in types)]))
    if len(tuis) > MOST_LABELS:
        raise KnowledgeBaseError(
            f"There are more than {MOST_LABELS:,} semantic types, the last is {tuis[-1][:60]!r}: are these types, or "
            "texts?"
        )
    number = {tui: i for i, tui in enumerate(tuis)}
    sets = [np.array([number[t] for t in types], np.int32) for types in type_sets]
    typed, which = collection.types
    owner = concept[typed]
    owner, which = owner[owner >= 0], which[owner >= 0]
    pointers = np.concatenate([[0], np.cumsum(np.array([len(s) for s in sets], np.int64))])
    row, entry = expand(pointers, which)
    rows, types = owner[row].astype(np.int64), np.concatenate([*sets, np.empty(0, np.int32)])[entry]
    # the first mention of a type of a concept counts, and its order
    _, kept = np.unique(rows * max(len(tuis), 1) + types, return_index=True)
    kept.sort()
    kept = kept[np.argsort(rows[kept], kind="stable")]
    np.save(folder / "types.indptr.npy", csr(rows[kept], n))
    np.save(folder / "types.type.npy", types[kept].astype(np.int16))
    return tuis


def write_relations(
    folder: Path, collection: Collection, concept: NDArray[np.int32], n: int, report: SourceReport
) -> int:
    """The relations of concepts. Returns how many there are; those to concepts that never came are counted."""
    heads, labels, targets = collection.relations
    heads, targets = concept[heads], concept[targets]
    known = (heads >= 0) & (targets >= 0)
    is_reference = np.isin(labels, [collection.labels.get(label, -1) for label in (XREF, EXACT, SEE_ALSO)])
    loop = known & (heads == targets)
    report.count("cross references to vocabularies that are not there", int((~known & is_reference).sum()))
    report.count("cross references that became identifiers", int((loop & is_reference).sum()))
    report.count("dropped: relation to or from a concept that is not there", int((~known & ~is_reference).sum()))
    report.count("dropped: relation of a concept to itself", int((loop & ~is_reference).sum()))
    kept = known & ~loop
    return write_edges(folder, "relations", heads[kept], labels[kept], targets[kept], n)


def write_network(folder: Path, collection: Collection, network: SemanticNetwork, tuis: list[str]) -> None:
    """The relations of semantic types."""
    row = {tui: i for i, tui in enumerate(tuis)}
    edges = [(row[h], collection.label_number(label), row[t]) for h, label, t in network.edges]
    heads, labels, targets = np.array(edges, np.int64).reshape(-1, 3).T
    write_edges(folder, "network", heads, labels, targets, len(tuis))
