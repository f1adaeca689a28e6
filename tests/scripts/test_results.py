import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scripts.results import make_table, read_results, update_tables

from ..conftest import ROOT

PAGE = "Before\n<!-- results:ade-* -->\nold\n<!-- /results -->\nAfter `code`\n"


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


def test_table(paths: list[Path]) -> None:
    """Runs that differ by fold become mean and standard deviation, a single run keeps its interval."""
    assert make_table(read_results(paths)).splitlines() == [
        "| run | encoder | entities (strict, micro) | entities (strict, macro) |",
        "| --- | --- | ---: | ---: |",
        "| ade-minilm (2 runs) | MiniLM | 75.0 ± 7.1 | 50.0 ± 14.1 |",
        "| ade-scibert | MiniLM | 90.0 (80.0-100.0) |  |",
        "| demo | MiniLM | 50.0 (40.0-60.0) |  |",
    ]


def test_linking_by_type() -> None:
    per_type = {
        "linking_first": {"Gene": {"r": 0.4, "support": 10}, "Disease": {"r": 0.75, "support": 20}},
        "linking_candidates": {"Gene": {"r": 0.45, "support": 10}, "Disease": {"r": 0.8, "support": 20}},
        "linking_known_first": {"Gene": {"r": 0.8, "support": 5}},
        "linking_known_candidates": {"Gene": {"r": 0.9, "support": 5}},
    }
    result = {"name": "x", "group": "x", "benchmark": "linking", "scores": {}, "per_type": per_type}
    assert make_table([result]).splitlines()[2:] == [
        "| Disease | x | 20 | 0.0 | 80.0 | 75.0 | 0.0 |",
        "| Gene | x | 10 | 50.0 | 45.0 | 40.0 | 80.0 |",
    ]


def test_update(paths: list[Path]) -> None:
    page = PAGE + "<!-- results:demo -->\n<!-- /results -->\n"
    new = update_tables(page, read_results(paths))
    first, second = new.split("After `code`\n")
    assert "old" not in new and "ade-minilm (2 runs)" in first and "demo" not in first
    assert "| demo |" in second and "ade" not in second
    assert new.startswith("Before\n<!-- results:ade-* -->\n") and new.endswith("<!-- /results -->\n")
    assert update_tables(new, read_results(paths)) == new
    assert update_tables("no block", []) == "no block"


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("<!-- results:demo -->\n", "a line of its own"),
        ("<!-- results:demo -->\n" + PAGE, "a line of its own"),
        ("<!-- results:gad -->\n<!-- /results -->", "No result belongs to <!-- results:gad -->"),
    ],
)
def test_bad_blocks(paths: list[Path], page: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        update_tables(page, read_results(paths))


def test_the_same_run_twice(tmp_path: Path) -> None:
    twice = [write_result(tmp_path, name, "demo", 0.5) for name in ("one", "two")]
    with pytest.raises(ValueError, match="same corpus and seed"):
        read_results(twice)


@pytest.mark.parametrize("content", ["[]", '{"name": "x"}', '{"group": "x"}'])
def test_other_files(tmp_path: Path, content: str) -> None:
    (tmp_path / "other.json").write_text(content)
    with pytest.raises(ValueError, match=r"other\.json is not a result"):
        read_results([tmp_path / "other.json"])


def test_results_with_their_own_markdown(paths: list[Path], tmp_path: Path) -> None:
    """A benchmark's result is shown as it is, in its own block or below the table."""
    (tmp_path / "speed.json").write_text(json.dumps({"name": "speed", "group": "speed", "markdown": "| fast |"}))
    results = read_results([*paths, tmp_path / "speed.json"])
    assert update_tables("<!-- results:speed -->\n<!-- /results -->", results).splitlines()[2] == "| fast |"
    assert make_table(results).startswith("| run | encoder |") and make_table(results).endswith("|\n\n| fast |")


def test_tables_are_those_of_the_results() -> None:
    """Of the results that are part of the project, not of those that its user has added since."""
    listed = subprocess.run(["git", "ls-files", "results/*.json"], cwd=ROOT, capture_output=True, text=True)
    files = [ROOT / name for name in listed.stdout.split() if Path(name).parent == Path("results")]
    results = read_results(files or sorted((ROOT / "results").glob("*.json")))
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        text = page.read_text(encoding="utf8")
        assert update_tables(text, results) == text, f"{page.name}: run python scripts/results.py"
