from pathlib import Path

from spacy_keci.corpora.jsonl import read_jsonl
from spacy_keci.reports import Report

from .test_convert import message, run, write

LINE = {
    "id": "a",
    "text": "FK506 binds FKBP12.",
    "entities": [{"text": "FK506", "label": "drug"}, {"text": "FKBP12", "label": "protein"}],
    "relations": [{"head": 0, "tail": 1, "label": "binds"}],
}
UNKNOWN = {"text": "Glarp was seen.", "entities": [{"text": "Glarp", "label": "protein"}], "relations": []}


def test_augment(tmp_path: Path, demo_kb: Path) -> None:
    corpus = write(tmp_path / "corpus.jsonl", LINE, UNKNOWN)
    for output in ("first.jsonl", "again.jsonl"):
        result = run("augment", corpus, tmp_path / "new" / output, "--kb", demo_kb, "--copies", 4, "--share", 1)
        assert result.exit_code == 0, result.output
    assert "2 texts 3 mentions 1 relations 4 copies left out, equal to their text or another copy 4 copies" in message(
        result
    )
    assert (tmp_path / "new" / "first.jsonl").read_text() == (tmp_path / "new" / "again.jsonl").read_text()
    first, unknown, *copies = read_jsonl(tmp_path / "new" / "first.jsonl", Report())
    assert (first.text, unknown.text) == (LINE["text"], UNKNOWN["text"])
    assert [copy.id for copy in copies] == ["a-copy1", "a-copy2", "a-copy3", "a-copy4"]
    assert len({copy.text for copy in copies}) == 4
    for copy in copies:
        drug, protein = (copy.text[m.start : m.end] for m in copy.mentions)
        assert copy.text == f"{drug} binds {protein}."
        assert drug != "FK506" and protein != "FKBP12"
        assert copy.relations == first.relations


def test_mistakes(tmp_path: Path, demo_kb: Path) -> None:
    empty, corpus = tmp_path / "empty.jsonl", write(tmp_path / "corpus.jsonl", LINE)
    empty.write_text("")
    output = tmp_path / "out.jsonl"
    for args, expected in [
        ((empty, output, "--kb", demo_kb), "holds no texts"),
        ((corpus, tmp_path / "out.xyz", "--kb", demo_kb), "Cannot tell the format"),
        ((corpus, corpus, "--kb", demo_kb), "to a file other than the corpus"),
        ((corpus, output, "--kb", demo_kb, "--from", "brat"), "is not a folder"),
        ((corpus, output, "--kb", tmp_path), "is not a knowledge base"),
    ]:
        result = run("augment", *args)
        assert result.exit_code == 1, result.output
        assert expected in message(result)
    assert not output.exists()
