import json
from pathlib import Path
from typing import Any

import pytest

from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.formats import read_any, write_any
from spacy_keci.corpora.spert import read_spert, write_spert
from spacy_keci.reports import Report

SENTENCE: dict[str, Any] = {
    "tokens": ["Lethal", "anuria", "after", "34-year", "ifosfamide", "."],
    "entities": [{"type": "Adverse-Effect", "start": 0, "end": 2}, {"type": "Drug", "start": 4, "end": 5}],
    "relations": [{"type": "Adverse-Effect", "head": 0, "tail": 1}],
    "orig_id": 7,
}


def write(path: Path, *sentences: Any) -> Path:
    path.write_text(json.dumps(sentences), encoding="utf8")
    return path


def test_round_trip(tmp_path: Path) -> None:
    report = Report()
    path = write(tmp_path / "x.json", SENTENCE, {"tokens": ["None", "."], "entities": [], "relations": []})
    texts = list(read_spert(path, report))
    assert texts[0] == AnnotatedText(
        "Lethal anuria after 34-year ifosfamide .",
        [Mention(0, 13, "Adverse-Effect"), Mention(28, 38, "Drug")],
        [RelationTriple(0, 1, "Adverse-Effect")],
        id="7",
        sentences=[0],
    )
    write_any(texts, tmp_path / "y.json", "spert", report)
    assert json.loads((tmp_path / "y.json").read_text()) == json.loads(path.read_text())
    assert not report.counts


@pytest.mark.parametrize("orig_id", [7, 0, "007", "٧", "a1"])
def test_ids_come_back(tmp_path: Path, orig_id: int | str) -> None:
    path = write(tmp_path / "x.json", {**SENTENCE, "orig_id": orig_id})
    write_any(read_spert(path, Report()), tmp_path / "y.json", "spert", Report())
    assert json.loads((tmp_path / "y.json").read_text())[0]["orig_id"] == orig_id


def test_malformed_sentences_are_reported(tmp_path: Path) -> None:
    report = Report()
    changes = [
        {"entities": [{"type": "Drug", "start": 3, "end": 9}], "relations": []},
        {"entities": [{"type": "Drug", "start": 3, "end": 3}], "relations": []},
        {"relations": [{"type": "Adverse-Effect", "head": 0, "tail": 2}]},
        {"relations": [{"type": "Adverse-Effect", "head": 0}]},
    ]
    path = write(tmp_path / "x.json", *({**SENTENCE, "orig_id": i, **c} for i, c in enumerate(changes)), SENTENCE)
    texts = list(read_spert(path, report))
    assert [text.id for text in texts] == ["0", "1", "2", "7"]
    assert [len(text.mentions) for text in texts] == [0, 0, 2, 2]
    assert report.counts == {
        "dropped: malformed record": 1,
        "dropped: mention outside the text or empty": 2,
        "dropped: relation of a missing mention": 1,
    }
    assert "record 4 (id 3): relations.0.tail: Field required" in "\n".join(report.lines())
    assert "2: Adverse-Effect of 0 and 2" in "\n".join(report.lines())


def test_empty_tokens(tmp_path: Path) -> None:
    """What is read is written, in our own format too, without the mention of an empty token."""
    tokens = ["FK", "506 mg", "", "binds", "FKBP12\u00a0x"]
    places = (("d", 0, 2), ("e", 2, 3), ("p", 4, 5))
    entities = [{"type": kind, "start": start, "end": end} for kind, start, end in places]
    relations = [{"type": "b", "head": 0, "tail": tail} for tail in (2, 1)]
    path = write(tmp_path / "x.json", {"tokens": tokens, "entities": entities, "relations": relations, "orig_id": 0})
    report = Report()
    (text,) = read_any(path, report=report)
    assert text.mentions == [Mention(0, 9, "d"), Mention(17, 25, "p")]
    assert text.relations == [RelationTriple(0, 1, "b")]
    assert report.counts["dropped: mention outside the text or empty"] == 1
    assert report.counts["dropped: relation of a missing mention"] == 1
    write_any([text], tmp_path / "x.jsonl")
    assert list(read_any(tmp_path / "x.jsonl")) == [text]


def test_what_is_no_spert(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"is not SpERT JSON. record 1: tokens: Field required"):
        list(read_spert(write(tmp_path / "x.json", {"text": ""}), Report()))


def test_tokens_of_other_texts(tmp_path: Path, nlp: Any) -> None:
    text = AnnotatedText("FKBP12-FK506  binds it.", [Mention(0, 6, "protein"), Mention(7, 12, "drug")], id="a1")
    write_any([text], tmp_path / "y.json", "spert", Report())
    (record,) = json.loads((tmp_path / "y.json").read_text())
    assert record["tokens"] == ["FKBP12", "-", "FK506", "binds", "it."]
    assert [(e["start"], e["end"]) for e in record["entities"]] == [(0, 1), (2, 3)]
    assert record["orig_id"] == "a1"
    write_spert([text], tmp_path / "y.json", Report(), make_doc=nlp.make_doc)
    (record,) = json.loads((tmp_path / "y.json").read_text())
    assert record["tokens"] == ["FKBP12", "-", "FK506", "binds", "it", "."]


def test_ade_comes_back(data_dir: Path, tmp_path: Path) -> None:
    """All ten folds hold the same sentences: the first is enough."""
    import tarfile

    with tarfile.open(data_dir / "ade" / "ade_10fold.tar.xz") as archive:
        for part in ("train", "test"):
            archive.extract(f"ade_split_0_{part}.json", tmp_path, filter="data")
    report, n_entities, n_relations = Report(), 0, 0
    for part in ("train", "test"):
        path = tmp_path / f"ade_split_0_{part}.json"
        texts = list(read_spert(path, report))
        n_entities += sum(len(text.mentions) for text in texts)
        n_relations += sum(len(text.relations) for text in texts)
        write_any(texts, tmp_path / "y.json", "spert", report)
        assert json.loads((tmp_path / "y.json").read_text()) == json.loads(path.read_text())
    assert (n_entities, n_relations, report.dropped) == (10839, 6821, 0)
