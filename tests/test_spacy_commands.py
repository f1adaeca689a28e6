"""spaCy's own commands and ways of putting pipelines together, with keci in them."""

import json
import warnings
from pathlib import Path

import pytest
import spacy
import spacy.cli
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import fix_random_seed, load_config, load_model_from_config
from thinc.api import Config

from spacy_keci.corpora.docbin import save_docs

from .commands import spacy_command as command
from .conftest import ROOT

TEXTS = ["FK506 binds FKBP12 and inhibits calcineurin.", "", "Diazepam binds the GABA-A receptor.", "p53"]
TINY = {
    "components.tok2vec.model.width": 64,
    "components.tok2vec.model.depth": 2,
    "components.tok2vec.model.embed_size": 500,
    "components.keci.model.span_hidden_width": 64,
    "components.keci.model.span_width": 64,
    "components.keci.model.head_hidden_width": 64,
    "training.max_epochs": 0,
    "training.max_steps": 60,
    "training.eval_frequency": 60,
    "training.optimizer.learn_rate.warmup_steps": 5,
}


def graph(doc: Doc) -> tuple[list, list]:
    mentions = [(span.start, span.end, span.label_) for span in doc.spans["entities"]]
    return mentions, [(str(relation), relation.label) for relation in doc._.relations]


def graphs(nlp: Language) -> list[tuple[list, list]]:
    return [graph(doc) for doc in nlp.pipe(TEXTS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, demo_docs: list[Doc]) -> Path:
    """A small config (tok2vec, and keci that listens) and a corpus for it."""
    folder = tmp_path_factory.mktemp("commands")
    save_docs(demo_docs, folder / "train.spacy")
    overrides = {"paths.train": str(folder / "train.spacy"), "paths.dev": str(folder / "train.spacy"), **TINY}
    load_config(ROOT / "configs" / "demo.cfg", overrides=overrides).to_disk(folder / "base.cfg")
    command("init", "fill-config", folder / "base.cfg", folder / "config.cfg")
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    command("train", folder / "config.cfg", "--output", folder / "model")
    return folder / "model" / "model-last"


@pytest.fixture
def trained(model: Path) -> Language:
    return spacy.load(model)


class TestCommands:
    def test_thresholds_of_labels(self, folder: Path) -> None:
        thresholds = {"binds": 0.4, "*": 0.6}
        config = load_config(folder / "base.cfg")
        config["components"]["keci"]["relation_threshold"] = thresholds
        config.to_disk(folder / "sections.cfg")
        assert "[components.keci.relation_threshold]" in (folder / "sections.cfg").read_text()
        command("init", "fill-config", folder / "sections.cfg", folder / "filled.cfg")
        assert load_config(folder / "filled.cfg")["components"]["keci"]["relation_threshold"] == thresholds
        assert "Config is valid" in command("debug", "config", folder / "filled.cfg")

    # end_to_end.cfg is made of pipelines that have to be trained first; tests/pipeline/test_end_to_end.py assembles it
    @pytest.mark.parametrize("name", sorted({p.name for p in (ROOT / "configs").glob("*.cfg")} - {"end_to_end.cfg"}))
    def test_debug_config(self, name: str, folder: Path, shipped: Path) -> None:
        config = load_config(ROOT / "configs" / name)
        if "transformer" in config["nlp"]["pipeline"]:
            pytest.importorskip("spacy_transformers")
        if "start" in config["paths"]:
            config["paths"]["start"] = str(shipped)
        config.to_disk(folder / name)
        corpus = folder / "train.spacy"
        # what a config leaves to defaults is filled in first, as the command asks for
        command("init", "fill-config", folder / name, folder / f"full-{name}")
        paths = ["--paths.train", corpus, "--paths.dev", corpus]
        assert "Config is valid" in command("debug", "config", folder / f"full-{name}", *paths)

    def test_init_labels(self, folder: Path, model: Path) -> None:
        command("init", "labels", folder / "config.cfg", folder / "labels")
        labels = json.loads((folder / "labels" / "keci.json").read_text())
        assert labels == spacy.load(model).get_pipe("keci").label_data
        config = load_config(folder / "config.cfg")
        # fewer labels than the corpus has, to see that it is the file that counts
        subset = {"entities": sorted(labels["entities"]), "relations": sorted(labels["relations"])}
        (folder / "labels" / "keci.json").write_text(json.dumps(subset))
        reader = {"@readers": "spacy.read_labels.v1", "path": str(folder / "labels" / "keci.json")}
        config["initialize"]["components"]["keci"] = {"labels": reader}
        nlp = load_model_from_config(config, auto_fill=True)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # spaCy's placeholder for examples is not annotated, and need not be
            nlp.initialize()
        assert nlp.get_pipe("keci").label_data == subset

    def test_train(self, model: Path) -> None:
        nlp = spacy.load(model)
        assert nlp.meta["performance"]["entities_micro_f"] > 0.5
        assert nlp.meta["performance"].keys() >= {"entities_micro_f", "relations_micro_f"}
        assert any(mentions for mentions, _ in graphs(nlp))

    def test_evaluate(self, folder: Path, model: Path) -> None:
        """spaCy's command writes scores that it does not know with --per-component."""
        command("evaluate", model, folder / "train.spacy", "--output", folder / "scores.json", "--per-component")
        scores = json.loads((folder / "scores.json").read_text())["keci"]
        for name in (
            "entities_micro",
            "entities_macro",
            "relations_micro",
            "relations_macro",
            "relations_untyped_micro",
        ):
            assert {f"{name}_{what}" for what in "prf"} <= set(scores)
        assert scores["entities_per_type"].keys() == set(spacy.load(model).get_pipe("keci").labels)
        assert scores["entities_micro_f"] == pytest.approx(
            spacy.load(model).meta["performance"]["entities_micro_f"], abs=1e-4
        )


class TestPipelines:
    def test_analyze_pipes(self, trained: Language) -> None:
        analysis = trained.analyze_pipes()
        assert analysis["summary"]["keci"]["assigns"] == ["doc.spans", "doc._.relations", "span._.relations"]
        assert {"entities_micro_f", "relations_micro_f"} <= set(analysis["summary"]["keci"]["scores"])
        assert analysis["problems"] == {name: [] for name in trained.pipe_names}

    def test_as_tuples(self, trained: Language) -> None:
        pairs = list(trained.pipe(zip(TEXTS, range(4), strict=True), as_tuples=True, batch_size=2))
        assert [context for _, context in pairs] == [0, 1, 2, 3]
        assert [graph(doc) for doc, _ in pairs] == graphs(trained)

    def test_select_pipes(self, trained: Language) -> None:
        expected = graphs(trained)
        with trained.select_pipes(disable="keci"):
            assert "entities" not in trained(TEXTS[0]).spans
        assert graphs(trained) == expected
        excluded = spacy.load(trained.path, exclude="keci")
        assert excluded.pipe_names == ["biomedical_sentencizer", "tok2vec", "concept_linker"]

    def test_without_its_encoder(self, trained: Language) -> None:
        with trained.select_pipes(disable="tok2vec"), pytest.raises(ValueError, match=r"no vectors from.*'tok2vec'"):
            trained(TEXTS[0])
        other = spacy.blank("en")
        other.add_pipe("concept_linker", source=trained)
        other.add_pipe("keci", source=trained)
        with pytest.raises(ValueError, match="source="):
            other(TEXTS[0])
        assert not other("").spans["entities"]

    def test_source_with_the_encoder_moved_in(self, trained: Language) -> None:
        expected = graphs(trained)
        trained.replace_listeners("tok2vec", "keci", ["model.tok2vec"])
        assert graphs(trained) == expected
        other = spacy.blank("en")
        other.tokenizer = trained.tokenizer
        other.add_pipe("concept_linker", source=trained)
        other.add_pipe("keci", source=trained)
        assert graphs(other) == expected
        other.remove_pipe("concept_linker")
        with pytest.warns(UserWarning, match="runs without background knowledge"):
            other(TEXTS[0])

    def test_source_from_a_config(self, model: Path, tmp_path: Path) -> None:
        """keci without its tok2vec, beside another component, saved and loaded again."""
        config = Config(
            {
                "nlp": {
                    "lang": "en",
                    "pipeline": ["sentencizer", "concept_linker", "keci"],
                    "tokenizer": {"@tokenizers": "spacy_keci.BiomedicalTokenizer.v1"},
                },
                "components": {
                    "sentencizer": {"factory": "sentencizer"},
                    "concept_linker": {"source": str(model)},
                    "keci": {"source": str(model), "replace_listeners": ["model.tok2vec"]},
                },
            }
        )
        nlp = load_model_from_config(config, auto_fill=True)
        nlp.to_disk(tmp_path)
        assert graphs(spacy.load(tmp_path)) == graphs(nlp) == graphs(spacy.load(model))

    def test_source_together_with_the_encoder(self, trained: Language) -> None:
        other = spacy.blank("en")
        other.tokenizer = trained.tokenizer
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # W113: the source must stay as it is
            for name in trained.pipe_names:
                other.add_pipe(name, source=trained)
        assert graphs(other) == graphs(trained)

    def test_after_ner(self, trained: Language, demo_docs: list[Doc]) -> None:
        """To a pipeline that finds entities, linker and keci are added: to find mentions of their own, and to relate
        those of ner, of which they can learn as well."""
        expected = graphs(trained)
        trained.replace_listeners("tok2vec", "keci", ["model.tok2vec"])
        fix_random_seed(0)
        nlp = spacy.blank("en")
        nlp.tokenizer = trained.tokenizer
        nlp.add_pipe("ner")
        docs = [with_flat_entities(doc) for doc in demo_docs]
        examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
        optimizer = nlp.initialize(lambda: examples)
        optimizer.learn_rate = 0.01
        for _ in range(20):
            nlp.update(examples, sgd=optimizer)
        nlp.add_pipe("concept_linker", source=trained)
        nlp.add_pipe("keci", source=trained)
        assert graphs(nlp) == expected
        assert not any(nlp.analyze_pipes()["problems"].values())
        nlp.get_pipe("keci").entities_from = "ents"
        nlp.get_pipe("keci").relation_threshold = 0.0  # after 60 steps of training, it is sure of none
        found = list(nlp.pipe(doc.text for doc in docs))
        for doc in found:
            entities = [(entity.start, entity.end, entity.label_) for entity in doc.ents]
            assert graph(doc)[0] == entities
        assert any(doc._.relations for doc in found)
        assert any(mention.kb_id for doc in found for mention in doc.spans["entities"])
        before = nlp.get_pipe("ner").to_bytes()
        losses = nlp.update(
            [Example(nlp.make_doc(doc.text), doc) for doc in docs],
            sgd=nlp.resume_training(),
            exclude=["ner"],
            annotates=["ner", "concept_linker"],
        )
        assert losses["keci"] > 0 and nlp.get_pipe("ner").to_bytes() == before

    def test_shared_encoder(self, demo_docs: list[Doc]) -> None:
        """keci and an entity recognizer listen to one tok2vec, and both teach it."""
        fix_random_seed(0)
        config = load_config(ROOT / "configs" / "demo.cfg", overrides=TINY, interpolate=True)
        nlp = load_model_from_config(config, auto_fill=True)
        nlp.add_pipe("ner", config={"model": {"tok2vec": config["components"]["keci"]["model"]["tok2vec"]}})
        docs = [with_flat_entities(doc) for doc in demo_docs]
        optimizer = nlp.initialize(lambda: [Example(nlp.make_doc(doc.text), doc) for doc in docs])
        assert nlp.get_pipe("tok2vec").listening_components == ["keci", "ner"]
        history = []
        for _ in range(40):
            losses: dict[str, float] = {}
            examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
            nlp.update(examples, sgd=optimizer, losses=losses, annotates=["concept_linker"])
            optimizer.step_schedules()
            history.append(losses)
        for name in ("keci", "ner"):
            # the loss of keci rises at first, as its classifiers leave the "none" that they begin with
            assert history[-1][name] < 0.9 * max(losses[name] for losses in history)
        doc = nlp(demo_docs[0].text)
        assert "entities" in doc.spans and doc.has_annotation("ENT_IOB")

    def test_a_batch_without_gold_graphs_teaches_what_others_learn(self, demo_docs: list[Doc]) -> None:
        """The encoder waits for the last of its listeners, here keci, before it learns what the others gave it."""
        fix_random_seed(0)
        config = load_config(ROOT / "configs" / "demo.cfg", overrides=TINY, interpolate=True)
        nlp = load_model_from_config(config, auto_fill=True)
        ner = {"model": {"tok2vec": config["components"]["keci"]["model"]["tok2vec"]}}
        nlp.add_pipe("ner", config=ner, before="keci")
        docs = [with_flat_entities(doc) for doc in demo_docs]
        optimizer = nlp.initialize(lambda: [Example(nlp.make_doc(doc.text), doc) for doc in docs])
        optimizer.learn_rate = 0.01  # at first, schedules have none
        before = nlp.get_pipe("tok2vec").model.to_bytes()
        for doc in docs:
            del doc.spans["entities"]
        with pytest.warns(UserWarning, match="cannot learn from examples without"):
            for _ in range(2):  # the first time the recognizer's own last layer is 0
                nlp.update([Example(nlp.make_doc(doc.text), doc) for doc in docs], sgd=optimizer)
        assert nlp.get_pipe("tok2vec").model.to_bytes() != before


def with_flat_entities(doc: Doc) -> Doc:
    doc = doc.copy()
    doc.ents = spacy.util.filter_spans(list(doc.spans["entities"]))
    return doc
