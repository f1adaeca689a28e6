"""Pipelines that earlier versions saved load, and predict what they predicted then."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import spacy

SAVED = Path(__file__).parent / "saved"


@pytest.mark.parametrize("name", ["keci-0.1.0"])
def test_the_same_graphs_as_when_it_was_saved(name: str, tmp_path: Path) -> None:
    """keci-0.1.0: KECI.v1 with the demo knowledge base, trained on 40 demo sentences by version 0.1.0."""
    zipfile.ZipFile(SAVED / f"{name}.zip").extractall(tmp_path)
    nlp = spacy.load(tmp_path)
    expected = [json.loads(line) for line in (SAVED / f"{name}.jsonl").read_text(encoding="utf8").splitlines()]
    assert sum(len(each["relations"]) for each in expected) > 10
    for doc, graph in zip(nlp.pipe(each["text"] for each in expected), expected, strict=True):
        group = doc.spans["entities"]
        assert [[m.start_char, m.end_char, m.label_, m.kb_id_] for m in group] == graph["mentions"]
        np.testing.assert_allclose(group.attrs["scores"], graph["scores"], atol=1e-3)
        rows = group.attrs["relations"]
        assert [[head, tail, label] for head, tail, label, _ in rows] == graph["relations"]
        np.testing.assert_allclose([row[3] for row in rows], graph["relation_scores"], atol=1e-3)
