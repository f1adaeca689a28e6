import json
import shutil
from pathlib import Path

import pytest
from spacy.cli._util import app
from typer.testing import CliRunner

import spacy_keci.cli.main  # noqa: F401
from spacy_keci.knowledge.sources import SOURCES


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["keci", "kb", *map(str, arguments)])
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("kb")
    first = {"id": "X:1", "name": "green tea", "types": ["T168"], "definition": "A drink.", "aliases": ["cha"]}
    second = {"id": "X:2", "name": "tea leaf", "relations": [{"label": "part_of", "target": "X:1"}]}
    (folder / "kb.jsonl").write_text(f"{json.dumps(first)}\n{json.dumps(second)}\nno\n", encoding="utf8")
    (folder / "vectors.txt").write_text("2 2\nX:1 1.0 2.0\nX:9 0 0\n", encoding="utf8")
    code, output = run(
        "build", folder / "out", "--source", f"jsonl={folder / 'kb.jsonl'}", "--version", "jsonl=7",
        "--vectors", f"mine={folder / 'vectors.txt'}", "--quiet",
    )  # fmt: skip
    assert code == 0, output
    return folder / "out", output


def test_build_reports_what_was_read_and_dropped(built: tuple[Path, str]) -> None:
    out, output = built
    assert "2  concepts" in output and "1  dropped: malformed" in output and "kb.jsonl, line 3" in output
    assert (out / "vectors.mine.npy").exists()


def test_sources_on_the_command_line_are_all_there_are() -> None:
    shown = " ".join(run("build", "--help")[1].split())
    assert f"FORMAT: {', '.join(SOURCES)}." in shown


def test_info(built: tuple[Path, str]) -> None:
    code, output = run("info", built[0])
    assert code == 0 and "2  concepts" in output and "version: 7" in output and "sha256" in output
    assert "1  vectors 'mine' (2 wide)" in output


def test_search(built: tuple[Path, str]) -> None:
    code, output = run("search", built[0], "Green-TEA")
    assert code == 0 and "X:1" in output and "1.00" in output
    assert "X:2" in run("search", built[0], "tea leav", "--threshold", 0.3)[1]
    assert "No concept has a name similar to" in run("search", built[0], "zzz")[1]


def test_show(built: tuple[Path, str]) -> None:
    code, output = run("show", built[0], "X:2")
    assert code == 0 and "part_of     X:1  green tea" in output
    output = run("show", built[0], "X:1")[1]
    assert "T168" in output and "cha" in output and "A drink." in output


def test_verify(built: tuple[Path, str], tmp_path: Path) -> None:
    code, output = run("info", built[0], "--verify")
    assert code == 0 and "files are as they were built" in output
    copied = Path(shutil.copytree(built[0], tmp_path / "kb"))
    large = copied / "vectors.mine.npy"
    large.write_bytes(large.read_bytes()[:-1] + b"x")
    code, output = run("info", copied, "--verify")
    assert code == 1 and "vectors.mine.npy" in output and "damaged" in output


def test_slim(built: tuple[Path, str], tmp_path: Path) -> None:
    code, output = run("slim", built[0], tmp_path / "slim", "--keep", "mine")
    assert code == 0 and "without fuzzy, definitions" in output
    assert (tmp_path / "slim" / "vectors.mine.npy").exists() and not list((tmp_path / "slim").glob("fuzzy.*"))
    assert "left out: fuzzy, definitions" in run("info", tmp_path / "slim")[1]
    code, output = run("slim", tmp_path / "slim", tmp_path / "slimmer", "--keep", "mine")
    assert code == 0 and "nothing was left out" in output
    assert run("slim", built[0], tmp_path / "slim")[0] == 1  # which exists


def test_without_definitions(built: tuple[Path, str], tmp_path: Path) -> None:
    source = f"jsonl={built[0].parent / 'kb.jsonl'}"
    code, _ = run("build", tmp_path / "kb", "--source", source, "--no-definitions", "--no-fuzzy", "--quiet")
    assert code == 0 and not list((tmp_path / "kb").glob("definitions.*"))
    assert "A drink." not in run("show", tmp_path / "kb", "X:1")[1]


def test_sources_in_a_file(built: tuple[Path, str], tmp_path: Path) -> None:
    """Their paths are those from its folder, and they come before others."""
    for name in ("green tea", "tea leaves"):
        line = json.dumps({"id": "X:1", "name": name, "types": ["T168"]})
        (tmp_path / f"{name[0]}.jsonl").write_text(line, encoding="utf8")
    (tmp_path / "sources.txt").write_text("# mine\n\njsonl=g.jsonl\n", encoding="utf-8-sig")
    code, output = run(
        "build", tmp_path / "kb", "--sources", tmp_path / "sources.txt", "--source", f"jsonl={tmp_path / 't.jsonl'}",
        "--quiet",
    )  # fmt: skip
    assert code == 0, output
    assert "green tea" in run("search", tmp_path / "kb", "tea leaves")[1]
    assert "at least one source" in run("build", tmp_path / "new")[1]


def test_errors(built: tuple[Path, str], tmp_path: Path) -> None:
    for arguments in (
        ("show", built[0], "X:3"),
        ("info", tmp_path),
        ("build", built[0], "--source", "jsonl=x"),
        ("build", tmp_path / "new", "--source", "nothing=x"),
        ("build", tmp_path / "new", "--source", "jsonl="),
        ("build", tmp_path / "new", "--source", f"jsonl={built[0].parent / 'kb.jsonl'}", "--version", "7"),
        ("build", tmp_path / "new", "--source", f"jsonl={built[0].parent / 'kb.jsonl'}", "--version", "jsonl"),
        ("build", tmp_path / "new", "--source", f"pfam={built[0].parent / 'kb.jsonl'}", "--quiet"),
        ("info", built[0].parent / "kb.jsonl"),
        ("build", tmp_path / "new", "--source", f"jsonl={tmp_path / 'none.jsonl'}"),
        # read only once the rest is written
        (
            "build",
            tmp_path / "new",
            "--source",
            f"jsonl={built[0].parent / 'kb.jsonl'}",
            "--vectors",
            f"mine={built[0].parent / 'kb.jsonl'}",
            "--quiet",
        ),
    ):
        code, output = run(*arguments)
        assert code == 1 and output.strip() and "Traceback" not in output
    assert not (tmp_path / "new").exists()
