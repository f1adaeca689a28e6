"""The report command from end to end."""

import json
from pathlib import Path

import pytest
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span, SpanGroup
from typer.testing import CliRunner, Result

from spacy_keci.cli.main import keci

from ..scoring.graphs import make_doc


@Language.component("test_upper_case_report")
def upper_case_graph(doc: Doc) -> Doc:
    found = [Span(doc, t.i, t.i + 1, label="GENE") for t in doc if t.is_upper]
    rows = [[i, i + 1, "binds", 0.75] for i in range(len(found) - 1)]
    attrs = {"relations": rows, "scores": [0.5] * len(found)}
    doc.spans["entities"] = SpanGroup(doc, name="entities", spans=found, attrs=attrs)
    return doc


@pytest.fixture
def model(nlp: Language, tmp_path: Path) -> Path:
    nlp.add_pipe("test_upper_case_report")
    nlp.meta["name"] = "upper"
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def corpus(nlp: Language, tmp_path: Path) -> Path:
    golds = [
        make_doc(nlp, "AB binds CD", [(0, 2, "GENE"), (9, 11, "GENE")], [(0, 1, "binds")], id="one"),
        make_doc(nlp, "ABCD is split", [(0, 2, "GENE")], id="two"),
        make_doc(nlp, "AB \n binds lower", [(0, 2, "DRUG"), (11, 16, "GENE")], [(0, 1, "binds")], id="three"),
    ]
    DocBin(docs=golds, store_user_data=True).to_disk(tmp_path / "dev.spacy")
    return tmp_path / "dev.spacy"


def report(*arguments: object) -> Result:
    return CliRunner().invoke(keci, ["report", *map(str, arguments)])


def test_end_to_end(model, corpus, tmp_path):
    outcome = report(model, corpus, "-o", tmp_path / "new" / "report.html", "--bootstrap", 20)
    assert outcome.exit_code == 0, outcome.output
    page = (tmp_path / "new" / "report.html").read_text(encoding="utf8")
    assert "<title>en_upper on dev.spacy</title>" in page and page.count("<article") == 2
    assert "wrong boundaries" in page and "1 mentions and 0 relations of the gold are not on token boundaries" in page
    assert str(tmp_path) not in page


def test_jsonl(model, tmp_path):
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps({"text": "AB CD", "entities": [{"text": "AB", "label": "GENE"}]}) + "\n{}\n")
    outcome = report(model, path, "-o", tmp_path / "report.html", "--bootstrap", 0)
    assert outcome.exit_code == 0 and "malformed line" in outcome.output
    assert "spurious mention" in (tmp_path / "report.html").read_text(encoding="utf8")


def test_no_documents(model, tmp_path):
    DocBin().to_disk(tmp_path / "none.spacy")
    outcome = report(model, tmp_path / "none.spacy", "-o", tmp_path / "report.html")
    assert outcome.exit_code == 1 and "holds no documents" in outcome.output
    assert not (tmp_path / "report.html").exists()
