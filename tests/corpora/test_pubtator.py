import gzip
from pathlib import Path

import pytest

from spacy_keci.corpora.annotation import AnnotatedText, Interaction, Mention, RelationTriple
from spacy_keci.corpora.formats import read_any
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


V600E = "tmVar:p|SUB|V|600|E;HGVS:p.V600E;VariantGroup:0;CorrespondingGene:673;RS#:113;CorrespondingSpecies:9606;CA#:16"
V600K = "tmVar:p|SUB|V|600|K;HGVS:p.V600K;VariantGroup:0;CorrespondingGene:673;RS#:121;CorrespondingSpecies:9606"


def test_variants_of_one_gene_are_not_one_concept(tmp_path: Path) -> None:
    lines = [
        "3|t|V600E and V600K",
        "3|a|BRAF V600E, drug B",
        f"3\t0\t5\tV600E\tProteinMutation\t{V600E}",
        f"3\t10\t15\tV600K\tProteinMutation\t{V600K}",
        "3\t16\t20\tBRAF\tGene\t673",
        f"3\t21\t26\tV600E\tProteinMutation\t{V600E}",
        "3\t28\t34\tdrug B\tChemical\tMESH:C1",
        "3\tAssociation\tMESH:C1\tRS#:113",
        "3\tTreats\tMESH:C1\tRS#:121;HGVS:p.V600K;CorrespondingGene:673",
    ]
    (text,), report = read(tmp_path / "x", "\n".join(lines) + "\n")
    assert text.clusters is not None
    assert not any({0, 1} <= set(cluster) or {1, 3} <= set(cluster) for cluster in text.clusters)
    assert [cluster for cluster in text.clusters if 2 in cluster] == [[2]]
    assert {r[:3] for r in text.relations} == {(4, 0, "Association"), (4, 3, "Association"), (4, 1, "Treats")}
    assert not report.counts


@pytest.mark.parametrize("of_mention", ["p|SUB|V|600|E;CorrespondingGene:673;VariantGroup:1", "p|SUB|V|600|E;RS#:113"])
@pytest.mark.parametrize("of_relation", ["", "p|SUB|V|600|E", "p|SUB|V|600|E;RS#:113;CorrespondingGene:673"])
def test_variants_without_a_key(tmp_path: Path, of_mention: str, of_relation: str) -> None:
    lines = [
        "3|t|V600E and BRAF",
        f"3\t0\t5\tV600E\tProteinMutation\t{of_mention}",
        "3\t10\t14\tBRAF\tGene\t673",
        f"3\tAssociation\t673\t{of_relation or of_mention}",
    ]
    (text,), report = read(tmp_path / "x", "\n".join(lines) + "\n")
    assert text.relations == [RelationTriple(1, 0, "Association")]
    assert text.clusters is not None and [1] in text.clusters and [0] in text.clusters and [0, 1] not in text.clusters
    assert not report.dropped


def test_a_carriage_return_in_a_text(tmp_path: Path) -> None:
    lines = ["1|t|A\rB", "1|a|C", "1\t2\t3\tB\tx\t-", "1\t4\t5\tC\tx\t-"]
    (text,), report = read(tmp_path / "x", "\n".join(lines) + "\n")
    assert text.text == "A\rB\nC" and len(text.mentions) == 2 and not report.counts
    # line ends of an old Mac
    lines[0] = "1|t|AxB"
    (text,), report = read(tmp_path / "x", "\r".join(lines) + "\r")
    assert text.text == "AxB\nC" and len(text.mentions) == 2 and not report.counts


def test_a_damaged_line_costs_itself_only(tmp_path: Path) -> None:
    good = "1|t|A\n1|a|B\n1\t0\t1\tA\tx\t-\n"
    (tmp_path / "x").write_bytes(
        good.encode() + b"1\t2\t3\tB\xff\tx\t-\n\n" + b"2|t|\xe9\n2|a|B\n2\t0\t1\t\xe9\tx\t-\n\n" + b"3|t|C\n3|a|D\n"
    )
    report = Report()
    texts = list(read_pubtator(tmp_path / "x", report))
    assert [(text.id, len(text.mentions)) for text in texts] == [("1", 1), ("3", 0)]
    assert report.counts == {"dropped: malformed line": 1, "dropped: text that is not UTF-8": 1}
    "\n".join(report.lines()).encode()


def test_novelty_comes_back(tmp_path: Path) -> None:
    texts, report = read(tmp_path / "x", DOCUMENT)
    write_pubtator(texts, tmp_path / "y", report)
    assert "12\tAssociation\t3667\tD003924\tNovel\n" in (tmp_path / "y").read_text()
    assert list(read_pubtator(tmp_path / "y", report)) == texts
    assert not report.counts


@pytest.mark.parametrize(("part", "mentions", "relations"), [("Training", 9385, 1038), ("Development", 9591, 1012)])
def test_bc5cdr(data_dir: Path, part: str, mentions: int, relations: int) -> None:
    """Against its own lines: those with two columns of digits are mentions, those with CID relations."""
    path = data_dir / "cdr" / f"CDR_{part}Set.PubTator.txt.gz"
    if not path.is_file():
        pytest.skip("needs BC5CDR")
    with gzip.open(path, "rt", encoding="utf8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    assert sum(len(row) > 2 and row[1].isdigit() and row[2].isdigit() for row in rows) == mentions
    assert sum(len(row) > 1 and row[1] == "CID" for row in rows) == relations
    report = Report()
    texts = list(read_any(path, report=report))
    assert (len(texts), report.counts["mentions"]) == (500, mentions)
    assert report.counts["interactions between entities"] == relations
