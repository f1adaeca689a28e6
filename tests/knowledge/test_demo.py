"""The demo knowledge base compiles without a complaint and covers the demo corpus."""

import json
from pathlib import Path

import pytest
from spacy.language import Language

from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base

DEMO = Path(__file__).parents[2] / "assets" / "demo"


def test_demo(nlp: Language, tmp_path: Path) -> None:
    if not (DEMO / "kb.jsonl").exists():
        pytest.skip("the demo is not in an installed package")
    reports = compile_knowledge_base(tmp_path / "kb", [SourceFiles("jsonl", [DEMO / "kb.jsonl"])])
    assert [report.dropped for report in reports.values()] == [0, 0]
    nlp.add_pipe("concept_linker").initialize(kb=str(tmp_path / "kb"))
    linked = total = 0
    for line in (DEMO / "train.jsonl").read_text(encoding="utf8").splitlines():
        record = json.loads(line)
        doc = nlp(record["text"])
        surfaces = {span.text for span in doc.spans["concepts"]}
        total += len(record["entities"])
        linked += sum(entity["text"] in surfaces for entity in record["entities"])
    assert linked > 0.8 * total
