import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab
from typer.testing import CliRunner, Result

from spacy_keci.cli.main import keci
from spacy_keci.corpora.docbin import load_docs
from spacy_keci.corpora.formats import FORMATS
from spacy_keci.tokens import get_relations

LINES = [
    {
        "id": str(i),
        "group": f"paper {i // 2}",
        "text": f"FK506 binds FKBP{i}-GFP.",
        "entities": [{"text": "FK506", "label": "drug"}, {"text": f"FKBP{i}", "label": "protein"}],
        "relations": [{"head": 0, "tail": 1, "label": "binds"}],
    }
    for i in range(10)
]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write(tmp_path / "corpus.jsonl", *LINES)


def write(path: Path, *lines: object) -> Path:
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf8")
    return path


def run(*args: object) -> Result:
    return CliRunner().invoke(keci, [str(arg) for arg in args])


def message(result: Result) -> str:
    return " ".join(result.output.split())


def load(path: Path) -> list[Doc]:
    return list(load_docs(path, Vocab()))


def test_convert_by_suffix(tmp_path: Path, corpus: Path) -> None:
    write(corpus, *LINES, {"text": "ATP and ATP", "entities": [{"text": "ATP", "label": "chemical"}]})
    result = run("convert", corpus, tmp_path / "new" / "corpus.spacy")
    assert result.exit_code == 0, result.output
    assert "10 texts 20 mentions 10 relations" in message(result)
    assert "1 dropped: malformed line line 11: entities.0: 'ATP' occurs 2 times" in message(result)
    docs = load(tmp_path / "new" / "corpus.spacy")
    assert [token.text for token in docs[0]] == ["FK506", "binds", "FKBP0", "-", "GFP", "."]
    assert [str(r) for r in get_relations(docs[0])] == ["FK506 --binds--> FKBP0"]
    assert (docs[2].user_data["id"], docs[2].user_data["group"]) == ("2", "paper 1")


def test_formats_are_told_by_names(tmp_path: Path, corpus: Path) -> None:
    shown = {name: message(run("convert", corpus, tmp_path / name)) for name in ("a.PubTator", "b.spacy", "c.csv")}
    assert "10 dropped: relation of a mention without an identifier" in shown["a.PubTator"]
    assert "10 dropped: group of a text: no place in this format" in shown["a.PubTator"]
    assert (tmp_path / "c.csv").read_text(encoding="utf8").count("binds") == 20
    assert run("convert", tmp_path / "b.spacy", tmp_path / "brat", "--to", "brat").exit_code == 0
    result = run("convert", tmp_path / "brat", tmp_path / "d.jsonl")
    assert "10 texts 20 mentions 10 relations" in message(result)
    result = run("convert", tmp_path / "b.spacy", tmp_path / "brat")
    assert result.exit_code == 1 and "choose an empty folder" in message(result)


def test_formats_on_the_command_line_are_all_there_are() -> None:
    shown = message(run("convert", "--help"))
    assert all(name in shown for name in FORMATS)


def test_tokenizer_of_a_pipeline(tmp_path: Path, corpus: Path) -> None:
    nlp = spacy.blank("en")
    nlp.to_disk(tmp_path / "pipeline")
    write(corpus, {"text": "Don't bind."})
    for tokenizer, expected in ((tmp_path / "pipeline", "Do n't bind ."), ("biomedical", "Don ' t bind .")):
        result = run("convert", corpus, tmp_path / "x.spacy", "--tokenizer", tokenizer)
        assert result.exit_code == 0, result.output
        assert [token.text for token in load(tmp_path / "x.spacy")[0]] == expected.split()


def test_group_file(tmp_path: Path, corpus: Path) -> None:
    groups = tmp_path / "groups.tsv"
    groups.write_text("".join(f"{i}\tg{i % 3}\n" for i in range(10)), encoding="utf8")
    result = run("convert", corpus, tmp_path / "x.spacy", "--group-file", groups)
    assert result.exit_code == 0, result.output
    assert [doc.user_data["group"] for doc in load(tmp_path / "x.spacy")[:4]] == ["g0", "g1", "g2", "g0"]


def test_mistakes_of_users(tmp_path: Path, corpus: Path) -> None:
    biorelex = write(tmp_path / "x.json", {"not": "BioRelEx"})
    few = write(tmp_path / "few.tsv")
    empty = write(tmp_path / "empty.jsonl")
    output = tmp_path / "out.spacy"
    for args, expected in [
        ((biorelex, output), "Cannot tell the format of"),
        ((biorelex, output, "--from", "biorelex"), "is not BioRelEx JSON. record 1: id: Field required"),
        ((corpus, tmp_path / "out.txt"), "Cannot tell the format of"),
        ((corpus, output, "--from", "spacy"), "is not a file of spaCy's DocBin format"),
        ((corpus, output, "--group-file", few), "has no group for the text with the id '0'"),
        ((corpus, output, "--tokenizer", "no_such_model"), "Can't find model 'no_such_model'"),
        ((corpus, corpus.with_name("y.jsonl"), "--tokenizer", "biomedical"), "has no tokens: leave out --tokenizer"),
        ((empty, output), "holds no texts"),
        ((corpus, corpus), "would overwrite the input"),
        ((biorelex, few, "--from", "biorelex", "--to", "jsonl", "--group-file", few), "would overwrite the input"),
    ]:
        result = run("convert", *args)
        assert result.exit_code == 1, result.output
        assert expected in message(result)
        assert isinstance(result.exception, SystemExit)
    assert not output.exists() and len(corpus.read_text(encoding="utf8").splitlines()) == 10


def test_split(tmp_path: Path, corpus: Path) -> None:
    docs = tmp_path / "docs"
    run("convert", corpus, docs / "x.spacy")
    train, heldout = tmp_path / "new" / "train.spacy", tmp_path / "heldout.spacy"
    for args in ((docs / "x.spacy",), (docs / "x.spacy", "--seed", 1), (docs, "--by-group")):
        result = run("split", args[0], train, heldout, "--fraction", 0.2, *args[1:])
        assert result.exit_code == 0, result.output
        rest, held_out = load(train), load(heldout)
        assert (len(rest), len(held_out)) == (8, 2)
        assert {doc.text for doc in rest + held_out} == {line["text"] for line in LINES}
        assert all(len(get_relations(doc)) == 1 for doc in rest + held_out)
    assert len({doc.user_data["group"] for doc in held_out}) == 1


def test_parts_in_the_folder_that_is_split(tmp_path: Path, corpus: Path) -> None:
    """They are no part of the corpus when the command is run again."""
    docs = tmp_path / "docs"
    run("convert", corpus, docs / "X.SPACY")
    for _ in range(2):
        result = run("split", docs, docs / "train.spacy", docs / "new" / "heldout.spacy", "--fraction", 0.2)
        assert result.exit_code == 0, result.output
        assert (len(load(docs / "train.spacy")), len(load(docs / "new" / "heldout.spacy"))) == (8, 2)


def test_a_folder_with_a_gzipped_corpus_is_split(tmp_path: Path, corpus: Path) -> None:
    docs, plain = tmp_path / "docs", tmp_path / "x.spacy"
    run("convert", corpus, plain)
    docs.mkdir()
    (docs / "x.spacy.gz").write_bytes(gzip.compress(plain.read_bytes()))
    result = run("split", docs, tmp_path / "train.spacy", tmp_path / "heldout.spacy", "--fraction", 0.2)
    assert result.exit_code == 0, result.output
    assert (len(load(tmp_path / "train.spacy")), len(load(tmp_path / "heldout.spacy"))) == (8, 2)


def test_split_mistakes(tmp_path: Path, corpus: Path, nlp: Language) -> None:
    write(corpus, *({**line, "group": ""} for line in LINES))
    run("convert", corpus, tmp_path / "x.spacy")
    (tmp_path / "empty").mkdir()
    outputs = tmp_path / "train.spacy", tmp_path / "heldout.spacy"
    for args, expected in [
        ((corpus, *outputs), "is not a file of spaCy's DocBin format"),
        ((tmp_path / "x.spacy", *outputs, "--by-group"), "Item 1 of 10 has no group"),
        ((tmp_path / "x.spacy", *outputs, "--fraction", "0.01"), "leaves one part empty"),
        ((tmp_path / "x.spacy", outputs[0], tmp_path / "empty" / ".." / outputs[0].name), "two different files"),
        ((tmp_path / "x.spacy", tmp_path / "x.spacy", outputs[1]), "neither of them the corpus"),
        ((tmp_path / "x.spacy", tmp_path / "x.jsonl", outputs[1]), "x.jsonl a name that ends in .spacy"),
        ((tmp_path / "empty", *outputs), "holds no .spacy file"),
    ]:
        result = run("split", *args)
        assert result.exit_code == 1, result.output
        assert expected in message(result)
    assert not outputs[0].exists()
    assert len(load(tmp_path / "x.spacy")) == 10


@pytest.mark.parametrize("command", [("spacy", "keci"), ("spacy_keci",)])
def test_commands_are_found(command: tuple[str, ...]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", *command, "--help"], capture_output=True, text=True, env={**os.environ, "COLUMNS": "80"}
    )
    assert result.returncode == 0, result.stderr
    assert "convert" in result.stdout and "split" in result.stdout


def test_rename_and_without(corpus: Path, tmp_path: Path) -> None:
    # by id, and by text where the id is another one
    same = [LINES[3], {"id": "other", "text": "FK506  binds\nFKBP5 - GFP ."}, {"text": "nothing"}]
    # a number that counts something else there, and a part of the text of that id
    same += [{"id": LINES[6]["id"], "text": "MDM2 degrades p53."}, {"id": LINES[7]["id"], "text": "FKBP7"}]
    test = write(tmp_path / "test.jsonl", *same)
    output = tmp_path / "out.spacy"
    names = ["--rename", "drug=Chemical", "--rename", "binds=Bind"]
    result = run("convert", corpus, output, *names, "--without", test)
    assert result.exit_code == 0 and "3 texts left out, since another corpus has them" in message(result)
    assert "1 texts kept, though another corpus has their id" in message(result)
    docs = load(output)
    assert [doc.text[-6] for doc in docs] == list("0124689")
    assert {span.label_ for doc in docs for span in doc.spans["entities"]} == {"Chemical", "protein"}
    assert {relation.label for doc in docs for relation in get_relations(doc)} == {"Bind"}


def test_a_label_without_a_vocabulary(corpus: Path, tmp_path: Path) -> None:
    words = ["--vocabulary", "Drug=MESH", "--vocabulary", "drug=MESH"]
    result = run("convert", corpus, tmp_path / "out.jsonl", *words)
    assert result.exit_code == 0 and "No mention has the label Drug, to which" in message(result)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--rename", "Drug=Chemical"], "No text has the label Drug. Labels: binds, drug, protein."),
        (["--rename", "Drug"], "Expected LABEL=NAME"),
        (["--without", "corpus.jsonl"], "All texts of corpus.jsonl are in corpus.jsonl"),
    ],
)
def test_nothing_to_rename_or_to_keep(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], expected: str
) -> None:
    monkeypatch.chdir(corpus.parent)
    result = run("convert", "corpus.jsonl", "out.spacy", *options)
    assert result.exit_code == 1 and expected in message(result)
