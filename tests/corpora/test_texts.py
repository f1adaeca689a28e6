import datetime
import gzip
import io
import json
import os
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.corpora.annotation import AnnotatedText, Mention
from spacy_keci.corpora.formats import FORMATS, write_any
from spacy_keci.corpora.texts import MAX_BYTES, TextSource
from spacy_keci.reports import Report


def read(path: object, format: str | None = None, report: Report | None = None) -> list[tuple[str, str]]:
    """Ids and texts."""
    return [(text.id, text.text) for text in TextSource(str(path), format, report or Report())]


def test_one_text_a_file_and_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes("\ufeffα binds β. \r\n\r\n  C.\n".encode())
    assert read(path) == read(path, "txt") == [("x", "α binds β. \r\n\r\n  C.\n")]
    assert read(path, "lines") == [("x-1", "α binds β. "), ("x-3", "  C.")]


def test_jsonl(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    lines = [
        {"text": "A", "id": None, "group": None, "meta": None},
        {"text": "B\u2028C", "id": 7, "group": "g", "meta": {"year": 2021}, "entities": "ignored"},
        {"text": "D", "id": 34567890.0, "group": 2.5},
    ]
    path.write_text("\n\n".join(map(json.dumps, lines)))
    texts = list(TextSource(str(path), None, Report()))
    assert [(text.id, text.text, text.place) for text in texts] == [
        ("x-1", "A", "x.jsonl, line 1"),
        ("7", "B\u2028C", "x.jsonl, line 3"),
        ("34567890", "D", "x.jsonl, line 5"),
    ]
    assert [text.data for text in texts] == [{}, {"group": "g", "meta": {"year": 2021}}, {"group": "2.5"}]
    path.write_text(path.read_text().replace("text", "abstract").replace('"id"', '"pmid"'))
    fields = TextSource(str(path), None, Report(), text_field="abstract", id_field="pmid")
    assert [text.id for text in fields] == [text.id for text in texts]


def test_further_fields_of_jsonl_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    line = {"text": "A", "pmid": 7, "authors": ["B"], "meta": {"y": 1}, "entities": [], "sentences": [0]}
    path.write_text(json.dumps(line))
    [text] = TextSource(str(path), None, Report())
    assert text.data == {"meta": {"y": 1, "pmid": 7, "authors": ["B"]}}
    [text] = TextSource(str(path), None, Report(), id_field="pmid")
    assert (text.id, text.data) == ("7", {"meta": {"y": 1, "authors": ["B"]}})


def test_folder_in_the_order_of_names(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "c.txt").write_text("C")
    (tmp_path / "b" / "2.txt.gz").write_bytes(gzip.compress(b"B"))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"text": "A"}\n{"text": "AA"}'))
    (tmp_path / "readme.md").write_text("no")
    assert read(tmp_path) == [("a-1", "A"), ("a-2", "AA"), ("b/2", "B"), ("c", "C")]
    assert read(tmp_path, "lines") == [("b/2-1", "B"), ("c-1", "C")]
    assert read(tmp_path, "jsonl") == [("a-1", "A"), ("a-2", "AA")]


def test_case_of_endings(tmp_path: Path) -> None:
    (tmp_path / "a.TXT").write_text("A")
    (tmp_path / "b.Jsonl.GZ").write_bytes(gzip.compress(b'{"text": "B"}'))
    assert read(tmp_path) == read(tmp_path / "a.TXT") + read(tmp_path / "b.Jsonl.GZ") == [("a", "A"), ("b-1", "B")]


def test_the_output_is_no_input(tmp_path: Path) -> None:
    inside = tmp_path / "out" / "b.txt"
    inside.parent.mkdir()
    for file in (tmp_path / "a.txt", inside):
        file.write_text("A")
    texts = TextSource(str(tmp_path), None, Report(), output=inside.parent)
    assert [text.id for text in texts] == ["a"]
    for path, format, output in [
        (inside, None, tmp_path / "new" / ".." / "out" / "b.txt"),
        (inside, None, inside.parent),
        (tmp_path, None, tmp_path),
        (tmp_path, "brat", inside.parent),
    ]:
        with pytest.raises(ValueError, match=r"or one is inside the other: name another output"):
            TextSource(str(path), format, Report(), output)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    for data, format in ((b"A\n\nB\n", None), (b'{"text": "A"}\n\n{"text": "B"}', "jsonl")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert read("-", format) == [("stdin-1", "A"), ("stdin-3", "B")]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"A\nB\n")))
    assert read("-", "txt") == [("stdin", "A\nB\n")]


def test_records_in_standard_input_that_is_read_as_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    told = "lines that are JSON objects read as text: name --from jsonl"
    lines = b'{"text": "A"}\n {"text": "B"}\n{"a": 1}\n{p53}\n"text"\n'
    for format, expected in ((None, 2), ("lines", 0)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
        report = Report()
        assert len(read("-", format, report)) == 5 and report.counts[told] == expected


# conll and masked keep neither ids nor a text without mentions
TEXT_FORMATS = [name for name, each in FORMATS.items() if each.read and each.write]
TEXT_FORMATS = [name for name in TEXT_FORMATS if name not in ("conll", "masked")]


@pytest.mark.parametrize("format", TEXT_FORMATS)
def test_texts_of_annotated_formats(tmp_path: Path, format: str) -> None:
    path = tmp_path / "x"
    write_any([AnnotatedText("A binds B .", id="1"), AnnotatedText("C is D .", id="2", group="g")], path, format)
    assert read(path, format) == [("1", "A binds B ."), ("2", "C is D .")]


def test_meta_of_annotated_formats(tmp_path: Path) -> None:
    text = AnnotatedText("A binds B.", [Mention(0, 1, "x")], id="1", group="g", meta={"year": 1994})
    write_any([text], tmp_path / "x.spacy")
    (found,) = TextSource(str(tmp_path / "x.spacy"), None, Report())
    assert found.data == {"group": "g", "meta": {"year": 1994}}


def test_only_whole_texts_of_annotated_formats_are_lost(tmp_path: Path) -> None:
    """Annotation is left aside, also that which is malformed."""
    path, report = tmp_path / "x.pubtator", Report()
    path.write_text("1|t|A\n1|a|B\n1\t0\t99\tA\tx\t-\nno annotation\n")
    assert read(path, report=report) == [("1", "A\nB")]
    assert not report.counts
    sentences = [
        {"tokens": ["A"], "entities": [{"type": "x", "start": 0, "end": 9}], "relations": [], "orig_id": id}
        for id in (1, None, [])
    ]
    path.write_text(json.dumps(sentences[::2]))
    assert read(path, "spert", report) == [("1", "A")]
    assert report.counts == {"dropped: malformed record": 1}


def test_what_cannot_be_read_is_reported_with_its_place(tmp_path: Path) -> None:
    path, report = tmp_path / "x.jsonl", Report(examples=9)
    path.write_bytes(
        b"\n".join(
            [b'{"text": "A"}', b'{"text": 1}', b"[]", b'{"text": "\xff"}', b'{"te', b'{"text": " "}', b"[" * 9999]
        )
    )
    assert read(path, report=report) == [("x-1", "A")]
    assert report.dropped == 6
    problems = report.examples["malformed text"]
    assert [problem.split(":")[0] for problem in problems] == [f"x.jsonl, line {n}" for n in (2, 3, 4, 5, 7)]
    assert "text: Input should be a valid string" in problems[0]
    assert "not UTF-8 (at byte 11)" in problems[2]
    assert report.examples["empty text"] == ["x.jsonl, line 6"]


def test_annotated_formats_may_be_compressed_and_told_by_content(tmp_path: Path) -> None:
    data = b"1|t|A\n1|a|B\n1\t0\t1\tA\tx\t-\n"
    for name in ("a.PubTator.gz", "b.pubtator", "c.txt.gz"):
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    assert read(tmp_path / "a.PubTator.gz") == read(tmp_path / "b.pubtator") == [("1", "A\nB")]
    assert read(tmp_path / "c.txt.gz", "pubtator") == [("1", "A\nB")]


def test_damaged_archives(tmp_path: Path) -> None:
    """What comes before the damage is read, and so are the other files."""
    lines = b"".join(b"%d %d\n" % (n, n**9) for n in range(9999))
    whole = gzip.compress(lines)
    (tmp_path / "a.txt.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "b.txt.gz").write_bytes(lines)
    (tmp_path / "c.txt.gz").write_bytes(whole[:100] + b"\0" * 100 + whole[100:])
    (tmp_path / "d.txt.gz").write_bytes(gzip.compress(b"D"))
    report = Report()
    texts = read(tmp_path, "lines", report)
    assert len(texts) > 1000 and texts[-1] == ("d-1", "D")
    (problems,) = report.examples.values()
    assert [problem[:8] for problem in problems] == ["a.txt.gz", "b.txt.gz", "c.txt.gz"]


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.jsonl"])
def test_lines_that_are_too_long_are_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With their number, and without being read as a whole; the others are read."""
    monkeypatch.setattr("spacy_keci.corpora.texts.MAX_BYTES", 1000)
    wrap = (lambda text: json.dumps({"text": text})) if "jsonl" in name else str
    lines = [wrap(text) for text in ("A", "x" * 980, "y" * 5000, "B", "z" * 1001, "C", "v" * 9999)]
    data = "\n".join(lines).encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    report = Report()
    format = "jsonl" if "jsonl" in name else "lines"
    assert [text[0] for _, text in read(tmp_path / name, format, report)] == ["A", "x", "B", "C"]
    (problems,) = report.examples.values()
    assert problems == [f"{name}, line {n}: more than 1,000 bytes" for n in (3, 5, 7)]
    if format == "lines":
        report = Report()
        assert not read(tmp_path / name, "txt", report)
        assert report.examples["malformed text"] == [f"{name}: more than 1,000 bytes"]


def test_a_line_of_an_archive_takes_little_memory(tmp_path: Path) -> None:
    """However much it unpacks to."""
    with gzip.open(tmp_path / "a.txt.gz", "wb", compresslevel=1) as file:
        for _ in range(300):
            file.write(b"x" * (1 << 20))
        file.write(b"\nA\n")
    report = Report()
    tracemalloc.start()
    try:
        assert read(tmp_path / "a.txt.gz", "lines", report) == [("a-2", "A")]
        assert tracemalloc.get_traced_memory()[1] < 3 * MAX_BYTES < 300 << 20
    finally:
        tracemalloc.stop()
    assert report.examples["malformed text"] == ["a.txt.gz, line 1: more than 67,108,864 bytes"]


def test_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="needs the extra 'export'")
    from pyarrow import parquet

    table = pa.table(
        {
            "pmid": [1, 2, None, 4],
            "abstract": pa.array(["A", "B", "C", None], pa.large_string()),
            "group": ["g", None, "", "g"],
            "year": [1990, None, 1992, 1993],
            "date": [datetime.date(1990, 1, 2)] * 4,
        }
    )
    parquet.write_table(table, tmp_path / "x.parquet")
    report = Report()
    texts = list(TextSource(str(tmp_path / "x.parquet"), None, report, text_field="abstract", id_field="pmid"))
    assert [(text.id, text.text, text.place) for text in texts] == [
        ("1", "A", "x.parquet, row 1"),
        ("2", "B", "x.parquet, row 2"),
        ("x-3", "C", "x.parquet, row 3"),
    ]
    assert texts[0].data == {"group": "g", "meta": {"year": 1990, "date": "1990-01-02"}}
    assert texts[1].data == {"meta": {"year": None, "date": "1990-01-02"}}
    assert report.examples == {"malformed text": ["x.parquet, row 4: no text"]}
    with pytest.raises(ValueError, match=r"x.parquet has no column 'text', only pmid, abstract"):
        read(tmp_path / "x.parquet")
    with pytest.raises(ValueError, match=r"x.parquet has no column 'doi', only pmid, abstract"):
        list(TextSource(str(tmp_path / "x.parquet"), None, report, text_field="abstract", id_field="doi"))
    (tmp_path / "y.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=r"y.parquet is not a whole Parquet file"):
        read(tmp_path / "y.parquet")


def test_parquet_of_pandas(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="needs the extra 'export'")
    from pyarrow import parquet

    columns = {"text": ["A", "B"], "id": [34567890.0, float("nan")], "meta": ["in English", '{"year": 1990}']}
    parquet.write_table(pa.table(columns), tmp_path / "x.parquet")
    texts = list(TextSource(str(tmp_path / "x.parquet"), None, Report()))
    assert [text.id for text in texts] == ["34567890", "x-2"]
    assert [text.data["meta"] for text in texts] == [{"meta": "in English"}, {"year": 1990}]


def test_what_was_annotated_is_read_again(tmp_path: Path) -> None:
    """Text, id, group and meta of the files that 'annotate' writes, and of Parquet among others in a folder."""
    pytest.importorskip("pyarrow", reason="needs the extra 'export'")
    texts = [AnnotatedText("A", [Mention(0, 1, "x")], id="1", group="g", meta={"y": 1}), AnnotatedText("B")]
    write_any(texts, tmp_path / "x.parquet")
    (tmp_path / "y.txt").write_text("C")
    found = list(TextSource(str(tmp_path), None, Report()))
    assert [(text.id, text.text, text.data) for text in found] == [
        ("1", "A", {"group": "g", "meta": {"y": 1}}),
        ("x-2", "B", {}),
        ("y", "C", {}),
    ]


def test_fields_of_other_names(tmp_path: Path) -> None:
    path, report = tmp_path / "x.jsonl", Report()
    lines = [{"abstract": "A", "pmid": 7, "text": "no", "meta": {"y": 1}}, {"abstract": "B"}, {"text": "C"}, ["D"]]
    path.write_text("\n".join([*map(json.dumps, lines), '{"abstract": "\\ud800"}', '{"abstract": 1}']))
    texts = list(TextSource(str(path), None, report, text_field="abstract", id_field="pmid"))
    assert [(text.id, text.text, text.data) for text in texts] == [("7", "A", {"meta": {"y": 1}}), ("x-2", "B", {})]
    assert [case.split(": ")[0] for case in report.examples["malformed text"]] == [
        f"x.jsonl, line {n}" for n in (3, 4, 5, 6)
    ]
    assert report.counts["records without the field 'pmid': their ids are made of file and line"] == 1
    report = Report()
    assert len(list(TextSource(str(path), None, report, text_field="abstract"))) == 2
    assert not any("without the field" in what for what in report.counts), "ids may always be missing"


@pytest.mark.parametrize("name", ["texts.txt", "texts.lines"])
def test_texts_without_fields(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("A text.\n")
    format = "lines" if name.endswith("lines") else None
    assert TextSource(str(tmp_path / name), format, Report())
    with pytest.raises(ValueError, match="has no fields"):
        TextSource(str(tmp_path / name), format, Report(), text_field="abstract")
    with pytest.raises(ValueError, match="has no fields"):
        TextSource("-", format, Report(), id_field="pmid")


def test_mistakes(tmp_path: Path) -> None:
    (tmp_path / "x.docx").write_text("A")
    for path, format, message in [
        (tmp_path / "y.txt", None, "There is no file or folder"),
        (tmp_path, None, r"holds no files .txt or .jsonl"),
        (tmp_path / "x.docx", None, "Cannot tell the format .* Or one of txt, lines, jsonl"),
        (tmp_path / "x.docx", "word", "There is no format 'word': .* Or one of txt, lines, jsonl"),
        ("-", "spacy", "Standard input is read as txt or lines or jsonl or pubmed, not as spacy"),
        ("-", "parquet", "Standard input is read as .* not as parquet"),
    ]:
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            read(path, format)


def test_files_that_go(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text(name)
    report = Report()
    source = TextSource(str(tmp_path), None, report)
    (tmp_path / "b.txt").unlink()
    assert [text.text for text in source] == ["a", "c"] and source.size == 3
    assert "b.txt" in report.examples["file that cannot be read to its end"][0]


@pytest.mark.skipif(sys.platform != "linux", reason="file names are Unicode")
def test_names_of_any_bytes(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")).write_text("A")
    (text,) = TextSource(str(tmp_path), None, Report())
    assert text.id == "caf\\xe9"


def test_progress_in_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A\n" * 50_000)
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"B\n"))
    source = TextSource(str(tmp_path), "lines", Report())
    positions = [source.position for _ in source]
    assert positions == sorted(positions) and positions[0] < 50_000 < positions[-1]
    assert source.position == source.size
    (tmp_path / "c.jsonl").write_text('{"text": "C"}\n')
    assert TextSource(str(tmp_path / "c.jsonl"), None, Report()).size == 14
    # read as a whole: there is nothing to tell on the way
    write_any([AnnotatedText("C")], tmp_path / "c.pubtator")
    assert TextSource(str(tmp_path / "c.pubtator"), None, Report()).size is None


@given(st.lists(st.text().filter(str.strip), min_size=1), st.sampled_from(["a.jsonl", "a.jsonl.gz"]))
def test_any_text(tmp_path_factory: pytest.TempPathFactory, texts: list[str], name: str) -> None:
    path = tmp_path_factory.getbasetemp() / name
    data = "\n".join(json.dumps({"text": text}) for text in texts).encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    assert [text for _, text in read(path)] == texts


@given(st.binary(max_size=200), st.sampled_from(["a.jsonl", "a.jsonl.gz", "a.txt", "a.txt.gz"]), st.booleans())
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str, lines: bool) -> None:
    """Whatever the file holds is either read or reported."""
    path, report = tmp_path_factory.getbasetemp() / name, Report()
    path.write_bytes(data)
    texts = read(path, "lines" if lines and ".txt" in name else None, report)
    assert len(texts) + report.dropped >= (1 if data.strip() else 0)
