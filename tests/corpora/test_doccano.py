import json
from pathlib import Path
from typing import Any

import pytest

from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.formats import read_any, write_any
from spacy_keci.reports import Report

TEXT = "FK506 binds FKBP12."
RELATIONS = {
    "id": 7,
    "text": TEXT,
    "entities": [
        {"id": 31, "label": "drug", "start_offset": 0, "end_offset": 5},
        {"id": 32, "label": "protein", "start_offset": 12, "end_offset": 18},
        {"id": 33, "label": "protein", "start_offset": 12, "end_offset": 99},
    ],
    "relations": [
        {"id": 1, "from_id": 31, "to_id": 32, "type": "binds"},
        {"id": 2, "from_id": 31, "to_id": 33, "type": "binds"},
    ],
    "Comments": ["sure?"],
    "pmid": 3,
}
GOLD = AnnotatedText(TEXT, [Mention(0, 5, "drug"), Mention(12, 18, "protein")], [RelationTriple(0, 1, "binds")], id="7")


def write(path: Path, *lines: Any) -> Path:
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf8")
    return path


def test_relations(tmp_path: Path) -> None:
    report = Report()
    assert list(read_any(write(tmp_path / "x.jsonl", RELATIONS), report=report)) == [GOLD]
    assert {what: n for what, n in report.counts.items() if what.startswith("dropped")} == {
        "dropped: mention outside the text or empty": 1,
        "dropped: relation of a missing mention": 1,
        "dropped: comment": 1,
    }
    assert report.counts["texts with the unknown key 'pmid'"] == 1


@pytest.mark.parametrize("key", ["label", "labels"])
def test_sequence_labelling(tmp_path: Path, key: str) -> None:
    labels = [[0, 5, "drug"], [12, 18, "protein"], [0, "x"], "x"]
    report = Report()
    path = write(tmp_path / "x.jsonl", {"id": 7, "text": TEXT, key: labels}, {"id": 8, key: []})
    (text,) = read_any(path, report=report)
    assert text.mentions == GOLD.mentions
    assert report.counts["dropped: label that is not [start, end, label]"] == 2
    assert report.counts["dropped: malformed record"] == 1


def test_numbers_of_labels(tmp_path: Path) -> None:
    annotations = [{"label": 3, "start_offset": 0, "end_offset": 5, "user": 1}]
    report = Report()
    path = write(tmp_path / "x.jsonl", {"text": TEXT, "annotations": []}, {"text": TEXT, "annotations": annotations})
    texts = list(read_any(path, report=report))
    assert [text.mentions for text in texts] == [[], [Mention(0, 5, "3")]]
    assert report.counts["mentions with the number of a label in place of its name"] == 1


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    texts = [GOLD, AnnotatedText("None", group="g")]
    report = Report()
    write_any(texts, tmp_path / "x.jsonl", "doccano", report)
    assert list(read_any(tmp_path / "x.jsonl", report=Report())) == texts
    assert not report.counts
