import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from spacy_keci.cli.main import keci
from spacy_keci.cli.results import make_table, read_results, update_tables

from ..conftest import ROOT

TEXT = "Before\n<!-- results:ade-* -->\nold\n<!-- /results -->\nAfter `code`\n"


def run(*args: object) -> Result:
    return CliRunner().invoke(keci, ["results", *map(str, args)])


def write_result(folder: Path, name: str, group: str, f: float, seed: int = 0, sha256: str = "a", **scores) -> Path:
    result: dict[str, Any] = {
        "name": name,
        "group": group,
        "scores": {"entities_micro_f": f, **scores},
        "intervals": {"entities_micro_f": [f - 0.1, f + 0.1]},
        "corpus": {"name": "test.spacy", "sha256": sha256, "documents": 3},
        "model": {"seed": seed, "encoder": "MiniLM"},
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(result))
    return path


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return [
        write_result(tmp_path, "ade-fold1", "ade-minilm", 0.7, sha256="b", entities_macro_f=0.4),
        write_result(tmp_path, "ade-fold0", "ade-minilm", 0.8, sha256="a", entities_macro_f=0.6),
        write_result(tmp_path, "ade-scibert", "ade-scibert", 0.9),
        write_result(tmp_path, "demo", "demo", 0.5),
    ]


def test_table(paths):
    """Runs that differ by fold become mean and standard deviation, a single run keeps its interval."""
    assert make_table(read_results(paths)).splitlines() == [
        "| run | encoder | entities (strict, micro) | entities (strict, macro) |",
        "| --- | --- | ---: | ---: |",
        "| ade-minilm (2 runs) | MiniLM | 75.0 ± 7.1 | 50.0 ± 14.1 |",
        "| ade-scibert | MiniLM | 90.0 (80.0-100.0) |  |",
        "| demo | MiniLM | 50.0 (40.0-60.0) |  |",
    ]


def test_update_and_check(paths, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(TEXT)
    command = [*paths, "--update", readme]
    assert run(*command, "--check").exit_code == 1
    assert readme.read_text() == TEXT
    assert run(*command).exit_code == 0
    new = readme.read_text()
    assert "old" not in new and "ade-minilm (2 runs)" in new and "demo" not in new
    assert new.startswith("Before\n<!-- results:ade-* -->\n") and new.endswith("<!-- /results -->\nAfter `code`\n")
    assert run(*command, "--check").exit_code == 0
    paths.append(write_result(tmp_path, "ade-fold2", "ade-minilm", 0.1, sha256="c"))
    assert run(*paths, "--update", readme, "--check").exit_code == 1


def test_prints_without_update(paths):
    assert "| demo | MiniLM |" in run(paths[-1]).stdout


def test_a_folder_of_results(paths, tmp_path):
    assert read_results([tmp_path]) == read_results(paths)


def test_two_tables(paths):
    text = TEXT + "<!-- results:demo -->\n<!-- /results -->\n"
    first, second = update_tables(text, read_results(paths)).split("After")
    assert "demo" not in first and "| demo |" in second and "ade" not in second


@pytest.mark.parametrize(
    ("markdown", "message"),
    [
        ("no block", "needs its own line"),
        ("<!-- results:demo -->\n", "an end"),
        ("<!-- results:demo -->\n" + TEXT, "an end"),
        ("<!-- results:gad -->\n<!-- /results -->", "No result belongs to <!-- results:gad -->"),
    ],
)
def test_bad_blocks(paths, markdown, message):
    with pytest.raises(ValueError, match=message):
        update_tables(markdown, read_results(paths))


def test_the_same_run_twice(tmp_path):
    twice = [write_result(tmp_path, name, "demo", 0.5) for name in ("one", "two")]
    with pytest.raises(ValueError, match="same corpus and seed"):
        read_results(twice)
    outcome = run(*twice)
    assert outcome.exit_code == 1 and "same corpus and seed" in outcome.stderr


def test_other_files(tmp_path):
    path = write_result(tmp_path, "metrics", "demo", 0.5)
    whole = json.loads(path.read_text())
    for changed, message in (
        ([], "valid dictionary"),
        ({"name": "x"}, "group: Field required"),
        ({**whole, "corpus": {}}, r"corpus.sha256: Field required"),
        ({**whole, "model": {"seed": 1}}, r"model.encoder: Field required"),
        ({**whole, "scores": None}, "scores: Input should be a valid dictionary"),
        ({**whole, "scores": {"entities_micro_f": "x"}}, r"scores.entities_micro_f: Input should be a valid number"),
        ({**whole, "markdown": None}, "markdown: Input should be a valid string"),
    ):
        path.write_text(json.dumps(changed))
        with pytest.raises(ValueError, match=rf"metrics\.json is not a result .*{message}"):
            read_results([path])


def test_names_of_groups_are_cells(tmp_path):
    table = make_table(read_results([write_result(tmp_path, "demo", "a|b", 0.5)]))
    assert table.splitlines()[-1].startswith("| a&#124;b | MiniLM |")


def test_results_with_their_own_markdown(paths, tmp_path):
    """A benchmark's result is shown as it is, in its own block or below the table."""
    (tmp_path / "speed.json").write_text(json.dumps({"name": "speed", "group": "speed", "markdown": "| fast |"}))
    results = read_results([tmp_path])
    assert update_tables("<!-- results:speed -->\n<!-- /results -->", results).splitlines()[2] == "| fast |"
    assert make_table(results).startswith("| run | encoder |") and make_table(results).endswith("|\n\n| fast |")


@pytest.mark.parametrize(
    ("page", "folder"),
    [
        ("README.md", "results"),
        ("docs/keci.md", "results"),
        ("docs/speed.md", "results"),
        ("docs/experiments.md", "results/tune"),
    ],
)
def test_tables_are_those_of_the_results(page: str, folder: str) -> None:
    """Those that are part of the project, and not what its user has trained since."""
    text = (ROOT / page).read_text(encoding="utf8")
    listed = subprocess.run(["git", "ls-files", f"{folder}/*.json"], cwd=ROOT, capture_output=True, text=True)
    files = [ROOT / name for name in listed.stdout.split() if Path(name).parent == Path(folder)]
    assert update_tables(text, read_results(files or [ROOT / folder])) == text, "run: spacy project run results"
