import gzip
from pathlib import Path

import pytest

from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.formats import read_any
from spacy_keci.reports import Report

ABSTRACTS = "11\t FK506 binds FKBP12.\tIt inhibits calcineurin.\n12\tNothing.\t\n"
ENTITIES = (
    "11\tT1\tCHEMICAL\t1\t6\tFK506\n11\tT2\tGENE-Y\t13\t19\tFKBP12\n11\tT3\tGENE-N\t33\t44\tcalcineurin\n"
    "11\tT4\tGENE\t0\t3\tGFP\n13\tT1\tGENE\t0\t3\tGFP\nbad\trow\n11\tT5\tGENE\tx\t3\tGFP\n"
)
DRUGPROT = "11\tDIRECT-REGULATOR\tArg1:T1\tArg2:T2\n11\tINHIBITOR\tArg1:T1\tArg2:T3\n11\tINHIBITOR\tArg1:T1\tArg2:T9\n"
CHEMPROT = "11\tCPR:3\tY \tACTIVATOR\tArg1:T1\tArg2:T2\n11\tCPR:4\tN\tINHIBITOR\tArg1:T1\tArg2:T3\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    # as DrugProt's training part spells it
    (tmp_path / "drugprot_training_abstracs.tsv").write_text(ABSTRACTS)
    (tmp_path / "drugprot_training_entities.tsv").write_text(ENTITIES)
    (tmp_path / "drugprot_training_relations.tsv").write_text(DRUGPROT)
    return tmp_path


def test_drugprot(folder: Path) -> None:
    """3 of 4 entities of a text that is there hold their words; 2 of 3 relations have both ends."""
    report = Report()
    text, other = read_any(folder, report=report)
    assert text == AnnotatedText(
        " FK506 binds FKBP12.\nIt inhibits calcineurin.",
        [Mention(1, 6, "CHEMICAL"), Mention(13, 19, "GENE-Y"), Mention(33, 44, "GENE-N")],
        [RelationTriple(0, 1, "DIRECT-REGULATOR"), RelationTriple(0, 2, "INHIBITOR")],
        id="11",
    )
    assert other == AnnotatedText("Nothing.\n", id="12")
    assert {what: n for what, n in report.counts.items() if what.startswith("dropped")} == {
        "dropped: mention whose offsets do not hold its text": 1,
        "dropped: row of a missing abstract": 1,
        "dropped: malformed row": 2,
        "dropped: relation of a missing mention": 1,
    }


def test_chemprot(tmp_path: Path) -> None:
    (tmp_path / "ChemProt_sample_abstracts.tsv.gz").write_bytes(gzip.compress(ABSTRACTS.encode()))
    (tmp_path / "chemprot_sample_entities.tsv").write_text(ENTITIES)
    (tmp_path / "chemprot_sample_relations.tsv").write_text(CHEMPROT)
    (tmp_path / "chemprot_sample_gold_standard.tsv").write_text("")
    report = Report()
    text, _ = read_any(tmp_path / "ChemProt_sample_abstracts.tsv.gz", "chemprot", report)
    assert text.relations == [RelationTriple(0, 1, "CPR:3"), RelationTriple(0, 2, "CPR:4")]
    assert report.counts["dropped: further column of a relation"] == 4
    # the gold standard alone has the groups and no more
    (tmp_path / "chemprot_sample_relations.tsv").unlink()
    (tmp_path / "chemprot_sample_gold_standard.tsv").write_text("11\tCPR:3\tArg1:T1\tArg2:T2")
    text, _ = read_any(tmp_path, report=report)
    assert report.counts["files that do not end with a line break: they may be cut short"] == 1
    assert text.relations == [RelationTriple(0, 1, "CPR:3")]


def test_what_is_no_chemprot(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no table of abstracts"):
        list(read_any(tmp_path, "chemprot"))
