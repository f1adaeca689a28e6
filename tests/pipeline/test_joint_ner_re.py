"""What joint_ner_re does, and other extractors do not."""

from typing import Any

import numpy as np
import pytest
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from .systems import TEXTS, assert_same_graphs, example_with, graph, make_examples, make_pipeline, small_config, train

NAME = "joint_ner_re"
MODEL = small_config(NAME)["model"]


@pytest.fixture(scope="module")
def nlp(flat_docs: list[Doc]) -> Language:
    """Trained a little."""
    return train(make_pipeline(NAME), flat_docs, epochs=8)


def test_the_weight_of_relations_rises_while_all_examples_are_seen_once(flat_docs: list[Doc]) -> None:
    """Eq. 10."""
    nlp = make_pipeline(NAME)
    pipe: Any = nlp.get_pipe(NAME)
    optimizer = nlp.initialize(lambda: make_examples(nlp, flat_docs))
    found = []
    for begin in range(0, 20, 5):
        found.append(pipe.objective().progress)
        nlp.update(make_examples(nlp, flat_docs[begin : begin + 5]), sgd=optimizer)
    assert found == [0.0, 0.25, 0.5, 0.75]
    assert pipe.objective().progress == 1.0
    again: Any = make_pipeline(NAME).from_bytes(nlp.to_bytes()).get_pipe(NAME)
    assert again.objective().progress == 1.0  # resumed training goes on


@pytest.mark.parametrize(("steps", "expected"), [(0, [1.0, 1.0, 1.0]), (2, [0.0, 0.5, 1.0])])
def test_or_over_a_number_of_updates(steps: int, expected: list[float], flat_docs: list[Doc]) -> None:
    nlp = make_pipeline(NAME, entity_steps=steps)
    pipe: Any = nlp.get_pipe(NAME)
    optimizer = nlp.initialize(lambda: make_examples(nlp, flat_docs))
    found = []
    for _ in expected:
        found.append(pipe.objective().progress)
        nlp.update(make_examples(nlp, flat_docs[:2]), sgd=optimizer)
    assert found == expected


def test_nested_mentions_are_reported(log: pytest.LogCaptureFixture) -> None:
    nlp = make_pipeline(NAME)
    mentions = [(0, 1, "protein"), (0, 2, "complex"), (3, 4, "drug"), (3, 4, "protein")]
    nested = example_with(nlp, "p53 complex binds x", mentions, [[0, 2, "binds", 1.0], [1, 2, "binds", 1.0]])
    spaced = example_with(nlp, "a  b", [(0, 2, "drug")])
    assert spaced.reference[1].is_space
    broken = example_with(nlp, "a\nb", [(0, 3, "drug")])
    optimizer = nlp.initialize(lambda: [nested, spaced, broken])
    for reason in (
        "mentions that overlap with a longer one (2)",
        "relations of mentions that overlap with a longer one (1)",
        "mentions that begin or end with white space (1)",
        "mentions across a line break, a tab, or the end of a sentence (1)",
    ):
        assert f"cannot learn some of the gold: {reason}" in log.text
    assert np.isfinite(nlp.update([nested, spaced, broken], sgd=optimizer)[NAME])


def test_gold_mentions_that_end_with_white_space_teach_relations() -> None:
    nlp = make_pipeline(NAME, symmetric=[], entity_steps=0)
    mentions = [(0, 2, "drug"), (3, 4, "protein")]
    example = example_with(nlp, "FK506  binds FKBP12", mentions, [[0, 1, "binds", 1.0]])
    assert example.reference[1].is_space
    optimizer = nlp.initialize(lambda: [example])
    for _ in range(60):
        nlp.update([example], sgd=optimizer)
    doc = nlp(example.text)
    assert [m.text for m in doc.spans["entities"]] == ["FK506", "FKBP12"]
    assert [r.label for r in doc._.relations] == ["binds"]


def test_mentions_may_be_entities_of_the_document(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not nlp(TEXTS[0]).ents
    monkeypatch.setattr(nlp.get_pipe(NAME), "set_ents", True)
    for doc in nlp.pipe(TEXTS):
        assert [(e.start, e.end, e.label_) for e in doc.ents] == [
            (s.start, s.end, s.label_) for s in doc.spans["entities"]
        ]
        assert not doc.spans["entities"] or doc.has_annotation("ENT_IOB")
    monkeypatch.setattr(nlp.get_pipe(NAME), "entities_from", "ents")
    doc = nlp.make_doc(TEXTS[0])
    doc.ents = [Span(doc, 5, 6, "mine")]
    assert [(e.start, e.label_) for e in nlp(doc).ents] == [(5, "mine")]


def test_both_ways_to_decode(nlp: Language, flat_docs: list[Doc], monkeypatch: pytest.MonkeyPatch) -> None:
    """Mentions of whole tags one by one are most of those of the best legal tags."""
    texts = [doc.text for doc in flat_docs]
    best = [set(graph(doc)[0]) for doc in nlp.pipe(texts)]
    monkeypatch.setattr(nlp.get_pipe(NAME), "decoding", "argmax")
    one_by_one = [set(graph(doc)[0]) for doc in nlp.pipe(texts)]
    n_both = sum(len(a & b) for a, b in zip(best, one_by_one, strict=True))
    assert 0.9 * sum(map(len, one_by_one)) < n_both <= sum(map(len, best))


def test_relations_are_learned_of_predicted_mentions_alone(flat_docs: list[Doc]) -> None:
    """The paper's way: what is not found teaches no relation."""
    nlp = make_pipeline(NAME, candidates="predicted", entity_steps=0)
    nlp.initialize(lambda: make_examples(nlp, flat_docs))
    pipe: Any = nlp.get_pipe(NAME)
    pipe.update(make_examples(nlp, flat_docs))
    relations = list(pipe.network.relations.parameters())
    assert not any(p.grad.any() for p in relations if p.grad is not None)  # untrained, it finds none
    scores = train(nlp, flat_docs, epochs=30).evaluate(make_examples(nlp, flat_docs))
    assert scores["relations_micro_f"] > 0.9


@pytest.mark.parametrize(
    "model",
    [{"entity_embedding_width": 0}, {"projection": "shared"}, {"projection": "none"}, {"bilinear": False}],
)
def test_the_ablations_of_the_paper_learn_and_are_saved(model: dict[str, Any], flat_docs: list[Doc]) -> None:
    nlp = train(make_pipeline(NAME, model={**MODEL, **model}), flat_docs, epochs=12)
    assert nlp.evaluate(make_examples(nlp, flat_docs))["entities_micro_f"] > 0.8
    texts = [doc.text for doc in flat_docs]
    other = make_pipeline(NAME, model={**MODEL, **model}).from_bytes(nlp.to_bytes())
    assert_same_graphs(list(nlp.pipe(texts)), list(other.pipe(texts)))
    with pytest.raises(ValueError, match="weights were trained with"):
        make_pipeline(NAME).from_bytes(nlp.to_bytes())


def test_the_context_between_two_mentions(flat_docs: list[Doc]) -> None:
    nlp = train(make_pipeline(NAME, model={**MODEL, "context_width": 16}), flat_docs, epochs=20)
    assert nlp.evaluate(make_examples(nlp, flat_docs))["relations_micro_f"] > 0.9


def test_gold_across_sentences_is_not_learned(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mention over the end of a sentence has no tags; the others of the text have theirs."""
    monkeypatch.setattr(nlp.get_pipe(NAME), "by_sentence", True)
    example: Example = example_with(nlp, "MDM2 binds. p53 does", [(0, 1, "protein"), (1, 4, "protein")])
    for doc in (example.predicted, example.reference):
        for token in doc:
            token.is_sent_start = token.i in (0, 3)
    assert np.isfinite(nlp.get_pipe(NAME).update([example])[NAME])  # type: ignore[attr-defined]


def test_unknown_settings() -> None:
    with pytest.raises(ValueError, match=r"decoding"):
        make_pipeline(NAME, decoding="beam")
    with pytest.raises(ValueError, match="entity_steps of 'joint_ner_re' must be -1 or more, but it is -2"):
        make_pipeline(NAME, entity_steps=-2)
