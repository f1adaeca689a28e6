"""Where annotated documents go, and how much of them is there already when an interrupted command is run again.

What tells how far the work had come is the output itself: no second file can disagree with it. And batches begin with
the same texts in every run, as the last digits of a score depend on what else is in a batch: so the output of an
interrupted and resumed run is, byte for byte, that of an undisturbed one.
"""

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import NamedTuple, Protocol

from spacy.tokens import Doc

from ..corpora.formats import FORMATS, get_format
from ..corpora.texts import Text, name_unfinished
from .load import make_folder_of

if sys.platform != "win32":
    import fcntl

STDOUT = "-"
TEXTS_PER_PART = 5000
_PART = re.compile(r"part-(\d+)-(\d+)(\.[a-z.-]+)")

Write = Callable[[Iterable[Doc], Path], None]


class Batch(NamedTuple):
    """texts: what was to be annotated. docs: those that could be; to be used before the next batch is asked for."""

    texts: list[Text]
    docs: list[Doc]


class Sink(Protocol):
    format: str
    resumable: bool

    def remaining(self, batches: Iterator[list[Text]]) -> Iterator[list[Text]]:
        """The batches that are not in the output yet. Raises ValueError if the output stems from other texts."""

    def consume(self, batches: Iterator[Batch], write: Write) -> None:
        """Write all documents; ``write`` makes a file of some of them."""


def open_sink(output: str, format: str | None, *, resume: bool, overwrite: bool) -> Sink:
    """What writes to standard output (``-``), to a folder (a name without a suffix), or to a file.

    format: default: told by the suffix of a file; jsonl for standard output and folders.
    Raises ValueError if the format is unclear or cannot be written; if there is an output already and it is neither
    to be resumed nor overwritten; if it is to be resumed and cannot be.
    """
    path = Path(output)
    is_folder = output != STDOUT and (path.is_dir() or not path.suffix)
    name = format or ("jsonl" if is_folder or output == STDOUT else None)
    found = get_format(path, name)
    name = next(name for name, each in FORMATS.items() if each is found)
    if not found.is_writable:
        raise ValueError(f"The format {name} is for reading only: name another one with --to.")
    sink: Sink
    if output == STDOUT:
        sink = LinesToStdout() if name == "jsonl" else Whole(None, name)
    elif is_folder:
        sink = Parts(path, name, resume)
    else:
        sink = Lines(path, resume) if name == "jsonl" else Whole(path, name)
    if resume and not sink.resumable:
        raise ValueError("Only a .jsonl file or a folder can be resumed: name one as OUTPUT, or leave out --resume.")
    if output != STDOUT:
        is_used = any(path.iterdir()) if path.is_dir() else path.is_file() and path.stat().st_size > 0
        if is_used and not resume and not overwrite:
            raise ValueError(f"{path} is there already: --resume goes on where it ends, --overwrite starts again.")
        make_folder_of(path)
    return sink


class Lines:
    """A jsonl file that grows by batches."""

    format, resumable = "jsonl", True

    def __init__(self, path: Path, resume: bool) -> None:
        self.path, self._resume = path, resume

    def consume(self, batches: Iterator[Batch], write: Write) -> None:
        # without a buffer: what could be written by half only must not be written later
        with self.path.open("ab", buffering=0) as file, _locked(self.path):
            if not self._resume:
                file.truncate(0)
            for batch in batches:
                data = memoryview(_to_bytes(batch.docs, write))
                end = self.path.stat().st_size
                try:
                    while data:
                        data = data[file.write(data) :]
                    os.fsync(file.fileno())
                except BaseException:
                    file.truncate(end)
                    raise

    def remaining(self, batches: Iterator[list[Text]]) -> Iterator[list[Text]]:
        done = _complete_lines(self.path)
        line, end = next(done, None), 0
        for batch in batches:
            begin = end
            for text in batch:
                if line is not None and line[:2] == (text.id, text.text):
                    end, line = line[2], next(done, None)
            if line is None:
                # Nobody knows whether all of this batch is there: it is annotated again.
                os.truncate(self.path, begin)
                yield batch
                break
        if line is not None:
            raise ValueError(
                f"{self.path} holds a text {line[0]!r} that does not follow in the input: it stems from another one. "
                "Name another output, or start again with --overwrite."
            )
        yield from batches


class LinesToStdout:
    """Lines of jsonl, batch by batch."""

    format, resumable = "jsonl", False

    def consume(self, batches: Iterator[Batch], write: Write) -> None:
        for batch in batches:
            sys.stdout.buffer.write(_to_bytes(batch.docs, write))
            sys.stdout.buffer.flush()

    def remaining(self, batches: Iterator[list[Text]]) -> Iterator[list[Text]]:
        return batches


class Whole:
    """A file that is there when it is complete, and not before. path: None for standard output."""

    resumable = False

    def __init__(self, path: Path | None, format: str) -> None:
        self.path, self.format = path, format

    def consume(self, batches: Iterator[Batch], write: Write) -> None:
        docs = (doc for batch in batches for doc in batch.docs)
        if self.path is None:
            sys.stdout.buffer.write(_to_bytes(docs, write, _suffix(self.format)))
            sys.stdout.buffer.flush()
        else:
            unfinished = name_unfinished(self.path)
            unfinished.mkdir(exist_ok=True) if self.format == "brat" else unfinished.touch()
            with _locked(unfinished):
                try:
                    for left in unfinished.glob("*"):  # by a run that was killed; a file is written over
                        _remove(left)
                    write(docs, unfinished)
                    _sync(unfinished)
                    unfinished.replace(self.path)
                finally:
                    _remove(unfinished)

    def remaining(self, batches: Iterator[list[Text]]) -> Iterator[list[Text]]:
        return batches


class Parts:
    """A folder of files. The name of each says which texts of the input it holds: from the first number to before the
    second, counted from 0."""

    resumable = True

    def __init__(self, path: Path, format: str, resume: bool) -> None:
        self.path, self.format, self._resume = path, format, resume
        self._suffix = _suffix(format)
        self._end = 0

    def consume(self, batches: Iterator[Batch], write: Write) -> None:
        self.path.mkdir(exist_ok=True)
        with _locked(self.path):
            parts = sorted(path for path in self.path.iterdir() if _PART.fullmatch(path.name))
            if self._resume:
                self._end = self._check(parts)
            else:
                for path in parts:
                    _remove(path)
            for first in batches:
                begin, unfinished = self._end, self.path / f"unfinished{self._suffix}"
                _remove(unfinished)
                write(self._docs(chain([first], batches)), unfinished)
                _sync(unfinished)
                unfinished.replace(self.path / f"part-{begin:09}-{self._end:09}{self._suffix}")

    def _docs(self, batches: Iterable[Batch]) -> Iterator[Doc]:
        """The documents of one part, counted."""
        begin = self._end
        for batch in batches:
            yield from batch.docs
            self._end += len(batch.texts)
            if self._end - begin >= TEXTS_PER_PART:
                return

    def _check(self, parts: list[Path]) -> int:
        """Number of texts in the parts. Raises ValueError if one is missing, or has another format."""
        end = 0
        for path in parts:
            found = _PART.fullmatch(path.name)
            assert found
            if int(found[1]) != end or found[3] != self._suffix:
                raise ValueError(
                    f"{path} is not the part{self._suffix} that begins with text {end}: name another folder, or start "
                    "again with --overwrite."
                )
            end = int(found[2])
        return end

    def remaining(self, batches: Iterator[list[Text]]) -> Iterator[list[Text]]:
        rest = self._end
        for batch in batches:
            if rest < len(batch):
                yield batch[rest:]
            rest = max(rest - len(batch), 0)
        if rest:
            raise ValueError(f"{self.path} holds {rest} texts more than the input: it stems from another one.")


def _complete_lines(path: Path) -> Iterator[tuple[str, str, int]]:
    """Id and text of each line that has its end, and where that is."""
    end = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            end += len(line)
            try:
                record = json.loads(line)
                yield record["id"], record["text"], end
            except (ValueError, TypeError, KeyError):
                raise ValueError(
                    f"{path}, line {number}: this was not written by 'annotate'. Name another output, or start again "
                    "with --overwrite."
                ) from None


def _suffix(format: str) -> str:
    return next(iter(FORMATS[format].suffixes), f".{format}")


def _to_bytes(docs: Iterable[Doc], write: Write, suffix: str = ".jsonl") -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"docs{suffix}"
        write(docs, path)
        if path.is_dir():
            raise ValueError("A format of several files has no place in standard output: name a folder.")
        return path.read_bytes()


def _sync(path: Path) -> None:
    """Have a file on the disk, so that its name is not there without its content after a loss of power."""
    if path.is_file():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Raises ValueError if another process writes to this file or folder."""
    if sys.platform == "win32":  # which has no such locks
        yield
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"Another process writes to {path}: wait for its end, or name another output.") from None
        yield
    finally:
        os.close(descriptor)
