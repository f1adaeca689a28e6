"""The component ``keci`` with models that read background knowledge: KECI, its baselines, its ablations."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import fix_random_seed
from thinc.api import Adam

from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base
from spacy_keci.knowledge.knowledge_base import KnowledgeBase
from spacy_keci.knowledge.vectors import add_vectors
from spacy_keci.tokenizer import create_biomedical_tokenizer

from ..conftest import ROOT
from .systems import (
    TEXTS,
    TINY,
    assert_gradient_is_the_derivative_of_the_loss,
    assert_independent_of_batches,
    assert_same_graphs,
    graph,
    make_examples,
    train,
)

SPAN_GRAPH: dict[str, Any] = TINY["model"]  # type: ignore[assignment]
KECI = {**SPAN_GRAPH, "@architectures": "spacy_keci.KECI.v1", "concept_width": 20}
MODELS = {
    "KECI": KECI,
    "everything beyond the paper": {
        **KECI,
        "context_width": 16,
        "final_relation_input": "h",
        "types_in_pairs": True,
        "concepts_in_pairs": True,
        "knowledge_prior": True,
        "correct_entities": True,
        "correct_relations": True,
        "concept_bases": 4,
    },
    "the paper": {
        **KECI,
        "span_graph_mean": False,
        "concept_kinds": False,
        "inverse_relations": False,
        "final_entity_input": "f",
        "final_relation_input": "f",
    },
    "FlatAttention": {**KECI, "span_graph_layers": 0, "concept_layers": 0},
    "KnowBertAttention": {
        **SPAN_GRAPH,
        "@architectures": "spacy_keci.KnowBertAttention.v1",
        "concept_width": 32,
    },
}


def scores(keci: Any, docs: list[Doc]) -> Any:
    """What the network says of documents that a linker has read."""
    ((_, output),) = keci.model.predict(keci.make_input(docs, None, is_train=False))
    return output


def make_pipeline(kb: Path, model: dict[str, Any] = KECI, **settings: Any) -> Language:
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.tokenizer = create_biomedical_tokenizer()(nlp)
    nlp.add_pipe("concept_linker")
    nlp.add_pipe(
        "keci", config={**TINY, "model": model, "linker": "concept_linker", "vectors": {"trained": True}, **settings}
    )
    nlp.config["initialize"]["components"] = {"concept_linker": {"kb": str(kb)}}
    nlp.config["training"]["annotating_components"] = ["concept_linker"]
    return nlp


def link(nlp: Language, docs: list[Doc]) -> list[Doc]:
    return [nlp.get_pipe("concept_linker")(doc.copy()) for doc in docs]


@pytest.fixture(scope="session")
def trained(kb: Path, demo_docs: list[Doc]) -> Language:
    """KECI that knows 20 sentences by heart. Tests must not change it."""
    return train(make_pipeline(kb, keep_initial=True), demo_docs, epochs=60)


class TestLearning:
    def test_overfits_and_reloads(self, trained: Language, demo_docs: list[Doc], tmp_path: Path) -> None:
        scores = trained.evaluate(make_examples(trained, demo_docs))
        assert scores["entities_micro_f"] >= 0.95
        assert scores["relations_micro_f"] >= 0.95
        trained.to_disk(tmp_path)
        texts = [doc.text for doc in demo_docs]
        assert_same_graphs(list(trained.pipe(texts)), list(spacy.load(tmp_path).pipe(texts)))
        other = spacy.blank("en", config=trained.config).from_bytes(trained.to_bytes())
        assert_same_graphs(list(trained.pipe(texts)), list(other.pipe(texts)))

    @pytest.mark.parametrize("name", MODELS)
    def test_every_model_learns_and_reloads(self, name: str, kb: Path, demo_docs: list[Doc], tmp_path: Path) -> None:
        nlp = make_pipeline(kb, MODELS[name])
        optimizer = nlp.initialize(lambda: make_examples(nlp, demo_docs))
        losses = [
            nlp.update(make_examples(nlp, demo_docs[:8]), sgd=optimizer, annotates=["concept_linker"])["keci"]
            for _ in range(60)
        ]
        assert losses[-1] < 0.6 * losses[0]
        nlp.to_disk(tmp_path)
        assert_same_graphs(list(nlp.pipe(TEXTS)), list(spacy.load(tmp_path).pipe(TEXTS)))

    @pytest.mark.parametrize("name", MODELS)
    def test_gradient_is_the_derivative_of_the_loss(self, name: str, kb: Path, demo_docs: list[Doc]) -> None:
        """No span is pruned by the step."""
        nlp = make_pipeline(kb, MODELS[name], spans_per_token=100)
        nlp.initialize(lambda: make_examples(nlp, demo_docs))
        examples = make_examples(nlp, demo_docs[:5])
        for example in examples:
            nlp.get_pipe("concept_linker")(example.predicted)
        assert_gradient_is_the_derivative_of_the_loss(nlp.get_pipe("keci"), examples, rel=0.1)

    def test_training_is_deterministic(self, kb: Path, demo_docs: list[Doc]) -> None:
        first, second = (train(make_pipeline(kb, MODELS["everything beyond the paper"]), demo_docs, 2) for _ in "ab")
        weights = [nlp.get_pipe("keci").model.shims[0]._model.state_dict() for nlp in (first, second)]
        for name, tensor in weights[0].items():
            torch.testing.assert_close(tensor, weights[1][name], rtol=0, atol=0)

    def test_the_first_steps_may_learn_mentions_only(self, kb: Path, demo_docs: list[Doc]) -> None:
        nlp = make_pipeline(kb, entity_steps=1)
        nlp.initialize(lambda: make_examples(nlp, demo_docs))
        keci = nlp.get_pipe("keci")
        network = keci.model.shims[0]._model
        examples = make_examples(nlp, demo_docs[:5])
        for example in examples:
            nlp.get_pipe("concept_linker")(example.predicted)
        keci.update(examples)
        assert not any(p.grad is not None and p.grad.any() for p in network.entities.parameters())
        assert any(p.grad.any() for p in network.initial.entities.parameters())
        keci.update(examples)  # of the same step: gradients are accumulated
        assert not any(p.grad is not None and p.grad.any() for p in network.entities.parameters())
        keci.finish_update(Adam(0.001))
        keci.update(examples)
        assert any(p.grad.any() for p in network.entities.parameters())

    def test_concept_dropout_hides_candidates_in_training_alone(self, kb: Path, demo_docs: list[Doc]) -> None:
        nlp = make_pipeline(kb, {**KECI, "concept_dropout": 1.0})
        nlp.initialize(lambda: make_examples(nlp, demo_docs))
        keci = nlp.get_pipe("keci")
        docs = link(nlp, [nlp.make_doc(doc.text) for doc in demo_docs])
        ((_, trained_on),), _ = keci.model.begin_update(keci.make_input(docs, None, is_train=True))
        assert trained_on.attention.isnan().all()
        assert not scores(keci, docs).attention.isnan().all()


class TestUse:
    def test_the_prior_weighs_types_and_mentions_as_it_is_told(self, kb: Path, demo_docs: list[Doc]) -> None:
        nlp = train(make_pipeline(kb, MODELS["everything beyond the paper"]), demo_docs, epochs=0)
        docs = link(nlp, demo_docs)
        keci: Any = nlp.get_pipe("keci")
        network = keci.model.shims[0]._model
        torch.nn.init.normal_(network.prior.kinds, std=0.1)

        def predict(type_prior: float, mention_prior: float) -> torch.Tensor:
            keci.type_prior, keci.mention_prior = type_prior, mention_prior
            return scores(keci, docs).graphs[-1].entity_logits.softmax(dim=-1)

        def types(probabilities: torch.Tensor) -> torch.Tensor:
            return probabilities[:, 1:] / probabilities[:, 1:].sum(dim=-1, keepdim=True)

        alone, typed, found = predict(0.0, 0.0), predict(1.0, 0.0), predict(0.0, 1.0)
        torch.testing.assert_close(typed[:, 0], alone[:, 0])
        assert not torch.allclose(types(typed), types(alone), atol=0.05)
        torch.testing.assert_close(types(found), types(alone))
        assert not torch.allclose(found[:, 0], alone[:, 0], atol=0.005)
        network.prior = None
        torch.testing.assert_close(predict(1.0, 1.0), alone)

    def test_results_do_not_depend_on_the_batch(
        self, trained: Language, demo_docs: list[Doc], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert_independent_of_batches(trained, demo_docs, monkeypatch)

    @pytest.mark.parametrize("name", ["the paper", "KnowBertAttention"])
    def test_scores_do_not_depend_on_the_batch(self, name: str, kb: Path, demo_docs: list[Doc]) -> None:
        """Among others those of texts without concepts, alone or beside one that has some."""
        nlp = train(make_pipeline(kb, MODELS[name]), demo_docs, epochs=5)
        texts = ["Nothing of the sort.", "", "Nothing else was seen here.", demo_docs[0].text]
        keci, docs = nlp.get_pipe("keci"), link(nlp, [nlp.make_doc(text) for text in texts])
        assert [bool(doc.spans["concepts"]) for doc in docs] == [False, False, False, True]

        def logits(docs: list[Doc]) -> np.ndarray:
            return scores(keci, docs).graphs[0].entity_logits.numpy()

        alone = [logits([doc]) for doc in docs if len(doc)]
        np.testing.assert_allclose(np.concatenate(alone), logits(docs), atol=1e-4)

    def test_results_do_not_depend_on_the_order_of_concepts(self, trained: Language, demo_docs: list[Doc]) -> None:
        keci = trained.get_pipe("keci")
        docs = link(trained, [trained.make_doc(doc.text) for doc in demo_docs])
        turned = [doc.copy() for doc in docs]
        for doc in turned:
            group = doc.spans["concepts"]
            scores = group.attrs["scores"][::-1]
            doc.spans["concepts"] = list(group)[::-1]
            doc.spans["concepts"].attrs["scores"] = scores
        for doc, other in zip(keci.pipe(docs), keci.pipe(turned), strict=True):
            assert graph(doc) == graph(other)
            weights, others = (each.spans["concepts"].attrs.get("attention", []) for each in (doc, other))
            np.testing.assert_allclose(
                [np.nan if w is None else w for w in weights],
                [np.nan if w is None else w for w in others[::-1]],
                atol=1e-4,
            )
            assert [m.kb_id_ for m in doc.spans["entities"]] == [m.kb_id_ for m in other.spans["entities"]]

    def test_a_document_without_concepts(self, trained: Language) -> None:
        doc = trained("Nothing of the sort was ever seen here.")
        assert not doc.spans["concepts"]
        assert not any(mention.kb_id for mention in doc.spans["entities"])

    def test_an_empty_concept_at_the_end_is_of_no_mention(self, trained: Language, demo_docs: list[Doc]) -> None:
        doc = trained(demo_docs[0].text)
        relations = doc._.relations
        doc.spans["concepts"].append(Span(doc, len(doc), len(doc), kb_id=doc.spans["concepts"][0].kb_id_))
        doc = trained.get_pipe("keci")(doc)
        assert doc._.relations == relations
        assert doc.spans["concepts"].attrs["attention"][-1] is None

    def test_attention_is_written(self, trained: Language, demo_docs: list[Doc]) -> None:
        n_linked = 0
        for doc in trained.pipe(doc.text for doc in demo_docs):
            if not doc.spans["concepts"]:
                continue
            assert len(doc.spans["concepts"].attrs["attention"]) == len(doc.spans["concepts"])
            for mention in doc.spans["entities"]:
                weights = {concept.id: concept.attention for concept in mention._.concepts}
                assert sum(weights.values()) <= 1 + 1e-4
                best = max(weights, key=weights.__getitem__, default="")
                rest = 1 - sum(weights.values())
                expected = best if best and weights[best] > rest else ""
                assert mention.kb_id_ == expected
                n_linked += bool(mention.kb_id_)
        assert n_linked
        # what is written survives
        doc = trained(demo_docs[0].text)
        copy = Doc(doc.vocab).from_bytes(doc.to_bytes())
        assert [m.kb_id_ for m in copy.spans["entities"]] == [m.kb_id_ for m in doc.spans["entities"]]
        assert copy.spans["concepts"].attrs == doc.spans["concepts"].attrs

    def test_types_choose_concepts(self, kb: Path, demo_docs: list[Doc]) -> None:
        nlp = train(make_pipeline(kb, MODELS["everything beyond the paper"]), demo_docs, epochs=0)
        keci: Any = nlp.get_pipe("keci")
        docs = link(nlp, demo_docs)
        prediction = keci.predict(docs)
        candidates = sum(len(doc.spans["concepts"]) for doc in docs)
        assert prediction.concept_types.shape == (candidates, len(keci.labels))
        np.testing.assert_allclose(np.exp(prediction.concept_types).sum(axis=1), 1, rtol=1e-5)

    def test_the_initial_graph_is_kept_on_request(self, trained: Language, demo_docs: list[Doc]) -> None:
        doc = trained(demo_docs[0].text)
        assert doc.spans["entities_initial"].attrs.keys() == {"scores", "relations", "symmetric", "members"}
        trained.get_pipe("keci").keep_initial = False
        assert "entities_initial" not in trained(demo_docs[0].text).spans
        trained.get_pipe("keci").keep_initial = True

    def test_what_has_no_weights_may_be_changed(self, trained: Language, tmp_path: Path) -> None:
        trained.to_disk(tmp_path)
        nlp = spacy.load(tmp_path, config={"components.keci.model.concept_dropout": 0.75})
        assert nlp.get_pipe("keci").model.shims[0]._model.settings.concept_dropout == 0.75
        assert_same_graphs(list(trained.pipe(TEXTS)), list(nlp.pipe(TEXTS)))

    def test_other_weights_are_wanted(self, trained: Language, tmp_path: Path) -> None:
        trained.to_disk(tmp_path)
        with pytest.raises(ValueError, match=r"span_graph_layers = 0, .* trained with span_graph_layers = 2"):
            spacy.load(tmp_path, config={"components.keci.model.span_graph_layers": 0})

    def test_pickle(self, trained: Language) -> None:
        """What processes that are spawned, and not forked, are sent."""
        found = list(trained.pipe(TEXTS))
        data = pickle.dumps(trained)
        assert len(data) < 20e6  # files of the knowledge base stay where they are
        assert_same_graphs(found, list(pickle.loads(data).pipe(TEXTS)))

    def test_a_knowledge_base_compiled_anew_may_count_otherwise(
        self, trained: Language, demo_docs: list[Doc], tmp_path: Path
    ) -> None:
        """Numbers of concepts, relations and types hold within one knowledge base only; models know them by name."""
        rows = (ROOT / "assets" / "demo" / "kb.jsonl").read_text(encoding="utf8").splitlines()
        other = {"id": "OTHER:1", "name": "something else", "types": ["T999"], "relations": [["haunts", "OTHER:1"]]}
        source = tmp_path / "kb.jsonl"
        source.write_text("\n".join([json.dumps(other), *rows[::-1]]), encoding="utf8")
        compile_knowledge_base(tmp_path / "kb", [SourceFiles.parse(f"jsonl={source}")], [])
        keci, linker = trained.get_pipe("keci"), trained.get_pipe("concept_linker")
        # the same vectors, in the order of the other knowledge base
        old, new = linker.kb, KnowledgeBase(tmp_path / "kb")
        ids = [new.id(i) for i in range(len(new))]
        names = [i for i in [*ids, *new.types] if i in old or i in old.types]
        row = [old.index(i) if i in old else len(old) + old.types.index(i) for i in names]
        np.savez(tmp_path / "vectors.npz", ids=np.array(names), vectors=np.asarray(old.vectors["trained"])[row])
        add_vectors(tmp_path / "kb", f"trained={tmp_path / 'vectors.npz'}")
        texts = [doc.text for doc in demo_docs]
        before = list(trained.pipe(texts))
        source_before = linker._source
        linker.initialize(kb=tmp_path / "kb")
        assert_same_graphs(before, list(trained.pipe(texts)))
        linker._source = source_before
        assert keci is trained.get_pipe("keci")

    def test_the_linker_that_is_in_the_pipeline_counts(self, kb: Path, demo_docs: list[Doc], tmp_path: Path) -> None:
        """After another one took the place of that which the component was made with, as soon as it is initialized."""
        nlp = train(make_pipeline(kb), demo_docs, epochs=0)
        rows = (ROOT / "assets" / "demo" / "kb.jsonl").read_text(encoding="utf8")
        (tmp_path / "kb.jsonl").write_text(rows.replace("DEMO:", "MINE:"), encoding="utf8")
        compile_knowledge_base(tmp_path / "kb", [SourceFiles.parse(f"jsonl={tmp_path / 'kb.jsonl'}")], [])
        add_vectors(tmp_path / "kb", "trained")
        nlp.replace_pipe("concept_linker", "concept_linker")
        nlp.get_pipe("concept_linker").initialize(kb=tmp_path / "kb")
        with pytest.warns(UserWarning, match="another linker set them.*save the pipeline and load it"):
            doc = nlp(TEXTS[0])
        assert [concept.attention for m in doc.spans["concepts"] for concept in m._.concepts].count(None)
        nlp.to_disk(tmp_path / "saved")
        loaded = spacy.load(tmp_path / "saved")
        nlp.initialize(lambda: make_examples(nlp, demo_docs))
        assert nlp.get_pipe("keci").linker is nlp.get_pipe("concept_linker")
        for pipeline in (loaded, nlp):
            concepts = link(pipeline, [pipeline.make_doc(TEXTS[0])])
            X = pipeline.get_pipe("keci").make_input(concepts, None, is_train=False)
            assert len(X.concept_rows) and (X.read(X.concept_rows).nodes >= 0).all()

    def test_other_weights_in_the_same_component(self, trained: Language, kb: Path, demo_docs: list[Doc]) -> None:
        """What a model knows of the knowledge base comes with its weights."""
        nlp = train(make_pipeline(kb, keep_initial=True), demo_docs[:3], epochs=0)
        assert len(nlp.get_pipe("keci").cfg["knowledge"]["relations"]) < len(
            trained.get_pipe("keci").cfg["knowledge"]["relations"]
        )
        nlp(demo_docs[0].text)
        nlp.get_pipe("keci").from_bytes(trained.get_pipe("keci").to_bytes())
        texts = [doc.text for doc in demo_docs]
        assert_same_graphs(list(trained.pipe(texts)), list(nlp.pipe(texts)))


class TestErrors:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"symmetric": ["binds"]}, r"relations .*inhibits.* are not symmetric .* trained with symmetric"),
            ({"multi_label": False}, r"multi_label .* is false, but .* trained with true"),
            ({"vectors": {"trained": False}}, r"vectors .* are none in its settings, but .* trained with trained"),
        ],
    )
    def test_settings_that_another_training_could_change(
        self, settings: dict[str, Any], message: str, kb: Path, demo_docs: list[Doc]
    ) -> None:
        labels = {row[2] for doc in demo_docs for row in doc.spans["entities"].attrs["relations"]}
        nlp = train(make_pipeline(kb, symmetric=sorted(labels)), demo_docs, epochs=0)
        other = make_pipeline(kb, **{"symmetric": sorted(labels), **settings}).from_bytes(nlp.to_bytes())
        with pytest.raises(ValueError, match=message):
            other(TEXTS[0])

    def test_weights_of_another_architecture(self, trained: Language, kb: Path) -> None:
        with pytest.raises(ValueError, match=r"makes a network 'span_graph', but .* to a network 'keci'"):
            make_pipeline(kb, SPAN_GRAPH).from_bytes(trained.to_bytes())

    def test_no_linker_in_the_pipeline(self) -> None:
        nlp = spacy.blank("en")
        with pytest.raises(ValueError, match="is not in the pipeline"):
            nlp.add_pipe("keci", config={**TINY, "linker": "concept_linker"})

    def test_saving_without_the_linker(self, trained: Language, tmp_path: Path) -> None:
        """Which could not be loaded."""
        nlp = spacy.blank("en")
        nlp.add_pipe("concept_linker", source=trained)
        nlp.add_pipe("keci", source=trained)
        nlp.remove_pipe("concept_linker")
        with pytest.raises(ValueError, match=r"which was removed .* is incomplete .* Add the linker again"):
            nlp.to_disk(tmp_path / "pipeline")
        nlp.get_pipe("keci").to_disk(tmp_path / "component")
        nlp.add_pipe("concept_linker", name="linker", source=trained, first=True)
        nlp.to_disk(tmp_path / "pipeline")
        with pytest.warns(UserWarning, match="reads the concepts of 'linker'"):
            assert spacy.load(tmp_path / "pipeline").get_pipe("keci").is_initialized

    def test_a_model_that_wants_knowledge_and_has_no_linker(self, demo_docs: list[Doc]) -> None:
        nlp = spacy.blank("en")
        nlp.add_pipe("keci", config={**TINY, "model": KECI})
        with pytest.raises(ValueError, match='setting "linker"'):
            nlp.initialize(lambda: make_examples(nlp, demo_docs))

    def test_vectors_that_the_knowledge_base_does_not_have(self, kb: Path, demo_docs: list[Doc]) -> None:
        nlp = make_pipeline(kb, vectors={"cui2vec": True})
        with pytest.raises(ValueError, match="no vectors 'cui2vec', only 'trained'"):
            nlp.initialize(lambda: make_examples(nlp, demo_docs))

    def test_another_knowledge_base_without_the_vectors(self, trained: Language, tmp_path: Path) -> None:
        compile_knowledge_base(
            tmp_path / "kb", [SourceFiles.parse(f"jsonl={ROOT / 'assets' / 'demo' / 'kb.jsonl'}")], []
        )
        linker = trained.get_pipe("concept_linker")
        before = linker._source
        linker.initialize(kb=tmp_path / "kb")
        with pytest.raises(ValueError, match="trained with the vectors"):
            trained(TEXTS[0])
        linker._source = before


def test_without_vectors_kinds_and_relations_are_what_is_known(kb: Path, demo_docs: list[Doc]) -> None:
    nlp = train(make_pipeline(kb, vectors={"trained": False}), demo_docs, epochs=2)
    assert nlp(TEXTS[0]).spans["concepts"].attrs["attention"]


def test_a_span_graph_needs_no_knowledge_beside_a_linker(kb: Path, demo_docs: list[Doc]) -> None:
    nlp = train(make_pipeline(kb, SPAN_GRAPH), demo_docs, epochs=1)
    doc = nlp(TEXTS[0])
    assert "attention" not in doc.spans["concepts"].attrs


def test_given_mentions_may_be_replaced(trained: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph from before the knowledge knows no concept of theirs."""
    monkeypatch.setattr(trained.get_pipe("keci"), "entities_from", "entities")
    doc = trained.make_doc(TEXTS[0])
    doc.spans["entities"] = [Span(doc, 0, 1, "drug"), Span(doc, 2, 3, "protein")]
    doc = trained(doc)
    assert any(mention.kb_id_ for mention in doc.spans["entities"])
    assert [mention.kb_id_ for mention in doc.spans["entities_initial"]] == ["", ""]


def test_given_mentions_have_concepts(trained: Language, demo_docs: list[Doc], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained.get_pipe("keci"), "entities_from", "mine")
    n_linked = n_relations = n_gold = 0
    for gold in demo_docs:
        doc = trained.make_doc(gold.text)
        doc.spans["mine"] = [Span(doc, m.start, m.end, m.label_) for m in gold.spans["entities"]]
        doc = trained(doc)
        n_linked += sum(bool(mention.kb_id_) for mention in doc.spans["entities"])
        assert [m.kb_id_ for m in doc.spans["entities_initial"]] == [""] * len(gold.spans["entities"])
        assert all(c.attention is not None for m in doc.spans["entities"] for c in m._.concepts)
        n_relations += len(set(graph(doc)[1]) & set(graph(gold)[1]))
        n_gold += len(gold.spans["entities"].attrs["relations"])
    assert n_linked > 10
    assert n_relations > 0.9 * n_gold


@pytest.mark.parametrize("name", ["everything beyond the paper", "the paper", "KnowBertAttention"])
def test_relations_of_given_mentions_are_learnt(name: str, kb: Path, demo_docs: list[Doc]) -> None:
    nlp = make_pipeline(kb, MODELS[name], entities_from="ents", entity_steps=100)
    optimizer = nlp.initialize(lambda: make_examples(nlp, demo_docs))
    losses = []
    for _ in range(12):
        examples = make_examples(nlp, demo_docs[:6])
        for example in examples[:3]:  # some have types that the model does not know
            doc, gold = example.predicted, example.reference.spans["entities"]
            doc.ents = spacy.util.filter_spans([Span(doc, m.start, m.end, "new") for m in gold])
        losses.append(nlp.update(examples, sgd=optimizer, annotates=["concept_linker"])["keci"])
    assert min(losses) < 0.95 * losses[0]
    parameters = nlp.get_pipe("keci").model.shims[0]._model.parameters()
    assert all(parameter.isfinite().all() for parameter in parameters)
