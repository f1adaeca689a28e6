"""Folders that are written whole or not at all, and replaced in one step."""

import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..files import lock
from .folder import MANIFEST

LOCK = ".lock"


@contextmanager
def new_folder(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """A temporary folder beside ``path`` that becomes ``path`` when the block ends without an exception.

    Where ``path`` exists the two are exchanged in one step, so that whoever opens it finds the old one or the new one.
    Raises FileExistsError, before anything is written, if ``path`` is there and ``overwrite`` is not set, or holds
    something else than a knowledge base. What killed builds have left behind is removed.
    """
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists already. Choose another folder, or allow it to be overwritten (--force).")
    if path.exists() and not (path / MANIFEST).exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(f"{path} is not a knowledge base; refusing to overwrite it. Choose another folder.")
    path = path.resolve()  # what a link points to is replaced, not the link
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.name}.building-"
    for left in path.parent.glob(f"{prefix}*{LOCK}"):
        with lock(left) as is_free:
            if is_free:
                _remove(left.with_suffix(""))
    # the lock comes first, so that no folder is without one
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=LOCK, dir=path.parent)
    os.close(handle)
    with lock(Path(name)):
        folder = Path(name).with_suffix("")
        try:
            folder.mkdir()
            yield folder
            _replace(path, folder)
        finally:
            # what is there now: a build that failed, or the knowledge base that was replaced
            _remove(folder)


def _remove(folder: Path) -> None:
    for each in (folder, _old(folder)):
        shutil.rmtree(each, ignore_errors=True)


def _old(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.old")


def _replace(path: Path, new: Path) -> None:
    if not path.exists():
        new.rename(path)
    elif not _exchange(path, new):
        # two steps, where the system has no other way
        old = _old(new)
        path.rename(old)
        try:
            new.rename(path)
        except OSError:
            old.rename(path)
            raise


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
