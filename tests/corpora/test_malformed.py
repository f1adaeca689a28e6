"""What comes from outside may be broken in any way: readers say so in one line, or count what they leave out."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

import pytest

from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.documents import to_doc
from spacy_keci.corpora.formats import FORMATS, read_any, write_any
from spacy_keci.reports import Report
from spacy_keci.tokenizer import biomedical_tokenizer

COUNTED = ("texts", "mentions", "relations")
READERS = sorted(FORMATS.keys() - {"csv", "parquet", "relations", "masked"})
FOLDERS = ("bionlp", "brat", "chemprot")
TEXTS = [
    AnnotatedText(
        f"FK506 binds FKBP{i}, κB and IL-{i}.\nMEK1/{i} inhibits FKBP{i}.",
        [
            Mention(0, 5, "drug", "CHEBI:61049"),
            Mention(12, 17, "protein", f"HGNC:{i}"),
            Mention(19, 21, "protein", "HGNC:77"),
            Mention(34, 40, "protein", "HGNC:1,HGNC:2"),
        ],
        [RelationTriple(0, 1, "binds"), RelationTriple(3, 1, "inhibits"), RelationTriple(0, 2, "binds")],
        id=f"d{i}",
    )
    for i in range(3, 9)
]


def cut(data: bytes, rng: random.Random) -> bytes:
    """In the middle of a line: whoever cuts between two lines leaves a shorter file, and nobody can tell."""
    places = [i for i in range(1, len(data)) if 10 not in data[i - 1 : i + 1]]
    return data[: rng.choice(places)]


def overlap(data: bytes, rng: random.Random) -> bytes:
    a, b = sorted(rng.sample(range(len(data)), 2))
    return data[:b] + data[a:]


def change_numbers(data: bytes, rng: random.Random) -> bytes:
    changes: list[Callable[[bytes], bytes]] = [
        lambda n: b"-" + n,
        lambda n: n + b"0",
        lambda n: b"99999999999999999999",
        lambda n: b"0",
        lambda n: n + b".5",
        lambda n: b'"' + n + b'"',
        lambda n: b"1e9",
        lambda n: b"NaN",
    ]
    change = rng.choice(changes)
    return re.sub(rb"(?<![\w.:-])\d+(?![\w.:-])", lambda m: change(m[0]) if rng.random() < 0.3 else m[0], data)


def cross(data: bytes, rng: random.Random) -> bytes:
    """Ends before starts."""
    return re.sub(rb"(\d+)(\D{1,20}?)(\d+)", lambda m: m[3] + m[2] + m[1] if rng.random() < 0.4 else m[0], data)


def insert(piece: bytes) -> Callable[[bytes, random.Random], bytes]:
    def change(data: bytes, rng: random.Random) -> bytes:
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(data))
            data = data[:place] + piece + data[place:]
        return data

    return change


def garble(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 20)):
        changed[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(changed)


def shuffle_lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines)


DAMAGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "cut": cut,
    "cut again": cut,
    "cut once more": cut,
    "UTF-16": lambda data, rng: data.decode("utf8", "replace").encode("utf-16"),
    "Latin-1": lambda data, rng: data.replace("κ".encode(), b"\xdf"),
    "overlapping": overlap,
    "overlapping again": overlap,
    "other numbers": change_numbers,
    "other numbers again": change_numbers,
    "crossing offsets": cross,
    "crossing offsets again": cross,
    "huge line": insert(b"A" * 200_000),
    "huge nesting": lambda data, rng: b"[" * 100_000 + data,
    "control characters": insert(b"\x00\x07\x1b[31m\x0b\x1c"),
    "lone surrogate": insert(b"\\ud800"),
    "right to left": insert("\u202eקשר בין חלבונים\u202c عربي".encode()),
    "garbled": garble,
    "garbled again": garble,
    "shuffled": shuffle_lines,
    "Windows line ends": lambda data, rng: data.replace(b"\n", b"\r\n"),
    "empty": lambda data, rng: b"",
    "spaces only": lambda data, rng: b" \n\t\n",
    "another format": lambda data, rng: b'{"a": [1, 2, {"b": null}]}',
    "a list of nothing": lambda data, rng: b"[null, 1, [], {}]",
}


def write_sample(name: str, path: Path) -> None:
    """All of ``TEXTS`` in a format, every kind of annotation among them."""
    if name == "bigbio":
        records = [
            {
                "id": text.id,
                "document_id": text.id,
                "passages": [{"id": "p", "type": "abstract", "text": [text.text], "offsets": [[0, len(text.text)]]}],
                "entities": [
                    {
                        "id": f"T{i}",
                        "type": m.label,
                        "text": [text.text[m.start : m.end]],
                        "offsets": [[m.start, m.end]],
                        "normalized": [{"db_name": "", "db_id": m.kb_id}],
                    }
                    for i, m in enumerate(text.mentions)
                ],
                "events": [],
                "coreferences": [],
                "relations": [
                    {"id": "r", "type": r.label, "arg1_id": f"T{r.head}", "arg2_id": f"T{r.tail}", "normalized": []}
                    for r in text.relations
                ],
            }
            for text in TEXTS
        ]
        path.write_text(json.dumps(records, ensure_ascii=False, indent=1), encoding="utf8")
    elif name == "bionlp":
        write_any(TEXTS, path, "brat")
        for file in path.glob("*.ann"):
            file.rename(file.with_suffix(".a1"))
    elif name == "chemprot":
        path.mkdir()
        rows: dict[str, list[str]] = {"abstracts": [], "entities": [], "relations": []}
        for text in TEXTS:
            rows["abstracts"].append("\t".join([text.id, *text.text.split("\n")]))
            rows["entities"] += [
                f"{text.id}\tT{i}\t{m.label}\t{m.start}\t{m.end}\t{text.text[m.start : m.end]}"
                for i, m in enumerate(text.mentions)
            ]
            rows["relations"] += [f"{text.id}\t{r.label}\tArg1:T{r.head}\tArg2:T{r.tail}" for r in text.relations]
        for kind, lines in rows.items():
            (path / f"x_{kind}.tsv").write_text("".join(f"{line}\n" for line in lines), encoding="utf8")
    elif name == "ddi":
        root = Element("document", id="d")
        for text in TEXTS:
            sentence = SubElement(root, "sentence", id=text.id, text=text.text)
            for i, m in enumerate(text.mentions):
                surface = text.text[m.start : m.end]
                place = f"{m.start}-{m.end - 1}"
                SubElement(sentence, "entity", id=f"e{i}", charOffset=place, type=m.label, text=surface)
            for r in text.relations:
                SubElement(sentence, "pair", e1=f"e{r.head}", e2=f"e{r.tail}", ddi="true", type=r.label)
        path.write_bytes(tostring(root, "utf8"))
    else:
        write_any(TEXTS, path, name)


def damage(name: str, kind: str, path: Path) -> Path:
    """A broken file of a format; of a folder, all files broken, or one of them."""
    path = path / ("sample" if name in FOLDERS else f"sample.{name}")
    write_sample(name, path)
    rng = random.Random(f"{name} {kind}")
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if file is path or rng.random() < 0.5:
            file.write_bytes(DAMAGES[kind](file.read_bytes(), rng))
    return path


@pytest.fixture(params=READERS)
def name(request: pytest.FixtureRequest) -> str:
    if str(request.param).startswith("bioc"):
        pytest.importorskip("bioc", reason="needs the extra 'bioc'")
    return str(request.param)


def test_samples_are_whole(tmp_path: Path, name: str) -> None:
    write_sample(name, tmp_path / "sample")
    report = Report()
    found = list(read_any(tmp_path / "sample", name, report))
    assert (len(found), sum(len(text.mentions) for text in found), report.dropped) == (len(TEXTS), 4 * len(TEXTS), 0)


@pytest.mark.parametrize("kind", DAMAGES)
def test_malformed_input(tmp_path: Path, name: str, kind: str) -> None:
    write_sample(name, tmp_path / "whole")
    whole = Report()
    for _ in read_any(tmp_path / "whole", name, whole):
        pass
    path, report = damage(name, kind, tmp_path), Report()
    try:
        texts = list(read_any(path, name, report))
    except (ValueError, OSError) as error:
        assert "\n" not in str(error) and len(str(error)) < 1000, str(error)
        return
    assert all("\n" not in line and len(line) < 1000 for line in report.lines())
    if kind not in ("empty", "spaces only") and any(report.counts[what] < whole.counts[what] for what in COUNTED):
        assert set(report.counts) - set(whole.counts), (report.counts, whole.counts)
    # Whatever was kept is sound: it can be tokenised and written.
    report = Report()
    tokenize = biomedical_tokenizer()
    assert [to_doc(text, tokenize, report).text for text in texts] == [text.text for text in texts]
    write_any(texts, tmp_path / "again.jsonl", report=report)
    assert len(list(read_any(tmp_path / "again.jsonl"))) == len(texts)
