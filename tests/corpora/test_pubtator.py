from pathlib import Path

import pytest

from spacy_keci.corpora.annotation import AnnotatedText, Interaction, Mention, RelationTriple
from spacy_keci.corpora.pubtator import read_pubtator, write_pubtator
from spacy_keci.reports import Report

DOCUMENT = """\
12|t|Insulin and IRS1|2.
12|a|MODY | is related.
12\t0\t7\tInsulin\tGene\t3630
12\t12\t18\tIRS1|2\tGene\t3667,8660
12\t20\t24\tMODY\tDisease\tD003924
12\t30\t37\trelated\tDisease\t-
12\tAssociation\t3667\tD003924\tNovel
12\tBind\t3630\t8660
"""


def read(path: Path, content: str) -> tuple[list[AnnotatedText], Report]:
    path.write_text(content, encoding="utf8", newline="")
    report = Report()
    return list(read_pubtator(path, report)), report


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_mentions_and_relations_of_concepts(tmp_path: Path, line_end: str) -> None:
    content = DOCUMENT + "\n13|t|No abstract.\n13\t0\t2\tNo\tGene\n"
    (text, other), report = read(tmp_path / "x.PubTator", content.replace("\n", line_end))
    assert text.text == "Insulin and IRS1|2.\nMODY | is related."
    assert text.mentions == [
        Mention(0, 7, "Gene", "3630"),
        Mention(12, 18, "Gene", "3667,8660"),
        Mention(20, 24, "Disease", "D003924"),
        Mention(30, 37, "Disease"),
    ]
    assert text.clusters == [[0], [1], [1], [2], [3]]
    assert text.interactions == [Interaction(1, 3, "Association", novelty="Novel"), Interaction(0, 2, "Bind")]
    assert text.relations == [RelationTriple(1, 2, "Association"), RelationTriple(0, 1, "Bind")]
    assert other == AnnotatedText("No abstract.", [Mention(0, 2, "Gene")], id="13")
    assert report.counts == {"texts without an abstract": 1}


def test_composite_mentions_of_bc5cdr(tmp_path: Path) -> None:
    lines = [
        "1|t|Kidney and liver failure",
        "1|a|",
        "1\t0\t24\tKidney and liver failure\tDisease\tD051437|D017093\tkidney failure|liver failure",
        "1\t7\t10\tand\tChemical\tD000001",
        "1\tCID\tD000001\tD017093",
    ]
    (text,), report = read(tmp_path / "x", "\n".join(lines) + "\n")
    assert text.relations == [RelationTriple(1, 0, "CID")]
    assert report.counts == {"dropped: further column of a mention": 1}


def test_malformed_lines_are_reported(tmp_path: Path) -> None:
    lines = [
        "before the first title",
        *DOCUMENT.splitlines(),
        "12\t0\t7\tinsulin\tGene\t3630",
        "12\t0\t70\tInsulin\tGene\t3630",
        "12\t7\t0\tInsulin\tGene\t3630",
        "12\t-7\t7\tInsulin\tGene\t3630",
        "12\t0\t7\tInsulin\t\t3630",
        "12\t0\tx\tInsulin\tGene\t3630",
        "99\t0\t7\tInsulin\tGene\t3630",
        "12\tBind\t3630\t1",
        "12|a|Another abstract.",
        "12",
    ]
    (text,), report = read(tmp_path / "x", "\n".join(lines) + "\n")
    assert len(text.mentions) == 4
    assert report.counts == {
        "dropped: line before the first title": 1,
        "dropped: mention whose offsets do not hold its text": 1,
        "dropped: mention outside the text or empty": 3,
        "dropped: mention without a type": 1,
        "dropped: malformed line": 4,
        "dropped: relation of a concept that no mention has": 1,
    }


def test_what_is_no_pubtator(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"x is not PubTator: no line begins with an id and \|t\|"):
        read(tmp_path / "x", "12\t0\t7\tInsulin\tGene\t3630\n")
    assert read(tmp_path / "x", "")[0] == []


def test_a_file_cut_short_is_noted(tmp_path: Path) -> None:
    _, report = read(tmp_path / "x", DOCUMENT[:40])
    assert report.counts["files that do not end with a line break: they may be cut short"] == 1


def test_relations_between_mentions_are_written_between_concepts(tmp_path: Path) -> None:
    text = AnnotatedText(
        "A\r\nB\nC|D",
        [Mention(0, 1, "x", "1,2"), Mention(3, 4, "x", "3"), Mention(5, 6, "x")],
        [RelationTriple(0, 1, "binds"), RelationTriple(0, 2, "binds")],
        id="a|b c",
    )
    report = Report()
    write_pubtator([text, AnnotatedText("")], tmp_path / "x", report)
    assert (tmp_path / "x").read_text(encoding="utf8").split("\n\n") == [
        "a_b_c|t|A \na_b_c|a|B C|D\na_b_c\t0\t1\tA\tx\t1,2\na_b_c\t3\t4\tB\tx\t3\na_b_c\t5\t6\tC\tx\t-"
        "\na_b_c\tbinds\t1\t3\na_b_c\tbinds\t2\t3",
        "1|t|\n1|a|",
        "",
    ]
    assert report.counts == {
        "dropped: line breaks, of which PubTator has one between title and abstract": 1,
        "identifiers in which blanks and bars became '_', as PubTator has no place for them": 1,
        "relations between mentions, written as relations between their concepts": 1,
        "dropped: relation of a mention without an identifier": 1,
    }
