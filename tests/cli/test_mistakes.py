"""Whatever users do wrong, with any command: a line on standard error that says so, an exit code, no traceback."""

import gzip
from pathlib import Path

import pytest
import spacy
from typer.testing import CliRunner

from spacy_keci.cli.load import locate
from spacy_keci.cli.main import keci
from spacy_keci.cli.messages import one_line

ODD_FILES = {
    "empty.jsonl": b"",
    "prose.jsonl": b"no json\n",
    "latin1.jsonl": '{"text": "Ménière"}\n'.encode("latin1"),
    "cut.spacy": b"x\x9c",
    "prose.spacy": b"no docbin",
    "cut.jsonl.gz": gzip.compress(b'{"text": "A binds B."}\n' * 99)[:20],
    "large.jsonl.gz": gzip.compress(b'{"text": "A binds B."}\n'),
    "prose.xml": b"no xml",
    "prose.json": b"no json",
    "model/config.cfg": b"[nlp\nlang =",
    "model/meta.json": b"{}",
    "other_model/config.cfg": b'[nlp]\nlang = "en"\npipeline = ["no_such_factory"]\n[components.no_such_factory]\n'
    b'factory = "no_such_factory"\n',
    "other_model/meta.json": b'{"lang": "en", "name": "x"}',
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mistakes")
    for name, data in ODD_FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    spacy.blank("en").to_disk(folder / "blank")
    return folder


MODELS = ("no_such_model", "model", "other_model", "empty.jsonl")
CASES = [
    *(f"{command} {model} empty.jsonl out.jsonl" for command in ("annotate",) for model in MODELS),
    *(f"{command} {model}" for command in ("labels", "show") for model in (*MODELS, "blank")),
    *(f"{command} {model} empty.jsonl" for command in ("evaluate", "tune") for model in MODELS),
    *(
        f"{command} blank {name}"
        for command in ("evaluate", "tune")
        for name in ("nothing", "empty.jsonl", "prose.jsonl", "latin1.jsonl", "cut.spacy", "prose.json", "model")
    ),
    *(
        f"annotate blank {name} out.jsonl"
        for name in ("nothing", "empty.jsonl", "prose.jsonl", "latin1.jsonl", "cut.spacy", "cut.jsonl.gz", "prose.xml")
    ),
    "annotate blank prose.jsonl no/out.docx --from lines",
    "annotate blank prose.jsonl prose.spacy/out.jsonl --from lines",
    *(
        f"convert {name} out.jsonl"
        for name in ("nothing", "empty.jsonl", "prose.jsonl", "latin1.jsonl", "cut.spacy", "prose.xml", "prose.json")
    ),
    "convert prose.json out.jsonl --from biorelex",
    "convert prose.json out.jsonl --from word",
    "convert model out.jsonl",
    "split cut.spacy a.spacy b.spacy",
    "split nothing a.spacy b.spacy",
    "kb info nothing",
    "kb search empty.jsonl x",
    "kb show model x",
    "kb build out --source jsonl=nothing",
    "no_such_command",
    "annotate",
    "labels blank --no-such-option",
]


@pytest.mark.parametrize("case", CASES)
def test_one_line_that_says_what_is_wrong(folder: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(keci, case.split())
    assert result.exit_code in (1, 2) and isinstance(result.exception, SystemExit), result.exception
    message = result.stderr.strip() or result.stdout.strip()  # of commands that write with wasabi
    assert message and "Traceback" not in result.output
    if result.exit_code == 1 and result.stderr:
        assert message.splitlines()[-1].startswith("✘ ") and len(message.splitlines()[-1]) > 10
    assert not list(folder.glob("out*"))


def test_the_traceback_can_be_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACY_KECI_DEBUG", "1")
    for args in (["labels", "no_such_model"], ["labels", str(folder / "blank")]):
        result = CliRunner().invoke(keci, args)
        assert isinstance(result.exception, (OSError, ValueError))


def test_errors_in_one_line() -> None:
    assert one_line(ValueError("two\n  lines")) == "two lines"
    assert one_line(FileNotFoundError(2, "No such file", "x.txt")) == "x.txt: No such file."
    assert one_line(KeyboardInterrupt()) == "KeyboardInterrupt"


def test_a_folder_without_a_pipeline_does_not_hide_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spacy.blank("en").to_disk("pipeline")
    Path("package").mkdir()
    assert (locate("pipeline"), locate("package")) == (tmp_path.resolve() / "pipeline", "package")


def test_a_file_that_does_not_fit_in_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unpack(data: bytes) -> bytes:
        raise MemoryError("Unable to allocate output buffer.")

    monkeypatch.setattr(gzip, "decompress", unpack)
    result = CliRunner().invoke(keci, ["convert", str(folder / "large.jsonl.gz"), str(folder / "converted.jsonl")])
    assert result.exit_code == 1
    assert result.stderr == "✘ There is not enough memory. Unable to allocate output buffer.\n"
