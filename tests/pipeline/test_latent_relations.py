from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.util import fix_random_seed

from spacy_keci import (
    get_relations,
    relation_uncertainties,
    relation_vectors,
    select_mentions,
    set_relations,
)
from spacy_keci.cli.pretrain_relations import pretrain_from
from spacy_keci.corpora.docbin import save_docs
from spacy_keci.doc_operations import merge_docs
from spacy_keci.tokenizer import create_biomedical_tokenizer

from .abstracts import make_given, predict, train
from .systems import example_with

SIZES = {"hidden_width": 32, "embedding_width": 24, "latent_width": 12}
# the label says who does it, so that it has a direction
CAUSES, CAUSED = "{0} causes {1} .", "{1} is the result of {0} ."
TEMPLATES = [
    (CAUSES, [[0, 1, "causes"]]),
    (CAUSED, [[0, 1, "causes"]]),
    ("{0} was seen with {1} .", [[0, 1, "with"]]),
    ("{0} and {1} were measured .", []),
]
GENES, DISEASES = ["TP53", "MDM2", "BRCA1", "EGFR"], ["glioma", "melanoma", "asthma"]


def blank() -> Language:
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.tokenizer = create_biomedical_tokenizer()(nlp)
    return nlp


def make_pipeline(model: dict[str, Any] = {}, **settings: Any) -> Language:  # noqa: B006
    nlp = blank()
    model = {"@architectures": "spacy_keci.LatentRelations.v1", **SIZES, "train_samples": 2, **model}
    nlp.add_pipe("latent_relations", config={"symmetric": ["with"], "vectors": True, **settings, "model": model})
    return nlp


def make_golds(nlp: Language, n: int = 24) -> list[Doc]:
    docs = []
    for i in range(n):
        template, relations = TEMPLATES[i % 4]
        ends = {0: (GENES[i // 4 % 4], "Gene"), 1: (DISEASES[i // 4 % 3], "Disease")}
        if i % 8 > 3:  # what causes may be of any type
            ends = {0: ends[1], 1: ends[0]}
        words = template.split()
        filled = [ends[int(word[1])][0] if word[0] == "{" else word for word in words]
        at = {int(word[1]): place for place, word in enumerate(words) if word[0] == "{"}
        doc = Doc(nlp.vocab, words=filled)
        doc.spans["entities"] = [Span(doc, at[j], at[j] + 1, ends[j][1]) for j in (0, 1)]
        doc.spans["entities"].attrs["relations"] = [[*row, 1.0] for row in relations]
        docs.append(doc)
    return docs


def rows(doc: Doc) -> list:
    return doc.spans["entities"].attrs["relations"]


def assert_same(docs: list[Doc], others: list[Doc], atol: float = 1e-5) -> None:
    for doc, other in zip(docs, others, strict=True):
        assert [row[:3] for row in rows(doc)] == [row[:3] for row in rows(other)]
        np.testing.assert_allclose([row[3] for row in rows(doc)], [row[3] for row in rows(other)], atol=atol)
        np.testing.assert_allclose(relation_uncertainties(doc), relation_uncertainties(other), atol=atol)
        np.testing.assert_allclose(relation_vectors(doc), relation_vectors(other), atol=1e-3)


@pytest.fixture(scope="module")
def golds() -> list[Doc]:
    return make_golds(blank())


@pytest.fixture(scope="module")
def trained(golds: list[Doc]) -> Language:
    """A pipeline that knows the sentences by heart. Tests must not change it."""
    nlp = make_pipeline()
    train(nlp, golds, 60, 0.01)
    return nlp


@pytest.fixture(scope="module")
def pretrained(golds: list[Doc], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is learned of the same sentences without their relations."""
    folder = tmp_path_factory.mktemp("pretrained")
    bare = [gold.copy() for gold in golds * 5]
    for doc in bare:
        del doc.spans["entities"].attrs["relations"]
    save_docs(bare, folder / "texts.spacy")
    sections = {
        "corpus": {"texts": str(folder / "texts.spacy")},
        "model": SIZES,
        "training": {"contexts": 3000, "batch_size": 16, "learn_rate": 0.01, "kl_warmup": 1000, "free_bits": 0.3},
    }
    pretrain_from(sections, folder / "model")
    return folder / "model"


class TestLearning:
    def test_overfits_and_reloads(self, trained: Language, golds: list[Doc], tmp_path: Path) -> None:
        assert trained.evaluate(make_given(trained, golds))["relations_micro_f"] == 1.0
        docs = predict(trained, golds)
        trained.to_disk(tmp_path)
        assert_same(docs, predict(spacy.load(tmp_path), golds))
        assert_same(docs, predict(make_pipeline().from_bytes(trained.to_bytes()), golds))

    def test_training_is_deterministic(self, golds: list[Doc]) -> None:
        first, second = (train(make_pipeline(), golds, 2, 0.01) for _ in range(2))
        assert first == second

    def test_the_loss_is_a_mean_over_samples_of_the_cross_entropy(self, golds: list[Doc]) -> None:
        """Eq. 17."""
        nlp = make_pipeline()
        nlp.initialize(lambda: make_given(nlp, golds))
        pipe: Any = nlp.get_pipe("latent_relations")
        examples = make_given(nlp, golds[:6])
        X = pipe.make_input([e.predicted for e in examples], pipe.mentions_to_learn(examples), is_train=True)
        scores, _ = pipe.model.begin_update(X)
        loss = pipe.get_loss(examples, scores)
        ((_, output),) = scores
        targets = pipe.read_gold(examples, X).targets.argmax(axis=1)
        plain = [-output.logits[s, p].log_softmax(0)[t] for s in range(2) for p, t in enumerate(targets)]
        assert output.logits.shape == (2, 6, 4)
        assert float(loss.detach()) == pytest.approx(float(sum(plain).detach()) / 2 / 6, rel=1e-5)

    def test_dropout_reaches_torch(self, golds: list[Doc]) -> None:
        nlp = make_pipeline()
        nlp.initialize(lambda: make_given(nlp, golds))
        nlp.update(make_given(nlp, golds[:2]), drop=0.3)
        network = nlp.get_pipe("latent_relations").network  # type: ignore[attr-defined]
        assert {m.p for m in network.modules() if isinstance(m, torch.nn.Dropout)} == {0.3}

    def test_texts_without_annotated_relations_teach_nothing(self, golds: list[Doc]) -> None:
        nlp = make_pipeline()
        nlp.initialize(lambda: make_given(nlp, golds))
        unknown = golds[0].copy()
        del unknown.spans["entities"].attrs["relations"]
        pipe: Any = nlp.get_pipe("latent_relations")
        assert pipe.update(make_given(nlp, [unknown]))["latent_relations"] == 0.0
        assert pipe.update(make_given(nlp, golds[:1]))["latent_relations"] > 0.0

    @pytest.mark.parametrize("text", ["", " ", "p53"])
    def test_tiny_documents(self, trained: Language, text: str) -> None:
        nlp = make_pipeline().from_bytes(trained.to_bytes())
        losses = nlp.update([example_with(nlp, text, [])], sgd=nlp.resume_training())
        assert losses["latent_relations"] == 0.0
        doc = trained.make_doc(text)
        doc.spans["entities"] = [doc[:]] if text == "p53" else []
        assert rows(trained(doc)) == []

    def test_several_labels_of_a_pair(self, golds: list[Doc]) -> None:
        nlp = make_pipeline(multi_label=True)
        train(nlp, golds, 60, 0.01)
        assert nlp.evaluate(make_given(nlp, golds))["relations_micro_f"] == 1.0


class TestPretraining:
    def test_weights_words_and_types_are_taken_over(self, golds: list[Doc], pretrained: Path) -> None:
        nlp = make_pipeline()
        nlp.config["initialize"]["components"]["latent_relations"] = {"pretrained": str(pretrained)}
        more = golds[0].copy()
        more.spans["entities"] = [Span(more, 0, 1, "Virus")]
        nlp.initialize(lambda: make_given(nlp, [*golds, more]))
        network = nlp.get_pipe("latent_relations").network  # type: ignore[attr-defined]
        learned = torch.load(pretrained / "weights.pt", weights_only=True)
        assert set(network.arguments["types"][:2]) == {"Gene", "Disease"} and network.arguments["types"][2:] == [
            "Virus"
        ]
        for name, weight in network.representation.state_dict().items():
            old = learned[f"representation.{name}"]
            torch.testing.assert_close(weight[: len(old)], old, rtol=0, atol=0)

    def test_a_frozen_representation_stays(self, golds: list[Doc], pretrained: Path) -> None:
        nlp = make_pipeline(model={"freeze": True})
        nlp.config["initialize"]["components"]["latent_relations"] = {"pretrained": str(pretrained)}
        losses = train(nlp, golds, 20, 0.01)
        assert losses[-1] < losses[0]
        network = nlp.get_pipe("latent_relations").network  # type: ignore[attr-defined]
        learned = torch.load(pretrained / "weights.pt", weights_only=True)
        weights = network.representation.encoder.weight_hh_l0
        torch.testing.assert_close(weights, learned["representation.encoder.weight_hh_l0"], rtol=0, atol=0)

    def test_other_sizes(self, golds: list[Doc], pretrained: Path) -> None:
        nlp = make_pipeline(model={"latent_width": 5})
        nlp.config["initialize"]["components"]["latent_relations"] = {"pretrained": str(pretrained)}
        with pytest.raises(ValueError, match=r"latent_width = 5, but .* latent_width = 12"):
            nlp.initialize(lambda: make_given(nlp, golds))

    def test_no_such_folder(self, golds: list[Doc], tmp_path: Path) -> None:
        nlp = make_pipeline()
        nlp.config["initialize"]["components"]["latent_relations"] = {"pretrained": str(tmp_path)}
        with pytest.raises(ValueError, match="has no pre-trained relations"):
            nlp.initialize(lambda: make_given(nlp, golds))


class TestUse:
    def test_results_do_not_depend_on_the_batch(
        self, trained: Language, golds: list[Doc], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Predictions sample, and are the same each time all the same."""
        pipe = trained.get_pipe("latent_relations")
        monkeypatch.setattr(pipe, "relation_threshold", 0.0)
        whole = predict(trained, golds, batch_size=64)
        torch.manual_seed(7)
        assert_same(whole, predict(trained, golds[::-1], batch_size=1)[::-1])
        monkeypatch.setattr(pipe, "max_batch_pairs", 2)
        monkeypatch.setattr(pipe, "max_batch_tokens", 30)
        assert_same(whole, predict(trained, golds, batch_size=64))

    def test_several_processes(self, trained: Language, golds: list[Doc]) -> None:
        assert_same(predict(trained, golds), predict(trained, golds, n_process=2, batch_size=4))

    def test_scores_are_means_of_probabilities(
        self, trained: Language, golds: list[Doc], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Eq. 16, and thresholds are compared with probabilities: the released program compares them with logarithms,
        which are never above one, and finds nothing."""
        pipe: Any = trained.get_pipe("latent_relations")
        examples = make_given(trained, golds)
        X = pipe.make_input(
            [e.predicted for e in examples], pipe.given_mentions([e.predicted for e in examples]), is_train=False
        )
        ((_, output),) = pipe.model.predict(X)
        of_samples = output.logits.softmax(-1)
        related = 1 - of_samples.mean(0)[:, 0]
        monkeypatch.setattr(pipe, "relation_threshold", 0.0)
        docs = predict(trained, golds)
        found = np.array([row[3] for doc in docs for row in rows(doc)])
        np.testing.assert_allclose(found, related.numpy(), atol=1e-5)
        spread = [float(u) for doc in docs for u in relation_uncertainties(doc)]
        np.testing.assert_allclose(spread, (1 - of_samples[..., 0]).std(0, correction=0).numpy(), atol=1e-5)
        for threshold in (0.5, 0.99):
            monkeypatch.setattr(pipe, "relation_threshold", threshold)
            assert sum(len(rows(doc)) for doc in predict(trained, golds)) == (found >= threshold).sum() > 0

    def test_without_samples(self, trained: Language, golds: list[Doc], tmp_path: Path) -> None:
        trained.to_disk(tmp_path)
        settings = {"components": {"latent_relations": {"model": {"samples": 0}, "vectors": False}}}
        docs = predict(spacy.load(tmp_path, config=settings), golds)
        assert any(rows(doc) for doc in docs)
        with pytest.raises(ValueError, match="samples above 0"):
            relation_uncertainties(docs[0])
        with pytest.raises(ValueError, match="vectors = true"):
            relation_vectors(docs[0])

    def test_directions_are_learnt(self, trained: Language, golds: list[Doc]) -> None:
        turned = {
            (r.head.start < r.tail.start)
            for doc in predict(trained, golds)
            for r in doc._.relations
            if r.label == "causes"
        }
        assert turned == {True, False}

    def test_values_survive_and_follow(self, trained: Language, golds: list[Doc]) -> None:
        docs = predict(trained, golds)[:2]
        (stored,) = DocBin(docs=docs[:1], store_user_data=True).get_docs(trained.vocab)
        assert_same([stored], docs[:1])
        assert relation_vectors(docs[0]).shape == (1, 12)
        merged = merge_docs(docs)
        assert relation_vectors(merged).shape == (2, 12)
        np.testing.assert_allclose(relation_vectors(merged)[1], relation_vectors(docs[1])[0])
        select_mentions(merged, [*merged.spans["entities"]][2:])
        np.testing.assert_allclose(relation_vectors(merged), relation_vectors(docs[1]))
        set_relations(merged, get_relations(merged))
        with pytest.raises(ValueError, match="have no vectors"):
            relation_vectors(merged)

    def test_sentences(self, trained: Language, golds: list[Doc], monkeypatch: pytest.MonkeyPatch) -> None:
        """Each sentence of a text is read by itself, and nothing is related across them."""
        monkeypatch.setattr(trained.get_pipe("latent_relations"), "relation_threshold", 0.0)
        alone = predict(trained, golds[:4])
        doc = Doc(trained.vocab, words=[t.text for gold in golds[:4] for t in gold])
        for token in doc:
            token.is_sent_start = token.i == 0 or doc[token.i - 1].text == "."
        shift, spans = 0, []
        for gold in golds[:4]:
            spans += [Span(doc, m.start + shift, m.end + shift, m.label_) for m in gold.spans["entities"]]
            shift += len(gold)
        doc.spans["entities"] = spans
        doc = trained(doc)
        scores = [row[3] for each in alone for row in rows(each)]
        np.testing.assert_allclose([row[3] for row in rows(doc)], scores, atol=1e-5)

    def test_unknown_types_and_words(self, trained: Language) -> None:
        doc = trained.make_doc("Zzyzx causes qwertosis .")
        doc.spans["entities"] = [Span(doc, 0, 1, "Star"), Span(doc, 2, 3, "Planet")]
        assert len(trained(doc).spans["entities"]) == 2

    def test_long_sentence(self, trained: Language) -> None:
        doc = trained.make_doc("TP53 " + "x " * 3000 + "causes MDM2 causes glioma .")
        doc.spans["entities"] = [Span(doc, i, i + 1, "Gene") for i in (0, 3002)] + [Span(doc, 3004, 3005, "Disease")]
        doc = trained(doc)
        assert {(row[0], row[1]) for row in rows(doc)} <= {(1, 2), (2, 1)}


class TestMistakes:
    def test_mentions_are_given(self) -> None:
        with pytest.raises(ValueError, match="entities_from"):
            make_pipeline(entities_from=None)

    def test_what_was_trained_stays(self, trained: Language, golds: list[Doc], tmp_path: Path) -> None:
        trained.to_disk(tmp_path)
        nlp = spacy.load(tmp_path, config={"components": {"latent_relations": {"symmetric": ["with", "causes"]}}})
        with pytest.raises(ValueError, match="Train again to change"):
            predict(nlp, golds[:1])
        with pytest.raises(ValueError, match="Train again to change this setting"):
            spacy.load(tmp_path, config={"components": {"latent_relations": {"model": {"masks": "single"}}}})

    def test_settings_out_of_range(self) -> None:
        with pytest.raises(ValueError, match="latent_width of the model must be 1 or more"):
            make_pipeline(model={"latent_width": 0})
