"""How often relations are predicted where there are none."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from .conftest import load_script

SENTENCES = [
    {"text": "KIT and SCF were measured.", "meta": {"kind": "unrelated"}, "relations": []},
    {"text": "MAX does not bind SCF.", "meta": {"kind": "negated"}, "relations": ["bind_negative"]},
    {"text": "MAX binds MYC.", "relations": ["bind"]},
    {"text": "No name is in here.", "relations": []},
]

script = load_script("false_positives")
app = typer.Typer()
app.command()(script.main)


def run(model: Path, folder: Path, *args: object) -> Result:
    lines = []
    for sentence in SENTENCES:
        names = [word.strip(".") for word in str(sentence["text"]).split() if word.strip(".").isupper()]
        entities = [{"text": name, "label": "protein"} for name in names]
        relations = [{"head": 1, "tail": 0, "label": label} for label in sentence["relations"]]
        lines.append(json.dumps({**sentence, "entities": entities, "relations": relations}))
    (folder / "corpus.jsonl").write_text("\n".join(lines) + "\n", encoding="utf8")
    return CliRunner().invoke(app, [str(model), str(folder / "corpus.jsonl"), *map(str, args)])


def test_counts(model: Path, tmp_path: Path) -> None:
    result = run(model, tmp_path)
    assert result.exit_code == 0
    for row in (
        "| unrelated | 1 | 1 | 100.0 | 0 | 0 |",
        "| negated | 1 | 1 | 100.0 | 1 | 0 |",
        "| other | 2 | 0 | 0.0 | 1 | 1 |",
        "| all | 4 | 2 | 50.0 | 2 | 1 |",
    ):
        assert row in result.stdout
    assert "dropped" not in result.stdout
    assert "| all | 4 | 0 | 0.0 |" in run(model, tmp_path, "--label", "bind_negative").stdout


def test_what_cannot_be_read_is_counted(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SENTENCES[0], "text", 3)
    assert "1 dropped: malformed line" in run(model, tmp_path).stdout


def test_threshold(model: Path, tmp_path: Path) -> None:
    assert run(model, tmp_path, "--threshold", 0.5).exit_code == 0
    assert run(model, tmp_path, "--threshold", 0.4).exit_code == 1
