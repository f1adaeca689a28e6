import json
from pathlib import Path
from typing import Any

import pytest

from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.formats import read_any, write_any
from spacy_keci.corpora.label_studio import read_label_studio
from spacy_keci.reports import Report

TEXT = "😀 FK506 binds FKBP12."


def label(id: str, start: int, end: int, text: str | None, *labels: str) -> dict[str, Any]:
    value = {"start": start, "end": end, "labels": list(labels)} | ({"text": text} if text else {})
    return {"id": id, "type": "labels", "from_name": "label", "to_name": "text", "value": value}


def relation(head: str, tail: str, direction: str, *labels: str) -> dict[str, Any]:
    return {"from_id": head, "to_id": tail, "type": "relation", "direction": direction, "labels": list(labels)}


def task(*results: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"id": 1, "data": {"text": TEXT}, "annotations": [{"id": 9, "result": list(results)}], **changes}


# offsets in JavaScript, where the emoji has two units
ENDS = [label("a", 3, 8, "FK506", "drug"), label("b", 15, 21, "FKBP12", "protein")]


def read(path: Path, *tasks: Any) -> tuple[list[AnnotatedText], Report]:
    path.write_text(json.dumps(tasks), encoding="utf8")
    report = Report()
    return list(read_label_studio(path, report)), report


@pytest.mark.parametrize(
    ("direction", "pairs"), [("right", [(0, 1)]), ("left", [(1, 0)]), ("bi", [(0, 1), (1, 0)]), (None, [(0, 1)])]
)
def test_results(tmp_path: Path, direction: str, pairs: list[tuple[int, int]]) -> None:
    (text,), report = read(tmp_path / "x", task(*ENDS, relation("a", "b", direction, "binds")))
    assert text == AnnotatedText(
        TEXT,
        [Mention(2, 7, "drug"), Mention(14, 20, "protein")],
        [RelationTriple(*pair, "binds") for pair in pairs],
        id="1",
    )
    assert not report.counts


def test_offsets_in_characters_are_told_by_the_words(tmp_path: Path) -> None:
    (text,), report = read(tmp_path / "x", task(label("a", 2, 7, "FK506", "drug"), label("b", 14, 20, "FKBP12", "p")))
    assert [m[:2] for m in text.mentions] == [(2, 7), (14, 20)]
    assert report.counts == {"texts whose offsets count characters, corrected": 1}


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    second = {"result": [ENDS[0]], "ground_truth": True}
    choice = {"id": "c", "type": "choices", "value": {"choices": ["x"]}}
    texts, report = read(
        tmp_path / "x",
        task(annotations=[{"result": ENDS}, second], predictions=[{"result": []}]),
        task(annotations=[{"result": ENDS, "was_cancelled": True}]),
        task(ENDS[0], choice, relation("a", "z", "right", "x"), label("d", 0, 2, "no", "x"), {"type": "labels"}),
        task(label("a", 3, 8, None, "drug", "chemical"), data={"abstract": TEXT}),
        {"data": {"a": "x", "b": "y"}, "annotations": [{"result": []}]},
        {"data": "x"},
    )
    assert [[m.label for m in text.mentions] for text in texts] == [["drug"], ["drug"], ["drug", "chemical"]]
    assert report.counts == {
        "annotations of a task besides the one that is read": 1,
        "predictions of tasks": 1,
        "dropped: task without an annotation": 1,
        "dropped: result that is neither a mention nor a relation": 1,
        "dropped: relation of a missing mention": 1,
        "dropped: mention whose offsets do not hold its text": 1,
        "dropped: malformed mention or relation": 1,
        "dropped: task without a text": 1,
        "dropped: malformed record": 1,
    }


def test_the_short_form(tmp_path: Path) -> None:
    """JSON-MIN: one object for each annotation, of which the first of a task is read, as in the long form."""
    about = {"id": 1, "text": TEXT, "annotator": 1, "annotation_id": 9, "created_at": "2020", "sentiment": "good"}
    drug = {"start": 3, "end": 8, "text": "FK506", "labels": ["drug"]}
    protein = {"start": 15, "end": 21, "text": "FKBP12", "labels": ["protein"]}
    path, report = tmp_path / "x.json", Report()
    path.write_text(json.dumps([{**about, "ner": [drug, protein]}, {**about, "ner": [drug]}, {**about, "id": 2}]))
    texts = list(read_any(path, report=report))
    assert [(text.id, text.mentions) for text in texts] == [
        ("1", [Mention(2, 7, "drug"), Mention(14, 20, "protein")]),
        ("2", []),
    ]
    assert report.counts["annotations of a task besides the one that is read"] == 1
    assert report.counts["entries of a task's data besides text, id and group"] == 2
    assert not report.dropped


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    text = AnnotatedText(
        TEXT,
        [Mention(2, 7, "drug", "CHEBI:1"), Mention(14, 20, "protein")],
        [RelationTriple(1, 0, "binds", 0.5)],
        id="7",
        group="g",
    )
    report = Report()
    write_any([text, AnnotatedText("")], tmp_path / "x.json", "label-studio", report)
    first = json.loads((tmp_path / "x.json").read_text())[0]
    assert first["annotations"][0]["result"][0]["value"] == {"start": 3, "end": 8, "text": "FK506", "labels": ["drug"]}
    found = list(read_any(tmp_path / "x.json"))
    assert found[0] == text and found[1].text == ""
    assert not report.counts
