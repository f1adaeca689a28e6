"""Writes the lexicon of a knowledge base: the trie of all keys, and for each key its concepts, best first."""

from array import array
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import marisa_trie
import numpy as np
from numpy.typing import NDArray

from .storage import StringTableWriter, as_array, csr
from .variants import IN_CAPITALS, LESS, NAME, SAME_CASE, case_rule, keys_of


def write_lexicon(folder: Path, names: Iterable[str], concepts: NDArray[np.int32], name_rank: NDArray[np.int16]) -> int:
    """Write the lexicon of ``names``, with the concept and the rank of each: (n_names,). Returns the number of keys.

    Among the candidates of a key, those whose name has the lowest rank come first, then those with a lower number.
    Memory: the trie, and 23 bytes a name.
    """
    owner, case, kinds = array("i"), bytearray(), bytearray()
    with closing(StringTableWriter(folder, "keys")) as keys:
        for i, name in enumerate(names):
            for key, kind in keys_of(name).items():
                keys.append(key)
                owner.append(i)
                case.append(case_rule(name, key))
                kinds.append(kind)
        table = keys.close()
    trie = marisa_trie.Trie(iter(table))
    trie.save(str(folder / "keys.trie"))
    key_ids = np.fromiter(map(trie.key_id, table), np.int32, len(table))
    del table
    for file in ("keys.utf8", "keys.offsets.npy"):
        (folder / file).unlink()
    n_keys = len(trie)
    del trie
    rows, rules, kind_of = as_array(owner, np.int32), as_array(case, np.uint8), as_array(kinds, np.uint8)
    of_concept = concepts[rows]
    order = np.lexsort((rows, rules, kind_of, of_concept, key_ids))
    # a name whose case does not matter makes the concept's other names with that key redundant
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(key_ids[order]) != 0) | (np.diff(of_concept[order]) != 0)
    group = np.cumsum(first) - 1
    rank = kind_of.astype(np.int32) * (np.iinfo(np.int16).max + 1) + name_rank[rows]
    rank[order] = np.minimum.reduceat(rank[order], np.flatnonzero(first))[group] if len(order) else rank
    order = order[first | (rules[order][first][group] % IN_CAPITALS == SAME_CASE)]
    order = order[np.lexsort((of_concept[order], rank[order], key_ids[order]))]
    # less than a name counts only where nothing has that name
    named = np.zeros(n_keys, bool)
    named[key_ids[kind_of == NAME]] = True
    order = order[(kind_of[order] < LESS) | ~named[key_ids[order]]]
    np.save(folder / "postings.indptr.npy", csr(key_ids[order], n_keys))
    np.save(folder / "postings.concept.npy", of_concept[order].astype(np.int32))
    np.save(folder / "postings.name.npy", rows[order])
    np.save(folder / "postings.case.npy", rules[order])
    return n_keys
