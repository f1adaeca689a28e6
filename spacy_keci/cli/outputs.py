"""Where ``annotate`` writes: a folder of parts; a file or standard output, which are joined from parts."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from spacy.tokens import Doc

from ..annotator import Annotator
from ..corpora.docbin import load_docs
from ..corpora.formats import FORMATS, get_format, write_docs
from ..corpora.texts import name_unfinished
from ..files import remove
from ..reports import Report
from .load import make_folder_of
from .parts import finish, locked

STDOUT = "-"
TEXTS_PER_PART = 1000


class Output:
    """A folder (a name without a suffix), a file, or standard output (``-``).

    format: None: that of the suffix of a file; jsonl for standard output and folders.
    part_format: of the parts that a file is joined from: its own where such files can be joined, else ``spacy``, which
        keeps all.
    Raises ValueError if the format is unclear, cannot be written, or has several files and goes to standard output, or
    if the file is to be compressed.
    """

    def __init__(self, name: str, format: str | None) -> None:
        self.path = None if name == STDOUT else Path(name)
        if self.path is not None and self.path.suffix.lower() == ".gz":
            raise ValueError(
                f"{name} would not be compressed: name it without .gz and gzip it later, or write Parquet."
            )
        self.is_folder = self.path is not None and (self.path.is_dir() or not self.path.suffix)
        self.format = get_format(
            Path(name), format or ("jsonl" if self.is_folder or self.path is None else None), to_write=True
        )
        if FORMATS[self.format].write is None:
            raise ValueError(f"The format {self.format} is for reading only: name another one with --to.")
        if self.path is None and self.format == "brat":
            raise ValueError("A format of several files cannot be written to standard output: name a folder.")
        self.part_format = self.format if self.is_folder or self.format in ("jsonl", "parquet") else "spacy"
        self._is_joined = False

    @contextmanager
    def opened(self, *, resume: bool, overwrite: bool, run: str = "") -> Iterator[Path | None]:
        """The folder for the parts, locked against other processes; None if the output is complete.

        run: the name of a shard, which may be written to the same folder as others.
        Raises ValueError if there is an output that is neither to be resumed nor overwritten, or another process writes
        to it; OSError if it cannot be written.
        """
        if self.path is None:
            with TemporaryDirectory(prefix="spacy-keci-") as name:
                yield Path(name)
            return
        make_folder_of(self.path)
        folder = self.path if self.is_folder else name_unfinished(self.path)
        folder.mkdir(exist_ok=True)
        try:
            with locked(folder, run):
                begun = any(not path.name.startswith(".lock") for path in folder.iterdir())
                complete = not self.is_folder and self.path.exists() and _size(self.path) > 0
                if (begun or complete) and not (resume or overwrite):
                    raise ValueError(
                        f"{self.path if complete else folder} already exists: --resume continues it, --overwrite "
                        "starts again."
                    )
                yield None if complete and resume and not begun else folder
        finally:
            if self._is_joined:
                shutil.rmtree(folder)
            else:
                with suppress(OSError):
                    folder.rmdir()  # if nothing is in it

    def join(self, parts: list[Path], annotator: Annotator, losses: Report) -> None:
        """Join the parts, in their order, to the file, or write them to standard output."""
        if self.is_folder:
            return
        if self.path is None:
            with TemporaryDirectory(prefix="spacy-keci-") as name:
                file = Path(name) / "whole"
                self._join(parts, file, annotator, losses)
                self.emit(file)
            return
        unfinished = name_unfinished(self.path) / f".unfinished{self.path.suffix}"
        remove(unfinished)
        self._join(parts, unfinished, annotator, losses)
        finish(unfinished, self.path)
        self._is_joined = True

    def emit(self, path: Path) -> None:
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()

    def _join(self, parts: list[Path], path: Path, annotator: Annotator, losses: Report) -> None:
        if self.format == "jsonl":
            with path.open("wb") as file:
                for part in parts:
                    with part.open("rb") as each:
                        shutil.copyfileobj(each, file)
        elif self.format == "parquet":
            from ..corpora.parquet import join_parquet

            join_parquet(parts, path)
        else:
            docs = _read_docs(parts, annotator)
            write_docs(docs, path, self.format, annotator.spans_key, losses, annotator.nlp.make_doc)


def _read_docs(parts: list[Path], annotator: Annotator) -> Iterator[Doc]:
    for part in parts:
        with annotator.nlp.memory_zone():
            yield from load_docs(part, annotator.nlp.vocab)


def _size(path: Path) -> int:
    return len(list(path.iterdir())) if path.is_dir() else path.stat().st_size
