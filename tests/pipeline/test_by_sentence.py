"""``by_sentence``: texts of several sentences are read like each sentence by itself."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, SpanGroup

from spacy_keci.doc_operations import merge_docs

from .systems import SYSTEMS, WORDS, assert_same_graphs, make_examples, make_pipeline, small_config, train
from .test_keci_with_knowledge import MODELS
from .test_keci_with_knowledge import make_pipeline as make_pipeline_with_knowledge


def make_reader(name: str, kb: Path, **settings: Any) -> Language:
    """A pipeline whose encoder reads each word by itself: sentences differ in nothing but in what an extractor makes of
    them. name: of a system, or of a model of KECI with knowledge."""
    if name in SYSTEMS:
        nlp = make_pipeline(name, model=small_config(name, WORDS)["model"], by_sentence=True, **settings)
    else:
        model = {**MODELS[name], "tok2vec": WORDS}
        nlp = make_pipeline_with_knowledge(kb, model, keep_initial=True, by_sentence=True, **settings)
    nlp.add_pipe("biomedical_sentencizer", first=True)
    return nlp


def assert_same(doc: Doc, other: Doc) -> None:
    assert doc.text == other.text
    assert_same_graphs([doc], [other])
    assert [span.kb_id_ for span in doc.spans["entities"]] == [span.kb_id_ for span in other.spans["entities"]]
    scores = [[relation.score for relation in each._.relations] for each in (doc, other)]
    np.testing.assert_allclose(*scores, atol=1e-4)


@pytest.fixture(scope="module", params=[*SYSTEMS, *MODELS])
def reader(request: pytest.FixtureRequest, kb: Path, demo_docs: list[Doc]) -> Language:
    """A pipeline that has learned enough to find mentions and relations, of each kind of model."""
    return train(make_reader(request.param, kb), demo_docs, epochs=25)


def extractor(nlp: Language) -> Any:
    return nlp.get_pipe(nlp.pipe_names[-1])


class TestUse:
    def test_the_same_as_each_sentence_by_itself(self, reader: Language, demo_docs: list[Doc]) -> None:
        texts = [doc.text for doc in demo_docs[:12]]
        apart = list(reader.pipe(texts))
        assert sum(len(doc._.relations) for doc in apart) > 5
        whole = list(reader.pipe([" ".join(texts[:5]), " ".join(texts[5:])]))
        assert_same(whole[0], merge_docs(apart[:5]))
        assert_same(whole[1], merge_docs(apart[5:]))

    def test_without_sentences_a_text_is_one(
        self, reader: Language, demo_docs: list[Doc], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = " ".join(doc.text for doc in demo_docs[:4])
        with reader.select_pipes(disable="biomedical_sentencizer"):
            doc = reader(text)
            monkeypatch.setattr(extractor(reader), "by_sentence", False)
            assert_same(doc, reader(text))

    @given(st.lists(st.sampled_from(["FK506 binds FKBP12.", "", " ", "\n", "p53", "What? No!", "Diazepam."])))
    @settings(max_examples=25)
    def test_odd_texts(self, reader: Language, parts: list[str]) -> None:
        doc = reader(" ".join(parts))
        sentences = [reader(sentence.text_with_ws) for sentence in doc.sents]
        found = [(s.text, s.label_) for sentence in sentences for s in sentence.spans["entities"]]
        assert [(s.text, s.label_) for s in doc.spans["entities"]] == found

    def test_given_mentions_may_lie_across_sentences(self, reader: Language, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(extractor(reader), "entities_from", "given")
        doc = reader.make_doc("MDM2 binds. Diazepam binds GABA. FK506 binds FKBP12.")
        doc.spans["given"] = [doc[0:1], doc[1:4], doc[3:4], doc[5:6], doc[7:8], doc[9:10]]
        other = reader(doc.copy())
        assert [span.text for span in other.spans["entities"]][:4] == ["MDM2", "binds. Diazepam", "Diazepam", "GABA"]
        monkeypatch.setattr(extractor(reader), "max_batch_tokens", 5)
        assert_same(reader(doc), other)


class TestTraining:
    @pytest.mark.parametrize("name", [*SYSTEMS, "KECI"])
    def test_learns_what_it_learns_of_sentences(self, name: str, kb: Path, demo_docs: list[Doc]) -> None:
        """Losses are means over documents: that of a text is the sum of those of its sentences."""
        nlp = make_reader(name, kb, entity_steps=0)
        nlp.initialize(lambda: make_examples(nlp, demo_docs))
        system, others = nlp.pipe_names[-1], nlp.pipe_names[:-1]
        apart = nlp.update(make_examples(nlp, demo_docs[:6]), sgd=False, annotates=others)[system]
        merged = merge_docs([doc.copy() for doc in demo_docs[:6]])
        whole = nlp.update(make_examples(nlp, [merged]), sgd=False, annotates=others)[system]
        assert whole == pytest.approx(6 * apart, rel=1e-4)

    @pytest.mark.parametrize("name", SYSTEMS)
    def test_reports_relations_across_sentences(self, name: str, kb: Path, log: pytest.LogCaptureFixture) -> None:
        nlp = make_reader(name, kb)
        doc = nlp.make_doc("MDM2 and p53. It binds them. MDM2 binds p53.")
        group = SpanGroup(
            doc, name="entities", spans=[doc.char_span(*o, "protein") for o in ((0, 4), (9, 12), (29, 33), (40, 43))]
        )
        group.attrs["relations"] = [[0, 3, "binds", 1.0], [2, 3, "binds", 1.0]]
        doc.spans["entities"] = group
        nlp.initialize(lambda: make_examples(nlp, [doc]))
        nlp.update(make_examples(nlp, [doc]), annotates=["biomedical_sentencizer"])
        assert "cannot learn 50.0% of the gold relations in its batches so far: their mentions are in diff" in log.text

    @pytest.mark.parametrize("name", SYSTEMS)
    def test_reports_mentions_across_sentences(self, name: str, kb: Path, log: pytest.LogCaptureFixture) -> None:
        """Sentences are set only in the course of the training, not for initialize."""
        nlp = make_reader(name, kb)
        doc = nlp.make_doc("MDM2 binds. P53 is here.")
        doc.spans["entities"] = [doc.char_span(*o, "protein") for o in ((0, 15), (12, 15))]
        nlp.initialize(lambda: make_examples(nlp, [doc]))
        nlp.update(make_examples(nlp, [doc]), annotates=["biomedical_sentencizer"])
        assert "cannot learn 50.0% of the gold mentions in its batches so far: they cross the end of a" in log.text


@pytest.mark.parametrize("name", SYSTEMS)
def test_no_sentences_are_set(name: str, kb: Path, demo_docs: list[Doc]) -> None:
    """A text of one sentence, and one with boundaries, are read in silence."""
    nlp = make_reader(name, kb)
    nlp.initialize(lambda: make_examples(nlp, demo_docs[:5]))
    sentence = demo_docs[0].text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp(f"{sentence} {sentence}")
    nlp.remove_pipe("biomedical_sentencizer")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp(sentence)
    with pytest.warns(UserWarning, match=r"boundaries are not set.*add_pipe\('biomedical_sentencizer', first=True\)"):
        nlp(f"{sentence} {sentence}")
