import json
from pathlib import Path
from typing import Any

from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.dygie import read_dygie, write_dygie
from spacy_keci.corpora.formats import write_any
from spacy_keci.reports import Report

DOCUMENT: dict[str, Any] = {
    "doc_key": "d1",
    "sentences": [["FK506", "binds", "FKBP", "12", "."], [], ["It", "inhibits", "calcineurin", "."]],
    "ner": [[[0, 0, "drug"], [2, 3, "protein"]], [], [[7, 7, "protein"]]],
    "relations": [[[0, 0, 2, 3, "binds"]], [], []],
}
TEXT = AnnotatedText(
    "FK506 binds FKBP 12 .\nIt inhibits calcineurin .",
    [Mention(0, 5, "drug"), Mention(12, 19, "protein"), Mention(34, 45, "protein")],
    [RelationTriple(0, 1, "binds")],
    id="d1",
    sentences=[0, 22],
)


def read(path: Path, *documents: Any) -> tuple[list[AnnotatedText], Report]:
    path.write_text("\n".join(map(json.dumps, documents)), encoding="utf8")
    report = Report()
    return list(read_dygie(path, report)), report


def test_round_trip(tmp_path: Path) -> None:
    texts, report = read(tmp_path / "x", DOCUMENT, {"doc_key": "d2", "sentences": []})
    assert texts == [TEXT, AnnotatedText("", id="d2", sentences=[])]
    write_any(texts, tmp_path / "y", "dygie", report)
    first, second = map(json.loads, (tmp_path / "y").read_text(encoding="utf8").splitlines())
    assert first == {
        key: value if key == "doc_key" else [part for part in value if part]
        for key, value in {**DOCUMENT, "relations": [DOCUMENT["relations"][0]]}.items()
    } | {"relations": [[[0, 0, 2, 3, "binds"]], []]}
    assert second == {"doc_key": "d2", "sentences": [], "ner": [], "relations": []}
    assert not report.counts


def test_what_has_no_place_is_counted(tmp_path: Path) -> None:
    changes = {
        "clusters": [[[0, 0], [5, 5]]],
        "events": [[[[1, "Binding"], [0, 0, "Theme"]]], [], []],
        "predicted_ner": [],
        "dataset": "x",
    }
    ner = [[[0, 0, "drug", 9.1, 0.9], [2, 3, "protein"], [0, 99, "x"], [3, 2, "x"], [-1, 0, "x"], [0, "x"], [0, 0, 1]]]
    relations = [[[0, 0, 2, 3, "binds"], [0, 0, 1, 1, "binds"], [0, 0, 2, 3]]]
    (text,), report = read(tmp_path / "x", {**DOCUMENT, **changes, "ner": ner, "relations": relations})
    assert text.mentions == TEXT.mentions[:2]
    assert text.relations == TEXT.relations
    assert report.counts == {
        "documents with the unknown key 'predicted_ner'": 1,
        "scores of mentions and relations": 2,
        "dropped: mention or relation outside the text": 3,
        "dropped: malformed mention or relation": 3,
        "dropped: relation of a missing mention": 1,
        "dropped: coreference cluster": 1,
        "dropped: event": 1,
    }


def test_lines_that_a_relation_joins_are_one_sentence(tmp_path: Path, nlp: Any) -> None:
    text = AnnotatedText(
        "A binds\nB-C.\nD.\nE",
        [Mention(0, 1, "x"), Mention(8, 9, "x"), Mention(8, 9, "y"), Mention(14, 17, "z")],
        [RelationTriple(0, 3, "r"), RelationTriple(0, 1, "r")],
    )
    report = Report()
    write_dygie([text], tmp_path / "y", report, make_doc=nlp.make_doc)
    written = json.loads((tmp_path / "y").read_text(encoding="utf8"))
    assert written["sentences"] == [["A", "binds", "B", "-", "C", ".", "D", ".", "E"]]
    assert written["relations"] == [[[0, 0, 7, 8, "r"]]]
    assert report.counts == {
        "texts whose spacing is not kept": 1,
        "dropped: relation of one of several mentions with the same words": 1,
    }
