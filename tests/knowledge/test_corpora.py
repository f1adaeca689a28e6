"""The bars on real vocabularies and corpora; slow, so it runs only where asked for (SPACY_KECI_SLOW=1)."""

import importlib.util
import os
from pathlib import Path

import pytest

from spacy_keci.knowledge.knowledge_base import KnowledgeBase

pytestmark = pytest.mark.skipif(not os.environ.get("SPACY_KECI_SLOW"), reason="slow: set SPACY_KECI_SLOW=1")


def test_coverage_and_grounding(data_dir: Path, tmp_path: Path) -> None:
    path = Path(__file__).parents[2] / "benchmarks" / "knowledge.py"
    spec = importlib.util.spec_from_file_location("knowledge_benchmark", path)
    assert spec is not None and spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    benchmark.build(data_dir / "ontologies", tmp_path / "kb")
    kb = KnowledgeBase(tmp_path / "kb")
    corpus = benchmark.biorelex(data_dir)
    biorelex, ade = (benchmark.coverage(kb, c) for c in (corpus, benchmark.ade(data_dir)))
    assert biorelex["linked"] >= 0.72 and ade["linked"] >= 0.74
    assert max(biorelex["candidates_per_linked_mention"], ade["candidates_per_linked_mention"]) <= 2.0
    assert benchmark.grounding(kb, corpus)["HGNC"]["gold among candidates"] >= 0.85
