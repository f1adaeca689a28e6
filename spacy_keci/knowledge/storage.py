"""How a compiled knowledge base lies on disk: a folder of memory-mapped arrays and string tables, and a manifest.

The manifest is written last, and the folder gets its name only then: an interrupted build leaves nothing that opens.
"""

import filecmp
import json
import shutil
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import srsly
from numpy.typing import NDArray

FORMAT_VERSION = 1
MANIFEST = "manifest.json"


class KnowledgeBaseError(ValueError):
    """A knowledge base, or a source of one, that cannot be read: what is wrong, where, and what to do."""


@contextmanager
def new_folder(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """A temporary folder beside ``path`` that becomes ``path`` when the block ends without an exception.

    Raises FileExistsError, before anything is written, if ``path`` is there and ``overwrite`` is not set, or holds
    something else than a knowledge base.
    """
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists already. Choose another folder, or allow it to be overwritten (--force).")
    if path.exists() and not (path / MANIFEST).exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(f"{path} is no knowledge base, and is not overwritten. Choose another folder.")
    path = path.resolve()  # what a link points to is replaced, not the link
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield folder
        folder.chmod(0o755)
        # the old one goes when the new one is there: it may be in use, and not be deletable
        old = folder.with_name(f"{folder.name}.old")
        if path.exists():
            path.rename(old)
        try:
            folder.rename(path)
        except OSError:
            if old.exists():
                old.rename(path)
            raise
        shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest, with the format version; after it the folder counts as complete."""
    text = json.dumps({"format_version": FORMAT_VERSION, **manifest}, indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text, encoding="utf8")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Raises KnowledgeBaseError if the folder holds no complete knowledge base, or one of a newer format."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf8"))
    except (FileNotFoundError, NotADirectoryError):
        raise KnowledgeBaseError(
            f"{folder} holds no compiled knowledge base (no {MANIFEST}). Compile one with: spacy keci kb build"
        ) from None
    except ValueError as error:
        raise KnowledgeBaseError(
            f"{folder / MANIFEST} is damaged ({error}). Compile the knowledge base anew."
        ) from None
    version = manifest.get("format_version") if isinstance(manifest, dict) else None
    if version != FORMAT_VERSION:
        raise KnowledgeBaseError(
            f"{folder} is written in format {version}, and this spacy-keci reads format {FORMAT_VERSION}. "
            + ("Update spacy-keci." if isinstance(version, int) and version > FORMAT_VERSION else "Compile it anew.")
        )
    return manifest


def same_knowledge_base(first: Path, second: Path) -> bool:
    """Whether two folders hold the same knowledge base; files of the same size and time are not read."""
    if not (first / MANIFEST).exists() or not (second / MANIFEST).exists():
        return False
    names = {path.name for path in first.iterdir()}
    if names != {path.name for path in second.iterdir()}:
        return False
    _, differ, unread = filecmp.cmpfiles(first, second, names)
    return not differ and not unread


def remove_knowledge_base(folder: Path) -> None:
    """Delete the folder if it holds a knowledge base."""
    if (folder / MANIFEST).exists():
        shutil.rmtree(folder)


def pack_folder(folder: Path) -> bytes:
    """All files of a folder."""
    return srsly.msgpack_dumps({path.name: path.read_bytes() for path in sorted(folder.iterdir())})


def unpack_folder(data: bytes, folder: Path) -> None:
    """Make the folder, and write the files into it."""
    folder.mkdir()
    for name, content in srsly.msgpack_loads(data).items():
        (folder / Path(name).name).write_bytes(content)


def open_array(path: Path) -> NDArray[Any]:
    """A read-only, memory-mapped array. Raises KnowledgeBaseError if the file is missing or cut short."""
    try:
        # a plain view: numpy.memmap is slow to index
        return np.load(path, mmap_mode="r").view(np.ndarray)
    except ValueError as error:
        # an array without elements cannot be mapped
        array = _load_empty(path)
        if array is None:
            raise KnowledgeBaseError(f"{path} is damaged ({error}). Compile the knowledge base anew.") from None
        return array
    except (OSError, EOFError) as error:
        raise KnowledgeBaseError(f"{path} cannot be read ({error}). Compile the knowledge base anew.") from None


def _load_empty(path: Path) -> NDArray[Any] | None:
    try:
        array: NDArray[Any] = np.load(path)
    except ValueError:
        return None
    return array if array.size == 0 else None


class StringTable(Sequence[str]):
    """Strings by number, from ``<name>.utf8`` (their bytes, one after the other) and ``<name>.offsets.npy``."""

    def __init__(self, folder: Path, name: str) -> None:
        self._offsets = open_array(folder / f"{name}.offsets.npy")
        size = (folder / f"{name}.utf8").stat().st_size
        if size != int(self._offsets[-1]):
            raise KnowledgeBaseError(f"{folder / name}.utf8 is damaged. Compile the knowledge base anew.")
        self._bytes = (
            np.memmap(folder / f"{name}.utf8", np.uint8, "r").view(np.ndarray) if size else np.empty(0, np.uint8)
        )

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, i: Any) -> Any:
        if not 0 <= i < len(self):
            raise IndexError(i)
        return self._bytes[self._offsets[i] : self._offsets[i + 1]].tobytes().decode("utf8")

    def __iter__(self) -> Iterator[str]:
        chunk = 65536
        for first in range(0, len(self), chunk):
            offsets = self._offsets[first : first + chunk + 1].astype(np.int64)
            data = self._bytes[offsets[0] : offsets[-1]].tobytes()
            edges = (offsets - offsets[0]).tolist()
            for start, end in pairwise(edges):
                yield data[start:end].decode("utf8")


class StringTableWriter:
    """Writes a :class:`StringTable` as the strings come; memory is 8 bytes a string."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}.offsets.npy"
        self._file = (folder / f"{name}.utf8").open("wb")
        self._offsets = array("q", [0])

    def append(self, text: str) -> int:
        """Add a string; returns its number."""
        # a lone surrogate cannot be written as UTF-8
        written = self._file.write(text.encode("utf8", "replace"))
        self._offsets.append(self._offsets[-1] + written)
        return len(self._offsets) - 2

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __enter__(self) -> "StringTableWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._file.close()
        if error is None:
            np.save(self._path, np.frombuffer(self._offsets, np.int64))


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
