"""The show command: tables in the terminal, drawings in a file."""

import io
from pathlib import Path
from xml.etree import ElementTree

import pytest
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from typer import Typer
from typer.testing import CliRunner, Result

from spacy_keci import set_span_graph
from spacy_keci.cli.show import format_graph, show_cli

from ..pipeline.conftest import make_examples, make_pipeline

app = Typer()
app.command()(show_cli)


@Language.component("test_first_and_last")
def first_and_last(doc: Doc) -> Doc:
    """Instead of what an untrained model finds."""
    spans = [Span(doc, 0, 1, label="drug"), Span(doc, len(doc) - 1, len(doc), label="protein")]
    attrs = {"relations": [[0, 1, "inhibits", 0.9]], "scores": [0.8, 0.7]}
    doc.spans["entities"] = SpanGroup(doc, name="entities", spans=spans, attrs=attrs)
    if "initially" in doc.text:
        doc.spans["entities_initial"] = SpanGroup(doc, name="entities_initial", spans=spans[:1], attrs={})
    return doc


@pytest.fixture(scope="module")
def model(demo_docs: list[Doc], tmp_path_factory: pytest.TempPathFactory) -> Path:
    nlp = make_pipeline()
    nlp.initialize(lambda: make_examples(nlp, demo_docs))
    nlp.add_pipe("test_first_and_last")
    nlp.to_disk(path := tmp_path_factory.mktemp("model"))
    return path


def show(*arguments: object, texts: str | bytes = "") -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=texts)


def test_tables(model):
    outcome = show(model, "FK506 inhibits calcineurin")
    assert outcome.exit_code == 0 and "calcineurin" in outcome.output and "0.90" in outcome.output


def test_page(model, tmp_path):
    outcome = show(model, "-o", tmp_path / "new" / "page.html", texts="FK506 inhibits calcineurin\n\nA binds B\n")
    assert outcome.exit_code == 0, outcome.output
    page = ElementTree.fromstring((tmp_path / "new" / "page.html").read_text(encoding="utf8"))
    assert len(list(page.iter("figure"))) == 2 and "inhibits" in "".join(page.itertext())


def test_texts_that_cannot_be_shown(model):
    for texts, expected in (("\n", "There is no text"), (b"p53 binds.\n\xb5-opioid\n", "Text 2 is not UTF-8")):
        outcome = show(model, texts=texts)
        assert outcome.exit_code == 1 and expected in f"{outcome.output} {outcome.exception}"
    assert "There is no text" in show(model, "").output


def test_nothing_to_draw(model, tmp_path):
    for texts, expected in (("", "There is no text."), ("A\nB\n", "one text, not of 2")):
        outcome = show(model, "-o", tmp_path / "x.svg", texts=texts)
        assert outcome.exit_code == 1 and expected in outcome.output
    assert not (tmp_path / "x.svg").exists()


def test_initial_graphs_are_compared(model, tmp_path):
    assert show(model, "FK506 initially binds FKBP12", "-o", tmp_path / "page.html").exit_code == 0
    text = (tmp_path / "page.html").read_text(encoding="utf8")
    assert "entities_initial: − 0 lost" in text and "entities: + 2 gained" in text


def test_relations_of_the_same_words(nlp: Language) -> None:
    """Each is a row, and has had what its own mentions had at first."""
    doc = nlp.make_doc("Raf binds MEK , Raf binds ERK and MEK")
    spans = [Span(doc, i, i + 1, label="protein") for i in (0, 2, 4, 6, 8)]
    rows = [[0, 1, "binds", 0.9], [2, 4, "binds", 0.8]]
    for key, some in (("entities", rows), ("entities_initial", rows[:1])):
        doc.spans[key] = SpanGroup(doc, name=key, spans=spans, attrs={"relations": some, "scores": [1.0] * 5})
    found = [line.split() for line in format_graph(doc, "entities").splitlines() if line.startswith("Raf ")]
    assert found[-2:] == [["Raf", "binds", "MEK", "0.90", "binds"], ["Raf", "binds", "MEK", "0.80", "-"]]
    doc.spans["entities_initial"] = SpanGroup(doc, name="entities_initial", spans=spans[:1], attrs={})
    doc.spans["entities"].attrs["relations"] = []
    assert format_graph(doc, "entities").count("protein") == 6


def test_svg(model, tmp_path):
    for name in ("one.svg", "ONE.SVG"):
        assert show(model, "FK506 inhibits calcineurin", "-o", tmp_path / name).exit_code == 0
        assert ElementTree.parse(tmp_path / name).getroot().tag.endswith("svg")
    outcome = show(model, "A B", "C D", "-o", tmp_path / "two.svg")
    assert outcome.exit_code == 1 and "Use .html" in outcome.output and not (tmp_path / "two.svg").exists()


def test_other_formats(model, tmp_path):
    outcome = show(model, "A B", "-o", tmp_path / "drawing.png")
    assert outcome.exit_code == 1 and "Cannot draw as .png" in outcome.output


def test_a_terminal_is_told_what_is_read(model, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("spacy_keci.cli.show.sys.stdin", Terminal("FK506 inhibits calcineurin\n"))
    told = []
    monkeypatch.setattr("spacy_keci.cli.show.tell", told.append)
    show_cli(str(model), None, None)
    assert told == ["Reading texts from standard input, one a line. End with Ctrl-D."]


def test_a_terminal_obeys_no_text(nlp):
    doc = nlp("A\x1b]0;title\x07 binds\rB\x9b2J")
    spans = [Span(doc, 0, 1, label="drug\x1b[31m", kb_id="C:\x1b[2J"), Span(doc, len(doc) - 1, len(doc), label="x")]
    set_span_graph(doc, "entities", spans, [[0, 1, "binds\x1b[2J", 0.5]])
    text = format_graph(doc, "entities")
    assert not set(text) & set("\x1b\x07\r\x9b")
    assert "drug␛[31m" in text and "C:␛[2J" in text and "binds␛[2J" in text
