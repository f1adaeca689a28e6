"""Relations on a sheet, and the precision of those that were judged."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from .conftest import load_script

judge = load_script("judge")


def run(*args: object) -> Result:
    return CliRunner().invoke(judge.app, list(map(str, args)))


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture
def sheet(model: Path, tmp_path: Path) -> Path:
    texts = tmp_path / "texts.jsonl"
    lines = [{"id": "a", "text": "So MAX binds MYC.\nNot so.\nBAD\tand BIM do."}, {"id": "b", "text": "KIT binds SCF."}]
    texts.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf8")
    assert run("sheet", model, texts, "-o", tmp_path / "sheet.tsv").exit_code == 0
    return tmp_path / "sheet.tsv"


def test_sheet(sheet: Path, model: Path, tmp_path: Path) -> None:
    rows = read(sheet)
    assert list(rows[0]) == ["abstract", "sentence", "head", "label", "tail", "score", "verdict"]
    assert [(row["abstract"], row["head"], row["tail"]) for row in rows] == [
        ("a", "MAX", "MYC"),
        ("a", "MYC", "BAD"),
        ("a", "BAD", "BIM"),
        ("b", "KIT", "SCF"),
    ]
    assert rows[0]["sentence"] == "So «MAX» binds «MYC»."
    assert rows[3] == {
        "abstract": "b",
        "sentence": "«KIT» binds «SCF».",
        "head": "KIT",
        "label": "bind",
        "tail": "SCF",
        "score": "0.75",
        "verdict": "",
    }
    assert run("sheet", model, tmp_path / "texts.jsonl", "-o", sheet).exit_code == 2  # there may be verdicts in it
    assert read(sheet) == rows
    drawn = tmp_path / "drawn.tsv"
    assert run("sheet", model, tmp_path / "texts.jsonl", "-o", drawn, "--number", 2).exit_code == 0
    assert len(read(drawn)) == 2 and all(row in rows for row in read(drawn))


def test_nested_mentions_are_marked() -> None:
    assert judge.mark("the IL-6 receptor", [(4, 17), (4, 8)]) == "the ««IL-6» receptor»"


def test_score(sheet: Path) -> None:
    text = sheet.read_text(encoding="utf8")
    assert run("score", sheet).exit_code == 2  # nothing is judged
    lines = text.splitlines()
    for i, verdict in ((1, "right"), (2, "wrong"), (3, " Right")):
        lines[i] += verdict
    lines[3] = lines[3].replace("\tbind\t", "\tbind_negative\t")
    sheet.write_text("\n".join(lines) + "\n", encoding="utf8")
    result = run("score", sheet)
    assert result.exit_code == 0
    assert "| bind | 1 | 2 | 50.0 |" in result.stdout
    assert "| bind_negative | 1 | 1 | 100.0 |" in result.stdout
    assert "| all | 2 | 3 | 66.7 | 20.8-93.9 |" in result.stdout
    assert "1 without a verdict" in result.stdout
    sheet.write_text("\n".join([*lines[:4], lines[4] + "maybe"]) + "\n", encoding="utf8")
    result = run("score", sheet)
    assert result.exit_code == 2 and "line 5" in result.output and "'maybe'" in result.output
    sheet.write_text("head\ttail\nA\tB\n", encoding="utf8")
    assert run("score", sheet).exit_code == 2
