"""Return memory freed in training to the system."""

import ctypes
import sys

EVERY = 20  # updates


def release_freed_memory() -> bool:
    """Make glibc return freed memory to the system; returns False for another C library.

    Batches differ in size, so memory freed after one batch is often too fragmented for the next: on a CPU, a training
    would hold three times the memory that it uses.
    """
    if not sys.platform.startswith("linux"):
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:
        return False
    trim(0)
    return True
