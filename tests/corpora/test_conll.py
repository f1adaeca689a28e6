import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.conll import read_conll
from spacy_keci.corpora.formats import read_any, write_any
from spacy_keci.reports import Report

from .strategies import annotated_texts

GOLD = AnnotatedText("FK 506 binds FKBP12 GFP .", [Mention(0, 6, "drug"), Mention(13, 19, "p"), Mention(20, 23, "p")])
TOKENS = GOLD.text.split()
SCHEMES = {
    "BIO": "B-drug I-drug O B-p B-p O",
    "IOB1": "I-drug I-drug O I-p B-p O",
    "BIOES": "B-drug E-drug O S-p S-p O",
    "BILOU": "B-drug L-drug O U-p U-p O",
}


def read(path: Path, content: str) -> tuple[list[AnnotatedText], Report]:
    path.write_text(content, encoding="utf8", newline="")
    report = Report()
    return list(read_conll(path, report)), report


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("separator", ["\t", " "])
def test_schemes_of_tags(tmp_path: Path, scheme: str, separator: str) -> None:
    lines = [separator.join(row) for row in zip(TOKENS, SCHEMES[scheme].split(), strict=True)]
    (text,), report = read(tmp_path / "x", "\r\n".join([*lines, ""]))
    assert (text.text, text.mentions, text.sentences) == (GOLD.text, GOLD.mentions, [0])
    assert not report.counts


def test_documents_columns_and_malformed_lines(tmp_path: Path) -> None:
    content = "-DOCSTART- -X- O\n\nA NN B-x\nB NN I-y\n\n\nC NN O\nD\nE NN O\n\n"
    content += "I NN B-x\n-DOCSTART-\nF NN I-x\nG NN I-x\n\nH NN X-x\n"
    texts, report = read(tmp_path / "x", content)
    assert texts == [
        AnnotatedText("A B", [Mention(0, 1, "x"), Mention(2, 3, "y")], group="1", sentences=[0]),
        AnnotatedText("I", [Mention(0, 1, "x")], group="1", sentences=[0]),
        AnnotatedText("F G", [Mention(0, 3, "x")], group="2", sentences=[0]),
    ]
    assert report.counts == {"columns between token and tag": 7, "dropped: sentence with a malformed line": 2}
    with pytest.raises(ValueError, match="has no sentence with a token and a tag"):
        read(tmp_path / "x", "A\nB\n")


def test_what_has_no_place_is_counted(tmp_path: Path) -> None:
    text = AnnotatedText(
        "FKBP12-GFP binds.It cuts.\n\nSo.",
        [Mention(0, 6, "p"), Mention(0, 10, "a b"), Mention(11, 19, "x")],
        [RelationTriple(0, 1, "of")],
        id="1",
        sentences=[0, 17, 25],  # the last begins with white space
    )
    report = Report()
    write_any([text, AnnotatedText(" ")], tmp_path / "x.conll", report=report)
    assert (tmp_path / "x.conll").read_text().split("\n\n") == [
        "\nFKBP12\tB-a_b\n-\tI-a_b\nGFP\tI-a_b\nbinds\tO\n.\tO",
        "It\tO\ncuts\tO\n.\tO",
        "So\tO\n.\tO",
        "",
    ]
    assert report.counts == {
        "dropped: id of a text: no place in this format": 1,
        "dropped: relation between mentions: no place in this format": 1,
        "dropped: mention that overlaps another one": 1,
        "dropped: mention across the end of a sentence": 1,
        "labels whose white space became '_'": 1,
        "texts whose spacing is not kept": 2,
        "texts with several sentences, which are texts of their own here": 1,
        "dropped: text without words": 1,
    }
    assert [t.text for t in read_any(tmp_path / "x.conll")] == ["FKBP12 - GFP binds .", "It cuts .", "So ."]


@given(texts=st.lists(annotated_texts(), min_size=1, max_size=3))
def test_a_second_read_is_equal(tmp_path_factory: pytest.TempPathFactory, texts: list[AnnotatedText]) -> None:
    path, report = tmp_path_factory.getbasetemp() / "x.conll", Report()
    write_any(texts, path, "conll", report)
    first = list(read_conll(path, report))
    assert len(first) == len(texts) - report.counts["dropped: text without words"]
    lost = sum(len(text.mentions) for text in texts) - sum(len(text.mentions) for text in first)
    assert lost <= report.dropped
    report = Report()
    write_any(first, path, "conll", report)
    assert [(t.text, t.mentions) for t in read_conll(path, report)] == [(t.text, t.mentions) for t in first]
    assert not report.dropped


@pytest.mark.parametrize("corpus", ["BC5CDR", "NCBI-disease"])
def test_corpora_of_sentences(data_dir: Path, tmp_path: Path, corpus: str) -> None:
    """Sentences are what empty lines end, mentions what a B- begins: counted here by the letters."""
    archive = data_dir / "iob" / "biomedical_ner_iob.tar.xz"
    if not archive.is_file():
        pytest.skip("needs the corpora of sentences with tags")
    with tarfile.open(archive) as packed:
        member = f"iob/{corpus}/devel.tsv"
        packed.extract(member, tmp_path, filter="data")
    content = (tmp_path / member).read_text(encoding="utf8")
    report = Report()
    texts = list(read_any(tmp_path / member, report=report))
    assert report.counts["mentions"] == content.count("\tB-") > 0
    assert len(texts) == len([part for part in content.split("\n\n") if part.strip()])
    assert not report.dropped
