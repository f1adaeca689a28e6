"""The CNN that reads each sentence alone."""

from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import fix_random_seed, registry
from thinc.api import Model

from spacy_keci.ml.encoders import sentence_cnn

SETTINGS: dict[str, Any] = {
    "width": 16,
    "depth": 3,
    "embed_size": 200,
    "window_size": 2,
    "maxout_pieces": 2,
    "subword_features": True,
    "pretrained_vectors": None,
}
WORDS = [f"gene{i % 17}" for i in range(60)]


def make_model(name: str) -> Model[list[Doc], list]:
    fix_random_seed(3)
    model = registry.resolve({"model": {"@architectures": name, **SETTINGS}})["model"]
    model.initialize(X=[Doc(spacy.blank("en").vocab, words=WORDS)])
    return model


@pytest.fixture(scope="module")
def model() -> Model:
    return make_model("spacy_keci.SentenceCNN.v1")


@pytest.fixture(scope="module")
def docs() -> list[Doc]:
    vocab = spacy.blank("en").vocab
    return [
        Doc(vocab, words=WORDS, sent_starts=[i in (0, 1, 7, 40) for i in range(60)]),
        Doc(vocab, words=[]),
        Doc(vocab, words=WORDS[:9]),  # no sentences are set
    ]


def test_sentences_are_read_alone(model: Model, docs: list[Doc]) -> None:
    vectors = model.predict(docs)
    assert [v.shape for v in vectors] == [(60, 16), (0, 16), (9, 16)]
    alone = model.predict([sentence.as_doc() for sentence in docs[0].sents])
    np.testing.assert_allclose(vectors[0], np.concatenate(alone), atol=1e-5)
    np.testing.assert_allclose(vectors[2], model.predict([docs[2]])[0], atol=1e-5)


def test_it_reads_unified_characters(model: Model) -> None:
    vocab = spacy.blank("en").vocab
    plain, other = (Doc(vocab, words=["c", dash, "Src", quote, "5"]) for dash, quote in ("-'", "‐′"))
    np.testing.assert_array_equal(*model.predict([plain, other]))


def test_contractions_are_the_same_words(model: Model) -> None:
    """The tokenizer gives "n't" the norm "not"."""
    nlp = spacy.blank("en")
    plain, *others = model.predict([nlp(text) for text in ("It can't bind", "It  can't bind", "It can’t bind")])
    for other, rows in zip(others, ([0, 2, 3, 4], [0, 1, 2, 3]), strict=True):
        np.testing.assert_allclose(other[rows], plain, atol=1e-5)


def test_one_sentence_has_the_vectors_of_spacys_layer(model: Model, docs: list[Doc]) -> None:
    other = make_model("spacy.HashEmbedCNN.v2")
    np.testing.assert_allclose(model.predict([docs[2]])[0], other.predict([docs[2]])[0], atol=1e-5)
    assert not np.allclose(model.predict(docs)[0], other.predict(docs)[0], atol=1e-2)


@pytest.mark.parametrize("at_once", [1, 5, 7, 33, 60])
def test_windows_change_nothing(model: Model, docs: list[Doc], at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    long = [*docs, Doc(docs[0].vocab, words=WORDS * 3)]
    whole = model.predict(long)
    monkeypatch.setattr(sentence_cnn, "AT_ONCE", at_once)
    for part, vectors in zip(model.predict(long), whole, strict=True):
        np.testing.assert_allclose(part, vectors, atol=1e-5)


def test_training_reads_what_use_reads(model: Model, docs: list[Doc]) -> None:
    vectors, backprop = model.begin_update(docs)
    for vector, expected in zip(vectors, model.predict(docs), strict=True):
        np.testing.assert_allclose(vector, expected, atol=1e-5)
    # a gradient at the last sentence alone reaches no word that is only in others
    words = [f"w{i}" for i in range(12)]
    doc = Doc(docs[0].vocab, words=words, sent_starts=[i in (0, 6) for i in range(12)])
    table = next(node for node in model.walk() if node.name == "hashembed")
    changed = []
    for rows in (range(6), range(6, 12), range(12)):
        for node in model.walk():
            for name in node.param_names:
                if node.has_grad(name):
                    node.set_grad(name, node.get_grad(name) * 0)
        vectors, backprop = model.begin_update([doc])
        backprop([np.where(np.isin(np.arange(12), rows)[:, None], 1, 0 * vectors[0]).astype("float32")])
        changed.append(set(np.flatnonzero(np.abs(table.get_grad("E")).sum(axis=1)).tolist()))
    assert changed[0] and changed[1] and changed[0] | changed[1] == changed[2]
    assert len(changed[0]) < len(changed[2])


def test_static_vectors() -> None:
    nlp = spacy.blank("en")
    for i in range(5):
        nlp.vocab.set_vector(f"gene{i}", np.full(4, i + 1.0, dtype="float32"))
    settings = {**SETTINGS, "pretrained_vectors": True}
    doc = Doc(nlp.vocab, words=WORDS[:9])
    vectors = []
    for name in ("spacy.HashEmbedCNN.v2", "spacy_keci.SentenceCNN.v1"):
        fix_random_seed(3)
        model = registry.resolve({"model": {"@architectures": name, **settings}})["model"]
        model.initialize(X=[doc])
        vectors.append(model.predict([doc])[0])
    np.testing.assert_allclose(*vectors, atol=1e-5)


def test_saving(model: Model, docs: list[Doc]) -> None:
    other = make_model("spacy_keci.SentenceCNN.v1").from_bytes(model.to_bytes())
    np.testing.assert_array_equal(other.predict(docs)[0], model.predict(docs)[0])


def test_shared_encoder(docs: list[Doc]) -> None:
    """As the component tok2vec, with a listener, which can be replaced."""
    nlp: Language = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("tok2vec", config={"model": {"@architectures": "spacy_keci.SentenceCNN.v1", **SETTINGS}})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
    nlp.add_pipe("keci", config={"by_sentence": True, "model": {"tok2vec": listener}})
    nlp.get_pipe("keci").add_label("Gene")
    nlp.initialize()
    expected = nlp("p53 binds MDM2. BRCA1 is a gene.").tensor
    nlp.replace_listeners("tok2vec", "keci", ["model.tok2vec"])
    own = nlp.get_pipe("keci").model.get_ref("tok2vec").predict([nlp("p53 binds MDM2. BRCA1 is a gene.")])[0]
    np.testing.assert_allclose(own, expected, atol=1e-5)
