"""What every extractor must pass. See also given mentions, thresholds, and by_sentence, in files of their own."""

import pickle
import warnings
from functools import cache
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span, SpanGroup
from spacy.training import Example

from spacy_keci import get_relations

from .systems import (
    SYSTEMS,
    TEXTS,
    TOK2VEC,
    assert_gradient_is_the_derivative_of_the_loss,
    assert_independent_of_batches,
    assert_same_graphs,
    example_with,
    graph,
    initialized,
    make_examples,
    make_pipeline,
    small_config,
    train,
)


@cache
def pipeline_of_short_batches(system: str) -> Language:
    return make_pipeline(system, max_batch_tokens=20)


SENTENCE_CNN = {**TOK2VEC, "@architectures": "spacy_keci.SentenceCNN.v1", "depth": 1}


def graph_of_words(doc: Doc) -> tuple[list, list, list]:
    """As :func:`graph`, in words instead of characters, and the scores."""
    group = doc.spans["entities"]
    words = np.cumsum([not token.is_space for token in doc])
    mentions = [(int(words[s.start]), int(words[s.end - 1]), s.label_) for s in group]
    relations = group.attrs["relations"]
    return mentions, [row[:3] for row in relations], [*group.attrs["scores"], *(row[3] for row in relations)]


def network(nlp: Language, system: str) -> Any:
    return nlp.get_pipe(system).model.shims[0]._model  # type: ignore[attr-defined]


class TestLearning:
    def test_overfits_and_reloads(self, system: str, trained_one: Language, docs: list[Doc], tmp_path: Path) -> None:
        scores = trained_one.evaluate(make_examples(trained_one, docs))
        assert scores["entities_micro_f"] >= 0.98
        assert scores["relations_micro_f"] >= 0.98
        trained_one.to_disk(tmp_path)
        texts = [doc.text for doc in docs]
        assert_same_graphs(list(trained_one.pipe(texts)), list(spacy.load(tmp_path).pipe(texts)))
        other = make_pipeline(system).from_bytes(trained_one.to_bytes())
        assert_same_graphs(list(trained_one.pipe(texts)), list(other.pipe(texts)))

    def test_training_is_deterministic(self, system: str, docs: list[Doc]) -> None:
        first, second = (train(make_pipeline(system), docs, epochs=2) for _ in range(2))
        weights = [network(nlp, system).state_dict() for nlp in (first, second)]
        for name, tensor in weights[0].items():
            torch.testing.assert_close(tensor, weights[1][name], rtol=0, atol=0)

    def test_dropout_reaches_torch(self, system: str, docs: list[Doc]) -> None:
        nlp = initialized(system, docs)
        nlp.update(make_examples(nlp, docs[:2]), drop=0.3)
        assert {m.p for m in network(nlp, system).modules() if isinstance(m, torch.nn.Dropout)} == {0.3}

    def test_mixed_precision_learns_too(self, system: str, docs: list[Doc], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("spacy_keci.ml.mixed_precision.computes_in_bfloat16", lambda device: True)
        model = {**make_pipeline(system).get_pipe_config(system)["model"], "mixed_precision": True}
        nlp = make_pipeline(system, model=model, entity_steps=0)
        optimizer = nlp.initialize(lambda: make_examples(nlp, docs))
        losses = [nlp.update(make_examples(nlp, docs), sgd=optimizer)[system] for _ in range(30)]
        assert losses[-1] < 0.8 * losses[0]

    def test_gradient_is_the_derivative_of_the_loss(self, system: str, docs: list[Doc]) -> None:
        nlp = initialized(system, docs, entity_steps=0)
        assert_gradient_is_the_derivative_of_the_loss(nlp.get_pipe(system), make_examples(nlp, docs[:5]))

    def test_without_an_optimizer(self, system: str, docs: list[Doc]) -> None:
        """Gradients are added up, as in all of spaCy's components."""
        nlp = initialized(system, docs)
        pipe: Any = nlp.get_pipe(system)
        for sgd in (None, False):
            assert pipe.update(make_examples(nlp, docs[:2]), sgd=sgd)[system] > 0

    def test_relation_labels_are_not_needed(self, system: str) -> None:
        """Mentions can be learned without relations."""
        nlp = make_pipeline(system, symmetric=[])
        examples = [example_with(nlp, "MDM2 binds p53.", [(0, 1, "protein"), (2, 3, "protein")])]
        optimizer = nlp.initialize(lambda: examples)
        for _ in range(30):
            losses = nlp.update(examples, sgd=optimizer)
        assert losses[system] < 0.2
        doc = nlp("MDM2 binds p53.")
        assert [s.text for s in doc.spans["entities"]] == ["MDM2", "p53"]
        assert doc._.relations == []

    def test_scores_are_learned_as_probabilities(
        self, system: str, docs: list[Doc], log: pytest.LogCaptureFixture
    ) -> None:
        taught = [doc.copy() for doc in docs]
        for doc in taught:
            group = doc.spans["entities"]
            group.attrs["relations"] = [[*row[:3], 0.7] for row in group.attrs["relations"]]
        for learn_scores, expected in ((True, 0.7), (False, 1.0)):
            nlp = train(make_pipeline(system, learn_scores=learn_scores), taught, SYSTEMS[system].epochs)
            found = [r.score for doc in nlp.pipe(doc.text for doc in docs) for r in doc._.relations]
            assert len(found) > 10
            assert np.mean(found) == pytest.approx(expected, abs=0.1)
            assert ("scores of gold mentions and relations are below 1" in log.text) != learn_scores

    def test_given_mentions_are_certain(self, system: str, docs: list[Doc]) -> None:
        nlp = initialized(system, docs, learn_scores=True, entities_from="given")
        taught = docs[0].copy()
        group = taught.spans["entities"]
        group.attrs["scores"] = [0.7] * len(group)
        (example,) = make_examples(nlp, [taught])
        example.predicted.spans["given"] = [example.predicted[m.start : m.end] for m in group]
        assert np.isfinite(nlp.get_pipe(system).update([example])[system])  # type: ignore[attr-defined]

    @pytest.mark.parametrize("text", ["", " ", "p53"])
    def test_tiny_documents_can_be_trained_on(self, system: str, docs: list[Doc], text: str) -> None:
        nlp = initialized(system, docs)
        optimizer = nlp.resume_training()
        losses = nlp.update([example_with(nlp, text, [])], sgd=optimizer)
        assert np.isfinite(losses[system])
        losses = nlp.update([example_with(nlp, text, []), *make_examples(nlp, docs[:2])], sgd=optimizer)
        assert losses[system] > 0

    def test_labels_round_trip_through_init_labels(self, system: str, docs: list[Doc]) -> None:
        labels = initialized(system, docs).get_pipe(system).label_data
        assert labels["entities"] and labels["relations"]
        other = make_pipeline(system)
        other.config["initialize"]["components"][system] = {"labels": labels}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            other.initialize(lambda: make_examples(other, docs))
        assert other.get_pipe(system).label_data == labels

    def test_labels_cannot_be_added_later(self, system: str, trained_one: Language) -> None:
        with pytest.raises(ValueError, match="initialized already"):
            trained_one.get_pipe(system).add_label("planet")

    def test_initializes_from_labels_alone_and_again_with_others(self, system: str) -> None:
        nlp = make_pipeline(system)
        extractor: Any = nlp.get_pipe(system)
        for labels in ({"entities": ["A"], "relations": ["r"]}, {"entities": ["B", "C"], "relations": ["s"]}):
            extractor.initialize(lambda: [], nlp=nlp, labels=labels)
            assert extractor.is_initialized
            assert extractor.label_data == labels


class TestUse:
    def test_results_do_not_depend_on_the_batch(
        self, trained_one: Language, docs: list[Doc], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert_independent_of_batches(trained_one, docs, monkeypatch)

    @settings(max_examples=25)
    @given(st.lists(st.integers(0, 30), max_size=20))
    def test_no_more_tokens_at_once_than_allowed(self, system: str, lengths: list[int]) -> None:
        nlp = pipeline_of_short_batches(system)
        parts: list[list[int]] = []

        def predict(docs: list[Doc]) -> list[Doc]:
            parts.append([len(doc) for doc in docs])
            return docs

        pipe: Any = nlp.get_pipe(system)
        pipe.predict, pipe.set_annotations = predict, lambda docs, _: None
        docs = [Doc(nlp.vocab, words=["a"] * n) for n in lengths]
        assert list(pipe.pipe(docs, batch_size=8)) == docs
        assert [n for part in parts for n in part] == lengths
        assert all(sum(part) <= 20 or len(part) == 1 for part in parts)

    def test_white_space_changes_nothing(self, system: str, docs: list[Doc]) -> None:
        """Nor do wrapped lines. They count neither for the lengths of spans nor for distances."""
        nlp = train(make_pipeline(system, model=small_config(system, SENTENCE_CNN)["model"]), docs, 25)
        nlp.add_pipe("biomedical_sentencizer", first=True)
        text = " ".join(doc.text for doc in docs)
        spaced = [text.replace(" ", blank) for blank in ("\u00a0", "  ", " \u2009 ")]
        plain, *others = nlp.pipe([text, *spaced, fill(text, 70, break_on_hyphens=False)])
        expected = graph_of_words(plain)
        assert len(expected[0]) > 40 and len(expected[1]) > 15
        for doc in others:
            assert any(token.is_space for token in doc)
            found = graph_of_words(doc)
            assert found[:2] == expected[:2]
            np.testing.assert_allclose(found[2], expected[2], atol=1e-4)

    def test_mentions_of_nothing_but_white_space(self, system: str, docs: list[Doc]) -> None:
        nlp = initialized(system, docs, entities_from="given")
        doc = nlp.make_doc("p53  binds")
        doc.spans["given"] = [Span(doc, *each, label="protein") for each in ((0, 1), (1, 2), (0, 2))]
        assert [(s.start, s.end) for s in nlp(doc).spans["entities"]] == [(0, 1), (1, 2), (0, 2)]
        example = example_with(nlp, doc.text, [(0, 1, "protein")])
        example.predicted.spans["given"] = doc.spans["given"].copy(example.predicted)
        assert np.isfinite(nlp.update([example])[system])

    def test_given_mentions_with_white_space_at_their_ends(self, system: str, docs: list[Doc]) -> None:
        nlp = initialized(system, docs, entities_from="given", relation_threshold=0.0, multi_label=False)
        doc, offsets = nlp.make_doc("p53  binds  DNA"), [(0, 2), (1, 3), (2, 3), (3, 5)]
        doc.spans["given"] = [Span(doc, *each, label="protein") for each in offsets]
        group = nlp(doc).spans["entities"]
        assert [(s.start, s.end) for s in group] == offsets
        assert len({frozenset(row[:2]) for row in group.attrs["relations"]}) == 6
        example = example_with(nlp, doc.text, [(*each, "protein") for each in offsets], [[0, 3, "binds", 1.0]])
        example.predicted.spans["given"] = doc.spans["given"].copy(example.predicted)
        assert np.isfinite(nlp.update([example])[system])

    def test_relations_survive_serialisation(self, trained_one: Language) -> None:
        doc = trained_one(TEXTS[0])
        relations = [str(relation) for relation in doc._.relations]
        assert relations
        copies = [
            Doc(trained_one.vocab).from_bytes(doc.to_bytes()),
            pickle.loads(pickle.dumps(doc)),
            next(iter(DocBin().from_bytes(DocBin(docs=[doc]).to_bytes()).get_docs(spacy.blank("en").vocab))),
        ]
        for other in copies:
            assert [str(relation) for relation in get_relations(other)] == relations
            assert graph(other) == graph(doc)

    def test_several_processes(self, trained_one: Language) -> None:
        texts = TEXTS * 4
        assert_same_graphs(list(trained_one.pipe(texts, n_process=2, batch_size=4)), list(trained_one.pipe(texts)))

    def test_scores_are_probabilities(self, trained_one: Language, docs: list[Doc]) -> None:
        for doc in trained_one.pipe(doc.text for doc in docs):
            group = doc.spans["entities"]
            assert len(group.attrs["scores"]) == len(group)
            assert all(0 <= score <= 1 for score in [*group.attrs["scores"], *(r.score for r in doc._.relations)])

    def test_symmetric_relations_are_given_once_in_the_order_of_the_text(self, trained_one: Language) -> None:
        for doc in trained_one.pipe(TEXTS):
            pairs = [(r.head.start, r.tail.start) for r in doc._.relations if r.label == "binds"]
            assert all(head <= tail for head, tail in pairs)
            assert len(set(pairs)) == len(pairs)

    def test_settings_edited_in_a_trained_pipeline_take_effect(
        self, system: str, trained_one: Language, docs: list[Doc], tmp_path: Path
    ) -> None:
        trained_one.to_disk(tmp_path)

        def count(**settings: Any) -> tuple[int, int]:
            nlp = spacy.load(tmp_path, config={"components": {system: settings}})
            found = list(nlp.pipe(doc.text for doc in docs))
            return sum(len(doc.spans["entities"]) for doc in found), sum(len(doc._.relations) for doc in found)

        mentions, relations = count()
        assert count(threshold=0.0)[0] > mentions > 0
        assert count(max_pair_distance=2)[1] < relations
        config = (tmp_path / "config.cfg").read_text()
        edited = config.replace('spans_key = "entities"', 'spans_key = "graph"')
        (tmp_path / "config.cfg").write_text(edited)
        other = spacy.load(tmp_path)  # in one process with a pipeline that has another key
        found = list(other.pipe(doc.text for doc in docs))
        assert sum(len(doc.spans["graph"]) for doc in found) == mentions
        assert sum(len(doc._.relations) for doc in found) == relations

    def test_relation_threshold(self, system: str, trained_one: Language, monkeypatch: pytest.MonkeyPatch) -> None:
        pipe: Any = trained_one.get_pipe(system)
        monkeypatch.setattr(pipe, "relation_threshold", 0.0)
        doc = trained_one(TEXTS[0])
        n_pairs = len(doc.spans["entities"]) * (len(doc.spans["entities"]) - 1)
        n_directed = len(pipe.relation_labels) - len(pipe.symmetric)
        assert len(doc._.relations) == n_pairs * n_directed + n_pairs // 2 * len(pipe.symmetric)

    def test_long_document(self, system: str, trained_one: Language) -> None:
        doc = trained_one(" ".join([TEXTS[0]] * 720))
        assert len(doc) > 5000
        spans = {(s.start, s.end) for s in doc.spans["entities"]}
        assert max(end for _, end in spans) > 4900
        distance = trained_one.get_pipe(system).max_pair_distance  # type: ignore[attr-defined]
        assert doc._.relations
        assert all(abs(r.head.start - r.tail.start) <= distance for r in doc._.relations)


class TestBadInput:
    def test_not_initialized(self, system: str) -> None:
        with pytest.raises(ValueError, match="initialize"):
            make_pipeline(system)("MDM2 binds p53.")

    def test_no_entity_types(self, system: str) -> None:
        nlp = make_pipeline(system)
        with pytest.raises(ValueError, match="no entity type"):
            nlp.initialize(lambda: [example_with(nlp, "Nothing here.", [])])

    def test_examples_without_annotation_are_left_out_with_a_warning(self, system: str, docs: list[Doc]) -> None:
        nlp = initialized(system, docs)
        bare = nlp.make_doc("No annotation here.")
        with pytest.warns(UserWarning, match="skips them"):
            losses = nlp.update([Example(nlp.make_doc(bare.text), bare)])
        assert losses[system] == 0

    def test_an_example_without_annotation_does_not_change_what_others_teach(
        self, system: str, docs: list[Doc]
    ) -> None:
        nlp = initialized(system, docs, entity_steps=0)
        bare = nlp.make_doc("MDM2 binds p53.")
        pipe: Any = nlp.get_pipe(system)
        alone = pipe.update(make_examples(nlp, docs[:2]))[system]
        with pytest.warns(UserWarning, match="skips them"):
            together = pipe.update(make_examples(nlp, [docs[0], bare, docs[1]]))[system]
        assert together == pytest.approx(alone, rel=1e-5)

    def test_relations_that_were_not_annotated_teach_nothing(self, system: str, docs: list[Doc]) -> None:
        nlp = initialized(system, docs, entity_steps=0)
        doc = docs[0].copy()
        del doc.spans["entities"].attrs["relations"]
        pipe: Any = nlp.get_pipe(system)
        pipe.update(make_examples(nlp, [doc]))
        parts = network(nlp, system)
        assert not any(p.grad.any() for p in parts.relations.parameters() if p.grad is not None)
        mentions = getattr(parts, SYSTEMS[system].mentions)
        assert any(p.grad.any() for p in mentions.parameters() if p.grad is not None)

    def test_another_text_than_the_gold_has(self, system: str, docs: list[Doc]) -> None:
        nlp = initialized(system, docs)
        example = example_with(nlp, "A ( x ) binds y", [(2, 3, "protein")])
        with pytest.raises(ValueError, match=r"'A \( x \) binds y': .* another text, 'A \(x\) binds y'"):
            nlp.update([Example(nlp.make_doc("A (x) binds y"), example.reference)])

    def test_unknown_labels(self, system: str, docs: list[Doc]) -> None:
        nlp = initialized(system, docs)
        with pytest.raises(ValueError, match=r"Unknown entity label 'planet'.*initialize"):
            nlp.update([example_with(nlp, "Mars binds p53.", [(0, 1, "planet")])])
        with pytest.raises(ValueError, match=r"Unknown relation label 'orbits'"):
            nlp.update([example_with(nlp, "a b", [(0, 1, "protein"), (1, 2, "protein")], [[0, 1, "orbits", 1.0]])])

    def test_unknown_labels_of_scored_texts_are_told_once(self, system: str, docs: list[Doc]) -> None:
        nlp = initialized(system, docs)
        mentions = [(0, 1, "planet"), (2, 3, "protein")]
        example = example_with(nlp, "Mars orbits p53.", mentions, [[0, 1, "orbits", 1.0]])
        with pytest.warns(UserWarning, match="labels that") as told:
            nlp.evaluate([example])
            nlp.evaluate([example])
        texts = [str(each.message) for each in told if "count as missed" in str(each.message)]
        assert len(texts) == 2 and "1 of 2 gold mentions" in texts[0] and "planet (1)" in texts[0]
        assert f"1 of 1 gold relations have labels that '{system}' does not have" in texts[1]

    def test_unreachable_gold_is_reported(self, system: str, docs: list[Doc], log: pytest.LogCaptureFixture) -> None:
        nlp = make_pipeline(system, max_pair_distance=5, multi_label=False)
        inside_token = Doc(nlp.vocab, words=["p5", "3", "binds", "DNA"], spaces=[False, True, True, False])
        inside_token.spans["entities"] = SpanGroup(
            inside_token,
            spans=[Span(inside_token, 0, 1, "protein"), Span(inside_token, 3, 4, "DNA")],
            attrs={"relations": [[0, 1, "binds", 1.0]]},
        )
        mentions = [(0, 1, "protein"), (7, 8, "protein")]
        far = example_with(nlp, "a b c d e f g h", mentions, [[0, 1, "binds", 1.0]])
        twice = example_with(nlp, "a b", [(0, 1, "drug"), (1, 2, "DNA")], [[0, 1, "x", 1.0], [0, 1, "y", 1.0]])
        near = example_with(nlp, "a  b  c  d  e", [(0, 1, "protein"), (8, 9, "protein")], [[0, 1, "binds", 1.0]])
        examples = [Example(nlp.make_doc(inside_token.text), inside_token), far, twice, near]
        nlp.initialize(lambda: examples)
        for reason in (
            "mentions that do not begin and end on tokens (1).",
            "relations of mentions that do not begin and end on tokens (1).",
            "relations over more than max_pair_distance words (1).",
            "further relations of one pair (set multi_label = true) (1).",
        ):
            assert f"'{system}' cannot learn some of the gold: {reason}" in log.text
        log.clear()
        assert np.isfinite(nlp.update(examples)[system])
        assert "so far" not in log.text
        # what is trained further is not initialized
        other = make_pipeline(system, max_pair_distance=5, multi_label=False).from_bytes(nlp.to_bytes())
        for n in (1, 2, 3):
            log.clear()
            other.update(examples)
            reported = f"gold in its batches so far: mentions that do not begin and end on tokens ({n})." in log.text
            assert reported == (n < 3)

    def test_multi_label_is_learned(self, system: str, trained_one: Language) -> None:
        other = make_pipeline(system, multi_label=False).from_bytes(trained_one.to_bytes())
        with pytest.raises(ValueError, match=r"multi_label .* is false, but its weights were trained with true"):
            other("FK506 binds FKBP12.")

    @pytest.mark.parametrize("entities_from", [None, "entities"])
    def test_the_graph_of_an_earlier_extractor_is_replaced(
        self, system: str, docs: list[Doc], entities_from: str | None
    ) -> None:
        nlp = make_pipeline(system)
        name = nlp.pipe_names[-1]
        nlp.add_pipe(system, name="second", config={**small_config(system), "entities_from": entities_from})
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            nlp.initialize(lambda: make_examples(nlp, docs))
        said = [str(each.message) for each in found if "replaces" in str(each.message)]
        assert len(said) == (entities_from is None)
        assert all(f"'second' replaces doc.spans['entities'] of '{name}'" in text for text in said)

    def test_a_taken_extension_name(self, system: str) -> None:
        Doc.set_extension("taken", default=None)
        try:
            with pytest.raises(ValueError, match="relations_attr"):
                make_pipeline(system, relations_attr="taken")
        finally:
            Doc.remove_extension("taken")
