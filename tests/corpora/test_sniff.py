"""Which tool wrote a file, where several give such names."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from spacy_keci.cli.main import keci
from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.formats import FORMATS, read_any, tell_format, write_any
from spacy_keci.corpora.sniff import sniff
from spacy_keci.corpora.texts import TextSource
from spacy_keci.reports import Report

TEXTS = [
    AnnotatedText("None here .", id="0"),
    AnnotatedText(
        "FK506 binds FKBP12 .",
        [Mention(0, 5, "drug"), Mention(12, 18, "protein")],
        [RelationTriple(0, 1, "binds")],
        id="1",
    ),
]
OBJECTS = {
    "doccano": {"id": 1, "text": "FK506", "label": [[0, 5, "drug"]]},
    "prodigy": {"text": "FK506", "spans": [{"start": 0, "end": 5, "label": "drug"}], "answer": "accept"},
    "pubannotation": {"text": "FK506", "denotations": [{"id": "T1", "span": {"begin": 0, "end": 5}, "obj": "drug"}]},
    "jsonl": {"text": "FK506", "entities": [{"text": "FK506", "label": "drug"}]},
    "bigbio": {"id": "1", "passages": [], "entities": [], "relations": []},
}


BOTH_WAYS = sorted(name for name, each in FORMATS.items() if each.read and each.write)


@pytest.mark.parametrize("name", BOTH_WAYS)
@pytest.mark.parametrize("packed", [False, True])
def test_what_we_write_is_told_by_its_content(tmp_path: Path, name: str, packed: bool) -> None:
    """Under a name that says nothing, or too little; gzipped or not."""
    if name.startswith("bioc"):
        pytest.importorskip("bioc", reason="needs the extra 'bioc'")
    suffix = {"brat": "", "spacy": ".spacy", "bioc-xml": ".xml", "conll": ".tsv", "masked": ".tsv", "pubtator": ".txt"}
    suffix["parquet"] = ".parquet"
    path = tmp_path / f"x{suffix.get(name, '.json')}"
    write_any(TEXTS, path, name)
    if packed and path.is_file():
        path.with_suffix(path.suffix + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path = path.with_suffix(path.suffix + ".gz")
    assert tell_format(path) == name
    assert [len(text.mentions) for text in read_any(path)][-1] == 2


@pytest.mark.parametrize("name", ["bioconcepts2pubtator_offsets", "x.data", "x"])
@pytest.mark.parametrize("format", ["pubtator", "jsonl", "conll"])
def test_names_that_say_nothing(tmp_path: Path, name: str, format: str) -> None:
    """As the files of PubTator's server are called."""
    write_any(TEXTS, tmp_path / name, format)
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress((tmp_path / name).read_bytes()))
    for path in (tmp_path / name, packed):
        assert tell_format(path) == format
        result = CliRunner().invoke(keci, ["convert", str(path), str(tmp_path / "out.jsonl")])
        assert result.exit_code == 0, result.output
        assert [len(text.mentions) for text in read_any(tmp_path / "out.jsonl")] == [0, 2]
        assert [text.text.strip() for text in TextSource(str(path), None, Report())] == [text.text for text in TEXTS]
    packed.write_bytes(gzip.compress(b"Words only.\n"))
    result = CliRunner().invoke(keci, ["convert", str(packed), str(tmp_path / "other.jsonl")])
    assert result.exit_code == 1 and "by --from FORMAT" in " ".join(result.output.split())
    with pytest.raises(ValueError, match=r"by --from FORMAT.*txt, lines"):
        TextSource(str(packed), None, Report())


@pytest.mark.parametrize("name", OBJECTS)
def test_lines_of_other_tools(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("{broken\n" + json.dumps(OBJECTS[name]))
    assert sniff(path) == name
    if name == "bigbio":
        return
    result = CliRunner().invoke(keci, ["convert", str(path), str(tmp_path / "out.jsonl")])
    assert result.exit_code == 0, result.output
    (text,) = read_any(tmp_path / "out.jsonl")
    assert text.mentions == [Mention(0, 5, "drug")]
    # the option says otherwise: nothing is read as a text without annotation
    other = "jsonl" if name != "jsonl" else "prodigy"
    path.write_text(json.dumps(OBJECTS[name]))
    with pytest.raises(ValueError, match=r"the key '\w+' looks like annotation"):
        list(read_any(path, other))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("", None),
        ("words only\n", None),
        ("[1, 2]", None),
        ('{"a": 1}', None),
        ("<html/>", None),
        ("<?xml version='1.0'?><!-- x -->\n<document/>", "ddi"),
        ("<collection><source/>", "bioc-xml"),
        ('[{"data": {}, "annotations": []}', "label-studio"),
        ('{"text": "x", "entities": [], "interactions": []}', "biorelex"),
        ('{"text": "x", "entities": [], "interactions": [], "clusters": []}', "jsonl"),
        ('\ufeff{"text": "x"}', "jsonl"),
        ("A\tO\nB\tB-x\n", "conll"),
    ],
)
def test_contents(tmp_path: Path, content: str, name: str | None) -> None:
    (tmp_path / "x").write_text(content, encoding="utf8")
    assert sniff(tmp_path / "x") == name


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"annotations": [{"label": 1, "start_offset": 0, "end_offset": 5, "user": 1}]}, [Mention(0, 5, "1")]),
        (
            {"label": [{"start": 0, "end": 5, "text": "FK506", "labels": ["drug"]}], "annotator": 1},
            [Mention(0, 5, "drug")],
        ),
        ({"ents": [{"start": 0, "end": 5, "label": "drug"}], "tokens": [{"id": 0, "start": 0, "end": 5}]}, "ents"),
        ({"mentions": [{"begin": 0, "end": 5}]}, "mentions"),
        ({"mentions": [{"text": "FK506", "label": "drug"}]}, "mentions"),
        ({"mentions": [{"type": "drug", "span": [0, 5]}]}, "mentions"),
        ({"annotation": {"drugs": [{"offset": 0, "length": 5}]}}, "annotation"),
        ({"tags": [[0, 5, "drug"]]}, "tags"),
        ({"pmid": 7, "authors": [{"name": "A", "rank": 1}], "year": [2020, 5], "pages": {"from": 1, "to": 2}}, []),
        ({"tokens": [{"start": 0, "end": 5}], "sents": [{"start": 0, "end": 5}], "ents": [], "cats": {"a": 1}}, []),
        ({"entities": [{"text": "FK506", "label": "drug"}], "tags": [[0, 5, "x"]]}, [Mention(0, 5, "drug")]),
    ],
)
def test_annotation_is_read_or_refused(tmp_path: Path, more: dict[str, Any], expected: Any) -> None:
    """And never left aside in silence, as the first line and behind a line of ours."""
    path, output = tmp_path / "x.jsonl", tmp_path / "out.jsonl"
    for first in ([], [OBJECTS["jsonl"]]):
        path.write_text("\n".join(map(json.dumps, [*first, {"text": "FK506", **more}])))
        result = CliRunner().invoke(keci, ["convert", str(path), str(output)])
        said = " ".join(result.output.split())
        if isinstance(expected, str):
            assert f"the key '{expected}' looks like annotation" in said
            assert result.exit_code == (0 if first else 1)
        elif not first:
            assert result.exit_code == 0, result.output
            (text,) = read_any(output)
            assert text.mentions == expected
        elif expected:
            assert len(list(read_any(output))) == 2 or "looks like annotation" in said, said


def test_a_line_of_another_tool_behind_one_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    for name in OBJECTS.keys() - {"jsonl", "bigbio"}:
        path.write_text("\n".join(json.dumps(OBJECTS[each]) for each in ("jsonl", name)))
        for format in ("jsonl", None):
            report = Report()
            texts = list(read_any(path, format, report))
            assert [text.mentions for text in texts] == [[Mention(0, 5, "drug")]], name
            assert report.dropped == 1


def test_a_first_record_that_is_long(tmp_path: Path) -> None:
    long: dict[str, Any] = {**OBJECTS["doccano"], "text": "FK506 " * 300_000}
    (tmp_path / "x").write_text(json.dumps(long) + "\n" + json.dumps(OBJECTS["doccano"]))
    assert sniff(tmp_path / "x") == "doccano"
    (tmp_path / "x").write_text(json.dumps([long]))
    assert sniff(tmp_path / "x") == "doccano"


def test_what_cannot_be_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "x"}' * 99)[:-20])
    with pytest.raises(ValueError, match=r"x.jsonl.gz cannot be unpacked to its end"):
        list(read_any(path))


def test_gzipped_output(tmp_path: Path) -> None:
    write_any(TEXTS, tmp_path / "x.jsonl.gz")
    assert (tmp_path / "x.jsonl.gz").read_bytes().startswith(b"\x1f\x8b")
    assert list(read_any(tmp_path / "x.jsonl.gz")) == TEXTS
    assert list(tmp_path.iterdir()) == [tmp_path / "x.jsonl.gz"]
    with pytest.raises(ValueError, match=r"this format is a folder of files. Name it without .gz."):
        write_any(TEXTS, tmp_path / "y.gz", "brat")
