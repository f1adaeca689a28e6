import math
import multiprocessing
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span, SpanGroup
from spacy.training import Example

from spacy_keci import get_relations

from .conftest import make_examples, make_pipeline, train

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


def assert_independent_of_batches(trained: Language, docs: list[Doc], monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*TEXTS, *(doc.text for doc in docs)]
    alone = [trained(text) for text in texts]
    assert_same_graphs(alone, list(trained.pipe(texts, batch_size=64)))
    assert_same_graphs(alone[::-1], list(trained.pipe(texts[::-1], batch_size=3)))
    monkeypatch.setattr(trained.get_pipe("keci"), "max_batch_tokens", 30)
    assert_same_graphs(alone, list(trained.pipe(texts)))


class TestLearning:
    def test_overfits_and_reloads(self, trained: Language, demo_docs: list[Doc], tmp_path: Path) -> None:
        scores = trained.evaluate(make_examples(trained, demo_docs))
        assert scores["entities_micro_f"] >= 0.98
        assert scores["relations_micro_f"] >= 0.98
        trained.to_disk(tmp_path)
        texts = [doc.text for doc in demo_docs]
        assert_same_graphs(list(trained.pipe(texts)), list(spacy.load(tmp_path).pipe(texts)))
        other = make_pipeline().from_bytes(trained.to_bytes())
        assert_same_graphs(list(trained.pipe(texts)), list(other.pipe(texts)))

    def test_nested_mentions_and_directions_are_learnt(self, trained: Language, demo_docs: list[Doc]) -> None:
        nested = [d for d in demo_docs if has_nested_mentions(d)]
        assert nested
        for gold in nested:
            assert set(graph(trained(gold.text))[0]) >= set(graph(gold)[0])

    def test_training_is_deterministic(self, demo_docs: list[Doc]) -> None:
        first, second = (train(make_pipeline(), demo_docs, epochs=2) for _ in range(2))
        weights = [nlp.get_pipe("keci").model.shims[0]._model.state_dict() for nlp in (first, second)]
        for name, tensor in weights[0].items():
            torch.testing.assert_close(tensor, weights[1][name], rtol=0, atol=0)

    def test_dropout_reaches_torch(self, demo_docs: list[Doc]) -> None:
        nlp = make_pipeline()
        nlp.initialize(lambda: make_examples(nlp, demo_docs))
        keci = nlp.get_pipe("keci")
        nlp.update(make_examples(nlp, demo_docs[:2]), drop=0.3)
        rates = {m.p for m in keci.model.shims[0]._model.modules() if isinstance(m, torch.nn.Dropout)}
        assert rates == {0.3}

    def test_mixed_precision_learns_too(self, demo_docs: list[Doc], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("spacy_keci.ml.mixed_precision.computes_in_bfloat16", lambda device: True)
        nlp = make_pipeline()
        model = {**nlp.get_pipe_config("keci")["model"], "mixed_precision": True}
        nlp = make_pipeline(model=model)
        optimizer = nlp.initialize(lambda: make_examples(nlp, demo_docs))
        losses = [nlp.update(make_examples(nlp, demo_docs), sgd=optimizer)["keci"] for _ in range(30)]
        assert losses[-1] < 0.8 * losses[0]

    def test_gradient_is_the_derivative_of_the_loss(self, demo_docs: list[Doc]) -> None:
        """A small step against the gradient lowers the loss by about its squared length."""
        nlp = make_pipeline()
        nlp.initialize(lambda: make_examples(nlp, demo_docs))
        keci = nlp.get_pipe("keci")
        examples = make_examples(nlp, demo_docs[:5])
        network = keci.model.shims[0]._model
        before = keci.update(examples)["keci"]
        squared = sum(float(p.grad.square().sum()) for p in network.parameters() if p.grad is not None)
        step = 1e-3
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.grad is not None:
                    parameter -= step * parameter.grad
        after = keci.update(examples)["keci"]
        assert before - after == pytest.approx(step * squared, rel=0.05)


class TestUse:
    def test_results_do_not_depend_on_the_batch(
        self, trained: Language, demo_docs: list[Doc], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert_independent_of_batches(trained, demo_docs, monkeypatch)

    @given(st.lists(st.integers(0, 30), max_size=20))
    def test_no_more_tokens_at_once_than_allowed(self, lengths: list[int]) -> None:
        nlp = make_pipeline(max_batch_tokens=20)
        parts: list[list[int]] = []

        def predict(docs: list[Doc]) -> list[Doc]:
            parts.append([len(doc) for doc in docs])
            return docs

        keci: Any = nlp.get_pipe("keci")
        keci.predict, keci.set_annotations = predict, lambda docs, _: None
        docs = [Doc(nlp.vocab, words=["a"] * n) for n in lengths]
        assert list(keci.pipe(docs, batch_size=8)) == docs
        assert [n for part in parts for n in part] == lengths
        assert all(sum(part) <= 20 or len(part) == 1 for part in parts)

    def test_relations_survive_serialisation(self, trained: Language) -> None:
        doc = trained(TEXTS[0])
        relations = [str(relation) for relation in doc._.relations]
        assert relations
        copies = [
            Doc(trained.vocab).from_bytes(doc.to_bytes()),
            pickle.loads(pickle.dumps(doc)),
            next(iter(DocBin().from_bytes(DocBin(docs=[doc]).to_bytes()).get_docs(spacy.blank("en").vocab))),
        ]
        for other in copies:
            assert [str(relation) for relation in get_relations(other)] == relations
            assert graph(other) == graph(doc)

    def test_several_processes(self, trained: Language) -> None:
        texts = TEXTS * 4
        assert_same_graphs(list(trained.pipe(texts, n_process=2, batch_size=4)), list(trained.pipe(texts)))

    @pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
    def test_processes_do_not_wait_for_threads_of_their_parent(self, trained: Language) -> None:
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

    def test_symmetric_relations_are_given_once_in_the_order_of_the_text(self, trained: Language) -> None:
        for doc in trained.pipe(TEXTS):
            pairs = [(r.head.start, r.tail.start) for r in doc._.relations if r.label == "binds"]
            assert all(head <= tail for head, tail in pairs)
            assert len(set(pairs)) == len(pairs)

    def test_settings_edited_in_a_trained_pipeline_take_effect(self, trained: Language, tmp_path: Path) -> None:
        trained.to_disk(tmp_path)
        everything = spacy.load(tmp_path, config={"components": {"keci": {"threshold": 0.0}}})(TEXTS[0])
        assert len(everything.spans["entities"]) == math.ceil(0.5 * len(everything))
        config = (tmp_path / "config.cfg").read_text()
        edited = config.replace('spans_key = "entities"', 'spans_key = "graph"')
        for name in ("relations", "edges"):  # two pipelines with different keys may share the attribute
            (tmp_path / "config.cfg").write_text(edited.replace('"relations"', f'"{name}"'))
            doc = spacy.load(tmp_path)(TEXTS[0])
            assert "entities" not in doc.spans
            assert [str(r) for r in doc._.get(name)] == [str(r) for r in trained(TEXTS[0])._.relations]

    def test_relation_threshold(self, trained: Language) -> None:
        keci = trained.get_pipe("keci")
        try:
            keci.relation_threshold = 0.0
            doc = trained(TEXTS[0])
            n_pairs = len(doc.spans["entities"]) * (len(doc.spans["entities"]) - 1)
            n_directed = len(keci.relation_labels) - len(keci.symmetric)
            assert len(doc._.relations) == n_pairs * n_directed + n_pairs // 2 * len(keci.symmetric)
        finally:
            keci.relation_threshold = None

    def test_long_document(self, trained: Language) -> None:
        doc = trained(" ".join([TEXTS[0]] * 720))
        assert len(doc) > 5000
        spans = {(s.start, s.end) for s in doc.spans["entities"]}
        assert max(end for _, end in spans) > 4900
        distance = trained.get_pipe("keci").max_pair_distance
        assert doc._.relations
        assert all(abs(r.head.start - r.tail.start) <= distance for r in doc._.relations)


class TestBadInput:
    def test_not_initialized(self) -> None:
        with pytest.raises(ValueError, match="initialize"):
            make_pipeline()("MDM2 binds p53.")

    def test_no_entity_types(self) -> None:
        nlp = make_pipeline()
        with pytest.raises(ValueError, match="no entity type"):
            nlp.initialize(lambda: [example_with(nlp, "Nothing here.", [])])

    def test_no_relation_types(self) -> None:
        """Mentions can be learnt without relations."""
        nlp = make_pipeline(symmetric=[])
        examples = [example_with(nlp, "MDM2 binds p53.", [(0, 1, "protein"), (2, 3, "protein")])]
        optimizer = nlp.initialize(lambda: examples)
        for _ in range(30):
            losses = nlp.update(examples, sgd=optimizer)
        assert losses["keci"] < 0.2
        doc = nlp("MDM2 binds p53.")
        assert [s.text for s in doc.spans["entities"]] == ["MDM2", "p53"]
        assert doc._.relations == []

    def test_examples_without_annotation_are_left_out_with_a_warning(self, demo_docs: list[Doc]) -> None:
        nlp = make_pipeline()
        nlp.initialize(lambda: make_examples(nlp, demo_docs))
        bare = nlp.make_doc("No annotation here.")
        with pytest.warns(UserWarning, match="skips them"):
            losses = nlp.update([Example(nlp.make_doc(bare.text), bare)])
        assert losses["keci"] == 0

    def test_an_example_without_annotation_does_not_change_what_others_teach(self, demo_docs: list[Doc]) -> None:
        nlp = make_pipeline()
        nlp.initialize(lambda: make_examples(nlp, demo_docs))
        bare = nlp.make_doc("MDM2 binds p53.")
        keci = nlp.get_pipe("keci")
        alone = keci.update(make_examples(nlp, demo_docs[:2]))["keci"]
        with pytest.warns(UserWarning, match="skips them"):
            together = keci.update(make_examples(nlp, [demo_docs[0], bare, demo_docs[1]]))["keci"]
        assert together == pytest.approx(alone, rel=1e-5)

    def test_relations_that_were_not_annotated_teach_nothing(self, demo_docs: list[Doc]) -> None:
        nlp = make_pipeline()
        nlp.initialize(lambda: make_examples(nlp, demo_docs))
        doc = demo_docs[0].copy()
        del doc.spans["entities"].attrs["relations"]
        nlp.get_pipe("keci").update(make_examples(nlp, [doc]))
        network = nlp.get_pipe("keci").model.shims[0]._model
        assert all(not p.grad.any() for p in network.relations.parameters() if p.grad is not None)
        assert any(p.grad.any() for p in network.entities.parameters() if p.grad is not None)

    @pytest.mark.parametrize("text", ["", " ", "p53"])
    def test_tiny_documents_can_be_trained_on(self, demo_docs: list[Doc], text: str) -> None:
        nlp = make_pipeline()
        optimizer = nlp.initialize(lambda: make_examples(nlp, demo_docs))
        losses = nlp.update([example_with(nlp, text, [])], sgd=optimizer)
        assert np.isfinite(losses["keci"])
        losses = nlp.update([example_with(nlp, text, []), *make_examples(nlp, demo_docs[:2])], sgd=optimizer)
        assert losses["keci"] > 0

    def test_another_text_than_the_gold_has(self, demo_docs: list[Doc]) -> None:
        nlp = make_pipeline()
        nlp.initialize(lambda: make_examples(nlp, demo_docs))
        example = example_with(nlp, "A ( x ) binds y", [(2, 3, "protein")])
        with pytest.raises(ValueError, match=r"'A \( x \) binds y': .* another text, 'A \(x\) binds y'"):
            nlp.update([Example(nlp.make_doc("A (x) binds y"), example.reference)])

    def test_unknown_labels(self, demo_docs: list[Doc]) -> None:
        nlp = make_pipeline()
        nlp.initialize(lambda: make_examples(nlp, demo_docs))
        with pytest.raises(ValueError, match=r"Unknown entity label 'planet'.*initialize"):
            nlp.update([example_with(nlp, "Mars binds p53.", [(0, 1, "planet")])])
        with pytest.raises(ValueError, match=r"Unknown relation label 'orbits'"):
            nlp.update([example_with(nlp, "a b", [(0, 1, "protein"), (1, 2, "protein")], [[0, 1, "orbits", 1.0]])])

    def test_labels_cannot_be_added_later(self, trained: Language) -> None:
        with pytest.raises(ValueError, match="initialized already"):
            trained.get_pipe("keci").add_label("planet")

    def test_unreachable_gold_is_reported(self, demo_docs: list[Doc], log: pytest.LogCaptureFixture) -> None:
        nlp = make_pipeline()
        inside_token = Doc(nlp.vocab, words=["p5", "3", "binds", "DNA"], spaces=[False, True, True, False])
        inside_token.spans["entities"] = SpanGroup(
            inside_token,
            spans=[Span(inside_token, 0, 1, "protein"), Span(inside_token, 3, 4, "DNA")],
            attrs={"relations": [[0, 1, "binds", 1.0]]},
        )
        long = " ".join(["x"] * 9)
        examples = [
            *make_examples(nlp, demo_docs),
            Example(nlp.make_doc(inside_token.text), inside_token),
            example_with(nlp, long, [(0, 9, "protein")]),
        ]
        nlp.initialize(lambda: examples)
        lost = "'keci' cannot learn some of the gold: "
        for reason in (
            "mentions that do not begin and end on tokens (1).",
            "relations of mentions that do not begin and end on tokens (1).",
            "mentions that are not suggested, or have the offsets of another (1).",
        ):
            assert lost + reason in log.text
        assert np.isfinite(nlp.update(examples)["keci"])

    def test_no_room_for_spans(self) -> None:
        with pytest.raises(ValueError, match=r"spans_per_token of 'keci' must be above 0, but it is 0"):
            make_pipeline(spans_per_token=0)

    def test_without_an_optimizer(self, demo_docs: list[Doc]) -> None:
        """Gradients are added up, as in all of spaCy's components."""
        nlp = make_pipeline()
        nlp.initialize(lambda: make_examples(nlp, demo_docs))
        keci = nlp.get_pipe("keci")
        for sgd in (None, False):
            assert keci.update(make_examples(nlp, demo_docs[:2]), sgd=sgd)["keci"] > 0

    def test_multi_label_is_learnt(self, trained: Language) -> None:
        other = make_pipeline(multi_label=False).from_bytes(trained.to_bytes())
        with pytest.raises(ValueError, match=r"multi_label .* is false, but its weights were learned with true"):
            other("FK506 binds FKBP12.")

    def test_a_taken_extension_name(self) -> None:
        Doc.set_extension("taken", default=None)
        try:
            with pytest.raises(ValueError, match="relations_attr"):
                make_pipeline(relations_attr="taken")
        finally:
            Doc.remove_extension("taken")

    def test_a_threshold_that_is_no_probability(self) -> None:
        with pytest.raises(ValueError, match="threshold"):
            make_pipeline(threshold=1.5)

    def test_spans_longer_than_the_model_was_built_for(self, demo_docs: list[Doc]) -> None:
        nlp = make_pipeline(suggester={"@misc": "spacy_keci.SentenceSpanSuggester.v1", "max_length": 9})
        nlp.initialize(lambda: make_examples(nlp, demo_docs))
        with pytest.raises(ValueError, match="max_span_length"):
            nlp(demo_docs[1].text)


def example_with(nlp: Language, text: str, mentions: list, relations: list | None = None) -> Example:
    doc = nlp.make_doc(text)
    spans = [Span(doc, start, end, label=label) for start, end, label in mentions]
    doc.spans["entities"] = SpanGroup(doc, spans=spans, attrs={"relations": relations or []})
    return Example(nlp.make_doc(text), doc)


def has_nested_mentions(doc: Doc) -> bool:
    spans = list(doc.spans["entities"])
    return any(a.start <= b.start and b.end <= a.end and len(a) > len(b) for a in spans for b in spans)


def test_labels_round_trip_through_init_labels(demo_docs: list[Doc]) -> None:
    nlp = make_pipeline()
    nlp.initialize(lambda: make_examples(nlp, demo_docs))
    labels = nlp.get_pipe("keci").label_data
    assert labels["entities"] and labels["relations"]
    other = make_pipeline()
    other.config["initialize"]["components"]["keci"] = {"labels": labels}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        other.initialize(lambda: make_examples(other, demo_docs))
    assert other.get_pipe("keci").label_data == labels
