import pytest
from thinc.api import NumpyOps, Ops

from spacy_keci.ml.keci.inputs import tokens_at_once


class GpuOps(Ops):
    pass


@pytest.mark.parametrize(
    ("ops", "limit", "expected"), [(NumpyOps(), 2048, 512), (NumpyOps(), 30, 30), (GpuOps(), 2048, 2048)]
)
def test_a_cpu_reads_few_tokens_at_once(ops: Ops, limit: int, expected: int) -> None:
    assert tokens_at_once(ops, limit) == expected
