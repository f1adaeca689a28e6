"""The parts that the files of a knowledge base are made of: memory-mapped arrays, tables of strings, and tries."""

import io
import mmap
import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import marisa_trie
import numpy as np
from numpy.typing import NDArray


class KnowledgeBaseError(ValueError):
    """A knowledge base, or a source of one, that cannot be read: what is wrong, where, and what to do."""


class Files:
    """Files of a folder, opened at once and memory-mapped: they stay what they were if the folder is replaced or
    deleted.

    Raises OSError for a file that is not there.
    """

    def __init__(self, path: Path, names: Iterable[str]) -> None:
        self.path = path
        self.buffers = {name: _map(path / name) for name in names}

    @classmethod
    def of_folder(cls, path: Path) -> "Files":
        """All files that lie directly in the folder; links and subfolders are not followed."""
        return cls(path, sorted(each.name for each in os.scandir(path) if each.is_file(follow_symlinks=False)))

    def __contains__(self, name: str) -> bool:
        return name in self.buffers

    def __getitem__(self, name: str) -> memoryview:
        """The bytes of a file. Raises KnowledgeBaseError if it is not there."""
        try:
            return self.buffers[name]
        except KeyError:
            raise KnowledgeBaseError(f"{self.path} has no file {name}. Rebuild the knowledge base.") from None

    def array(self, name: str) -> NDArray[Any]:
        """The read-only array in ``<name>.npy``. Raises KnowledgeBaseError if it is missing, damaged or cut short."""
        buffer = self[f"{name}.npy"]
        header = io.BytesIO(buffer[:4096])
        try:
            version = np.lib.format.read_magic(header)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, is_fortran, dtype = read(header)
            expected = header.tell() + dtype.itemsize * int(np.prod(shape))
            if is_fortran or dtype.hasobject or expected != len(buffer):
                raise ValueError(f"{len(buffer)} bytes, expected {expected}")
        except (ValueError, TypeError, SyntaxError, EOFError) as error:
            raise KnowledgeBaseError(
                f"{self.path / name}.npy is damaged ({error}). Rebuild the knowledge base."
            ) from None
        return np.ndarray(shape, dtype, buffer, header.tell())

    def strings(self, name: str) -> "StringTable":
        """The strings in ``<name>.utf8`` and ``<name>.offsets.npy``. Raises KnowledgeBaseError as :meth:`array`."""
        content, offsets = self[f"{name}.utf8"], self.array(f"{name}.offsets")
        if not len(offsets) or len(content) != int(offsets[-1]):
            raise KnowledgeBaseError(f"{self.path / name}.utf8 is damaged. Rebuild the knowledge base.")
        return StringTable(content, offsets)

    def trie(self, name: str) -> "MappedTrie":
        """The trie in ``<name>.trie``. Raises KnowledgeBaseError as :meth:`array`."""
        buffer = self[f"{name}.trie"]
        try:
            return MappedTrie(buffer)
        except (RuntimeError, ValueError) as error:
            raise KnowledgeBaseError(
                f"{self.path / name}.trie cannot be read ({error}). Rebuild the knowledge base."
            ) from None


def _map(path: Path) -> memoryview:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        return memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else b"")


class MappedTrie(marisa_trie.Trie):
    """A trie over memory that another object owns, which it keeps alive."""

    def __init__(self, buffer: memoryview) -> None:
        super().__init__()
        self._buffer = buffer
        self.map(buffer)


class StringTable(Sequence[str]):
    """Strings by number: their bytes in UTF-8, one after the other, and where each begins, (strings + 1,)."""

    def __init__(self, content: memoryview, offsets: NDArray[Any]) -> None:
        self._content, self._offsets = content, offsets

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, i: Any) -> Any:
        if not 0 <= i < len(self):
            raise IndexError(i)
        return str(self._content[int(self._offsets[i]) : int(self._offsets[i + 1])], "utf8")

    def __iter__(self) -> Iterator[str]:
        chunk = 65536
        for first in range(0, len(self), chunk):
            offsets = self._offsets[first : first + chunk + 1].astype(np.int64)
            content = bytes(self._content[offsets[0] : offsets[-1]])
            for start, end in pairwise((offsets - offsets[0]).tolist()):
                yield content[start:end].decode("utf8")


class StringTableWriter:
    """Writes a :class:`StringTable` as the strings come; memory is 8 bytes a string."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._file = (folder / f"{name}.utf8").open("wb")
        self._offsets = array("q", [0])

    def append(self, text: str) -> int:
        """Add a string; returns its number. A lone surrogate, which UTF-8 cannot hold, becomes a question mark."""
        written = self._file.write(text.encode("utf8", "replace"))
        self._offsets.append(self._offsets[-1] + written)
        return len(self._offsets) - 2

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def close(self) -> StringTable:
        """Write what is left, and open the table."""
        if not self._file.closed:
            self._file.close()
            np.save(self._folder / f"{self._name}.offsets.npy", np.frombuffer(self._offsets, np.int64))
        return Files(self._folder, (f"{self._name}.utf8", f"{self._name}.offsets.npy")).strings(self._name)


def as_array(values: "array[int] | bytearray", dtype: Any) -> NDArray[Any]:
    """The values of a growing array, as they are in memory."""
    return np.frombuffer(values, dtype) if values else np.empty(0, dtype)


def csr(rows: NDArray[Any], n_rows: int) -> NDArray[np.int64]:
    """Row pointers, (n_rows + 1,), of entries that are sorted by ``rows``."""
    return np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n_rows))]).astype(np.int64)


def expand(indptr: NDArray[Any], rows: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The entries of some rows of a CSR structure: (which of ``rows``, position of the entry), flat, in order."""
    starts = indptr[rows].astype(np.int64)
    counts = indptr[np.asarray(rows) + 1].astype(np.int64) - starts
    which = np.repeat(np.arange(len(rows)), counts)
    first = np.cumsum(counts) - counts
    return which, np.arange(len(which)) - first[which] + starts[which]
