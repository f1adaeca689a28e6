"""The annotate command: what goes in comes out, once, whatever happens on the way."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from typer.testing import CliRunner, Result

from spacy_keci.cli.annotate import Annotator
from spacy_keci.cli.main import keci
from spacy_keci.cli.sinks import Parts
from spacy_keci.corpora.docbin import load_docs
from spacy_keci.corpora.formats import FORMATS, read_any
from spacy_keci.corpora.texts import Text, name_unfinished
from spacy_keci.reports import Report

from ..pipeline.conftest import make_examples, make_pipeline

TEXTS = [f"FK{i} binds FKBP{i % 7} and p{i**5}, but inhibits calcineurin{' slowly' * (i % 5)}." for i in range(100)]


@Language.component("test_fails")
def fails(doc: Doc) -> Doc:
    """Fails on, or is interrupted by, some words."""
    if "BOOM" in doc.text:
        raise RuntimeError("no such thing\nin this pipeline")
    if "INTERRUPT" in doc.text:
        raise KeyboardInterrupt
    return doc


@pytest.fixture(scope="module")
def model(demo_docs: list[Doc], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not trained, but with many mentions and relations, whose scores depend on what is in a batch."""
    nlp = make_pipeline(threshold=0.001, relation_threshold=0.0017, spans_per_token=0.3)
    nlp.initialize(lambda: make_examples(nlp, demo_docs))
    path = tmp_path_factory.mktemp("models") / "model"
    nlp.to_disk(path)
    return path


@pytest.fixture(scope="module")
def failing(model: Path) -> Path:
    nlp = spacy.load(model)
    nlp.add_pipe("test_fails", first=True)
    nlp.to_disk(model.with_name("failing"))
    return model.with_name("failing")


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("input") / "lines.txt"
    path.write_text("\n".join(TEXTS), encoding="utf8")
    return path


@pytest.fixture(scope="module")
def undisturbed(model: Path, lines: Path) -> bytes:
    return annotate_lines(model, lines, lines.with_name("undisturbed.jsonl")).read_bytes()


def run(*args: object, input: Any = None) -> Result:
    return CliRunner().invoke(keci, ["annotate", *map(str, args)], input=input)


def annotate(*args: object, input: Any = None) -> Result:
    result = run(*args, input=input)
    assert result.exit_code == 0, result.output
    return result


def annotate_lines(model: Path, lines: Path, output: Path, *args: object) -> Path:
    annotate(model, lines, output, "--from", "lines", "--batch-size", 8, *args)
    return output


def message(result: Result) -> str:
    return " ".join(result.output.split())


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_lines(model: Path, lines: Path, undisturbed: bytes) -> None:
    found = [json.loads(line) for line in undisturbed.splitlines()]
    assert [line["text"] for line in found] == TEXTS
    assert [line["id"] for line in found] == [f"lines-{n}" for n in range(1, 101)]
    assert sum(len(line["entities"]) for line in found) > 100 and sum(len(line["relations"]) for line in found) > 100
    nlp = spacy.load(model)
    doc = list(nlp.pipe(TEXTS[8:16]))[3]
    assert [[e["start"], e["end"]] for e in found[11]["entities"]] == [
        [span.start_char, span.end_char] for span in doc.spans["entities"]
    ]
    attrs = doc.spans["entities"].attrs
    assert [e["score"] for e in found[11]["entities"]] == attrs["scores"]
    assert [r["score"] for r in found[11]["relations"]] == [row[3] for row in attrs["relations"]]


def test_folder_with_ids_groups_and_meta(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"text": "A.", "id": 5, "group": "g", "meta": {"year": 1999}}\n{"text": "B."}\n')
    (folder / "b.txt.gz").write_bytes(gzip.compress(b"C.\nD."))
    annotate(model, folder, tmp_path / "out")
    (part,) = (tmp_path / "out").iterdir()
    assert part.name == "part-000000000-000000003.jsonl"
    assert [(line["id"], line["text"]) for line in read(part)] == [("5", "A."), ("a-2", "B."), ("b", "C.\nD.")]
    assert [(line.get("group"), line.get("meta")) for line in read(part)][:2] == [("g", {"year": 1999}), (None, None)]
    annotate(model, folder, tmp_path / "out.spacy")
    docs = list(load_docs(tmp_path / "out.spacy", spacy.blank("en").vocab))
    assert docs[0].user_data == {"id": "5", "group": "g", "meta": {"year": 1999}}
    assert all("scores" in doc.spans["entities"].attrs for doc in docs)


@pytest.mark.parametrize("name", ["out.jsonl", "out"])
def test_output_inside_the_input(model: Path, tmp_path: Path, name: str) -> None:
    """It is no input, however often the command is run."""
    (tmp_path / "a.txt").write_text("FK506 binds FKBP12.")
    for option in ("--quiet", "--resume", "--overwrite"):
        annotate(model, tmp_path, tmp_path / name, option)
        (output,) = tmp_path.rglob("*.jsonl")
        assert [line["id"] for line in read(output)] == ["a"]


def test_what_is_lost_of_annotation_loses_no_text(model: Path, tmp_path: Path) -> None:
    (tmp_path / "in.pubtator").write_text("1|t|A binds B.\n1|a|\n1\t0\t99\tA\tx\t-\n")
    result = annotate(model, tmp_path / "in.pubtator", tmp_path / "out.jsonl", "--strict")
    assert "1 texts" in message(result) and "left out: 0" in message(result)


def test_streams(model: Path) -> None:
    result = annotate(model, "-", "-", input="FK506 binds FKBP12.\nGFP.\n")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["stdin-1", "stdin-2"]
    assert "2 texts" in result.stderr


@pytest.mark.parametrize("format", [name for name, each in FORMATS.items() if each.is_writable])
def test_every_format_that_can_be_written(model: Path, lines: Path, tmp_path: Path, format: str) -> None:
    if format == "parquet":
        pytest.importorskip("pyarrow", exc_type=ImportError)
    annotate_lines(model, lines, tmp_path / "parts", "--to", format)
    assert [path.name.split(".")[0] for path in (tmp_path / "parts").iterdir()] == ["part-000000000-000000100"]
    if FORMATS[format].is_readable and format not in ("conll", "masked"):  # which do not keep ids, and whole texts
        (part,) = (tmp_path / "parts").iterdir()
        texts = sorted(
            read_any(part, format), key=lambda text: int(text.id.removeprefix("lines-"))
        )  # as brat sorts them
        assert [text.text.replace(" ", "") for text in texts] == [text.replace(" ", "") for text in TEXTS]


def test_whole_file_and_standard_output_are_the_same(model: Path, lines: Path, tmp_path: Path) -> None:
    annotate_lines(model, lines, tmp_path / "out.xml", "--to", "bioc-xml")
    result = annotate(model, lines, "-", "--to", "bioc-xml", "--from", "lines", "--batch-size", 8)
    assert result.stdout_bytes == (tmp_path / "out.xml").read_bytes()
    assert list(tmp_path.iterdir()) == [tmp_path / "out.xml"]


def test_processes_change_nothing(model: Path, lines: Path, tmp_path: Path, undisturbed: bytes) -> None:
    assert annotate_lines(model, lines, tmp_path / "out.jsonl", "-n", 2).read_bytes() == undisturbed


def test_what_fails_is_left_out_with_its_place(failing: Path, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    texts = [*TEXTS[:20], "BOOM", *TEXTS[20:40], "again BOOM"]
    lines = [json.dumps({"text": text}) for text in texts]
    path.write_text("\n".join([*lines[:3], "{", *lines[3:]]))
    for processes in (1, 2):
        result = annotate(failing, path, tmp_path / "out.jsonl", "-n", processes, "--batch-size", 8, "--overwrite")
        assert [line["text"] for line in read(tmp_path / "out.jsonl")] == TEXTS[:40]
        assert "left out: in.jsonl, line 4: record: Invalid JSON" in message(result)
        assert "left out: in.jsonl, line 22: no such thing in this pipeline" in message(result)
        assert "left out: in.jsonl, line 43: no such thing" in message(result)
        assert "40 texts" in result.output and "left out: 3" in result.output
    before = (tmp_path / "out.jsonl").read_bytes()
    annotate(failing, path, tmp_path / "out.jsonl", "--batch-size", 8, "--resume")
    assert (tmp_path / "out.jsonl").read_bytes() == before


def test_strict(failing: Path, tmp_path: Path) -> None:
    for bad in ('{"text": "BOOM"}', "{"):
        (tmp_path / "in.jsonl").write_text('{"text": "A."}\n' + bad)
        result = run(
            failing, tmp_path / "in.jsonl", tmp_path / "out.jsonl", "--strict", "--batch-size", 1, "--overwrite"
        )
        assert result.exit_code == 1
        assert "in.jsonl, line 2" in message(result) and "Without --strict" in message(result)
        assert isinstance(result.exception, SystemExit)


def test_a_pipeline_that_always_fails_is_given_up(failing: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("BOOM\n" * 1200)
    result = run(failing, tmp_path / "in.txt", tmp_path / "out.jsonl", "--from", "lines", "--batch-size", 200)
    assert result.exit_code == 1 and "failed on the last 1000 texts" in message(result)
    (tmp_path / "in.txt").write_text("BOOM\n" * 3)
    result = run(failing, tmp_path / "in.txt", tmp_path / "out.jsonl", "--from", "lines")
    assert result.exit_code == 1 and "No text could be annotated" in message(result)


@settings(max_examples=20)
@given(st.data())
def test_resumed_from_any_byte(model: Path, lines: Path, undisturbed: bytes, data: st.DataObject) -> None:
    """Whatever part of the output a process had written when it died."""
    output = lines.with_name("resumed.jsonl")
    output.write_bytes(undisturbed[: data.draw(st.integers(0, len(undisturbed)))])
    annotate_lines(model, lines, output, "--resume")
    assert output.read_bytes() == undisturbed


def test_resumed_with_other_batches(model: Path, lines: Path, undisturbed: bytes, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    output.write_bytes(undisturbed[: len(undisturbed) // 2])
    annotate(model, lines, output, "--from", "lines", "--batch-size", 7, "--resume")
    assert [line["text"] for line in read(output)] == TEXTS


def test_texts_that_are_there_twice(model: Path, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "A.", "id": 1}\n' * 10)
    annotate(model, tmp_path / "in.jsonl", tmp_path / "out.jsonl", "--batch-size", 3)
    whole = (tmp_path / "out.jsonl").read_bytes()
    (tmp_path / "out.jsonl").write_bytes(whole[: len(whole) // 2])
    annotate(model, tmp_path / "in.jsonl", tmp_path / "out.jsonl", "--batch-size", 3, "--resume")
    assert (tmp_path / "out.jsonl").read_bytes() == whole and len(whole.splitlines()) == 10


@pytest.mark.parametrize("format", ["jsonl", "spacy", "brat"])
def test_parts(
    model: Path, lines: Path, tmp_path: Path, format: str, undisturbed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacy_keci.cli.sinks.TEXTS_PER_PART", 20)

    def parts() -> dict[str, bytes]:
        return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

    folder = tmp_path / "out"
    annotate_lines(model, lines, folder, "--to", format)
    whole = parts()
    names = sorted(path.name.split(".")[0] for path in folder.iterdir())
    assert names == [f"part-{n:09}-{min(n + 24, 100):09}" for n in range(0, 100, 24)]
    if format == "jsonl":
        assert b"".join(whole.values()) == undisturbed
    last = sorted(folder.iterdir())[-2:]
    last[0].rename(folder / f"unfinished{last[0].suffix}")
    for path in [last[1], *last[1].glob("*")][::-1]:
        path.rmdir() if path.is_dir() else path.unlink()
    result = run(model, lines, folder, "--from", "lines", "--batch-size", 8, "--to", format)
    assert result.exit_code == 1 and "is there already: --resume goes on" in message(result)
    annotate_lines(model, lines, folder, "--resume", "--to", format)
    assert parts() == whole
    annotate_lines(model, lines, folder, "--resume", "--to", format)
    annotate_lines(model, lines, folder, "--overwrite", "--to", format)
    assert parts() == whole


def test_missing_part(tmp_path: Path) -> None:
    for name in ("part-000000000-000000024.jsonl", "part-000000048-000000072.jsonl"):
        (tmp_path / name).write_text("")
    with pytest.raises(ValueError, match=r"is not the part\.jsonl that begins with text 24"):
        Parts(tmp_path, "jsonl", resume=True).consume(iter([]), lambda docs, path: None)


def test_interrupted(failing: Path, tmp_path: Path) -> None:
    """Ctrl-C leaves whole batches, or whole files, or nothing."""
    path, output = tmp_path / "in.txt", tmp_path / "out.jsonl"
    path.write_text("\n".join([*TEXTS[:20], "INTERRUPT", *TEXTS[20:]]))
    for out, left in (("out.jsonl", ["out.jsonl"]), ("out.spacy", []), ("out.xml", [])):
        result = run(failing, path, tmp_path / out, "--from", "lines", "--batch-size", 8)
        assert result.exit_code == 130 and "Interrupted." in result.output
        assert ("--resume goes on where" in result.output) == (out == "out.jsonl")
        assert [file.name for file in tmp_path.iterdir() if file.name.startswith("out")] == left
        if left:
            assert [line["text"] for line in read(output)] == TEXTS[:16]
            output.unlink()


def test_write_that_fails_halfway(
    model: Path, lines: Path, tmp_path: Path, undisturbed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        if os.fstat(descriptor).st_size > len(undisturbed) // 2:
            raise OSError(28, "No space left on device")

    output = tmp_path / "out.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        result = run(model, lines, output, "--from", "lines", "--batch-size", 8)
    assert result.exit_code == 1 and "No space left" in message(result)
    assert len(read(output)) % 100 > 0 and len(read(output)) % 8 == 0
    assert annotate_lines(model, lines, output, "--resume").read_bytes() == undisturbed


COMMAND = [sys.executable, "-m", "spacy_keci", "annotate"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("signal_", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_killed(model: Path, tmp_path: Path, signal_: signal.Signals, code: int) -> None:
    """A process with children that has annotated some of the texts, and is at work on others, or waits for them."""
    output, whole = tmp_path / "out.jsonl", tmp_path / "whole.jsonl"
    text = "\n".join(TEXTS)
    with subprocess.Popen(
        [*COMMAND, model, "-", output, "--batch-size", "1", "-n", "2"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored, where the suite runs in background
    ) as process:
        assert process.stdin and process.stderr
        process.stdin.write(text[: len(text) // 2])
        process.stdin.flush()
        while not (output.exists() and output.stat().st_size):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
        process.send_signal(signal_)
        errors = process.stderr.read()  # to its end, which comes when all processes have ended
        process.stdin.close()
    assert process.returncode == code and "Traceback" not in errors
    for path, option in ((whole, "--overwrite"), (output, "--resume")):
        annotate(model, "-", path, "--batch-size", 1, option, input=text)
    assert output.read_bytes() == whole.read_bytes()


def test_no_new_words_are_remembered(model: Path) -> None:
    nlp = spacy.load(model)
    annotator = Annotator(nlp, Report(), batch_size=8)
    n_strings: list[int] = []

    def batches() -> Iterator[list[Text]]:
        for i in range(5):
            n_strings.append(len(nlp.vocab.strings))
            yield [Text(f"word{i}x{k} binds other{i}x{k}.", f"{i}-{k}", "", {}) for k in range(8)]

    for batch in annotator.annotate(batches()):
        assert len(batch.docs) == 8 and all(doc.tensor is None for doc in batch.docs)
    assert len(set(n_strings)) == 1


def test_mistakes(model: Path, lines: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "broken.txt.gz").write_bytes(b"not gzip")
    (tmp_path / "other.jsonl").write_text('{"id": "x", "text": "another"}\n')
    (tmp_path / "prose.jsonl").write_text("prose\n")
    (tmp_path / "binary.spacy").write_bytes(b"\xff\x00")
    out = tmp_path / "out.jsonl"
    for args, code, expected in [
        (("no_such_model", lines, out), 1, "Cannot load the pipeline no_such_model"),
        ((tmp_path, lines, out), 1, "Cannot load the pipeline"),
        ((model, tmp_path / "no.txt", out), 1, "There is no file or folder"),
        ((model, tmp_path / "other.jsonl", tmp_path / "other.jsonl", "--overwrite"), 1, "name another output"),
        ((model, tmp_path / "empty.txt", out), 1, "holds no texts"),
        ((model, tmp_path / "broken.txt.gz", out), 1, "holds no texts that can be read"),
        ((model, tmp_path / "binary.spacy", out), 1, "is not a file of spaCy's DocBin format"),
        ((model, lines, tmp_path / "out.docx"), 1, "Cannot tell the format of"),
        ((model, lines, out, "--from", "word"), 1, "Cannot tell the format of"),
        ((model, lines, out, "--to", "bigbio"), 1, "is for reading only"),
        ((model, lines, "-", "--to", "brat"), 1, "no place in standard output"),
        ((model, lines, tmp_path / "out.spacy", "--resume"), 1, "Only a .jsonl file or a folder can be resumed"),
        ((model, lines, tmp_path / "other.jsonl"), 1, "is there already"),
        ((model, lines, tmp_path / "other.jsonl", "--resume"), 1, "stems from another one"),
        ((model, lines, tmp_path / "prose.jsonl", "--resume"), 1, "line 1: this was not written by"),
        ((model, lines, out, "--spans-key", "sc"), 1, "no doc.spans['sc'], only ['entities']"),
        ((model, lines, out, "--resume", "--overwrite"), 2, "exclude each other"),
        ((model, lines, out, "-g", 0, "-n", 2), 2, "not shared by several processes"),
        ((model, lines, out, "-g", 99), 1, "GPU"),
        ((model, lines, out, "--batch-size", 0), 2, "Invalid value"),
    ]:
        result = run(*args)
        assert (result.exit_code, expected in message(result)) == (code, True), (args, result.output)
        assert isinstance(result.exception, SystemExit), result.exception
        assert result.stdout == "", "messages go to standard error"


def test_what_a_killed_run_left_is_no_input(model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("FK506 binds FKBP12.")
    (tmp_path / "unfinished.out.jsonl").write_text('{"text": "B"}\n')
    annotate(model, tmp_path, tmp_path / "out.jsonl", "--to", "prodigy")
    assert [line["text"] for line in read(tmp_path / "out.jsonl")] == ["FK506 binds FKBP12."]


def test_output_that_cannot_be_written(
    model: Path, lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is known before anything is read."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    result = run(model, lines, tmp_path / "out.spacy", "--from", "lines")
    assert result.exit_code == 1 and "out.spacy: Permission denied" in message(result)


def test_two_at_once(model: Path, lines: Path, tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    for output in (tmp_path / "out.jsonl", tmp_path / "out", tmp_path / "out.csv"):
        written = name_unfinished(output) if output.suffix == ".csv" else output
        written.touch() if output.suffix else written.mkdir()
        descriptor = os.open(written, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        result = run(model, lines, output, "--from", "lines")
        assert result.exit_code == 1 and "Another process writes to" in message(result)
        os.close(descriptor)
        annotate(model, lines, output, "--from", "lines")
