"""Extractors among mentions that another component found."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given as given_by_hypothesis
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example
from spacy.util import filter_spans
from thinc.api import NumpyOps

from spacy_keci.corpora.docbin import save_docs
from spacy_keci.corpora.reader import SpanGraphCorpus
from spacy_keci.ml.spans.targets import candidate_array, in_order
from spacy_keci.pipeline.mentions import as_candidates
from spacy_keci.suggesters import build_sentence_span_suggester

from .systems import SYSTEMS, initialized, make_examples

TEXT = "FK506 binds FKBP12 and inhibits calcineurin."
VOCAB = spacy.blank("en").vocab


@pytest.fixture
def given(system: str, trained_one: Language, monkeypatch: pytest.MonkeyPatch) -> Language:
    """Reads ``doc.spans["mine"]``."""
    monkeypatch.setattr(trained_one.get_pipe(system), "entities_from", "mine")
    return trained_one


def with_mentions(nlp: Language, doc: Doc) -> Doc:
    """A document whose mentions are known, and nothing else."""
    copy = nlp.make_doc(doc.text)
    copy.spans["mine"] = [Span(copy, m.start, m.end, m.label) for m in doc.spans["entities"]]
    return copy


def described(doc: Doc) -> tuple[list, list]:
    group = doc.spans["entities"]
    return [(m.start, m.end, m.label_, m.kb_id_) for m in group], [row[:3] for row in group.attrs["relations"]]


def test_relations_among_gold_mentions(given: Language, docs: list[Doc], tmp_path: Path) -> None:
    save_docs(docs, tmp_path / "gold.spacy")
    examples = SpanGraphCorpus(tmp_path / "gold.spacy", mentions_to="mine")(given)
    scores = given.evaluate(list(examples))
    assert scores["entities_micro_f"] == 1
    assert scores["relations_micro_f"] > 0.98


def test_mentions_stay_as_they_are(given: Language) -> None:
    """Whatever is unusual of them: unknown types, no types, lengths, nesting, duplicates, links, gaps of no token."""
    doc = given.make_doc(TEXT)
    mentions = [
        Span(doc, 5, 6, "no such type", kb_id="X:1", span_id="first"),
        Span(doc, 0, 1, "drug"),
        Span(doc, 2, 3, "no such type"),
        Span(doc, 2, 3, "protein"),
        doc[0:7],
        doc[3:3],
        Span(doc, 0, 1, "drug"),
    ]
    doc.spans["mine"] = mentions
    doc = given(doc)
    found = list(doc.spans["entities"])
    for mention, other in zip(mentions, found, strict=True):
        for attribute in ("start", "end", "label_", "kb_id_", "id_"):
            assert getattr(mention, attribute) == getattr(other, attribute)
    assert doc.spans["entities"].attrs["scores"] == [1.0] * len(mentions)
    # of those at one place, the first, or the one whose type the model finds right
    related = {(head, tail) for head, tail, *_ in doc.spans["entities"].attrs["relations"]}
    assert {(1, 3), (1, 0)} <= related
    assert not {2, 5, 6} & {i for pair in related for i in pair}
    assert pickle.loads(pickle.dumps(doc)).spans["entities"].attrs == doc.spans["entities"].attrs


def test_mentions_keep_their_scores(given: Language) -> None:
    """Also those of spaCy's spancat, an array; a mention that was appended has none."""
    doc = given.make_doc(TEXT)
    spans, scores = [Span(doc, 0, 1, "drug"), Span(doc, 2, 3, "protein")], np.array([0.5, 0.25], dtype="float32")
    doc.spans["mine"] = SpanGroup(doc, name="mine", spans=spans, attrs={"scores": scores})
    doc.spans["mine"].append(Span(doc, 5, 6, "protein"))
    assert given(doc).spans["entities"].attrs["scores"] == [0.5, 0.25, 1.0]


@pytest.mark.parametrize("length", [9, 40])
def test_mentions_longer_than_the_model_was_built_for(given: Language, length: int) -> None:
    doc = given.make_doc(" ".join([TEXT] * 8))
    for i, token in enumerate(doc):
        token.is_sent_start = i % 7 == 0  # over sentences, too
    doc.spans["mine"] = [Span(doc, 0, length, "protein"), Span(doc, length + 2, length + 3, "drug")]
    doc = given(doc)
    assert [len(mention) for mention in doc.spans["entities"]] == [length, 1]


def test_few_mentions_and_batches(system: str, given: Language) -> None:
    docs = []
    for n in (0, 1, 2, 3, 0):
        doc = given.make_doc(TEXT if n else "")
        doc.spans["mine"] = [Span(doc, *span) for span in [(0, 1, "drug"), (2, 3, "protein"), (5, 6, "protein")][:n]]
        docs.append(doc)
    alone = [described(given(doc.copy())) for doc in docs]
    assert [len(mentions) for mentions, _ in alone] == [0, 1, 2, 3, 0]
    assert [bool(relations) for _, relations in alone] == [False, False, True, True, False]
    assert [described(doc) for doc in given.pipe([doc.copy() for doc in docs])] == alone
    assert [described(doc) for doc in given.pipe([doc.copy() for doc in docs], n_process=2, batch_size=3)] == alone
    given.get_pipe(system).entities_from = "entities"  # type: ignore[attr-defined]
    doc = given.make_doc(TEXT)
    doc.spans["entities"] = [Span(doc, 0, 1, "drug"), Span(doc, 2, 3, "protein")]
    once = described(given(doc))
    assert once[1] and described(given(doc)) == once


def test_after_ner(system: str, trained_one: Language, tmp_path: Path) -> None:
    """A pipeline that finds entities gets an extractor behind it."""
    trained_one.to_disk(tmp_path / "extractor")
    override = {f"components.{system}.entities_from": "ents"}
    nlp = spacy.blank("en")
    nlp.tokenizer = trained_one.tokenizer
    nlp.add_pipe("entity_ruler").add_patterns(
        [{"label": "drug", "pattern": "FK506"}, {"label": "protein", "pattern": "FKBP12"}]
    )
    nlp.add_pipe(system, source=spacy.load(tmp_path / "extractor", config=override))
    nlp.to_disk(tmp_path / "both")
    for pipeline in (nlp, spacy.load(tmp_path / "both")):
        doc = pipeline(TEXT)
        assert [(m.text, m.label_) for m in doc.spans["entities"]] == [("FK506", "drug"), ("FKBP12", "protein")]
        assert [str(relation) for relation in doc._.relations] == ["FK506 --binds--> FKBP12"]
        assert pipeline.analyze_pipes()["problems"][system] == []


def test_mentions_that_are_not_set(system: str, given: Language) -> None:
    with pytest.warns(UserWarning, match=rf"doc.spans\['mine'\] is not set, so '{system}' has no mentions"):
        doc = given(TEXT)
    assert not doc.spans["entities"]


spans = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), max_size=6)


@given_by_hypothesis(st.lists(spans, min_size=1, max_size=3), st.booleans())
def test_candidates(texts: list, with_others: bool) -> None:
    docs = [Doc(VOCAB, words=["a"] * 10) for _ in texts]
    mentions = [[doc[start : start + length] for start, length in text] for doc, text in zip(docs, texts, strict=True)]
    suggest = build_sentence_span_suggester(2)
    found, is_mention = as_candidates(mentions, suggest(docs, ops=NumpyOps()) if with_others else None)
    others = {(i, i + n) for i in range(10) for n in (1, 2) if i + n <= 10} if with_others else set()
    expected = [{(m.start, m.end) for m in text if len(m)} for text in mentions]
    rows = [sorted(places | others) for places in expected]
    assert [tuple(span) for span in found.tolist()] == [(d, *span) for d, row in enumerate(rows) for span in row]
    assert is_mention.tolist() == [span in places for row, places in zip(rows, expected, strict=True) for span in row]


def test_suggesters_of_spacy_are_put_in_order() -> None:
    """They give all spans of one token first, then those of two."""
    docs = [Doc(VOCAB, words=["a"] * n) for n in (4, 0, 3)]
    ours = build_sentence_span_suggester(2)(docs, ops=NumpyOps())
    theirs = spacy.registry.misc.get("spacy.ngram_suggester.v1")([2, 1, 2])(docs, ops=NumpyOps())
    expected, unordered = candidate_array(ours), candidate_array(theirs)
    assert in_order(unordered).tolist() == expected.tolist() != unordered.tolist()
    assert in_order(expected) is expected


class TestTraining:
    @pytest.fixture
    def nlp(self, system: str, docs: list[Doc]) -> Language:
        return initialized(system, docs, entities_from="ents")

    def test_relations_and_types_are_learnt(self, system: str, nlp: Language, docs: list[Doc]) -> None:
        """No entities are set on these texts: gold mentions stand in."""
        pipe: Any = nlp.get_pipe(system)
        optimizer = nlp.resume_training()
        optimizer.learn_rate = 0.004
        for _ in range(40):
            nlp.update(make_examples(nlp, docs), sgd=optimizer)
        pipe.entities_from = "mine"
        scores = nlp.evaluate([Example(with_mentions(nlp, doc), doc) for doc in docs])
        assert scores["relations_micro_f"] > 0.9
        docs = [with_mentions(nlp, doc) for doc in docs]
        prediction = pipe.predict(docs)
        graphs = getattr(prediction, "final", prediction)  # KECI has others as well
        types = [[pipe.labels[label - 1] for label in graphs.labels[graphs.spans[:, 0] == d]] for d in range(len(docs))]
        assert types == [[m.label_ for m in sorted(doc.spans["mine"])] for doc in docs]

    @pytest.mark.parametrize("finds_mentions", [False, True])
    def test_types_are_those_of_the_gold(
        self, system: str, nlp: Language, docs: list[Doc], finds_mentions: bool
    ) -> None:
        """Given mentions that are no gold ones, or have a type that the model lacks, teach no type; nor do gold
        mentions that are not given."""
        pipe: Any = nlp.get_pipe(system)
        pipe.cfg["finds_mentions"] = finds_mentions
        network = pipe.model.shims[0]._model
        mentions_part = getattr(network, SYSTEMS[system].mentions)

        def learns(mentions: list[tuple[int, int, str]], gold_type: str) -> bool:
            gold, predicted = nlp.make_doc(TEXT), nlp.make_doc(TEXT)
            gold.spans["entities"] = [Span(gold, 0, 1, gold_type), Span(gold, 5, 6, gold_type)]
            predicted.ents = [Span(predicted, *mention) for mention in mentions]
            network.zero_grad()
            assert np.isfinite(pipe.update([Example(predicted, gold)])[system])
            gradients = [p.grad for p in network.parameters() if p.grad is not None]
            assert all(gradient.isfinite().all() for gradient in gradients)
            return any(p.grad.any() for p in mentions_part.parameters() if p.grad is not None)

        assert learns([(0, 1, "drug")], "drug") and learns([(0, 1, "whatever")], "drug")
        assert not learns([(2, 3, "protein")], "drug")
        assert not learns([(0, 1, "drug")], "whatever")

    def test_mentions_cannot_be_found_then(self, system: str, nlp: Language, tmp_path: Path) -> None:
        nlp.to_disk(tmp_path)
        with pytest.raises(ValueError, match="trained on given mentions"):
            spacy.load(tmp_path, config={f"components.{system}.entities_from": None})(TEXT)

    def test_relations_out_of_reach_are_counted(
        self, system: str, nlp: Language, docs: list[Doc], log: pytest.LogCaptureFixture
    ) -> None:
        pipe: Any = nlp.get_pipe(system)
        examples = make_examples(nlp, docs)
        n_lost = n_all = 0
        for example in examples:
            gold, doc = example.reference.spans["entities"], example.predicted
            flat = filter_spans([doc.char_span(m.start_char, m.end_char, label="x") for m in gold])[1:]
            doc.ents = flat
            places = {(m.start_char, m.end_char) for m in flat}
            for head, tail, *_ in gold.attrs["relations"]:
                n_all += 1
                n_lost += any((gold[i].start_char, gold[i].end_char) not in places for i in (head, tail))
        for _ in range(3):
            assert np.isfinite(pipe.update(examples)[system])
        assert log.text.count(f"cannot learn {100 * n_lost / n_all:.1f}% of the gold relations") == 2

    def test_types_may_be_anything(self, system: str, nlp: Language, docs: list[Doc]) -> None:
        """In the gold, too."""
        docs = [doc.copy() for doc in docs[:3]]
        for doc in docs:
            rows = doc.spans["entities"].attrs["relations"]
            doc.spans["entities"] = [Span(doc, m.start, m.end, "new") for m in doc.spans["entities"]]
            doc.spans["entities"].attrs["relations"] = rows
        assert nlp.get_pipe(system).update(make_examples(nlp, docs))[system] > 0
