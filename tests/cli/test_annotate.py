"""The annotate command: what goes in comes out, once, whatever happens on the way."""

import gzip
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from typer.testing import CliRunner, Result

from spacy_keci.annotator import Annotator
from spacy_keci.cli.load import load_pipeline
from spacy_keci.cli.main import keci
from spacy_keci.corpora.docbin import load_docs
from spacy_keci.corpora.formats import FORMATS, read_any
from spacy_keci.corpora.texts import name_unfinished

from ..pipeline.conftest import make_examples, make_pipeline

TEXTS = [f"FK{i} binds FKBP{i % 7} and p{i**5}, but inhibits calcineurin{' slowly' * (i % 5)}." for i in range(100)]
INTERRUPTING = True
forks = pytest.mark.skipif(sys.platform != "linux", reason="processes that are not forked do not know the component")


@Language.component("test_fails")
def fails(doc: Doc) -> Doc:
    """Fails on, is interrupted or killed by some words."""
    if "BOOM" in doc.text:
        raise RuntimeError("no such thing\nin this pipeline")
    if "INTERRUPT" in doc.text and INTERRUPTING:
        raise KeyboardInterrupt
    if "POISON" in doc.text:
        os.kill(os.getpid(), signal.SIGKILL)
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


def read_rows(path: Path) -> list[dict[str, Any]]:
    return pq.read_table(path).to_pylist() if path.suffix == ".parquet" else read(path)


def test_lines(model: Path, lines: Path, undisturbed: bytes) -> None:
    found = [json.loads(line) for line in undisturbed.splitlines()]
    assert [line["text"] for line in found] == TEXTS
    assert [line["id"] for line in found] == [f"lines-{n}" for n in range(1, 101)]
    assert sum(len(line["entities"]) for line in found) > 100 and sum(len(line["relations"]) for line in found) > 100
    nlp = spacy.load(model)
    # texts of similar length stand together
    docs = list(nlp.pipe(sorted(TEXTS[8:16], key=len)))
    (doc,) = [doc for doc in docs if doc.text == TEXTS[11]]
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
    assert re.fullmatch(r"part-000000000-000000003-[0-9a-f]{16}\.jsonl", part.name)
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


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_meta_that_json_cannot_hold_is_dropped(failing: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "in.jsonl").write_text(
        "".join(f'{{"text": "{text}", "meta": {{"a": NaN, "b": 2}}}}\n' for text in ("A.", "B.", "BOOM"))
    )
    result = annotate(failing, tmp_path / "in.jsonl", tmp_path / name)
    rows = read_rows(tmp_path / name)
    # of the text that fails, Parquet has a row
    assert len(rows) == (3 if name == "out.parquet" else 2)
    assert f"{len(rows)} dropped: entry of meta that JSON cannot hold" in message(result)
    assert all(row["meta"] in ('{"b": 2}', {"b": 2}) for row in rows)


def test_texts_with_the_same_id_are_kept_and_counted_once(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(f'{{"id": "{id}", "text": "FK506 binds {id}."}}\n' for id in "abacab"))
    for part_size, options in ((2, ()), (3, ("--overwrite",))):
        result = annotate(model, path, tmp_path / "found", "--part-size", part_size, *options)
        assert message(result).count("3 texts with the id of an earlier text") == 1
    assert [row["id"] for file in sorted((tmp_path / "found").iterdir()) for row in read(file)] == [*"abacab"]
    assert "id of an earlier" not in message(annotate(model, "-", "-", input="A.\nA.\n"))


def test_ids_under_a_name_that_no_record_has(model: Path, tmp_path: Path) -> None:
    path, told = tmp_path / "in.jsonl", "records without the field 'nosuch': their ids are made of file and line"
    path.write_text('{"id": "a", "text": "A."}\n{"id": "b", "text": "B."}\n')
    result = message(annotate(model, path, tmp_path / "out.jsonl", "--id-field", "nosuch"))
    assert f"⚠ {told}" in result and f"2 {told}" in result and result.count(told) == 2
    assert [line["id"] for line in read(tmp_path / "out.jsonl")] == ["in-1", "in-2"]


def test_streams(model: Path) -> None:
    result = annotate(model, "-", "-", input="FK506 binds FKBP12.\nGFP.\n")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["stdin-1", "stdin-2"]
    assert "2 texts" in result.stderr and "⚠" not in result.stderr
    result = annotate(model, "-", "-", input='{"text": "A."}\n{"text": "B."}\n')
    assert result.stderr.count("⚠ lines that are JSON objects read as text: name --from jsonl") == 1


@pytest.mark.parametrize("format", [name for name, each in FORMATS.items() if each.write])
def test_every_format_that_can_be_written(model: Path, lines: Path, tmp_path: Path, format: str) -> None:
    if format in ("parquet", "relations"):
        pytest.importorskip("pyarrow", exc_type=ImportError)
    annotate_lines(model, lines, tmp_path / "parts", "--to", format)
    assert [path.name[:24] for path in (tmp_path / "parts").iterdir()] == ["part-000000000-000000100"]
    if FORMATS[format].read and format not in ("conll", "masked"):  # which do not keep ids, and whole texts
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


def test_a_table_may_have_any_name(model: Path, lines: Path, tmp_path: Path) -> None:
    for name in ("out.csv", "out.tab"):
        annotate_lines(model, lines, tmp_path / name, "--to", "csv")
    result = annotate(model, lines, "-", "--to", "csv", "--from", "lines", "--batch-size", 8)
    assert result.stdout_bytes == (tmp_path / "out.csv").read_bytes() == (tmp_path / "out.tab").read_bytes()


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
    assert result.exit_code == 1 and "failed on each of the last 1000 texts" in message(result)
    (tmp_path / "in.txt").write_text("BOOM\n" * 3)
    result = run(failing, tmp_path / "in.txt", tmp_path / "out.jsonl", "--from", "lines", "--overwrite")
    assert result.exit_code == 1 and "No text could be annotated" in message(result)


def cut(folder: Path, data: st.DataObject) -> None:
    """Leave of an output what a process may have written when it died: any parts, and halves of others, unnamed."""
    for part in sorted(folder.glob("part-*")):
        fate = data.draw(st.sampled_from(["whole", "missing", "half"]))
        if fate == "half":
            part.with_name(f".unfinished-99-{part.name}").write_bytes(part.read_bytes()[: part.stat().st_size // 2])
        if fate != "whole":
            part.unlink()


@settings(max_examples=20)
@given(st.data())
def test_resumed_from_any_parts(model: Path, lines: Path, undisturbed: bytes, data: st.DataObject) -> None:
    """Whatever a process had written when it died."""
    folder = lines.with_name("resumed")
    options = "--from", "lines", "--batch-size", 8, "--part-size", 16, "-q"
    if not folder.exists():
        annotate(model, lines, folder, *options)
    cut(folder, data)
    annotate(model, lines, folder, *options, "--resume")
    assert b"".join(path.read_bytes() for path in sorted(folder.iterdir())) == undisturbed


def test_a_single_file_is_resumed_and_there_when_it_is_complete(failing: Path, model: Path, tmp_path: Path) -> None:
    """Of any format."""
    (tmp_path / "in.txt").write_text("\n".join([*TEXTS[:20], "INTERRUPT", *TEXTS[20:]]))
    for name in ("out.jsonl", "out.spacy", "out.xml", "out.csv", "out.parquet"):
        output = tmp_path / name
        options = tmp_path / "in.txt", output, "--from", "lines", "--batch-size", 8
        result = run(failing, *options)
        assert result.exit_code == 130 and "Interrupted. --resume continues" in message(result)
        assert not output.exists() and len(list(name_unfinished(output).iterdir())) == 2
        result = run(failing, *options)
        assert result.exit_code == 1 and "already exists: --resume continues it" in message(result)
        # what is interrupted once, by hand, is not interrupted again
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tests.cli.test_annotate.INTERRUPTING", False)
            result = annotate(failing, *options, "--resume")
        assert "85 texts" in message(result) and "16 texts were there already" in message(result)
        assert output.is_file() and not name_unfinished(output).exists()
        result = annotate(failing, *options, "--resume")
        assert "counts as complete: there is nothing left to do. It was not compared with the input" in message(result)


def test_resumed_with_other_batches_or_another_pipeline(
    model: Path, failing: Path, lines: Path, tmp_path: Path
) -> None:
    """Is refused: the parts would not fit together."""
    folder = tmp_path / "out"
    annotate_lines(model, lines, folder, "--part-size", 40)
    (tmp_path / "other.txt").write_text("\n".join(TEXTS[1:]))
    (tmp_path / "shorter.txt").write_text("\n".join(TEXTS[:40]))
    for args in (
        (model, lines, folder, "--batch-size", 7, "--part-size", 40),
        (model, lines, folder, "--batch-size", 8, "--part-size", 30),
        (failing, lines, folder, "--batch-size", 8, "--part-size", 40),
        (model, tmp_path / "other.txt", folder, "--batch-size", 8, "--part-size", 40),
        (model, tmp_path / "shorter.txt", folder, "--batch-size", 8, "--part-size", 40),
    ):
        result = run(*args, "--from", "lines", "--resume")
        assert result.exit_code == 1 and "comes from another input, pipeline" in message(result), result.output
    assert len(list(folder.iterdir())) == 3


def test_texts_that_are_there_twice(model: Path, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "A.", "id": 1}\n' * 10)
    annotate(model, tmp_path / "in.jsonl", tmp_path / "out", "--part-size", 3)
    parts = sorted((tmp_path / "out").iterdir())
    whole = [part.read_bytes() for part in parts]
    parts[1].unlink()
    annotate(model, tmp_path / "in.jsonl", tmp_path / "out", "--part-size", 3, "--resume")
    assert [part.read_bytes() for part in parts] == whole and len(b"".join(whole).splitlines()) == 10


@pytest.mark.parametrize("format", ["jsonl", "spacy", "brat", "parquet"])
def test_parts(model: Path, lines: Path, tmp_path: Path, format: str, undisturbed: bytes) -> None:
    def parts() -> dict[str, bytes]:
        return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

    folder = tmp_path / "out"
    options = "--to", format, "--part-size", 24
    annotate_lines(model, lines, folder, *options)
    whole = parts()
    names = sorted(path.name.split(".")[0].rsplit("-", 1)[0] for path in folder.iterdir())
    assert names == [f"part-{n:09}-{min(n + 24, 100):09}" for n in range(0, 100, 24)]
    if format == "jsonl":
        assert b"".join(whole.values()) == undisturbed
    last = sorted(folder.iterdir())[-2:]
    last[0].rename(folder / f".unfinished-1-{last[0].name}")
    for path in [last[1], *last[1].glob("*")][::-1]:
        path.rmdir() if path.is_dir() else path.unlink()
    result = run(model, lines, folder, "--from", "lines", "--batch-size", 8, *options)
    assert result.exit_code == 1 and "already exists: --resume continues it" in message(result)
    annotate_lines(model, lines, folder, "--resume", *options)
    assert parts() == whole
    annotate_lines(model, lines, folder, "--resume", *options)
    annotate_lines(model, lines, folder, "--overwrite", *options)
    assert parts() == whole


def test_shards(model: Path, lines: Path, tmp_path: Path, undisturbed: bytes) -> None:
    """Machines that share a disk annotate a part of the parts each, in any order."""
    folder = tmp_path / "out"
    for shard in ("2/3", "1/3", "3/3", "1/3"):
        annotate_lines(model, lines, folder, "--part-size", 16, "--shard", shard)
    assert len(list(folder.iterdir())) == 7
    assert b"".join(path.read_bytes() for path in sorted(folder.iterdir())) == undisturbed


def test_write_that_fails_halfway(
    model: Path, lines: Path, tmp_path: Path, undisturbed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 4:
            raise OSError(28, "No space left on device")

    folder = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        result = run(model, lines, folder, "--from", "lines", "--batch-size", 8, "--part-size", 16)
    assert result.exit_code == 1 and "No space left" in message(result)
    assert [path.name[:24] for path in sorted(folder.iterdir())] == [f"part-{n:09}-{n + 16:09}" for n in (0, 16, 32)]
    annotate_lines(model, lines, folder, "--resume", "--part-size", 16)
    assert b"".join(path.read_bytes() for path in sorted(folder.iterdir())) == undisturbed


HANGS = 120  # seconds; a busy machine takes long to start a process
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
        while not list(name_unfinished(output).glob("part-*")):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
        start = time.monotonic()
        process.send_signal(signal_)
        errors = process.stderr.read()  # to its end, which comes when all processes have ended
        assert time.monotonic() - start < HANGS
        process.stdin.close()
    assert process.returncode == code and "Traceback" not in errors
    for path, option in ((whole, "--overwrite"), (output, "--resume")):
        annotate(model, "-", path, "--batch-size", 1, option, input=text)
    assert output.read_bytes() == whole.read_bytes()


@forks
@pytest.mark.parametrize(("inherited", "one_is_killed"), [(signal.SIG_DFL, True), (signal.SIG_IGN, False)])
def test_ctrl_c_ends_all_processes_at_once(
    model: Path, tmp_path: Path, inherited: signal.Handlers, one_is_killed: bool
) -> None:
    """SIGINT to the whole group, as a terminal sends it, while two processes are at work, or one of them has died; also
    where a script has started them in the background, which ignores SIGINT."""
    (tmp_path / "in.txt").write_text("\n".join(TEXTS * 40))
    folder = tmp_path / "out"
    process = subprocess.Popen(
        [*COMMAND, model, tmp_path / "in.txt", folder, "--from", "lines", "-n", "2", "-q", "--part-size", "50"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, inherited),
    )
    while not list(folder.glob("part-*")):
        assert process.poll() is None
        time.sleep(0.02)
    if one_is_killed:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(children[-1]), signal.SIGKILL)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=HANGS)
    assert process.returncode == 130 and "Interrupted. --resume continues" in errors and "Traceback" not in errors
    assert all(path.name.startswith("part-") and read(path) for path in folder.iterdir())


@forks
def test_a_process_that_is_killed_costs_nothing(model: Path, lines: Path, tmp_path: Path, undisturbed: bytes) -> None:
    """Its texts are done again, by another one."""

    def kill_once() -> None:
        while not thread_stop.is_set():
            children = multiprocessing.active_children()
            if children and any(tmp_path.glob("*/part-*")):
                os.kill(children[0].pid or 0, signal.SIGKILL)
                return
            time.sleep(0.001)

    thread_stop = threading.Event()
    thread = threading.Thread(target=kill_once)
    thread.start()
    try:
        annotate_lines(model, lines, tmp_path / "out", "-n", 2, "--part-size", 8)
    finally:
        thread_stop.set()
        thread.join()
    assert b"".join(path.read_bytes() for path in sorted((tmp_path / "out").iterdir())) == undisturbed


@forks
@pytest.mark.parametrize("format", ["parquet", "jsonl"])
def test_poison(failing: Path, tmp_path: Path, format: str) -> None:
    """A text that kills the process that reads it costs itself only."""
    texts = [*TEXTS[:9], "POISON", *TEXTS[9:12], "and POISON again", *TEXTS[12:20]]
    (tmp_path / "in.txt").write_text("\n".join(texts))
    options = "--from", "lines", "--to", format, "-n", 2, "--batch-size", 4, "--part-size", 7
    result = annotate(failing, tmp_path / "in.txt", tmp_path / "out", *options)
    assert "in.txt, line 10: the process that annotates it dies: signal 9, Killed" in message(result)
    assert "20 texts" in message(result) and "left out: 2" in message(result)
    rows = [row for path in sorted((tmp_path / "out").iterdir()) for row in read_rows(path)]
    if format == "parquet":
        assert [row["id"] for row in rows] == [f"in-{n}" for n in range(1, 23)]
        assert [n for n, row in enumerate(rows) if row["error"]] == [9, 13]
        assert rows[9]["mentions"] is None and rows[9]["text"] == "POISON"
    else:
        assert [row["text"] for row in rows] == TEXTS[:20]


@forks
def test_a_text_that_the_pipeline_refuses_does_not_hang_processes(model: Path, tmp_path: Path) -> None:
    """Case: over nlp.max_length, and far more waiting than a pipe holds."""
    texts = [*TEXTS[:40], "FK506 binds. " * 80_000, *TEXTS * 5]
    (tmp_path / "in.txt").write_text("\n".join(texts))
    result = annotate(model, tmp_path / "in.txt", tmp_path / "out.jsonl", "--from", "lines", "-n", 2)
    assert "in.txt, line 41: 1,040,000 characters, more than the 1,000,000" in message(result)
    assert [row["text"] for row in read(tmp_path / "out.jsonl")] == [*TEXTS[:40], *TEXTS * 5]


def test_no_new_words_are_remembered(model: Path) -> None:
    annotator = Annotator(model, batch_size=8)
    n_strings: list[int] = []

    def texts() -> Iterator[str]:
        for i in range(5):
            n_strings.append(len(annotator.nlp.vocab.strings))
            yield from (f"word{i}x{k} binds other{i}x{k}." for k in range(8))

    for batch in annotator.annotate(texts()):
        assert len(batch) == 8 and all(isinstance(doc, Doc) and doc.tensor is None for doc in batch)
    assert len(set(n_strings)) == 1


def test_what_names_and_texts_order_a_terminal_to_do_is_shown(failing: Path, tmp_path: Path) -> None:
    """And not done: titles changed, screens cleared, lines forged."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a\x1b]0;title\x07\x1b[2J\nleft out: forged.txt").write_text("ok")
    (folder / "b\x1b]0;title\x07\x1b[2J\nleft out: forged.txt").write_text("BOOM")
    result = annotate(failing, folder, tmp_path / "out.jsonl")
    assert not {"\x1b", "\x07"} & set(result.output)
    (line,) = [line for line in result.output.splitlines() if line.startswith("left out")]
    assert "b␛]0;title␇␛[2J left out: forged.txt: no such thing" in line


def test_mistakes(model: Path, lines: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "broken.txt.gz").write_bytes(b"not gzip")
    (tmp_path / "other.jsonl").write_text('{"id": "x", "text": "another"}\n')
    (tmp_path / "binary.spacy").write_bytes(b"\xff\x00")
    out = tmp_path / "out.jsonl"
    for args, code, expected in [
        (("no_such_model", lines, out), 1, "Cannot load the pipeline no_such_model"),
        ((tmp_path, lines, out), 1, "Cannot load the pipeline"),
        ((model, tmp_path / "no.txt", out), 1, "There is no file or folder"),
        ((model, tmp_path / "other.jsonl", tmp_path / "other.jsonl", "--overwrite"), 1, "name another output"),
        ((model, tmp_path / "empty.txt", out), 1, "holds no texts"),
        ((model, tmp_path / "empty.txt", tmp_path / "o", "--shard", "1/2"), 1, "holds no texts"),
        ((model, tmp_path / "broken.txt.gz", out), 1, "holds no texts that can be read"),
        ((model, tmp_path / "binary.spacy", out), 1, "is not a file of spaCy's DocBin format"),
        ((model, lines, tmp_path / "out.docx"), 1, "Cannot tell the format of"),
        ((model, lines, tmp_path / "out.docx"), 1, "by --to FORMAT"),
        ((model, lines, tmp_path / "out.jsonl.gz", "--to", "jsonl"), 1, "name it without .gz"),
        ((model, lines, out, "--from", "word"), 1, "There is no format 'word'"),
        ((model, lines, out, "--to", "bigbio"), 1, "is for reading only"),
        ((model, lines, "-", "--to", "brat"), 1, "cannot be written to standard output"),
        ((model, lines, tmp_path / "other.jsonl"), 1, "already exists"),
        ((model, lines, out, "--spans-key", "sc"), 1, "no doc.spans['sc'], only ['entities']"),
        ((model, lines, out, "--resume", "--overwrite"), 2, "--resume and --overwrite cannot be combined"),
        ((model, lines, tmp_path / "o", "--shard", "1/2", "--overwrite"), 2, "--overwrite cannot be combined"),
        ((model, lines, tmp_path / "o", "--shard", "0/2"), 2, "must have the form 1/4, 2/4"),
        ((model, lines, tmp_path / "o", "--shard", "3"), 2, "must have the form 1/4, 2/4"),
        ((model, lines, out, "--shard", "1/2"), 2, "for an OUTPUT that is a folder"),
        ((model, lines, out, "--part-size", 10), 2, "for an OUTPUT that is a folder"),
        ((model, lines, out, "--engine", "dask"), 2, "no engine 'dask', only local and ray"),
        ((model, lines, out, "--address", "auto"), 2, "use it with --engine ray"),
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
    left = name_unfinished(tmp_path / "out.jsonl")
    left.mkdir()
    for name in ("part-000000000-000000001-0123456789abcdef.jsonl", ".unfinished-1-part.jsonl"):
        (left / name).write_text('{"text": "B"}\n')
    annotate(model, tmp_path, tmp_path / "out.jsonl", "--to", "prodigy", "--overwrite")
    assert [line["text"] for line in read(tmp_path / "out.jsonl")] == ["FK506 binds FKBP12."]


def test_output_that_cannot_be_written(
    model: Path, lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is known before anything is read."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    result = run(model, lines, tmp_path / "out.spacy", "--from", "lines")
    assert result.exit_code == 1 and "out.spacy: Permission denied" in message(result)


@pytest.mark.parametrize("name", ["out.jsonl", "out", "out.csv"])
def test_two_at_once(model: Path, lines: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second refuses, whenever it starts, and before it writes."""
    output = tmp_path / name
    results: list[Result] = []

    def load(name: str) -> Language:
        """While the first run loads its pipeline, a second one starts; in vain."""
        if not results:
            results.append(run(model, lines, output, "--from", "lines", "--overwrite"))
        return load_pipeline(name)

    monkeypatch.setattr("spacy_keci.cli.annotate.load_pipeline", load)
    annotate(model, lines, output, "--from", "lines")
    assert results[0].exit_code == 1 and "Another process is writing to" in message(results[0])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    result = run(model, lines, output, "--from", "lines")
    assert result.exit_code == 1 and "already exists" in message(result)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_race_of_two_processes(model: Path, lines: Path, tmp_path: Path, undisturbed: bytes) -> None:
    """They start at the same time: one of them writes, and the other one touches nothing."""
    output = tmp_path / "out.jsonl"
    arguments = [*COMMAND, model, lines, output, "--from", "lines", "--batch-size", "8", "-q"]
    racing = [subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [process.communicate(timeout=HANGS)[1] for process in racing]
    assert sorted(process.returncode for process in racing) == [0, 1], errors
    (refused,) = (error for error, process in zip(errors, racing, strict=True) if process.returncode)
    assert re.search(r"Another process is writing to|already exists", " ".join(refused.split()))
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"] and output.read_bytes() == undisturbed


def test_a_folder_with_the_name_of_a_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spacy.blank("en").to_disk(tmp_path / "numpy")
    monkeypatch.chdir(tmp_path)
    assert load_pipeline("numpy").lang == "en"
