"""Memory that training has freed goes back to the system."""

import ctypes
import sys

EVERY = 20  # updates


def release_freed_memory() -> bool:
    """Let glibc return what it keeps of freed memory; False where the C library is another one.

    Batches differ in size, and what torch frees after one is in pieces that do not fit the next: on CPU a training
    comes to hold three times what it uses at once.
    """
    if not sys.platform.startswith("linux"):
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:
        return False
    trim(0)
    return True
