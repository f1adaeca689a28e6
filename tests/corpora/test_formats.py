from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.vocab import Vocab

from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple, Report
from spacy_keci.corpora.docbin import load_docs, save_docs
from spacy_keci.corpora.formats import FORMATS, get_format, read_any

from .strategies import annotated_texts

TEXT = AnnotatedText(
    "FK506 binds FKBP12-GFP .",
    [Mention(0, 5, "drug"), Mention(12, 22, "protein"), Mention(12, 18, "protein")],
    [RelationTriple(0, 1, "binds"), RelationTriple(0, 2, "binds")],
    id="1",
)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_comes_back(tmp_path: Path, name: str) -> None:
    path, report = tmp_path / "x", Report()
    texts = [TEXT, AnnotatedText("Nothing here .", id="2")]
    FORMATS[name].write(texts, path, report)
    assert not report.counts
    found = list(read_any(path, name, report))
    for text in found:
        text.clusters = text.interactions = None
    if name == "spert":  # the only one that keeps tokens instead of the text
        assert [text.text for text in found] == ["FK506 binds FKBP12 -GFP .", "Nothing here ."]
    else:
        assert found == texts
    assert (report.counts["texts"], report.counts["mentions"], report.counts["relations"]) == (2, 3, 2)


@pytest.mark.parametrize("name", ["jsonl", "spacy"])
@settings(max_examples=25)
@given(texts=st.lists(annotated_texts(), min_size=1, max_size=3))
def test_whatever_the_text(tmp_path_factory: pytest.TempPathFactory, name: str, texts: list[AnnotatedText]) -> None:
    path, report = tmp_path_factory.getbasetemp() / f"whatever.{name}", Report()
    FORMATS[name].write(texts, path, report)
    assert list(read_any(path, report=report)) == texts
    assert set(report.counts) <= {"texts", "mentions", "relations"}


def test_format_by_suffix() -> None:
    assert get_format(Path("x.spacy")) is FORMATS["spacy"]
    assert get_format(Path("x.jsonl")) is FORMATS["jsonl"]
    assert get_format(Path("x.json"), "biorelex") is FORMATS["biorelex"]
    for path, name in (("x.json", None), ("x", None), ("x.jsonl", "conll")):
        with pytest.raises(ValueError, match=r"name one of biorelex, jsonl, spacy, spert"):
            get_format(Path(path), name)


def test_documents_without_mentions_annotated_are_counted(tmp_path: Path, nlp: Language) -> None:
    save_docs([nlp("No key.")], tmp_path / "x.spacy")
    report = Report()
    assert list(read_any(tmp_path / "x.spacy", report=report)) == [AnnotatedText("No key.")]
    assert report.counts["texts without doc.spans['entities']"] == 1


def test_user_data_survives(tmp_path: Path, nlp: Language) -> None:
    doc = nlp("A")
    doc.user_data["group"] = "123"
    save_docs([doc], tmp_path / "x.spacy")
    (loaded,) = load_docs(tmp_path / "x.spacy", Vocab())
    assert loaded.user_data == {"group": "123"}
