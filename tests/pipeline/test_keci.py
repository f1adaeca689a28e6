"""What KECI does without knowledge, and other extractors do not."""

import multiprocessing

import numpy as np
import pytest
import torch
from spacy.language import Language
from spacy.tokens import Doc

from .systems import TEXTS, example_with, graph, make_examples, make_pipeline, small_config


def test_nested_mentions_and_directions_are_learned(trained: Language, demo_docs: list[Doc]) -> None:
    nested = [d for d in demo_docs if has_nested_mentions(d)]
    assert nested
    for gold in nested:
        assert set(graph(trained(gold.text))[0]) >= set(graph(gold)[0])


def has_nested_mentions(doc: Doc) -> bool:
    spans = list(doc.spans["entities"])
    return any(a.start <= b.start and b.end <= a.end and len(a) > len(b) for a in spans for b in spans)


def test_as_many_spans_as_the_graph_has_room_for(trained: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained.get_pipe("keci"), "threshold", 0.0)
    doc = trained(TEXTS[0])
    assert len(doc.spans["entities"]) == np.ceil(0.5 * len(doc))


def test_no_room_for_spans() -> None:
    with pytest.raises(ValueError, match=r"spans_per_token of 'keci' must be above 0, but it is 0"):
        make_pipeline(spans_per_token=0)


def test_spans_that_are_not_suggested_are_reported(demo_docs: list[Doc], log: pytest.LogCaptureFixture) -> None:
    nlp = make_pipeline()
    long = example_with(nlp, " ".join(["x"] * 9), [(0, 9, "protein")])
    nlp.initialize(lambda: [*make_examples(nlp, demo_docs), long])
    assert "'keci' cannot learn some of the gold: mentions that are not suggested, or have the off" in log.text


def test_spans_longer_than_the_model_was_built_for(demo_docs: list[Doc]) -> None:
    nlp = make_pipeline(suggester={"@misc": "spacy_keci.SentenceSpanSuggester.v1", "max_length": 9})
    nlp.initialize(lambda: make_examples(nlp, demo_docs))
    with pytest.raises(ValueError, match="max_span_length"):
        nlp(demo_docs[1].text)


def test_a_biaffine_classifier_of_pairs(demo_docs: list[Doc]) -> None:
    """That of ``joint_ner_re``, by a setting of the model, which is saved with the weights."""
    model = {**small_config("keci")["model"], "pair_scorer": "biaffine", "context_width": 16}
    nlp = make_pipeline(model=model)
    optimizer = nlp.initialize(lambda: make_examples(nlp, demo_docs))
    optimizer.learn_rate = 0.004
    for _ in range(40):
        nlp.update(make_examples(nlp, demo_docs), sgd=optimizer)
    assert nlp.evaluate(make_examples(nlp, demo_docs))["relations_micro_f"] > 0.8
    with pytest.raises(ValueError, match=r'pair_scorer = "concat", but the weights were trained with .*"biaffine"'):
        make_pipeline(model={**model, "pair_scorer": "concat"}).from_bytes(nlp.to_bytes())


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
def test_processes_do_not_wait_for_threads_of_their_parent(trained: Language) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        numbers = torch.ones(512, 512)
        torch.mm(numbers, numbers)  # makes the threads
        process = multiprocessing.get_context("fork").Process(target=torch.mm, args=(numbers, numbers))
        process.start()
        process.join(timeout=60)
        process.kill()
        assert process.exitcode == 0
    finally:
        torch.set_num_threads(before)
