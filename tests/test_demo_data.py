"""The texts in assets/demo: what their README says of them holds."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from spacy.language import Language

from spacy_keci.corpora.annotation import AnnotatedText
from spacy_keci.corpora.documents import to_doc
from spacy_keci.corpora.jsonl import read_jsonl
from spacy_keci.corpora.texts import TextSource
from spacy_keci.reports import Report
from spacy_keci.sentence_rule import find_sentences

DEMO = Path(__file__).parent.parent / "assets" / "demo"
KINDS = {
    "negatives": {"unrelated": 34, "listed": 33, "negated": 67, "hedged": 26, "asked": 24, "hypothetical": 16},
    "training-negatives": {"bind": 102, "contrast": 15, "negated": 61, "hedged": 58, "unrelated": 64, "crossed": 148},
}
LABELS = {
    "unrelated": set(),
    "listed": set(),
    "negated": {"bind_negative"},
    "hedged": {"bind_uncertain"},
    "asked": {"bind_uncertain"},
    "hypothetical": {"bind_uncertain"},
    "bind": {"bind"},
    "contrast": {"bind", "bind_negative", "bind_uncertain"},
    "crossed": {"bind", "bind_negative", "bind_uncertain"},
}

pytestmark = pytest.mark.skipif(not DEMO.exists(), reason="the demo is not in an installed package")


def read(name: str) -> list[AnnotatedText]:
    report = Report()
    texts = list(read_jsonl(DEMO / f"{name}.jsonl", report))
    assert not report.dropped
    return texts


@pytest.mark.parametrize("name", ["train", "heldout", "negatives", "training-negatives"])
def test_annotation(name: str, nlp: Language) -> None:
    """Nothing is lost, ids and texts are unique, a longer mention stands before those in it, sentences are single."""
    texts, report = read(name), Report()
    for text in texts:
        to_doc(text, nlp.make_doc, report)
        spans = [(mention.start, mention.end) for mention in text.mentions]
        assert len(set(spans)) == len(spans), text.id
        assert all(
            not (start <= spans[j][0] and spans[j][1] <= end) for i, (start, end) in enumerate(spans) for j in range(i)
        ), text.id
        assert all(relation.head != relation.tail for relation in text.relations)
        assert len(find_sentences(text.text)) == 1 or ":" in text.text, text.text
    assert not report.dropped
    assert len({text.id for text in texts}) == len({text.text for text in texts}) == len(texts)


@pytest.mark.parametrize("name", KINDS)
def test_kinds_of_negatives(name: str) -> None:
    texts = read(name)
    assert Counter(text.meta["kind"] for text in texts) == KINDS[name]
    for text in texts:
        kind = text.meta["kind"]
        assert text.id.startswith(f"{kind}-")
        assert {relation.label for relation in text.relations} <= LABELS[kind], text.id
        assert text.relations or kind in ("unrelated", "listed"), text.id
    assert name == "training-negatives" or not any(r.label == "bind" for text in texts for r in text.relations)


def test_sentences_to_train_on_and_to_test_on_share_no_names() -> None:
    trained, tested = (
        {text.text[m.start : m.end].casefold() for text in read(name) for m in text.mentions}
        for name in ("training-negatives", "negatives")
    )
    assert not trained & tested
    trained, tested = ({text.text for text in read(name)} for name in ("train", "heldout"))
    assert not trained & tested


@pytest.mark.parametrize(("texts", "number"), [("abstracts", 10), ("judgement", 25)])
def test_abstracts(texts: str, number: int) -> None:
    report = Report()
    abstracts = list(TextSource(str(DEMO / texts), None, report))
    assert len(abstracts) == number
    assert not report.dropped
    assert all(700 < len(abstract.text) < 1800 and "\n" in abstract.text for abstract in abstracts)


def test_counts_in_the_readme() -> None:
    readme = (DEMO / "README.md").read_text(encoding="utf8")
    rows = dict(re.findall(r"^\| (.*?) \| (\d+ \| \d+) \|$", readme, re.M))
    counts = []
    for name in ("train", "heldout"):
        lines = [json.loads(line) for line in (DEMO / f"{name}.jsonl").read_text(encoding="utf8").splitlines()]
        texts = read(name)
        count = Counter(f"`{mention.label}`" for text in texts for mention in text.mentions)
        count.update(f"`{relation.label}`" for text in texts for relation in text.relations)
        count["Sentences"] = len(texts)
        count["Sentences without a mention"] = sum(not text.mentions for text in texts)
        count["Sentences with mentions but no relation"] = sum(bool(t.mentions and not t.relations) for t in texts)
        count["Sentences with nested mentions"] = sum(
            any(a is not b and a.start <= b.start and b.end <= a.end for a in t.mentions for b in t.mentions)
            for t in texts
        )
        count["Mentions"] = sum(len(line["entities"]) for line in lines)
        count["Relations"] = sum(len(line["relations"]) for line in lines)
        counts.append(count)
    expected = {row: f"{counts[0][row]} | {counts[1][row]}" for row in counts[0]}
    assert rows == expected
