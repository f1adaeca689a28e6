import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.corpora.annotation import AnnotatedText, Interaction, Mention, RelationTriple
from spacy_keci.corpora.formats import read_any
from spacy_keci.corpora.jsonl import occurrences, read_jsonl, write_jsonl
from spacy_keci.reports import Report

from .strategies import annotated_texts


def read(path: Path, *lines: Any) -> tuple[list[AnnotatedText], Report]:
    path.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines), encoding="utf8")
    report = Report()
    return list(read_jsonl(path, report)), report


def line(*entities: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"text": "ATP binds ATPase.", "entities": [{"label": "chemical", **e} for e in entities], **more}


GOOD = {"text": "Nothing here."}


def test_by_text_occurrence_and_offsets(tmp_path: Path) -> None:
    entities = [{"text": "ATPase"}, {"text": "ATP", "occurrence": 2}, {"start": 0, "end": 3, "kb_id": "CHEBI:15422"}]
    relations = [{"head": 2, "tail": 0, "label": "binds"}, {"head": 0, "tail": 1, "label": "part_of", "score": 0.5}]
    (text, other), report = read(tmp_path / "x.jsonl", line(*entities, relations=relations, id=3), "", GOOD, "  ")
    assert text == AnnotatedText(
        "ATP binds ATPase.",
        [Mention(10, 16, "chemical"), Mention(10, 13, "chemical"), Mention(0, 3, "chemical", "CHEBI:15422")],
        [RelationTriple(2, 0, "binds"), RelationTriple(0, 1, "part_of", 0.5)],
        id="3",
    )
    assert other == AnnotatedText("Nothing here.")
    assert not report.counts


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (line({"text": "ATP"}), "entities.0: 'ATP' occurs 2 times in the text: add 'occurrence' (1 to 2), or"),
        (line({"text": "ATP", "occurrence": 3}), "entities.0: 'occurrence' is 3, but 'ATP' occurs 2 times"),
        (line({"text": "ATPase"}, {"text": "ATP", "occurrence": 0}), "entities.1: 'occurrence' is 0"),
        (line({"text": "GTP"}), "entities.0: 'GTP' does not occur in the text"),
        (line({}), "entities.0: needs 'text', or both 'start' and 'end'"),
        (line({"start": 3}), "entities.0: needs 'text', or both 'start' and 'end'"),
        (line({"text": "ATPase", "end": 3}), "entities.0: needs 'text', or both 'start' and 'end'"),
        (line({"start": 0, "end": 3, "text": "ADP"}), "entities.0: 'text' is 'ADP', but 0-3 of the text is 'ATP'"),
        (line({"start": 5, "end": 40}), "entities.0: 5-40 is not inside the text, which has 17 characters"),
        (line({"start": 5, "end": 5}), "entities.0: 5-5 is not inside the text"),
        (line({"text": "", "start": 5, "end": 6}), "entities.0.text: String should have at least 1 character"),
        (line({"text": "ATPase", "label": ""}), "entities.0.label: String should have at least 1 character"),
        (line({"text": 5}), "entities.0.text: Input should be a valid string"),
        (line(relations=[{"head": 0, "tail": 1, "label": "x"}]), "relations.0: 'head' is 0, but there are no entities"),
        (
            line({"text": "ATPase"}, relations=[{"head": 0, "tail": 1, "label": "x"}]),
            "relations.0: 'tail' is 1, but entities are counted from 0 to 0",
        ),
        (line(clusters=[[0]]), "clusters.0: 0, but there are no entities"),
        (line(clusters=[], interactions=[{"head": 0, "tail": 0, "label": "x"}]), "interactions.0: 'head' is 0, but"),
        (line(interactions=[{"head": 0, "tail": 0, "label": "x"}]), "interactions: hold between 'clusters'"),
        (
            '{"text": "a", "relations": [{"head": 0, "tail": 0, "label": "x", "score": NaN}]}',
            "relations.0.score: Input",
        ),
        ('{"text": "\\ud800"}', "it holds half of a surrogate pair"),
        (line(relations={}), "relations: Input should be a valid list"),
        ({"entities": []}, "text: Field required"),
        ([1], "record: Input should be an object"),
        ("{'text': 1}", "invalid JSON (Expecting property name"),
    ],
)
def test_malformed_lines_are_reported_by_number(tmp_path: Path, bad: Any, message: str) -> None:
    texts, report = read(tmp_path / "x.jsonl", GOOD, "", bad)
    assert len(texts) == 1
    assert report.counts == {"dropped: malformed line": 1}
    assert f"line 3: {message}" in report.lines()[1]


def test_meta_that_json_cannot_hold_is_dropped(tmp_path: Path) -> None:
    report = Report()
    meta = {"year": 1994, "raw": b"\x00", b"key": 1, "deep": {"raw": [b"\x00"]}, "share": float("nan")}
    write_jsonl([AnnotatedText("A", id="1", meta=meta)], tmp_path / "x.jsonl", report)
    (text,) = read_jsonl(tmp_path / "x.jsonl", Report())
    assert text.meta == {"year": 1994}
    assert report.counts == {"dropped: entry of meta that JSON cannot hold": 4}
    assert report.examples["entry of meta that JSON cannot hold"][0] == "1: 'raw': b'\\x00'"


def test_no_readable_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"No line of .*x.jsonl can be read. line 2: text: Field required"):
        read(tmp_path / "x.jsonl", "", {"tokens": []}, {"words": []})
    (tmp_path / "y.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"No line of .*y.jsonl can be read. line 1: not UTF-8"):
        list(read_jsonl(tmp_path / "y.jsonl", Report()))


@pytest.mark.parametrize("indent", [None, 2])
def test_a_list_of_records(tmp_path: Path, indent: int | None) -> None:
    (tmp_path / "x.json").write_text(json.dumps([{"text": "A"}, {"text": "B"}], indent=indent))
    with pytest.raises(ValueError, match=r"No line of .*x.json can be read. .* as jsonl: one object per line"):
        list(read_any(tmp_path / "x.json"))


def test_what_costs_its_line_only(tmp_path: Path) -> None:
    """Bytes that are not UTF-8, and a key that stands twice: which of its values is meant cannot be known."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"text": "a"}\n{"text": "\xff"}\n{"text": "b", "entities": [], "entities": [{}]}\n')
    report = Report()
    assert [text.text for text in read_jsonl(path, report)] == ["a"]
    assert report.counts == {"dropped: malformed line": 2}
    assert "line 3: the key 'entities' occurs twice in one object" in "\n".join(report.lines())


@given(st.text("ab", min_size=1, max_size=5), st.text("ab", max_size=30))
def test_occurrences_overlap(words: str, text: str) -> None:
    assert occurrences(words, text) == [i for i in range(len(text)) if text.startswith(words, i)]


def test_occurrences_in_a_long_text(tmp_path: Path) -> None:
    """1,000 entities in a run of one letter, and long strings that overlap with themselves: minutes, if each entity
    searched the text."""
    n = 100_000
    entities = [{"text": "a", "label": "x", "occurrence": 100 * i + 1} for i in range(1000)]
    entities += [{"text": "a" * (n // 2), "label": "x", "occurrence": i + 1} for i in range(1000)]
    (text,), report = read(tmp_path / "x.jsonl", {"text": "a" * n, "entities": entities})
    assert [m.start for m in text.mentions[:3]] == [0, 100, 200] and not report.counts


def test_what_pandas_writes_where_something_is_missing(tmp_path: Path) -> None:
    lines = [{"text": "A", "id": 34567890.0}, {"text": "B", "id": None, "group": None, "meta": None}]
    assert read(tmp_path / "x.jsonl", *lines)[0] == [AnnotatedText("A", id="34567890"), AnnotatedText("B")]


def test_sentences_and_novelty_come_back(tmp_path: Path) -> None:
    text = AnnotatedText("A. B.", [Mention(0, 1, "x")], clusters=[[0]], sentences=[0, 3])
    text.interactions = [Interaction(0, 0, "r", novelty="Novel")]
    write_jsonl([text], tmp_path / "x.jsonl", Report())
    assert list(read_jsonl(tmp_path / "x.jsonl", Report())) == [text]
    with pytest.raises(ValueError, match=r"sentences: 9 is not inside the text, which has 5 characters"):
        read(tmp_path / "x.jsonl", {"text": "A. B.", "sentences": [0, 9]})


def test_unknown_keys_are_counted(tmp_path: Path) -> None:
    texts, report = read(
        tmp_path / "x.jsonl", line({"text": "ATPase", "note": 1}, {"start": 0, "end": 3, "note": 2}, source="me"), GOOD
    )
    assert len(texts) == 2
    assert report.counts == {
        "lines with the unknown key 'entities.note'": 1,
        "lines with the unknown key 'source'": 1,
    }


def test_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(b'\xef\xbb\xbf{"text": "a"}\r\n\r\n{"text": "b"}\r\n')
    assert [text.text for text in read_jsonl(tmp_path / "x.jsonl", Report())] == ["a", "b"]


@given(texts=st.lists(annotated_texts(), min_size=1, max_size=3))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, texts: list[AnnotatedText]) -> None:
    path = tmp_path_factory.getbasetemp() / "round_trip.jsonl"
    write_jsonl(texts, path, Report())
    report = Report()
    assert list(read_jsonl(path, report)) == texts
    assert not report.counts
