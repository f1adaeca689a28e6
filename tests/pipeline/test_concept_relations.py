import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.tokens.underscore import Underscore
from spacy.training import Example
from spacy.util import fix_random_seed
from spacy.vocab import Vocab

from spacy_keci import get_relations
from spacy_keci.pipeline.start_from import start_from
from spacy_keci.tokenizer import create_biomedical_tokenizer

from .abstracts import make_abstracts, make_given, predict, train
from .systems import assert_gradient_is_the_derivative_of_the_loss

TINY: dict[str, Any] = {
    "symmetric": ["Bind"],
    "model": {
        "@architectures": "spacy_keci.ConceptPairs.v1",
        "hidden_width": 48,
        "context_width": 48,
        "context_margin": 3,
        "tok2vec": {
            "@architectures": "spacy.HashEmbedCNN.v2",
            "pretrained_vectors": None,
            "width": 48,
            "depth": 2,
            "embed_size": 500,
            "window_size": 1,
            "maxout_pieces": 2,
            "subword_features": True,
        },
    },
}


def make_pipeline(**settings: Any) -> Language:
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.tokenizer = create_biomedical_tokenizer()(nlp)
    model = {**TINY["model"], **settings.pop("model", {})}
    nlp.add_pipe("concept_relations", config={**TINY, **settings, "model": model})
    return nlp


def rows(doc: Doc) -> list[tuple]:
    group = doc.spans["entities"]
    ids = group.attrs["cluster_ids"]
    return in_order((ids[a], ids[b], label, novelty) for a, b, label, _, novelty, _ in group.attrs["interactions"])


def in_order(relations: Iterable[tuple]) -> list[tuple]:
    """Binding has no direction."""
    return [(*sorted(row[:2]), *row[2:]) if row[2] == "Bind" else row for row in relations]


def scores(docs: list[Doc]) -> list[float]:
    return [row[3] for doc in docs for row in doc.spans["entities"].attrs["interactions"]]


def gold_rows(doc: Doc) -> list[tuple]:
    group = doc.spans["entities"]
    ids = [group[members[0]].kb_id_ for members in group.attrs["clusters"]]
    return in_order((ids[a], ids[b], label, novelty) for a, b, label, _, novelty in group.attrs["interactions"])


@pytest.fixture(scope="module")
def golds() -> list[Doc]:
    nlp = spacy.blank("en")
    nlp.tokenizer = create_biomedical_tokenizer()(nlp)
    return make_abstracts(nlp)


@pytest.fixture(scope="module")
def trained(golds: list[Doc]) -> Language:
    """A pipeline that knows the abstracts by heart. Tests must not change it."""
    nlp = make_pipeline()
    train(nlp, golds, 40)
    return nlp


class TestLearning:
    def test_overfits_and_reloads(self, trained: Language, golds: list[Doc], tmp_path: Path) -> None:
        found = trained.evaluate(make_given(trained, golds))
        for table in ("pair", "typed", "full"):
            assert found[f"concepts_{table}_f"] == 1.0
        docs = predict(trained, golds)
        for doc, gold in zip(docs, golds, strict=True):
            assert rows(doc) == gold_rows(gold)
        trained.to_disk(tmp_path)
        for other in (spacy.load(tmp_path), make_pipeline().from_bytes(trained.to_bytes())):
            again = predict(other, golds)
            assert [rows(doc) for doc in again] == [rows(doc) for doc in docs]
            np.testing.assert_allclose(scores(again), scores(docs), atol=1e-5)

    def test_what_the_data_says_is_learnt(self, trained: Language) -> None:
        component = trained.get_pipe("concept_relations")
        assert component.labels == ("Gene", "Disease")
        assert component.relation_labels == ("Negative", "Bind", "Positive")
        assert component.cfg["pair_types"] == [["Gene", "Gene"], ["Gene", "Disease"]]
        assert component.novelties == ("No", "Novel")

    def test_directions_are_learnt(self, trained: Language, golds: list[Doc]) -> None:
        """ "A inhibits B" has a direction, and A may be named first or second in the text."""
        inhibits = [gold for gold in golds if "inhibits" in gold.text]
        orders = set()
        for doc, gold in zip(predict(trained, inhibits), inhibits, strict=True):
            (head, tail, *_), ids = gold_rows(gold)[0], doc.spans["entities"].attrs["cluster_ids"]
            assert rows(doc) == gold_rows(gold)
            orders.add(ids.index(head) < ids.index(tail))
        assert orders == {True, False}

    def test_relations_without_novelty(self, golds: list[Doc]) -> None:
        nlp = make_pipeline()
        plain = [gold.copy() for gold in golds[:4]]
        for gold in plain:
            attrs = gold.spans["entities"].attrs
            attrs["interactions"] = [row[:4] for row in attrs["interactions"]]
        train(nlp, plain, 2)
        assert nlp.get_pipe("concept_relations").novelties == ()
        nlp.get_pipe("concept_relations").relation_threshold = 0.0
        assert {row[3] for doc in predict(nlp, plain) for row in rows(doc)} == {""}

    def test_texts_without_annotated_relations_teach_nothing(self, golds: list[Doc]) -> None:
        nlp = make_pipeline()
        train(nlp, golds, 1)
        unknown = golds[0].copy()
        group = unknown.spans["entities"]
        for name in ("relations", "interactions"):
            del group.attrs[name]
        component = nlp.get_pipe("concept_relations")
        assert component.update(make_given(nlp, [unknown]))["concept_relations"] == 0.0
        assert all(p.grad is None or not p.grad.any() for p in component.network.parameters())
        assert component.update(make_given(nlp, golds[:1]))["concept_relations"] > 0.0

    @pytest.mark.parametrize("learn_scores", [True, False])
    def test_scores_of_gold_relations_are_probabilities(self, golds: list[Doc], learn_scores: bool) -> None:
        nlp = make_pipeline(learn_scores=learn_scores)
        train(nlp, golds, 1)
        taught = golds[0].copy()  # BRCA1 or another gene causes a disease
        group = taught.spans["entities"]
        ((head, tail, label, _, novelty),) = group.attrs["interactions"]
        rows = [[head, tail, label, 0.5, novelty], [head, tail, "Negative", 0.2, novelty]]
        group.attrs["interactions"] = rows
        component = nlp.get_pipe("concept_relations")
        (example,) = make_given(nlp, [taught])
        X = component.make_input([example.predicted], component.mentions_to_learn([example]), is_train=True)
        targets = component.read_gold([example], X).targets
        (related,) = np.flatnonzero(targets[:, 0] < 1)
        numbers = [1 + component.relation_labels.index(name) for name in (label, "Negative")]
        expected = [0.3, 0.5, 0.2] if learn_scores else [0, 1, 1]
        assert targets[related, [0, *numbers]] == pytest.approx(expected)
        if not learn_scores:
            return
        np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)

    def test_gradient_is_the_derivative_of_the_loss(self, golds: list[Doc]) -> None:
        nlp = make_pipeline()
        nlp.initialize(lambda: make_given(nlp, golds))
        component = nlp.get_pipe("concept_relations")
        assert_gradient_is_the_derivative_of_the_loss(component, make_given(nlp, golds[:6]))

    def test_starts_from_a_pipeline_with_fewer_labels(self, golds: list[Doc]) -> None:
        few = [gold for gold in golds if gold.spans["entities"].attrs["interactions"][0][2] != "Bind"]
        train(known := make_pipeline(), few, 2)
        nlp = make_pipeline()
        nlp.initialize(lambda: make_given(nlp, golds))
        start_from(nlp, known)
        pipe, source = nlp.get_pipe("concept_relations"), known.get_pipe("concept_relations")
        assert set(pipe.relation_labels) - set(source.relation_labels) == {"Bind"}
        new, old = (each.network.state_dict() for each in (pipe, source))
        torch.testing.assert_close(new["mentions.weight"], old["mentions.weight"], rtol=0, atol=0)
        for i, label in enumerate(source.relation_labels):
            row = new["classifier.3.weight"][1 + pipe.relation_labels.index(label)]
            torch.testing.assert_close(row, old["classifier.3.weight"][1 + i], rtol=0, atol=0)

    @pytest.mark.parametrize("loss", ["supcon", "triplet"])
    @pytest.mark.parametrize("source", ["batch", "memory", "mined"])
    def test_contrastive_losses(self, golds: list[Doc], loss: str, source: str, tmp_path: Path) -> None:
        pytest.importorskip("pytorch_metric_learning", reason="needs the extra 'contrastive'")
        negatives = {"@misc": "spacy_keci.HardNegatives.v1", "source": source, "hardest": 4, "refresh_every": 2}
        contrastive = {"@misc": "spacy_keci.Contrastive.v1", "loss": loss, "negatives": negatives, "width": 16}
        nlp = make_pipeline(model={"contrastive": contrastive})
        losses = train(nlp, golds, 8)
        assert losses[-1] < 0.7 * losses[0]
        nlp.to_disk(tmp_path)
        expected = scores(predict(nlp, golds))
        for setting in (contrastive, None, {**contrastive, "width": 8}):
            again = spacy.load(tmp_path, config={"components.concept_relations.model.contrastive": setting})
            np.testing.assert_allclose(scores(predict(again, golds)), expected, atol=1e-5)

    def test_relations_that_are_out_of_reach_are_counted(self, golds: list[Doc], log: pytest.LogCaptureFixture) -> None:
        nlp = make_pipeline(level="mention")
        split = Doc(nlp.vocab, ["p53", "less", "glioma"], [False, True, False])
        split.spans["entities"] = [split[0:1], split[2:3]]
        split.spans["entities"].attrs["relations"] = [[0, 1, "Positive", 1.0]]
        examples = [*make_given(nlp, golds), Example(Doc(nlp.vocab, ["p53less", "glioma"], [True, False]), split)]
        nlp.initialize(lambda: examples)
        assert "of concepts or mentions that are not given (1)" in log.text
        n_lost, n_all = 1, sum(len(each.reference.spans["entities"].attrs["relations"]) for each in examples)
        for example in examples[:4]:
            n_lost += len(example.reference.spans["entities"].attrs["relations"])
            example.predicted.spans["entities"] = []
        nlp.update(examples)
        assert f"cannot learn {100 * n_lost / n_all:.1f}% of the gold relations in its batches so far: th" in log.text

    def test_no_contrastive_loss_with_a_weight_of_0(self, golds: list[Doc]) -> None:
        contrastive = {"@misc": "spacy_keci.Contrastive.v1", "weight": 0.0}
        off, without = (train(make_pipeline(model={"contrastive": each}), golds, 3) for each in (contrastive, None))
        assert off == without

    def test_contrastive_vectors_of_one_label_lie_together(self, golds: list[Doc]) -> None:
        pytest.importorskip("pytorch_metric_learning", reason="needs the extra 'contrastive'")
        nlp = make_pipeline(model={"contrastive": {"@misc": "spacy_keci.Contrastive.v1", "weight": 3.0}})
        train(nlp, golds, 25)
        component = nlp.get_pipe("concept_relations")
        examples = make_given(nlp, golds)
        X = component.make_input(
            [each.predicted for each in examples],
            [list(each.predicted.spans["entities"]) for each in examples],
            is_train=True,
        )
        ((_, output),), _ = component.model.begin_update(X)
        labels = component.read_gold(examples, X).targets.argmax(axis=1)
        vectors = output.projected.vectors.detach().numpy()
        similar, same = vectors @ vectors.T, labels[:, None] == labels
        related = (labels > 0)[:, None] & (labels > 0) & ~np.eye(len(labels), dtype=bool)
        assert similar[related & same].mean() > similar[related & ~same].mean() + 0.5


class TestUse:
    def test_a_taken_extension_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Underscore, "doc_extensions", {})
        Doc.set_extension("interactions", default=None)
        with pytest.raises(ValueError, match="interactions_attr in the settings"):
            make_pipeline()
        make_pipeline(interactions_attr="pairs")
        assert Doc(Vocab())._.pairs == []

    def test_results_do_not_depend_on_the_batch(
        self, trained: Language, golds: list[Doc], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        component = trained.get_pipe("concept_relations")
        monkeypatch.setattr(component, "relation_threshold", 0.0)
        whole = predict(trained, golds, batch_size=64)
        small = predict(trained, golds, batch_size=1)
        monkeypatch.setattr(component, "max_batch_tokens", 30)
        monkeypatch.setattr(component, "max_batch_pairs", 2)
        parts = predict(trained, golds, batch_size=64)
        assert len(scores(whole)) > len(golds)
        for others in (small, parts):
            assert [rows(doc) for doc in others] == [rows(doc) for doc in whole]
            np.testing.assert_allclose(scores(others), scores(whole), atol=1e-5)
            for doc, other in zip(whole, others, strict=True):
                for row, same in zip(
                    doc.spans["entities"].attrs["interactions"],
                    other.spans["entities"].attrs["interactions"],
                    strict=True,
                ):
                    assert [pair[:2] for pair in row[5]] == [pair[:2] for pair in same[5]]

    def test_mentions_of_unknown_types(self, trained: Language, golds: list[Doc]) -> None:
        (doc,) = (each.predicted for each in make_given(trained, golds[:1]))
        doc.spans["entities"] = [Span(doc, m.start, m.end, "GENE", m.kb_id_) for m in doc.spans["entities"]]
        with pytest.warns(UserWarning, match="not learned mentions of the type 'GENE', .* It knows: Gene, Disease"):
            assert not get_relations(trained(doc))

    def test_a_long_document_is_read_whole(self, trained: Language, golds: list[Doc]) -> None:
        """A relation of the last sentence is found behind thousands of tokens."""
        nlp, gold = trained, golds[0]
        filler = "Nothing was found in the other patients , whose samples had been lost . " * 400
        doc = nlp.make_doc(filler + gold.text)
        doc.spans["entities"] = [
            doc.char_span(len(filler) + m.start_char, len(filler) + m.end_char, m.label_, m.kb_id_)
            for m in gold.spans["entities"]
        ]
        assert len(doc) > 5000
        assert [row[:3] for row in rows(nlp(doc))] == [row[:3] for row in gold_rows(gold)]

    def test_evidence_is_among_the_mentions_of_both(self, trained: Language, golds: list[Doc]) -> None:
        for doc in predict(trained, golds):
            group = doc.spans["entities"]
            for head, tail, _, score, _, evidence in group.attrs["interactions"]:
                assert 0.5 <= score <= 1
                weights = [weight for *_, weight in evidence]
                assert 1 <= len(weights) <= 3 and weights == sorted(weights, reverse=True)
                assert 0 < sum(weights) <= 1 + 1e-5
                for a, b, _ in evidence:
                    assert a in group.attrs["clusters"][head] and b in group.attrs["clusters"][tail]
            rows_ = [(a, b, label) for a, b, label, *_ in group.attrs["interactions"]]
            names = group.attrs["cluster_ids"]
            assert [(each.head, each.tail, each.label) for each in doc._.interactions] == [
                (names[a], names[b], label) for a, b, label in rows_
            ]

    def test_relations_are_spelled_out_or_those_of_the_evidence(
        self, trained: Language, golds: list[Doc], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert [
            set(in_order((r.head.text, r.tail.text, r.label) for r in get_relations(doc)))
            for doc in predict(trained, golds)
        ] == [set(in_order((r.head.text, r.tail.text, r.label) for r in get_relations(gold))) for gold in golds]
        monkeypatch.setattr(trained.get_pipe("concept_relations"), "spell_out", False)
        for doc in predict(trained, golds):
            (row,) = doc.spans["entities"].attrs["interactions"]
            assert len(get_relations(doc)) == len(row[5])

    def test_thresholds(self, trained: Language, golds: list[Doc], monkeypatch: pytest.MonkeyPatch) -> None:
        component = trained.get_pipe("concept_relations")
        monkeypatch.setattr(component, "relation_threshold", 0.0)
        everything = predict(trained, golds)
        for threshold in (0.3, 0.9, [("Bind", 1.0), ("*", 0.5)]):
            monkeypatch.setattr(component, "relation_threshold", threshold)
            minimum = dict(threshold) if isinstance(threshold, list) else {"*": threshold}
            for doc, other in zip(predict(trained, golds), everything, strict=True):
                assert doc.spans["entities"].attrs["interactions"] == [
                    row
                    for row in other.spans["entities"].attrs["interactions"]
                    if row[3] >= minimum.get(row[2], minimum["*"])
                ]

    @pytest.mark.parametrize("text", ["", "   \n ", "p53"])
    def test_texts_without_pairs(self, trained: Language, text: str) -> None:
        doc = trained.make_doc(text)
        doc.spans["entities"] = [doc[:]] if text == "p53" else []
        group = trained(doc).spans["entities"]
        assert group.attrs["relations"] == group.attrs["interactions"] == []

    def test_mentions_without_a_place_are_warned_of(self, trained: Language) -> None:
        with pytest.warns(UserWarning, match="has no mentions to relate"):
            trained("TP53 causes glioma.")

    def test_mentions_without_identifiers(self, golds: list[Doc], trained: Language) -> None:
        trained.get_pipe("concept_relations")._warned.clear()
        doc = trained.make_doc(golds[0].text)
        doc.spans["entities"] = [doc.char_span(m.start_char, m.end_char, m.label_) for m in golds[0].spans["entities"]]
        with pytest.warns(UserWarning, match="has an identifier"):
            doc = trained(doc)
        assert len(doc.spans["entities"]) == len(golds[0].spans["entities"])
        # the candidates of a linker stand in
        doc.spans["concepts"] = [
            doc.char_span(m.start_char, m.end_char, "T1", m.kb_id_) for m in golds[0].spans["entities"]
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            doc = trained(doc)
        assert [m.kb_id_ for m in doc.spans["entities"]] == [m.kb_id_ for m in golds[0].spans["entities"]]
        assert [row[:3] for row in rows(doc)] == [row[:3] for row in gold_rows(golds[0])]

    def test_several_processes(self, trained: Language, golds: list[Doc]) -> None:
        docs = predict(trained, golds)
        assert [rows(doc) for doc in predict(trained, golds, n_process=2)] == [rows(doc) for doc in docs]
        (stored,) = DocBin(docs=docs[:1], store_user_data=True).get_docs(trained.vocab)
        assert rows(stored) == rows(docs[0])


class TestMentions:
    @pytest.fixture(scope="class")
    def classifier(self, golds: list[Doc]) -> Language:
        nlp = make_pipeline(level="mention", by_sentence=True, scorer={"@scorers": "spacy_keci.strict_scorer.v1"})
        train(nlp, self.sentences(golds), 40)
        return nlp

    @staticmethod
    def sentences(golds: list[Doc]) -> list[Doc]:
        """With relations of mentions in one sentence alone, and without identifiers."""
        kept = []
        for gold in golds:
            gold = gold.copy()
            group = gold.spans["entities"]
            ends = [
                gold.text.index(" . ", m.end_char - 1) if " . " in gold.text[m.end_char - 1 :] else -1 for m in group
            ]
            relations = [row for row in group.attrs["relations"] if ends[row[0]] == ends[row[1]]]
            gold.spans["entities"] = list(group)
            gold.spans["entities"].attrs["relations"] = relations
            kept.append(gold)
        return kept

    def test_given_mentions_are_classified(self, classifier: Language, golds: list[Doc]) -> None:
        sentences = self.sentences(golds)
        found = classifier.evaluate(make_given(classifier, sentences))
        assert found["relations_micro_f"] == 1.0
        for doc in predict(classifier, sentences):
            attrs = doc.spans["entities"].attrs
            assert "interactions" not in attrs and len(attrs["relations"]) == 1

    def test_nothing_is_related_across_sentences(
        self, classifier: Language, golds: list[Doc], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(classifier.get_pipe("concept_relations"), "relation_threshold", 0.0)
        for doc in predict(classifier, golds):
            for relation in get_relations(doc):
                between = doc.text[relation.head.end_char : relation.tail.start_char]
                assert " . " not in between

    def test_a_mention_that_is_given_twice_is_one(self, golds: list[Doc], log: pytest.LogCaptureFixture) -> None:
        gold = golds[0].copy()
        group = gold.spans["entities"]
        relations, n = group.attrs["relations"], len(group)
        gold.spans["entities"] = [*group, *group]
        gold.spans["entities"].attrs["relations"] = [*relations, *[[a + n, b + n, *row] for a, b, *row in relations]]
        nlp = make_pipeline(level="mention", pair_types=[["Gene", "Gene"], ["Gene", "Disease"], ["Disease", "Disease"]])
        for doc in (golds[0], gold):
            log.clear()
            nlp.initialize(lambda: make_given(nlp, [doc]))  # noqa: B023
            assert f"{n * (n - 1) // 2} pairs of mentions, {len(relations)} of them related" in log.text


class TestMistakes:
    def test_settings(self) -> None:
        with pytest.raises(ValueError, match="entities_from"):
            make_pipeline(entities_from=None)
        with pytest.raises(ValueError, match="must be pairs of types"):
            make_pipeline(pair_types=[["Gene"]])

    def test_unknown_types(self, golds: list[Doc]) -> None:
        nlp = make_pipeline(pair_types=[["Gene", "Sign"]])
        with pytest.raises(ValueError, match="unknown types: 'Sign'"):
            nlp.initialize(lambda: make_given(nlp, golds))

    def test_what_was_trained_stays(self, trained: Language, golds: list[Doc], tmp_path: Path) -> None:
        trained.to_disk(tmp_path)
        for key, value in (("level", "mention"), ("symmetric", ["Bind", "Positive"])):
            nlp = spacy.load(tmp_path, config={"components": {"concept_relations": {key: value}}})
            with pytest.raises(ValueError, match="Train again to change"):
                nlp(make_given(nlp, golds)[0].predicted)

    def test_unknown_labels(self, golds: list[Doc]) -> None:
        nlp = make_pipeline()
        nlp.initialize(lambda: make_given(nlp, golds[:1]))
        with pytest.raises(ValueError, match="Unknown relation label"):
            nlp.update(make_given(nlp, golds))

    def test_gold_out_of_reach_is_reported(self, golds: list[Doc], log: pytest.LogCaptureFixture) -> None:
        nlp = make_pipeline(pair_types=[["Gene", "Gene"]])
        itself = golds[0].copy()
        itself.spans["entities"].attrs["interactions"].append([0, 0, "Bind", 1.0])
        nlp.initialize(lambda: make_given(nlp, [itself, *golds[1:]]))
        assert "relations of a concept with itself (1)" in log.text
        assert "relations of pairs that are not scored (types, distance or sentence) (8)" in log.text

    def test_two_labels_of_one_pair_are_reported(self, golds: list[Doc], log: pytest.LogCaptureFixture) -> None:
        twice = golds[0].copy()
        interactions = twice.spans["entities"].attrs["interactions"]
        interactions.append([*interactions[0][:2], "Negative", 1.0])
        for multi_label in (True, False):
            nlp = make_pipeline(multi_label=multi_label)
            nlp.initialize(lambda: make_given(nlp, [twice, *golds[1:]]))  # noqa: B023
            assert ("further relations of one pair (set multi_label = true) (1)" in log.text) != multi_label

    def test_several_probable_labels_of_one_pair_can_be_learned(
        self, golds: list[Doc], log: pytest.LogCaptureFixture
    ) -> None:
        unsure = golds[0].copy()
        ends = unsure.spans["entities"].attrs["interactions"][0][:2]
        unsure.spans["entities"].attrs["interactions"] = [[*ends, "Positive", 0.7], [*ends, "Negative", 0.3]]
        nlp = make_pipeline(learn_scores=True)
        nlp.initialize(lambda: make_given(nlp, [unsure, *golds[1:]]))
        assert "cannot learn" not in log.text

    def test_relations_of_mentions_without_identifiers_are_counted(
        self, golds: list[Doc], log: pytest.LogCaptureFixture
    ) -> None:
        gold = golds[0].copy()
        group = gold.spans["entities"]
        relations, n = group.attrs["relations"], len(group)
        gold.spans["entities"] = [*group, Span(gold, 0, 1, "Gene")]
        gold.spans["entities"].attrs["relations"] = [*relations, [n, 0, "Bind", 1.0], [0, n, "Bind", 1.0]]
        nlp = make_pipeline()
        nlp.initialize(lambda: make_given(nlp, [gold, *golds[1:]]))
        assert "relations of concepts or mentions that are not given (2)" in log.text

    def test_pairs_that_a_trained_component_does_not_score_are_counted(
        self, golds: list[Doc], log: pytest.LogCaptureFixture
    ) -> None:
        nlp = make_pipeline(pair_types=[["Gene", "Gene"]])
        nlp.initialize(lambda: make_given(nlp, golds))
        log.clear()
        nlp.update(make_given(nlp, golds))
        assert "cannot learn 50.0% of the gold relations in its batches so far: their pairs are not sc" in log.text

    def test_nothing_to_learn_is_warned_of(self, golds: list[Doc], log: pytest.LogCaptureFixture) -> None:
        gold = golds[0].copy()
        gold.spans["entities"].attrs["interactions"] = []
        nlp = make_pipeline()
        nlp.initialize(lambda: make_given(nlp, [gold]))
        assert ("spacy", 30, "'concept_relations': 0 pairs of concepts, 0 of them related.") in log.record_tuples

    def test_batches_without_pairs_lose_their_gold_by_count(
        self, golds: list[Doc], log: pytest.LogCaptureFixture
    ) -> None:
        nlp = make_pipeline()
        nlp.initialize(lambda: make_given(nlp, golds))
        unknown = golds[0].copy()
        group = unknown.spans["entities"]
        attrs = group.attrs
        unknown.spans["entities"] = [Span(unknown, m.start, m.end, "New", kb_id=m.kb_id_) for m in group]
        unknown.spans["entities"].attrs.update(attrs)
        log.clear()
        nlp.update(make_given(nlp, [unknown]))
        assert "cannot learn 100.0% of the gold relations in its batches so far: their pairs are not sc" in log.text
        attrs["interactions"][0][2] = "NewLabel"
        unknown.spans["entities"].attrs.update(attrs)
        with pytest.raises(ValueError, match="Unknown relation label 'NewLabel'"):
            nlp.update(make_given(nlp, [unknown]))
