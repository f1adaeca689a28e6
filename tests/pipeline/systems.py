"""The extractors, each with a small model: a test with the fixture ``system`` is one that every extractor must pass."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example
from spacy.util import fix_random_seed

from spacy_keci.tokenizer import create_biomedical_tokenizer

TOK2VEC = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "pretrained_vectors": None,
    "width": 64,
    "depth": 2,
    "embed_size": 1000,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": True,
}
# reads each word by itself
WORDS = {
    "@architectures": "spacy.MultiHashEmbed.v2",
    "width": 64,
    "attrs": ["NORM", "SHAPE"],
    "rows": [1000, 500],
    "include_static_vectors": False,
}


@dataclass(frozen=True)
class System:
    """A factory of that name.

    model: its architecture and small settings, without an encoder. settings: of the component.
    mentions: the part of the network that classifies mentions. nested: whether mentions may be nested.
    epochs: after which it knows 20 sentences by heart.
    """

    model: dict[str, Any]
    settings: dict[str, Any]
    mentions: str
    nested: bool
    epochs: int


SYSTEMS = {
    "keci": System(
        model={
            "@architectures": "spacy_keci.SpanGraph.v1",
            "max_span_length": 8,
            "span_hidden_width": 64,
            "span_width": 64,
            "head_hidden_width": 64,
        },
        settings={"suggester": {"@misc": "spacy_keci.SentenceSpanSuggester.v1", "max_length": 8}},
        mentions="entities",
        nested=True,
        epochs=70,
    ),
    "joint_ner_re": System(
        model={
            "@architectures": "spacy_keci.BiaffineJoint.v1",
            "entity_embedding_width": 32,
            "hidden_width": 64,
            "width": 64,
        },
        settings={"by_sentence": False},
        mentions="tags",
        nested=False,
        epochs=40,
    ),
}


def small_config(system: str, tok2vec: dict[str, Any] = TOK2VEC) -> dict[str, Any]:
    """Settings of the component, with its model, for the demo corpus."""
    model = {**SYSTEMS[system].model, "tok2vec": tok2vec}
    return {"symmetric": ["binds"], "multi_label": True, **SYSTEMS[system].settings, "model": model}


TINY = small_config("keci")


def make_pipeline(system: str = "keci", **settings: Any) -> Language:
    """A blank pipeline with a small extractor, not initialized."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.tokenizer = create_biomedical_tokenizer()(nlp)
    nlp.add_pipe(system, config={**small_config(system), **settings})
    return nlp


def make_examples(nlp: Language, docs: list[Doc]) -> list[Example]:
    return [Example(nlp.make_doc(doc.text), doc) for doc in docs]


def initialized(system: str, docs: list[Doc], **settings: Any) -> Language:
    nlp = make_pipeline(system, **settings)
    nlp.initialize(lambda: make_examples(nlp, docs))
    return nlp


def train(nlp: Language, docs: list[Doc], epochs: int) -> Language:
    optimizer = nlp.initialize(lambda: make_examples(nlp, docs))
    optimizer.learn_rate = 0.004
    for _ in range(epochs):
        examples = make_examples(nlp, docs)
        for batch in (examples[:10], examples[10:]):
            nlp.update(batch, sgd=optimizer, annotates=nlp.config["training"]["annotating_components"])
    return nlp


def example_with(nlp: Language, text: str, mentions: list, relations: list | None = None) -> Example:
    doc = nlp.make_doc(text)
    spans = [Span(doc, start, end, label=label) for start, end, label in mentions]
    doc.spans["entities"] = SpanGroup(doc, spans=spans, attrs={"relations": relations or []})
    return Example(nlp.make_doc(text), doc)


TEXTS = [
    "FK506 binds FKBP12 and inhibits calcineurin.",
    "",
    "p53",
    "Diazepam binds the GABA-A receptor and enhances its response to GABA.",
    "   \n ",
]


def graph(doc: Doc) -> tuple:
    group = doc.spans["entities"]
    return (
        [(s.start_char, s.end_char, s.label_) for s in group],
        [(head, tail, label) for head, tail, label, _ in group.attrs["relations"]],
    )


def assert_same_graphs(docs: list[Doc], others: list[Doc]) -> None:
    for doc, other in zip(docs, others, strict=True):
        assert graph(doc) == graph(other)
        np.testing.assert_allclose(
            doc.spans["entities"].attrs["scores"], other.spans["entities"].attrs["scores"], atol=1e-4
        )


def assert_independent_of_batches(nlp: Language, docs: list[Doc], monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*TEXTS, *(doc.text for doc in docs)]
    alone = [nlp(text) for text in texts]
    assert_same_graphs(alone, list(nlp.pipe(texts, batch_size=64)))
    assert_same_graphs(alone[::-1], list(nlp.pipe(texts[::-1], batch_size=3)))
    monkeypatch.setattr(nlp.get_pipe(nlp.pipe_names[-1]), "max_batch_tokens", 30)
    assert_same_graphs(alone, list(nlp.pipe(texts)))


def assert_gradient_is_the_derivative_of_the_loss(component: Any, examples: list[Example], rel: float = 0.05) -> None:
    """A small step against the gradient lowers the loss by about its squared length."""
    before = component.update(examples)[component.name]
    parameters = [p for p in component.network.parameters() if p.grad is not None]
    squared = sum(float(p.grad.square().sum()) for p in parameters)
    step = 3e-3 / squared
    with torch.no_grad():
        for parameter in parameters:
            parameter -= step * parameter.grad
    after = component.update(examples)[component.name]
    assert before - after == pytest.approx(step * squared, rel=rel)
