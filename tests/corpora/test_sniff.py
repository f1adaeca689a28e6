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


BOTH_WAYS = sorted(name for name, each in FORMATS.items() if each.is_readable and each.is_writable)


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
    if packed and path.is_file() and name != "parquet":  # which is packed as it is
        path.with_suffix(path.suffix + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path = path.with_suffix(path.suffix + ".gz")
    assert tell_format(path) is FORMATS[name]
    assert [len(text.mentions) for text in read_any(path)][-1] == 2


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
    # the option says otherwise
    other = "jsonl" if name != "jsonl" else "prodigy"
    assert not any(text.mentions for text in read_any(path, other))


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
