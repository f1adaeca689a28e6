"""The report as a page: what is in it, and that its filters work in a browser."""

import re
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language
from spacy.tokens import Doc

from spacy_keci.cli.evaluate import score
from spacy_keci.cli.result_tables import TITLES
from spacy_keci.report.cases import make_cases
from spacy_keci.report.page import make_page
from spacy_keci.scoring.strict import StrictScorer

from ..browser import Browser


def report(nlp: Language, golds: list[Doc], docs: list[Doc], **settings: Any) -> str:
    result = {
        **score(StrictScorer(), golds, docs, bootstrap=50),
        "name": "en_test",
        "corpus": {"name": "dev.spacy", "documents": len(golds)},
        "model": {"components": ["keci"], "encoder": None},
        "date": "2030-01-01",
    }
    cases = make_cases(golds, docs, nlp.make_doc, spans_key="entities")
    return make_page(result, TITLES, cases, symmetric=["binds"], **settings)


@pytest.fixture
def page(nlp: Language, golds: list[Doc], docs: list[Doc]) -> str:
    return report(nlp, golds, docs)


def section(page: str, name: str) -> str:
    found = re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)
    assert found, name
    return found[0]


def words(markup: str) -> str:
    return " ".join(re.sub(r"<(style|title).*?</\1>|<[^>]*>", " ", markup, flags=re.DOTALL).split())


def test_it_stands_alone(page):
    assert re.findall(r'(?:src|href)="(?!#)[^"]*"', page) == []
    assert "url(" not in page and "@import" not in page
    assert re.findall(r"https?://[^\"' ]*", page) == ["http://www.w3.org/2000/svg"] * page.count("<svg xmlns")


def test_scores_and_labels(page):
    scores = words(section(page, "scores"))
    assert "entities, strict micro 75.0 85.7 80.0" in scores  # 6 of 8 predicted, 6 of 7 in the gold
    assert re.search(r"80\.0 [\d.]+ – [\d.]+ ", scores)
    assert "relations, strict micro 75.0 75.0 75.0" in scores
    assert "protein 5 100.0 80.0 88.9" in words(section(page, "labels"))


def test_confusion(page):
    table = section(page, "confusion")
    assert 'data-show-kind="wrong type" data-show-label="protein">1</button>' in table
    assert 'data-show-kind="wrong label" data-show-label="inhibits">1</button>' in table


def test_calibration(page, nlp, golds, docs):
    assert "mentions : 8 predictions, expected calibration error" in words(section(page, "calibration"))
    for doc in docs:
        del doc.spans["entities"].attrs["scores"]
        doc.spans["entities"].attrs["relations"] = []
    assert "no probabilities" in section(report(nlp, golds, docs), "calibration")


def test_knowledge(page, nlp, golds, docs):
    assert "T109 1 0.625" in words(section(page, "attention"))
    assert "keeps 25.0% on average, over 1 spans" in words(section(page, "attention"))
    changes = section(page, "knowledge")
    assert "entities 1 0 0 1 relations 1 0 0 0" in words(changes)
    assert changes.count("<article") == 1 and "entities" not in re.findall(r"<h4>(.*?)</h4>", changes)
    for doc in docs:
        del doc.spans["entities_initial"]
        doc.spans["concepts"].attrs.pop("attention", None)
    plain = report(nlp, golds, docs)
    assert 'id="attention"' not in plain and 'id="knowledge"' not in plain and 'id="errors"' in plain


def test_errors(page):
    errors = section(page, "errors")
    assert re.findall(r"<h4>(.*?)</h4>", errors) == ["two", "three"]  # the worst first
    text = words(errors)
    assert "wrong type COX-2 (protein) taken for gene 0.70" in text
    assert "wrong label Aspirin –inhibits→ COX-2 taken for activates 0.60" in text
    assert "spurious mention mention (cell) 0.90" in text
    assert "&lt;COX-2&gt;" in errors and "<COX-2>" not in page


def test_no_more_than_wanted(nlp, golds, docs):
    errors = section(report(nlp, golds, docs, shown=1), "errors")
    assert errors.count("<article") == 1 and "Drawn are 1 of 2 documents." in words(errors)


def test_relations_that_nobody_annotated_are_no_errors(nlp, golds, docs):
    assert "activates" in section(report(nlp, golds, docs), "errors")
    del golds[1].spans["entities"].attrs["relations"]
    page = report(nlp, golds, docs)
    assert "wrong type COX-2 (protein) taken for gene" in words(section(page, "errors"))
    assert [section(page, name).count("activates") for name in ("labels", "confusion", "knowledge", "errors")] == [
        0
    ] * 4


def test_a_pipeline_that_finds_nothing(nlp, golds):
    page = report(nlp, golds, [nlp.make_doc(doc.text) for doc in golds])
    assert "missed mention FK506 (drug)" in words(section(page, "errors"))


def test_nothing_at_all(nlp):
    golds = [nlp.make_doc("empty")]
    golds[0].spans["entities"] = []
    page = report(nlp, golds, golds)
    assert "0 mentions and 0 relations" in page and section(page, "errors").count("<article") == 0


FILTER = """
const section = document.querySelector('#errors');
const [kind, label, order] = section.querySelectorAll('select'), words = section.querySelector('input');
const shown = () => [[...section.querySelectorAll('.card')].filter(card => card.getClientRects().length)
  .map(card => card.querySelector('h4').textContent), section.querySelector('output').textContent];
const choose = (control, value, type) => {
  control.value = value; control.dispatchEvent(new Event(type)); const seen = shown(); return seen };
const seen = {start: shown()};
seen.kind = choose(kind, 'spurious mention', 'change');
seen.none = choose(label, 'drug', 'change');
section.querySelector('button').click();
seen.reset = shown();
seen.label = choose(label, 'gene', 'change');
seen.dimmed = section.querySelectorAll('.chips li.other').length;
section.querySelector('button').click();
seen.words = choose(words, 'HERE  no', 'input');
section.querySelector('button').click();
seen.order = choose(order, 'count', 'change');
document.querySelector('[data-show-kind="wrong type"]').click();
seen.cell = [kind.value, label.value, ...shown()];
document.querySelector('#labels [data-show-label="cell"]').click();
seen.link = [kind.value, label.value, ...shown()];
seen.changes = document.querySelector('#knowledge output').textContent;
return seen;
"""


def test_filters_in_a_browser(page, browser: Browser, tmp_path: Path) -> None:
    seen = browser.evaluate(page, FILTER, tmp_path)
    assert seen == {
        "start": [["two", "three"], "2 of 2 documents, 3 errors"],
        "kind": [["three"], "1 of 2 documents, 1 errors"],
        "none": [[], "0 of 2 documents, 0 errors"],
        "reset": [["two", "three"], "2 of 2 documents, 3 errors"],
        "label": [["two"], "1 of 2 documents, 2 errors"],
        "dimmed": 1,
        "words": [["three"], "1 of 2 documents, 1 errors"],
        "order": [["two", "three"], "2 of 2 documents, 3 errors"],
        "cell": ["wrong type", "protein", ["two"], "1 of 2 documents, 1 errors"],
        "link": ["", "cell", ["three"], "1 of 2 documents, 1 errors"],
        "changes": "1 of 1 documents, 3 changes",
    }
    browser.screenshot(page, tmp_path / "report.png", 1200, 3200)
    assert (tmp_path / "report.png").stat().st_size > 50_000
