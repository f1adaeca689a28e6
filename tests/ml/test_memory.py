import sys

import numpy as np
import pytest

from spacy_keci.ml.memory import release_freed_memory


def resident_megabytes() -> float:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1e3


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of Linux's C library")
def test_freed_memory_goes_back() -> None:
    if not release_freed_memory():
        pytest.skip("another C library than glibc")
    # small enough to come from the heap; every second one stays, so that the heap's end cannot just be cut off
    pieces = [np.ones(12_000) for _ in range(2_000)]
    full = resident_megabytes()
    del pieces[::2]
    assert release_freed_memory()
    assert resident_megabytes() < full - 60
