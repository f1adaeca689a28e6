"""Rows that other programs wrote: null where we write a value, or what does not fit together."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.formats import read_any
from spacy_keci.reports import Report

pa = pytest.importorskip("pyarrow")
from spacy_keci.corpora.parquet import write_parquet, write_rows  # noqa: E402

MENTION = {"start": 0, "end": 1, "text": "A", "label": "x", "concept": None, "score": None}
RELATION = {"head": 0, "tail": 0, "label": "r", "score": None}


def read(path: Path, **changes: Any) -> tuple[list[AnnotatedText], list[str]]:
    write_rows([{"text": "A b", "mentions": [MENTION], "relations": [RELATION], **changes}], path)
    report = Report()
    return list(read_any(path, report=report)), report.examples.get("row without a graph", [])


def test_null_is_a_score_of_1_and_no_meta(tmp_path: Path) -> None:
    (text,), _ = read(tmp_path / "x.parquet", meta="[1994]")
    assert text == AnnotatedText("A b", [Mention(0, 1, "x")], [RelationTriple(0, 0, "r")], meta={"meta": [1994]})


def test_meta_that_json_cannot_hold_is_dropped(tmp_path: Path) -> None:
    report, meta = Report(), {"day": date(1994, 1, 2), "share": float("nan"), "deep": [{"top": float("inf")}]}
    write_parquet([AnnotatedText("A", id="1", meta=meta), AnnotatedText("B")], tmp_path / "x.parquet", report)
    assert pa.parquet.read_table(tmp_path / "x.parquet")["meta"].to_pylist() == ['{"day": "1994-01-02"}', None]
    assert report.counts == {"dropped: entry of meta that JSON cannot hold": 2}
    assert report.examples["entry of meta that JSON cannot hold"][0] == "1: 'share': nan"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"text": None}, "the text was left out"),
        ({"error": "too long", "text": None}, "too long"),
        ({"error": "too long", "mentions": None, "relations": None}, "too long"),
        ({"mentions": [MENTION | {"end": 4}]}, "a mention outside the text"),
        ({"mentions": [MENTION | {"text": "a"}]}, "a mention is 'a', but its offsets hold 'A'"),
        ({"mentions": [MENTION | {"label": None}]}, "without a label"),
        ({"relations": [RELATION | {"label": None}]}, "without a label"),
        ({"relations": [RELATION | {"tail": 1}]}, "'tail' is 1"),
    ],
)
def test_rows_that_do_not_fit_together(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    texts, problems = read(tmp_path / "x.parquet", **changes)
    assert not texts and problem in problems[0]
