from pathlib import Path

import pytest

from spacy_keci.cli.convert import convert_cli
from spacy_keci.corpora.annotation import AnnotatedText, Mention
from spacy_keci.corpora.formats import read_any
from spacy_keci.corpora.vocabularies import name_vocabularies, parse_names
from spacy_keci.reports import Report

PUBTATOR = """1|t|MEK1/2 and cancer
1|a|
1\t0\t6\tMEK1/2\tGene\t5604,5605
1\t11\t17\tcancer\tDisease\tD009369
1\tAssociation\t5604\tD009369\tNovel
"""


@pytest.mark.parametrize(
    ("kb_id", "expected"),
    [
        ("5604", "NCBIGene:5604"),
        ("5604, 5605", "NCBIGene:5604,NCBIGene:5605"),
        ("D000001|D000002;3", "NCBIGene:D000001|NCBIGene:D000002;NCBIGene:3"),
        ("p|SUB|V|600|E", "NCBIGene:p|SUB|V|600|E"),
        ("tmVar:p|SUB|V|600|E;HGVS:p.V600E", "tmVar:p|SUB|V|600|E;HGVS:p.V600E"),
        ("-1", "-1"),
        ("OMIM:1", "OMIM:1"),
        ("", ""),
        ("-", "-"),
    ],
)
def test_identifiers_get_the_vocabulary_of_their_label(kb_id: str, expected: str) -> None:
    text = AnnotatedText("abcd", [Mention(0, 1, "Gene", kb_id), Mention(1, 2, "Other", kb_id)])
    (named,) = name_vocabularies([text], {"Gene": "NCBIGene"})
    assert [m.kb_id for m in named.mentions] == [expected, kb_id.replace(", ", ",")]


def test_convert_keeps_relations_between_concepts(tmp_path: Path) -> None:
    (tmp_path / "a.pubtator").write_text(PUBTATOR)
    target = tmp_path / "b.pubtator"
    convert_cli(tmp_path / "a.pubtator", target, vocabulary=["Gene=NCBIGene", "Disease=MESH"])
    lines = target.read_text().splitlines()
    assert "1\tAssociation\tNCBIGene:5604\tMESH:D009369\tNovel" in lines
    (text,) = read_any(target, None, Report())
    assert [m.kb_id for m in text.mentions] == ["NCBIGene:5604,NCBIGene:5605", "MESH:D009369"]


def test_options() -> None:
    assert parse_names(["Gene=NCBIGene", "Disease=MESH"]) == {"Gene": "NCBIGene", "Disease": "MESH"}
    for wrong in ("Gene", "=MESH", "Gene="):
        with pytest.raises(ValueError, match="LABEL=NAME"):
            parse_names([wrong])
    with pytest.raises(ValueError, match="'Gene' is given twice: NCBIGene and HGNC"):
        parse_names(["Gene=NCBIGene", "Gene=HGNC"])
