"""In a process of its own: what was imported before stays imported."""

import subprocess
import sys

import pytest

pytest.importorskip("spacy_transformers")

SCRIPT = """
import sys
import spacy
from spacy_keci.tokenizer import create_biomedical_tokenizer

create_biomedical_tokenizer()
assert "spacy_transformers.pipeline_component" in sys.modules
heavy = {"sklearn", "torch._dynamo", "torch.distributed.tensor", "sympy", "scipy.optimize"} & sys.modules.keys()
assert not heavy, heavy
spacy.blank("en")

from transformers.generation import candidate_generator
from transformers.masking_utils import TransformGetItemToIndex
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS, ALL_PARALLEL_STYLES, DTensor, verify_tp_plan

if hasattr(candidate_generator, "roc_curve"):  # where scikit-learn is installed
    false_positives, _, _ = candidate_generator.roc_curve([0, 1], [0.2, 0.8])
    assert false_positives[-1] == 1.0
    import sklearn.metrics

    assert hasattr(sklearn.metrics, "f1_score")
with TransformGetItemToIndex():
    pass
assert not isinstance(1, DTensor) and "torch.distributed.tensor" in sys.modules
assert "colwise" in ALL_PARALLEL_STYLES and "nowise" not in ALL_PARALLEL_STYLES
verify_tp_plan(["layer.weight"], None)
import torch._dynamo

assert torch._dynamo._trace_wrapped_higher_order_op.trace_wrapped
import transformers.integrations.flex_attention

assert transformers.integrations.flex_attention.WrappedFlexAttention
assert callable(ALL_ATTENTION_FUNCTIONS["flex_attention"])
"""


def test_what_transformers_hardly_uses_is_imported_when_it_is_used() -> None:
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert not result.returncode, result.stderr
