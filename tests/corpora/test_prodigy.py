import json
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language

from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.prodigy import read_prodigy, write_prodigy
from spacy_keci.reports import Report

TEXT = AnnotatedText(
    "FK506 binds FKBP-12.",
    [Mention(0, 5, "drug", "CHEBI:61049"), Mention(12, 19, "protein")],
    [RelationTriple(0, 1, "binds", 0.5)],
    id="1",
    group="g",
)


def task(**changes: Any) -> dict[str, Any]:
    """As Prodigy saves it."""
    spans = [
        {"text": "FK506", "start": 0, "token_start": 0, "token_end": 0, "end": 5, "type": "span", "label": "drug"},
        {
            "text": "FKBP-12",
            "start": 12,
            "token_start": 2,
            "token_end": 4,
            "end": 19,
            "type": "span",
            "label": "protein",
        },
    ]
    ends = [{key: span[key] for key in ("start", "end", "token_start", "token_end", "label")} for span in spans]
    return {
        "text": TEXT.text,
        "spans": spans,
        "relations": [
            {"head": 0, "child": 4, "head_span": ends[0], "child_span": ends[1], "color": "#fff", "label": "binds"}
        ],
        "tokens": [{"text": "FK506", "start": 0, "end": 5, "id": 0, "ws": True, "disabled": False}],
        "meta": {"source": "PubMed"},
        "answer": "accept",
        "_view_id": "relations",
        "_input_hash": 1,
        **changes,
    }


def read(path: Path, *tasks: Any) -> tuple[list[AnnotatedText], Report]:
    path.write_text("\n".join(map(json.dumps, tasks)), encoding="utf8")
    report = Report()
    return list(read_prodigy(path, report)), report


def test_answers_of_annotators(tmp_path: Path) -> None:
    (text,), report = read(tmp_path / "x", task(), task(answer="reject"), task(answer="ignore"), {"spans": []})
    assert text == AnnotatedText(
        TEXT.text, [Mention(0, 5, "drug"), Mention(12, 19, "protein")], [RelationTriple(0, 1, "binds")]
    )
    assert report.counts == {
        "dropped: entry of a task's meta": 1,
        "dropped: task with the answer 'reject'": 1,
        "dropped: task with the answer 'ignore'": 1,
        "dropped: malformed line": 1,
    }


def test_relations_of_tokens(tmp_path: Path) -> None:
    relations = [{"head": 0, "child": 4, "label": "binds"}, {"head": 0, "child": 1, "label": "binds"}]
    (text,), report = read(tmp_path / "x", task(relations=relations, meta={"id": 7, "group": None}, other=1))
    assert (text.id, text.group) == ("7", "")
    assert text.relations == [RelationTriple(0, 1, "binds")]
    assert report.counts == {
        "tasks with the unknown key 'other'": 1,
        "dropped: relation of a missing mention": 1,
    }


def test_spans_without_a_label(tmp_path: Path) -> None:
    changed = task(meta={})
    changed["spans"][1]["label"] = changed["relations"][0]["child_span"]["label"] = None
    (text,), report = read(tmp_path / "x", changed)
    assert (text.mentions, text.relations) == ([Mention(0, 5, "drug")], [])
    assert report.dropped == 2


def test_spans_that_a_task_has_twice(tmp_path: Path) -> None:
    twice = task(meta={})
    twice["spans"] = [twice["spans"][0], *twice["spans"], {**twice["spans"][1], "kb_id": "HGNC:1"}]
    (text,), report = read(tmp_path / "x", twice)
    assert text.mentions == [Mention(0, 5, "drug"), Mention(12, 19, "protein", "HGNC:1")]
    assert text.relations == [RelationTriple(0, 1, "binds")]
    assert report.counts == {"duplicate spans of a task, kept once": 2}


def test_written_tasks(tmp_path: Path, nlp: Language) -> None:
    report = Report()
    write_prodigy([TEXT], tmp_path / "x", report, make_doc=nlp.make_doc)
    (written,) = map(json.loads, (tmp_path / "x").read_text(encoding="utf8").splitlines())
    assert [token["text"] for token in written["tokens"]] == ["FK506", "binds", "FKBP", "-", "12", "."]
    assert written["tokens"][1] == {"text": "binds", "start": 6, "end": 11, "id": 1, "ws": True}
    (relation,) = written["relations"]
    assert (relation["head"], relation["child"], relation["score"]) == (0, 4, 0.5)
    assert relation["child_span"] == {"start": 12, "end": 19, "token_start": 2, "token_end": 4, "label": "protein"}
    assert written["meta"] == {"id": "1", "group": "g"}
    assert list(read_prodigy(tmp_path / "x", report)) == [TEXT]
    assert not report.counts


def test_no_readable_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"No line of .*x can be read. line 1: text: Field required"):
        read(tmp_path / "x", {"spans": []})
