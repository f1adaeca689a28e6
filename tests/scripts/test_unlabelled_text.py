"""Sentences on molecules that bind, from corpora in columns."""

import sys
from pathlib import Path

import pytest
import spacy
import srsly

from spacy_keci.corpora.docbin import save_docs

from .conftest import load_script

unlabelled_text = load_script("unlabelled_text")


def column(sentence: str, proteins: str = "AB CD") -> str:
    return "".join(f"{w}\t{'B-Protein' if w in proteins.split() else 'O'}\n" for w in sentence.split()) + "\n"


def run(monkeypatch: pytest.MonkeyPatch, *args: object) -> None:
    monkeypatch.setattr(sys, "argv", ["x", *map(str, args)])
    unlabelled_text.main()


def test_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in" / "one").mkdir(parents=True)
    sentences = [
        "AB ( 5 - HT ) binds CD , too .",
        "AB and CD grow .",
        "AB binds .",
        "AB is bound by CD .",
        "AB ( 5-HT ) binds CD, too.",
    ]
    (tmp_path / "in" / "one" / "train.tsv").write_text("".join(map(column, sentences)))
    save_docs([spacy.blank("en")("AB is bound by CD.")], tmp_path / "dev.spacy")
    output = tmp_path / "out" / "found.jsonl"
    run(monkeypatch, tmp_path / "in", output, "--without", tmp_path / "dev.spacy")
    assert list(srsly.read_jsonl(output)) == [{"id": "one-0", "text": "AB (5-HT) binds CD, too."}]
    run(monkeypatch, tmp_path / "in", output)
    assert len(list(srsly.read_jsonl(output))) == 2


def test_nothing_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "train.tsv").write_text(column("AB and CD grow ."))
    with pytest.raises(SystemExit, match="no sentence on molecules that bind"):
        run(monkeypatch, tmp_path, tmp_path / "found.jsonl")
