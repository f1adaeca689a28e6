import math
from pathlib import Path

import numpy as np
import pytest
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_keci.ml.latent.contexts import FIRST, N_SPECIAL, SECOND, UNKNOWN
from spacy_keci.ml.latent.elbo import RelationModel
from spacy_keci.ml.latent.pretrained import Pretrained
from spacy_keci.ml.latent.pretraining import CHECKPOINT, Report, TrainingSettings, kl_weight, pretrain
from spacy_keci.ml.latent.settings import RepresentationSettings
from spacy_keci.ml.latent.store import ContextSettings, ContextStore, write_contexts

VERBS = ["binds", "inhibits", "causes", "prevents"]
SMALL = {"batch_size": 16, "learn_rate": 0.01, "kl_warmup": 300, "held_out": 50, "log_every": 200}


def make_docs(nlp: Language, n: int = 200) -> list[Doc]:
    docs = []
    for i in range(n):
        words = ["a", "TP53", VERBS[i % 4], "the", "MDM2", "x" * (i % 3 + 1), "."]
        doc = Doc(nlp.vocab, words=words, sent_starts=[True, *[False] * 6])
        ends = ("Gene", "Protein" if i % 2 else "Disease")
        doc.spans["entities"] = [Span(doc, 1, 2, ends[0], kb_id="7157"), Span(doc, 4, 5, ends[1], kb_id=f"D{i % 5}")]
        docs.append(doc)
    return docs


@pytest.fixture
def store(nlp: Language, tmp_path: Path) -> ContextStore:
    write_contexts(make_docs(nlp), tmp_path / "contexts", ContextSettings())
    return ContextStore(tmp_path / "contexts")


def make_model(store: ContextStore) -> RelationModel:
    torch.manual_seed(0)
    settings = RepresentationSettings(hidden_width=16, embedding_width=12, latent_width=6)
    return RelationModel(N_SPECIAL + len(store.words), 1 + len(store.entities), settings)


class TestStore:
    def test_contexts(self, store: ContextStore) -> None:
        assert len(store) == 200
        assert store.words[:3] == [".", "a", "the"] or set(store.words[:3]) <= {".", "a", "the", "mdm2", "tp53"}
        batch = store.batch(np.array([0, 5]))
        names = {N_SPECIAL + i: word for i, word in enumerate(store.words)} | {FIRST: "<1>", SECOND: "<2>"}
        assert [[names[t] for t in row] for row in batch.tokens.tolist()] == [
            ["a", "<1>", "binds", "the", "<2>", "x", "."],
            ["a", "<1>", "inhibits", "the", "<2>", "xxx", "."],
        ]
        kinds = [["", *store.entities][i] for i in batch.second.tolist()]
        assert kinds == ["Disease", "Protein"]

    def test_other_names_of_types_concepts_and_pair_types(self, nlp: Language, tmp_path: Path) -> None:
        def entities(**settings: object) -> tuple[list[str], int]:
            folder = tmp_path / str(len(list(tmp_path.iterdir())))
            write_contexts(make_docs(nlp), folder, ContextSettings(**settings))  # type: ignore[arg-type]
            store = ContextStore(folder)
            return store.entities, len(store)

        assert entities(types={"Protein": "Gene"}) == (["Gene", "Disease"], 200)
        assert entities(pair_types=[["Disease", "Gene"]]) == (["Disease", "Gene"], 100)
        found, n = entities(entities="concepts")
        assert found[0] == "7157" and set(found[1:]) == {f"D{i}" for i in range(5)} and n == 200

    def test_pairs_of_concepts_are_counted(self, nlp: Language, tmp_path: Path) -> None:
        write_contexts(make_docs(nlp, 10), tmp_path / "contexts", ContextSettings(entities="concepts"))
        counts = {frozenset(row[:2]): row[2] for row in ContextStore(tmp_path / "contexts").pair_counts()}
        assert counts == {frozenset(("7157", f"D{i}")): 2 for i in range(5)}

    def test_limits(self, nlp: Language, tmp_path: Path) -> None:
        doc = Doc(nlp.vocab, words=list("abcdefgh"))
        doc.spans["entities"] = [Span(doc, i, i + 1, "T") for i in range(8)]
        counts = write_contexts([doc], tmp_path / "a", ContextSettings(max_pairs=5, max_pair_distance=3))
        assert counts["contexts"] == 5
        assert counts["pairs that are too far apart"] == 10 and counts["pairs beyond max_pairs of a text"] == 13
        rows = ContextStore(tmp_path / "a").pairs
        assert (rows[:, 3] - rows[:, 1] == 1).all()  # the closest

    def test_rare_words_are_unknown(self, nlp: Language, tmp_path: Path) -> None:
        write_contexts(make_docs(nlp), tmp_path / "a", ContextSettings())
        store = ContextStore(tmp_path / "a", max_words=3)
        assert len(store.words) == 3 and (store.batch(np.arange(4)).tokens == UNKNOWN).any()

    def test_more_entities_than_16_bits_hold(self, nlp: Language, tmp_path: Path) -> None:
        """The released program's pair 70,000 would be pair 4,464."""

        def docs() -> object:
            for i in range(360):
                doc = Doc(nlp.vocab, words=["x"] * 200)
                doc.spans["entities"] = [Span(doc, j, j + 1, "T", kb_id=f"C{200 * i + j}") for j in range(200)]
                yield doc

        settings = ContextSettings(entities="concepts", max_pair_distance=1, max_pairs=200)
        write_contexts(docs(), tmp_path / "a", settings)  # type: ignore[arg-type]
        store = ContextStore(tmp_path / "a")
        batch = store.batch(np.array([len(store) - 1]))
        assert [store.entities[int(i) - 1] for i in (batch.first[0], batch.second[0])] == ["C71998", "C71999"]
        assert len(store.entities) == 72_000

    def test_every_context_is_read_once_an_epoch_or_held_out(self, store: ContextStore) -> None:
        held_out = store.held_out(1000)
        epochs = [list(store.batches(16, 0, epoch)) for epoch in (0, 1, 0)]
        for batches in epochs:
            assert sorted(np.concatenate([*batches, held_out]).tolist()) == list(range(200))
        first, second, again = (np.concatenate(batches).tolist() for batches in epochs)
        assert first == again != second

    def test_no_pairs(self, nlp: Language, tmp_path: Path) -> None:
        write_contexts([nlp.make_doc("Nothing here.")], tmp_path / "a", ContextSettings())
        with pytest.raises(ValueError, match="no sentence of the texts has two mentions"):
            ContextStore(tmp_path / "a")


class TestTraining:
    def test_the_bound_rises(self, store: ContextStore, tmp_path: Path) -> None:
        reports: list[Report] = []
        model, settings = make_model(store), TrainingSettings(contexts=4000, **SMALL)
        progress = pretrain(model, store, settings, tmp_path, tell=reports.append)
        assert reports[-1].held_out_nats < 0.6 * reports[0].held_out_nats
        assert progress.seen >= 4000 and progress.epoch > 10
        assert not model.training

    def test_an_interrupted_training_has_the_same_weights(self, store: ContextStore, tmp_path: Path) -> None:
        settings = TrainingSettings(contexts=1000, checkpoint_every=150, **SMALL)
        whole, killed = make_model(store), make_model(store)
        (tmp_path / "whole").mkdir()
        (tmp_path / "killed").mkdir()
        pretrain(whole, store, settings, tmp_path / "whole")
        seen = 0

        def die(n: int) -> None:
            nonlocal seen
            seen += n
            if seen > 520:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            pretrain(killed, store, settings, tmp_path / "killed", advance=die)
        again = make_model(store)
        torch.manual_seed(99)  # whatever else has happened
        done: list[int] = []
        pretrain(again, store, settings, tmp_path / "killed", advance=done.append)
        assert 300 < done[0] < 520  # it did not begin anew
        for name, weight in whole.state_dict().items():
            torch.testing.assert_close(again.state_dict()[name], weight, rtol=0, atol=0)

    def test_another_seed_gives_other_weights(self, store: ContextStore, tmp_path: Path) -> None:
        models = [make_model(store), make_model(store)]
        for seed, model in enumerate(models):
            (tmp_path / str(seed)).mkdir()
            pretrain(model, store, TrainingSettings(contexts=100, seed=seed, **SMALL), tmp_path / str(seed))
        assert not torch.equal(models[0].decoder.output.weight, models[1].decoder.output.weight)

    def test_a_checkpoint_of_other_settings(self, store: ContextStore, tmp_path: Path) -> None:
        pretrain(make_model(store), store, TrainingSettings(contexts=50, **SMALL), tmp_path)
        assert (tmp_path / CHECKPOINT).exists()
        with pytest.raises(ValueError, match=r"other settings \(free_bits\)"):
            pretrain(make_model(store), store, TrainingSettings(contexts=90, free_bits=1.0, **SMALL), tmp_path)
        progress = pretrain(make_model(store), store, TrainingSettings(contexts=90, **SMALL), tmp_path)  # longer
        assert progress.seen >= 90

    def test_kl_annealing_by_contexts(self) -> None:
        settings = TrainingSettings(kl_warmup=1000)
        assert [kl_weight(settings, n) for n in (0, 250, 1000, 5000)] == [0, 0.25, 1, 1]

    def test_free_bits_keep_the_kl_up(self, store: ContextStore, tmp_path: Path) -> None:
        reports: dict[float, Report] = {}
        for free_bits in (0.0, 0.5):
            (tmp_path / str(free_bits)).mkdir()
            settings = TrainingSettings(contexts=3000, free_bits=free_bits, **(SMALL | {"kl_warmup": 0}))
            told: list[Report] = []
            pretrain(make_model(store), store, settings, tmp_path / str(free_bits), tell=told.append)
            reports[free_bits] = told[-1]
        assert reports[0.0].held_out_kl < 1.0 and reports[0.0].collapsed
        assert reports[0.5].held_out_kl > 1.5

    @pytest.mark.parametrize("n", [20, 50])  # no text is held out, or one
    def test_few_texts_say_nothing_of_a_collapse(self, n: int, nlp: Language, tmp_path: Path) -> None:
        write_contexts(make_docs(nlp, n), tmp_path, ContextSettings())
        store = ContextStore(tmp_path)
        told: list[Report] = []
        settings = TrainingSettings(contexts=32, **SMALL)
        pretrain(make_model(store), store, settings, tmp_path, tell=told.append)
        assert told[-1].is_last and not told[-1].collapsed
        assert math.isnan(told[-1].held_out_gain) and math.isnan(told[-1].held_out_nats) == (n == 20)

    def test_saved_and_loaded(self, store: ContextStore, tmp_path: Path) -> None:
        model = make_model(store)
        settings = RepresentationSettings(hidden_width=16, embedding_width=12, latent_width=6)
        saved = Pretrained(settings, "full", "types", store.words, store.entities, model.state_dict())
        saved.to_disk(tmp_path)
        loaded = Pretrained.from_disk(tmp_path)
        assert loaded.words == store.words and loaded.entities == store.entities and loaded.settings == settings
        for name, weight in loaded.model().state_dict().items():
            torch.testing.assert_close(weight, model.state_dict()[name])
        with pytest.raises(ValueError, match="pretrain-relations"):
            Pretrained.from_disk(tmp_path / "contexts")
