import json
from pathlib import Path
from typing import Any

import pytest

from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.formats import read_any
from spacy_keci.corpora.pubannotation import read_pubannotation, write_pubannotation
from spacy_keci.reports import Report

DOCUMENT: dict[str, Any] = {
    "target": "http://pubannotation.org/docs/sourcedb/PubMed/sourceid/1",
    "sourcedb": "PubMed",
    "sourceid": "1",
    "text": "FK506 binds the FKBP12 protein and p53.",
    "denotations": [
        {"id": "T1", "span": {"begin": 0, "end": 5}, "obj": "drug"},
        {"id": "T2", "span": [{"begin": 16, "end": 22}, {"begin": 35, "end": 38}], "obj": "protein"},
        {"id": "T3", "span": {"begin": 16, "end": 99}, "obj": "protein"},
    ],
    "relations": [{"id": "R1", "pred": "binds", "subj": "T1", "obj": "T2"}],
    "attributes": [
        {"id": "A1", "pred": "denotes", "subj": "T1", "obj": "CHEBI:61049"},
        {"id": "A3", "pred": "denotes", "subj": "T1", "obj": "MESH:D016559"},
        {"id": "A2", "pred": "certain", "subj": "R1", "obj": True},
    ],
    "modifications": [{"id": "M1", "pred": "Negation", "obj": "R1"}],
}
MENTIONS = [Mention(0, 5, "drug", "CHEBI:61049,MESH:D016559"), Mention(16, 38, "protein")]


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), encoding="utf8")
    return path


def test_denotations_and_relations(tmp_path: Path) -> None:
    report = Report()
    (text,) = read_any(write(tmp_path / "x.json", DOCUMENT), report=report)
    assert text == AnnotatedText(DOCUMENT["text"], MENTIONS, [RelationTriple(0, 1, "binds")], id="PubMed:1")
    assert report.counts["mentions in several pieces, kept as one from the first to the last"] == 1
    assert {what: n for what, n in report.counts.items() if what.startswith("dropped")} == {
        "dropped: attribute": 1,
        "dropped: modification": 1,
        "dropped: mention outside the text or empty": 1,
    }


def test_annotations_of_several_projects(tmp_path: Path) -> None:
    one = {"project": "a", "denotations": DOCUMENT["denotations"][:1]}
    two = {"project": "b", "denotations": DOCUMENT["denotations"][:2], "relations": DOCUMENT["relations"]}
    document = {"text": DOCUMENT["text"], "sourceid": 7, "divid": 0, "tracks": [one, two]}
    (text,) = read_any(write(tmp_path / "x.json", [document]))
    assert (text.id, len(text.mentions), text.relations) == ("7-0", 3, [RelationTriple(1, 2, "binds")])


@pytest.mark.parametrize(
    ("spans", "expected", "counted"),
    [
        ([(11, 17), (24, 27)], [(10, 15), (22, 25)], True),  # bytes
        ([(10, 15), (22, 25)], [(10, 15), (22, 25)], False),
        ([(10, 12), (22, 25)], [(10, 12), (22, 25)], False),
        # part of a word, which no reading makes whole, or only by chance
        ([(0, 2), (11, 17)], [(0, 2), (11, 17)], False),
        ([(11, 17)], [(11, 17)], False),
    ],
)
def test_offsets_in_bytes(
    tmp_path: Path, spans: list[tuple[int, int]], expected: list[tuple[int, int]], counted: bool
) -> None:
    """Which nothing tells but that the mentions are whole words then."""
    denotations = [{"id": f"T{b}", "span": {"begin": b, "end": e}, "obj": "protein"} for b, e in spans]
    report = Report()
    path = write(tmp_path / "x.json", {"text": "TNF-α and IL-1β raise CRP.", "denotations": denotations})
    (text,) = read_any(path, report=report)
    assert [m[:2] for m in text.mentions] == expected
    assert report.counts["texts whose offsets count UTF-8 bytes, corrected"] == counted
    assert not report.dropped


def test_folders_and_lines(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    for name in ("b", "a"):
        write(tmp_path / "f" / f"{name}.json", {"text": name, "denotations": []})
    assert [text.text for text in read_any(tmp_path / "f")] == ["a", "b"]
    lines = [json.dumps({"text": "c", "denotations": []}), "{", json.dumps({"denotations": []})]
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    report = Report()
    assert [text.text for text in read_any(tmp_path / "x.jsonl", report=report)] == ["c"]
    assert report.counts["dropped: malformed line"] == report.counts["dropped: malformed record"] == 1


@pytest.mark.parametrize("id", ["PubMed:1", "1", "", ":1", "a:b:c"])
def test_what_is_written_comes_back(tmp_path: Path, id: str) -> None:
    text = AnnotatedText(DOCUMENT["text"], MENTIONS, [RelationTriple(1, 0, "is bound by")], id=id)
    report = Report()
    write_pubannotation([text, AnnotatedText("A")], tmp_path / "x", report)
    assert list(read_pubannotation(tmp_path / "x", report)) == [text, AnnotatedText("A")]
    assert not report.counts
