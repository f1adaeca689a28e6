"""Folders that are written whole or not at all, and replaced in one step."""

import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .folder import MANIFEST


@contextmanager
def new_folder(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """A temporary folder beside ``path`` that becomes ``path`` when the block ends without an exception.

    Where ``path`` exists the two are exchanged in one step, so that whoever opens it finds the old one or the new one.
    Raises FileExistsError, before anything is written, if ``path`` is there and ``overwrite`` is not set, or holds
    something else than a knowledge base. What builds that were killed have left there is removed.
    """
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists already. Choose another folder, or allow it to be overwritten (--force).")
    if path.exists() and not (path / MANIFEST).exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(f"{path} is not a knowledge base; refusing to overwrite it. Choose another folder.")
    path = path.resolve()  # what a link points to is replaced, not the link
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.name}.building-"
    for left in path.parent.glob(f"{prefix}*"):
        with _lock(left) as is_free:
            if is_free:
                shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=path.parent))
    with _lock(folder):
        try:
            yield folder
            folder.chmod(0o755)
            _replace(path, folder)
        finally:
            # what is there now: a build that failed, or the knowledge base that was replaced
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    """Whether this process has the folder for itself, until the block ends; always without it where there are no
    locks. A lock goes with the process that has it."""
    if sys.platform == "win32":
        yield False
        return
    import fcntl

    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(handle)


def _replace(path: Path, new: Path) -> None:
    if not path.exists():
        new.rename(path)
    elif not _exchange(path, new):
        # two steps, where the system has no other way
        old = new.with_name(f"{new.name}.old")
        path.rename(old)
        try:
            new.rename(path)
        except OSError:
            old.rename(path)
            raise
        shutil.rmtree(old, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Give each of two folders the name of the other in one step; False where the system cannot."""
    if sys.platform == "win32":
        return False
    libc, a, b = ctypes.CDLL(None), os.fsencode(first), os.fsencode(second)
    if hasattr(libc, "renameat2"):  # Linux; paths are absolute, and the flag is RENAME_EXCHANGE
        return bool(libc.renameat2(-100, a, -100, b, 2) == 0)
    if hasattr(libc, "renamex_np"):  # macOS; RENAME_SWAP
        return bool(libc.renamex_np(a, b, 2) == 0)
    return False
