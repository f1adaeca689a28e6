import tarfile
from pathlib import Path

import pytest

from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.formats import read_any
from spacy_keci.corpora.masked import read_masked, write_masked
from spacy_keci.reports import Report

TRAIN = "The @GENE$ gene causes @DISEASE$.\t1\nNo @DISEASE$ by @GENE$.\t0\n@CHEMICAL$ blocks @GENE$\tCPR:4\n"


def read(path: Path, content: str) -> tuple[list[AnnotatedText], Report]:
    path.write_text(content, encoding="utf8", newline="")
    report = Report()
    return list(read_masked(path, report)), report


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_text_with_two_mentions(tmp_path: Path, line_end: str) -> None:
    texts, report = read(tmp_path / "x.tsv", TRAIN.replace("\n", line_end))
    assert texts[0] == AnnotatedText(
        "The @GENE$ gene causes @DISEASE$.",
        [Mention(4, 10, "GENE"), Mention(23, 32, "DISEASE")],
        [RelationTriple(0, 1, "related")],
        sentences=[0],
    )
    assert [m.label for m in texts[1].mentions] == ["DISEASE", "GENE"] and not texts[1].relations
    assert texts[2].relations == [RelationTriple(0, 1, "CPR:4")]
    assert not report.counts


def test_what_is_no_pair(tmp_path: Path) -> None:
    lines = "index\tsentence\tlabel\n7\t@GENE$ @DISEASE$\t1\n8\t@GENE$ only\t1\n"
    lines += "9\t@A$ @B$ @C$\t0\n@A$ @B$\n1\t2\t@A$ @B$\t1\n"
    (text,), report = read(tmp_path / "x", lines)
    assert text.id == "7"
    assert report.counts == {"dropped: line without a sentence with two masks and a label": 4}
    with pytest.raises(ValueError, match="holds no line with two masks"):
        read(tmp_path / "x", "nothing\t1\n")


def test_pairs_of_a_text(tmp_path: Path) -> None:
    text = AnnotatedText(
        "FK506 binds FKBP12,\nGFP",
        [Mention(0, 5, "DRUG"), Mention(12, 18, "PROTEIN"), Mention(20, 23, "a b"), Mention(12, 23, "ALL")],
        [
            RelationTriple(0, 1, "related"),
            RelationTriple(1, 0, "related"),
            RelationTriple(2, 1, "cuts"),
            RelationTriple(1, 3, "x"),
            RelationTriple(0, 2, "NA"),
        ],
        id="1",
    )
    report = Report()
    write_masked([text, AnnotatedText("none")], tmp_path / "x", report)
    assert (tmp_path / "x").read_text().splitlines() == [
        "index\tsentence\tlabel",
        "0\t@DRUG$ binds @PROTEIN$, GFP\t1",
        "1\t@DRUG$ binds @ALL$\t0",
        "2\t@DRUG$ binds FKBP12, @a_b$\t0",
        "3\tFK506 binds @PROTEIN$, @a_b$\tcuts",
    ]
    assert report.counts == {
        "texts whose line breaks and tabs became spaces": 1,
        "labels whose white space, @ and $ became '_'": 1,
        "dropped: second relation of a pair": 1,
        "dropped: direction of a relation whose tail comes first": 1,
        "dropped: relation of mentions that overlap": 1,
        "dropped: relation whose label means none in this format": 1,
        "pairs of mentions that overlap, left out": 2,
        "dropped: text with fewer than two mentions": 1,
    }


def test_what_was_read_comes_back(tmp_path: Path) -> None:
    texts, report = read(tmp_path / "x", TRAIN)
    write_masked(texts, tmp_path / "y", report)
    again = list(read_masked(tmp_path / "y", report))
    for number, text in enumerate(texts):
        text.id = str(number)
    assert again == texts
    assert not report.counts


@pytest.mark.parametrize(("name", "pairs", "positive"), [("gad", 5330, 2801), ("euadr", 355, 262)])
def test_gad_and_euadr(data_dir: Path, tmp_path: Path, name: str, pairs: int, positive: int) -> None:
    """The test parts of the ten folds are the whole corpus; counted here by the ends of the lines."""
    archive = data_dir / name / f"{name}_10fold.tar.xz"
    if not archive.is_file():
        pytest.skip(f"needs {name}")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    files = sorted(tmp_path.rglob("test.tsv"))
    lines = [line for file in files for line in file.read_text(encoding="utf8").split("\n")]
    assert sum(line.endswith(("\t0", "\t1")) for line in lines) == pairs
    assert sum(line.endswith("\t1") for line in lines) == positive
    texts = [text for file in files for text in read_any(file, report=Report())]
    assert len(texts) == pairs
    assert sum(len(text.relations) for text in texts) == positive
    assert {tuple(sorted(m.label for m in text.mentions)) for text in texts} == {("DISEASE", "GENE")}
