"""The scripts about relations between concepts, on texts written for the tests."""

import sys
from pathlib import Path

import pytest
import spacy

from spacy_keci.corpora.docbin import save_docs
from spacy_keci.tokenizer import create_biomedical_tokenizer

from ..pipeline.abstracts import make_abstracts
from .conftest import load_script


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train.spacy, dev.spacy and test.spacy."""
    folder = tmp_path_factory.mktemp("corpus")
    nlp = spacy.blank("en")
    nlp.tokenizer = create_biomedical_tokenizer()(nlp)
    docs = make_abstracts(nlp, 48)
    for name, part in (("train", docs[:32]), ("dev", docs[32:40]), ("test", docs[40:])):
        save_docs(part, folder / f"{name}.spacy")
    return folder


def run(script: str, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
    load_script(script).main()


class TestBaselines:
    def test_they_are_printed(
        self, corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pytest.importorskip("sklearn")
        run("concept_baselines", monkeypatch, *(corpus / f"{name}.spacy" for name in ("train", "dev", "test")))
        rows = {line[:16].strip(): line[16:].split() for line in capsys.readouterr().out.splitlines()}
        precision, recall, _ = map(float, rows["all pairs"][:3])
        assert recall == 100.0 and 0 < precision < 60
        assert {"one sentence", "table", "boosted trees"} <= rows.keys()

    def test_a_label_in_the_input_is_the_answer(
        self, corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pytest.importorskip("sklearn")
        run("label_leak", monkeypatch, corpus / "train.spacy", corpus / "test.spacy")
        rows = {line[:34].strip(): line[34:].split() for line in capsys.readouterr().out.splitlines()}
        assert rows["the label, read from the string"] == ["1.000", "1.000"]
        assert float(rows["the most frequent label"][0]) < 1
