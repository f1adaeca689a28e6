"""Files and folders of users: which files a folder holds, and what only one process may write to."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def files_in(folder: Path) -> list[Path]:
    """The files of a folder and of the folders in it, in the order of their paths. Without hidden ones, whose name or
    folder begins with a dot: what other programs keep for themselves, or have not written to its end."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(f for f in files if not any(part.startswith(".") for part in f.relative_to(folder).parts))


def without_gz(path: Path) -> Path:
    """The path of a file as if it were not gzipped."""
    return path.with_suffix("") if path.suffix.lower() == ".gz" else path


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def lock(path: Path) -> Iterator[bool]:
    """Whether this process holds the lock file until the block ends, which removes it: False if another one does. A
    lock goes with the process that has it, but not its file."""
    from filelock import FileLock, Timeout  # imports asyncio, which every spacy.blank() would wait for

    held = FileLock(path)
    try:
        held.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        with suppress(OSError):  # Windows does not remove what is open
            path.unlink()
        held.release()
