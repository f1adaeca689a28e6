import gzip
from pathlib import Path

import pytest

from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.brat import read_brat, write_brat
from spacy_keci.corpora.formats import read_any
from spacy_keci.reports import Report


def write(folder: Path, text: str, annotations: str | None, name: str = "a") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.txt").write_bytes(text.encode())
    if annotations is not None:
        (folder / f"{name}.ann").write_bytes(annotations.encode())
    return folder


def read(folder: Path) -> tuple[list[AnnotatedText], Report]:
    report = Report()
    return list(read_brat(folder, report)), report


def test_mentions_relations_and_concepts(tmp_path: Path) -> None:
    annotations = (
        "T1\tdrug 0 5\tFK506\n"
        "T2\tprotein 14 18;20 23\tFKBP 12x\n"
        "T3\tprotein 14 23\tFKBP 12x\n"
        "N1\tReference T1 CHEBI:61049\ttacrolimus\n"
        "N2\tReference T1 KB:D016559\n"
        "R1\tbinds Arg1:T1 Arg2:T2\t\n"
        "R2\tbinds Arg2:T1 Arg1:T3\n"
        "R3\tpart Whole:T3 Part:T1\n"
    )
    write(tmp_path / "c" / "sub", "FK506\r\nbinds  FKBP\r\n12x", annotations, "a.b")
    (text,), report = read(tmp_path / "c")
    assert text.id == "sub/a.b"
    assert text.mentions == [
        Mention(0, 5, "drug", "CHEBI:61049,D016559"),
        Mention(14, 23, "protein"),
        Mention(14, 23, "protein"),
    ]
    assert text.relations == [
        RelationTriple(0, 1, "binds"),
        RelationTriple(2, 0, "binds"),
        RelationTriple(2, 0, "part"),
    ]
    assert not report.counts


def test_what_has_no_place_is_counted(tmp_path: Path) -> None:
    annotations = (
        "T1\tx 0 1;4 5\tA C\n"
        "T2\tx 2 3\tB\n"
        "E1\tBinding:T1 Theme:T2\n"
        "A1\tNegation E1\n"
        "M1\tSpeculation E1\n"
        "#1\tAnnotatorNotes T1\tnot sure\n"
        "*\tEquiv T1 T2\n"
        "R1\tcause Arg1:E1 Arg2:T1\n"
        "N1\tReference T9 CHEBI:1\tx\n"
    )
    (text,), report = read(write(tmp_path / "c", "A B C", annotations))
    assert text.mentions == [Mention(0, 5, "x"), Mention(2, 3, "x")]
    assert report.counts == {
        "mentions in several pieces, kept as one from the first to the last": 1,
        "dropped: event": 1,
        "dropped: attribute": 2,
        "dropped: note": 1,
        "dropped: equivalence": 1,
        "dropped: relation of a missing mention": 1,
        "dropped: concept of a missing mention": 1,
    }


def test_malformed_lines_and_files(tmp_path: Path) -> None:
    lines = [
        "T1\tx 0 1\tA",
        "T2\tx 0 1",
        "T3\tx 0 99\tA",
        "T4\tx 3 1\tB",
        "T5\tx 0 1\tB",
        "T1\ty 2 3\tB",
        "R1\tr T1 T1",
    ]
    write(tmp_path / "c", "A B C", "\n".join([*lines, "R2\tr Arg1:T1 Arg2:T1"]))
    write(tmp_path / "c", "no annotations", None, "b")
    write(tmp_path / "c", "", "", "empty")
    (tmp_path / "c" / "latin.txt").write_bytes(b"\xe9")
    (tmp_path / "c" / "latin.ann").touch()
    (tmp_path / "c" / "alone.ann").touch()
    (text, empty), report = read(tmp_path / "c")
    assert text.mentions == [Mention(0, 1, "x"), Mention(2, 3, "y")]
    assert empty == AnnotatedText("", id="empty")
    assert report.counts == {
        "dropped: mention outside the text or empty": 2,
        "dropped: mention whose offsets do not hold its text": 1,
        "dropped: malformed line": 2,
        "dropped: relation of a missing mention": 1,
        "dropped: text that cannot be read, or has no .ann file": 2,
        "dropped: annotations without a .txt file": 1,
        "files that do not end with a line break: they may be cut short": 1,
    }


def test_what_is_no_brat(tmp_path: Path) -> None:
    write(tmp_path / "c", "no annotations", None)
    for path in (tmp_path / "c", tmp_path / "c" / "a.txt", tmp_path / "none"):
        with pytest.raises(ValueError, match=r"is not a folder with .txt and .ann files of brat"):
            read(path)


def test_names_that_are_taken(tmp_path: Path) -> None:
    report = Report()
    write_brat([AnnotatedText(text, id=id) for text, id in (("A", "x-2"), ("B", "x"), ("C", "x"))], tmp_path, report)
    assert {text.id: text.text for text in read(tmp_path)[0]} == {"x-2": "A", "x": "B", "x-2-2": "C"}
    assert report.counts == {"texts with the id of another text, numbered": 1}
    # on some file systems "X" would be written over "x"
    other = tmp_path / "other"
    write_brat([AnnotatedText(text, id=id) for text, id in (("A", "x"), ("B", "X"))], other, Report())
    assert {text.id for text in read(other)[0]} == {"x", "X-1"}


def test_written_as_brat_does(tmp_path: Path) -> None:
    text = AnnotatedText(
        "FK506 binds\nFKBP12.",
        [Mention(0, 5, "drug", "CHEBI:61049"), Mention(6, 18, "a b", "D 1"), Mention(12, 18, "protein", "KB:1")],
        [RelationTriple(0, 2, "binds")],
        id="../x",
    )
    report = Report()
    texts = [text, AnnotatedText("second", id="../x"), AnnotatedText("third")]
    write_brat(texts, tmp_path / "c", report)
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == [
        "%2E.%2Fx-1.ann",
        "%2E.%2Fx-1.txt",
        "%2E.%2Fx.ann",
        "%2E.%2Fx.txt",
        "2.ann",
        "2.txt",
    ]
    assert (tmp_path / "c" / "%2E.%2Fx.ann").read_text(encoding="utf8").splitlines() == [
        "T1\tdrug 0 5\tFK506",
        "N1\tReference T1 CHEBI:61049\tFK506",
        "T2\ta_b 6 11;12 18\tbinds FKBP12",
        "N2\tReference T2 KB:D_1\tbinds FKBP12",
        "T3\tprotein 12 18\tFKBP12",
        "N3\tReference T3 KB:KB:1\tFKBP12",
        "R1\tbinds Arg1:T1 Arg2:T3",
    ]
    assert report.counts == {
        "labels and concepts whose white space became '_'": 2,
        "texts with the id of another text, numbered": 1,
    }
    found, report = read(tmp_path / "c")
    assert [text.id for text in found] == ["../x-1", "../x", "2"]
    assert found[1].mentions == [text.mentions[0], Mention(6, 18, "a_b", "D_1"), text.mentions[2]]
    assert not report.counts
    with pytest.raises(ValueError, match=r"holds texts or annotations already: choose an empty folder"):
        write_brat(texts, tmp_path / "c", report)


def test_byte_order_mark_and_dos_line_ends(tmp_path: Path) -> None:
    annotations = "T1\tdrug 0 5\tFK506\nT2\tprotein 12 18\tFKBP12\nR1\tbinds Arg1:T1 Arg2:T2\n"
    (text,), report = read(write(tmp_path / "bom", "\ufeffFK506 binds FKBP12.", "\ufeff" + annotations))
    assert text.text == "FK506 binds FKBP12."
    assert (text.mentions, len(text.relations)) == ([Mention(0, 5, "drug"), Mention(12, 18, "protein")], 1)
    assert not report.counts
    # offsets that count the mark
    counted = "T1\tdrug 1 6\tFK506\nT2\tprotein 13 19\tFKBP12\nR1\tbinds Arg1:T1 Arg2:T2\n"
    (same,), report = read(write(tmp_path / "counted", "\ufeffFK506 binds FKBP12.", counted))
    assert same == text
    assert report.counts == {"texts whose offsets count characters, the byte order mark too, corrected": 1}
    # the text was converted to DOS line ends after it had been annotated
    later = annotations + "T3\tdrug 20 22\tIt\nT4\tprotein 30 41\tcalcineurin\nR2\tinhibits Arg1:T3 Arg2:T4\n"
    (text,), report = read(write(tmp_path / "crlf", "FK506 binds FKBP12.\r\nIt blocks calcineurin.\r\n", later))
    assert [text.text[m.start : m.end] for m in text.mentions] == ["FK506", "FKBP12", "It", "calcineurin"]
    assert len(text.relations) == 2
    assert report.counts == {"texts whose offsets count characters, CRLF as one, corrected": 1}


def test_pieces_that_are_joined_without_a_blank(tmp_path: Path) -> None:
    annotations = (
        "T1\tGROUP 0 6;16 33\talpha-adrenergic agents\nT2\tDRUG 38 43\tFK506\n"
        "T3\tGROUP 16 33;0 6\tadrenergic agents alpha-\nR1\tEFFECT Arg1:T1 Arg2:T2\n"
    )
    (text,), report = read(write(tmp_path / "c", "alpha- and beta-adrenergic agents and FK506.", annotations))
    assert [m[:2] for m in text.mentions] == [(0, 33), (38, 43), (0, 33)] and len(text.relations) == 1
    assert not report.dropped


def test_gzipped_and_damaged_files(tmp_path: Path) -> None:
    folder = write(tmp_path / "c", "A B", None)
    (folder / "a.ann.gz").write_bytes(gzip.compress(b"T1\tx 0 1\tA\nT2\tx 2 3\tB\nN1\tReference T1 \xff:1\tA\n"))
    (folder / "b.txt.gz").write_bytes(gzip.compress(b"C"))
    (folder / "b.ann").write_text("T1\tx 0 1\tC\n")
    (folder / "c.TXT").write_text("D")
    (folder / "c.Ann.GZ").write_bytes(gzip.compress(b"T1\tx 0 1\tD\n"))
    texts, report = read(folder)
    assert [(text.id, len(text.mentions)) for text in texts] == [("a", 2), ("b", 1), ("c", 1)]
    assert report.counts == {"dropped: malformed line": 1}


def test_bionlp(tmp_path: Path) -> None:
    """Counts are those of the lines written here: 2 proteins, 1 trigger, 1 event, 1 modification, 1 relation."""
    folder = write(tmp_path / "c", "p50 and p65 bind, a complex.", None)
    (folder / "a.a1").write_text("T1\tProtein 0 3\tp50\nT2\tProtein 8 11\tp65\n")
    (folder / "a.a2").write_text(
        "T3\tBinding 12 16\tbind\nT4\tEntity 20 27\tcomplex\nE1\tBinding:T3 Theme:T1 Theme2:T2\n"
        "M1\tSpeculation E1\nR1\tSubunit-Complex Arg1:T1 Arg2:T4\n*\tEquiv T1 T2\n"
    )
    (folder / "b.txt").write_text("GFP.")
    (folder / "b.a1").write_text("T1\tProtein 0 3\tGFP\n")
    (folder / "c.a2").write_text("")
    report = Report()
    text, other = read_any(folder, report=report)
    assert [m.label for m in text.mentions] == ["Protein", "Protein", "Binding", "Entity"]
    assert text.relations == [RelationTriple(0, 3, "Subunit-Complex")]
    assert other == AnnotatedText("GFP.", [Mention(0, 3, "Protein")], id="b")
    counts = {what: n for what, n in report.counts.items() if what.startswith("dropped")}
    assert counts == {
        "dropped: event": 1,
        "dropped: attribute": 1,
        "dropped: equivalence": 1,
        "dropped: annotations without a .txt file": 1,
    }
