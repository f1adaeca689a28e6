"""Passages of other corpora, and their annotation by several pipelines."""

import sys
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_keci.corpora.docbin import load_docs, save_docs
from spacy_keci.interactions import get_interactions
from spacy_keci.span_groups import SPANS_KEY

from ..conftest import ROOT
from ..pipeline.abstracts import DISEASES, GENES, make_abstracts, train
from ..pipeline.test_concept_relations import make_pipeline
from .conftest import load_script
from .test_unlabelled_text import column


def run(name: str, monkeypatch: pytest.MonkeyPatch, *args: object) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    monkeypatch.setattr(sys, "argv", [name, *map(str, args)])
    load_script(name).main()


def test_passages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sentences = [f"Sentence number {i} is long enough to be known again ." for i in range(20)]
    (tmp_path / "iob").mkdir()
    (tmp_path / "iob" / "train.tsv").write_text("".join(map(column, sentences)))
    nlp = spacy.blank("en")
    save_docs([nlp("BRCA1 is a gene. It is on chromosome 17.")], tmp_path / "other.spacy")
    save_docs([nlp(f"One. {sentences[13].replace(' .', '.')}")], tmp_path / "test.spacy")
    output = tmp_path / "passages.jsonl"
    corpora = "--texts", tmp_path / "other.spacy", "--columns", tmp_path, "--of", "iob"
    with pytest.raises(SystemExit, match="no passage"):
        run("passages", monkeypatch, output, "--texts", tmp_path / "test.spacy", "--without", tmp_path / "test.spacy")
    run("passages", monkeypatch, output, *corpora, "--without", tmp_path / "test.spacy")
    assert list(srsly.read_jsonl(output)) == [
        {"id": "other-0", "text": "BRCA1 is a gene. It is on chromosome 17."},
        {"id": "iob-1", "text": " ".join(s.replace(" .", ".") for s in sentences[:10])},
    ]


@Language.component("names_of_the_tests")
def names_of_the_tests(doc: Doc) -> Doc:
    """Mentions of the concepts in the abstracts of the tests."""
    doc.spans[SPANS_KEY] = [
        Span(doc, token.i, token.i + 1, "Gene", kb_id=GENES[token.text]) for token in doc if token.text in GENES
    ] + [
        Span(doc, token.i, token.i + 1, "Disease", kb_id=DISEASES[token.text])
        for token in doc
        if token.text in DISEASES
    ]
    return doc


def test_scores_are_means_of_the_teachers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    golds = make_abstracts(make_pipeline(), 16)
    linked = spacy.blank("en")
    linked.add_pipe("names_of_the_tests")
    linked.to_disk(tmp_path / "linked")
    for i, epochs in enumerate((2, 6)):
        nlp = make_pipeline(symmetric=["Bind", "Negative", "Positive"])
        train(nlp, golds, epochs)
        (tmp_path / f"teacher-{i}").mkdir()
        nlp.to_disk(tmp_path / f"teacher-{i}" / "model-best")
    texts = ["TP53 binds MDM2 and causes glioma .", "Nothing is named .", "TP53 binds MDM2 and causes glioma ."]
    srsly.write_jsonl(tmp_path / "texts.jsonl", [{"text": text} for text in texts])
    save_docs(golds[:2], tmp_path / "gold.spacy")
    scores = []
    for teachers in ((0,), (1,), (0, 1, 1)):
        output = tmp_path / f"taught-{len(scores)}.spacy"
        run(
            "teach_concepts",
            monkeypatch,
            tmp_path / "texts.jsonl",
            output,
            *("--linked", tmp_path / "linked", "--gold", tmp_path / "gold.spacy", "--minimum", 0, "--limit", 1),
            *("--runs", tmp_path, "--teachers", *(f"teacher-{i}" for i in teachers)),
        )
        taught, *gold = load_docs(output, linked.vocab)
        assert [doc.text for doc in gold] == [doc.text for doc in golds[:2]]
        scores.append({(r.head, r.tail, r.label): r.score for r in get_interactions(taught)})
    first, second, both = scores
    assert len(both) == 9  # three pairs with three labels
    assert both == pytest.approx({key: (first[key] + 2 * second[key]) / 3 for key in both})
    assert first != pytest.approx(second)
