"""``pretrain-relations`` and ``relate-pairs``, on sentences in which a verb depends on the pair."""

import csv
import gzip
import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import srsly
import torch

from spacy_keci.cli.pretrain_relations import CorpusSettings, read_texts
from spacy_keci.cli.relate_pairs import read_pairs, sentence_counts
from spacy_keci.ml.latent.pairs import Pair, PairModel, PairSettings
from spacy_keci.ml.latent.pretrained import Pretrained
from spacy_keci.reports import Report

from ..commands import spacy_command
from ..conftest import ROOT

command = partial(spacy_command, "keci")

CONFIG = ROOT / "configs" / "pretraining" / "latent_relations.cfg"
QUICK = {
    "contexts.entities": "concepts",
    "model.hidden_width": 24,
    "model.embedding_width": 24,
    "model.latent_width": 8,
    "training.contexts": 2500,
    "training.batch_size": 32,
    "training.learn_rate": 0.02,
    "training.kl_warmup": 1000,
    "training.free_bits": 0.1,
    "training.held_out": 10,
    "training.log_every": 1250,
    "training.checkpoint_every": 700,
}
GENES, DRUGS = [f"G{i}" for i in range(12)], [f"C{i}" for i in range(12)]


def verb(gene: str, drug: str) -> str:
    """Genes of even number are inhibited by drugs of even number; all else is only seen together."""
    return "inhibits" if int(gene[1:]) % 2 == int(drug[1:]) % 2 == 0 else "and"


def options(**settings: Any) -> list[str]:
    return [word for name, value in (QUICK | settings).items() for word in (f"--{name}", str(value))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts that mention two thirds of the pairs, and a model that was pre-trained on them."""
    folder = tmp_path_factory.mktemp("latent")
    with (folder / "texts.jsonl").open("w") as file:
        for _ in range(4):
            for i, gene in enumerate(GENES):
                for j, drug in enumerate(DRUGS):
                    if (i + j) % 3:
                        row = {
                            "text": f"drug{j} {verb(gene, drug)} gene{i} here .",
                            "entities": [
                                {"text": f"drug{j}", "label": "Drug", "kb_id": drug},
                                {"text": f"gene{i}", "label": "Gene", "kb_id": gene},
                            ],
                        }
                        file.write(json.dumps(row) + "\n")
    printed = command(
        "pretrain-relations", CONFIG, "-o", folder / "model", *options(**{"paths.texts": folder / "texts.jsonl"})
    )
    assert "nats/token" in printed
    return folder


def test_what_is_written(folder: Path) -> None:
    found = Pretrained.from_disk(folder / "model")
    assert set(found.entities) == {*GENES, *DRUGS} and found.kind == "concepts"
    assert {"inhibits", "and", "here", "."} <= set(found.words)
    log = [json.loads(line) for line in (folder / "model" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["seen"] >= 2500 and log[-1]["held_out_nats"] < log[0]["held_out_nats"]
    assert sentence_counts(folder / "model")[frozenset(("G0", "C1"))] == 4


def test_a_run_goes_on_where_it_was(folder: Path, tmp_path: Path) -> None:
    """To the same weights as one that was never interrupted."""
    texts = {"paths.texts": folder / "texts.jsonl"}
    command("pretrain-relations", CONFIG, "-o", tmp_path / "a", *options(**texts, **{"training.contexts": 1000}))
    printed = command("pretrain-relations", CONFIG, "-o", tmp_path / "a", *options(**texts))
    assert "contexts  epoch 0 " not in printed
    whole = Pretrained.from_disk(folder / "model").weights
    for name, weight in Pretrained.from_disk(tmp_path / "a").weights.items():
        torch.testing.assert_close(weight, whole[name], rtol=0, atol=0)


def test_gzipped_texts_in_a_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.jsonl.gz").write_bytes(gzip.compress((folder / "texts.jsonl").read_bytes()))
    plain, gzipped = (
        [doc.text for doc in read_texts(path, CorpusSettings(), Report())]
        for path in (folder / "texts.jsonl", tmp_path)
    )
    assert gzipped == plain


def test_parquet_and_other_formats(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    for name in ("texts.parquet", "texts.pubtator"):
        command("convert", folder / "texts.jsonl", tmp_path / name)
    command("convert", folder / "texts.jsonl", tmp_path / "texts", "--to", "brat")
    settings = {"training.contexts": 64, "contexts.entities": "types"}
    for name, format_ in (("texts.parquet", "null"), ("texts.pubtator", "pubtator"), ("texts", "brat")):
        words = options(**settings, **{"paths.texts": tmp_path / name, "corpus.format": format_})
        command("pretrain-relations", CONFIG, "-o", tmp_path / format_, *words)
        assert set(Pretrained.from_disk(tmp_path / format_).entities) == {"Drug", "Gene"}


def test_few_texts_of_which_none_is_held_out(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "texts.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "texts.jsonl").write_text("".join(lines[:20]))
    words = options(**{"paths.texts": tmp_path / "texts.jsonl", "training.contexts": 64})
    command("pretrain-relations", CONFIG, "-o", tmp_path / "model", *words)
    (report,) = map(json.loads, (tmp_path / "model" / "log.jsonl").read_text().splitlines())
    assert report["held_out_nats"] is report["held_out_gain"] is None and report["nats"] > 0


def test_mistakes_of_pretraining(folder: Path, tmp_path: Path) -> None:
    def failed(**settings: Any) -> str:
        words = options(**{"paths.texts": folder / "texts.jsonl", **settings})
        return command("pretrain-relations", CONFIG, "-o", tmp_path / "x", *words, code=1)

    assert "No texts are given" in command("pretrain-relations", CONFIG, "-o", tmp_path / "y", code=1)
    (tmp_path / "misspelt.cfg").write_text(CONFIG.read_text() + "\n[trainings]\nseed = 3\n")
    shown = command("pretrain-relations", tmp_path / "misspelt.cfg", "-o", tmp_path / "y", code=1)
    assert "No settings are read from the section [trainings]" in shown
    assert "batch_size of the pre-training must be 1 or more" in failed(**{"training.batch_size": 0})
    assert "[training] batch_size" in failed(**{"training.batch_size": '"many"'})
    assert "no longer a number" in failed(**{"training.learn_rate": 1e30, "training.log_every": 32})
    assert "no setting speed" in failed(**{"training.speed": 3})
    assert "No such option" in command("pretrain-relations", CONFIG, "-o", tmp_path / "y", "--speed", 3, code=2)
    shutil.copytree(folder / "model", tmp_path / "x", dirs_exist_ok=True)
    assert "made with other settings" in failed(**{"contexts.max_pairs": 3})
    assert "with other settings (learn_rate)" in failed(**{"training.learn_rate": 0.5})


def labelled() -> tuple[list[Pair], list[Pair], list[Pair]]:
    """Training, validation and test: the last are pairs that no text mentions together."""
    pairs = [Pair(g, d, {"inhibits": "inhibited", "and": "none"}[verb(g, d)]) for g in GENES for d in DRUGS]
    seen = [pair for pair in pairs if (int(pair.first[1:]) + int(pair.second[1:])) % 3]
    return seen[::2], seen[1::2], [pair for pair in pairs if pair not in seen]


def write(path: Path, pairs: list[Pair]) -> Path:
    path.write_text("".join("\t".join(pair) + "\n" for pair in pairs))
    return path


class TestPairs:
    def test_learned_saved_and_used(self, folder: Path, tmp_path: Path) -> None:
        train, validation, test = (
            write(tmp_path / f"{name}.tsv", pairs) for name, pairs in zip("abc", labelled(), strict=True)
        )
        first = tmp_path / "first.tsv"
        command(
            "relate-pairs", folder / "model", test, "--train", train, "--validation", validation, "--updates", 300,
            "--save", tmp_path / "saved", "-o", first,
        )  # fmt: skip
        with first.open() as file:
            table = list(csv.DictReader(file, delimiter="\t"))
        gold = [pair.label for pair in read_pairs(test, labelled=True)]
        right = np.mean([row["label"] == label for row, label in zip(table, gold, strict=True)])
        assert right > 0.9
        assert all(row["sentences"] == "0" and 0 <= float(row["uncertainty"]) <= 0.5 for row in table)
        second = tmp_path / "second.tsv"
        command("relate-pairs", tmp_path / "saved", test, "-o", second)
        assert first.read_text() == second.read_text()

    def test_any_identifiers_and_a_table_of_its_own(self, folder: Path, tmp_path: Path) -> None:
        train, validation, _ = (
            write(tmp_path / f"{name}.tsv", pairs) for name, pairs in zip("abc", labelled(), strict=True)
        )
        asked = write(tmp_path / "asked.tsv", [Pair('the "A"', "C:\\1")])
        words = ["--train", train, "--validation", validation, "--updates", 1, "--save", tmp_path / "saved"]
        table = tmp_path / "found.tsv"
        command("relate-pairs", folder / "model", asked, *words, "-o", table)
        assert [line.split("\t")[:2] for line in table.read_text().splitlines()[1:]] == [['the "A"', "C:\\1"]]
        again = tmp_path / "again.tsv"
        command("relate-pairs", tmp_path / "saved", table, "-o", again)
        assert again.read_text() == table.read_text()
        assert [pair.label for pair in read_pairs(table, labelled=True)] == [table.read_text().split("\t")[7]]

    def test_the_threshold_is_chosen_among_probabilities_and_not_on_the_test_part(
        self, folder: Path, tmp_path: Path
    ) -> None:
        """The released program compares thresholds of 0.5 and more with logarithms, so that no pair is related; and it
        can choose them on the set that it then scores."""
        train, validation, test = labelled()
        paths = [
            write(tmp_path / f"{name}.tsv", pairs) for name, pairs in zip("abc", (train, validation, test), strict=True)
        ]
        saved = []
        for name, part in (("one", test), ("two", test[:5])):
            asked = write(tmp_path / "asked.tsv", part)
            words = ["--train", paths[0], "--validation", paths[1], "--updates", 100, "--save", tmp_path / name]
            command("relate-pairs", folder / "model", asked, *words, "-o", tmp_path / "out.tsv")
            saved.append(PairModel.from_disk(tmp_path / name).threshold)
        assert saved[0] == saved[1] and 0 < saved[0] < 1
        assert PairModel.from_disk(tmp_path / "one").predict(validation).probabilities.max() >= saved[0]

    def test_predictions_have_no_order_and_never_change(self, folder: Path) -> None:
        model = PairModel(Pretrained.from_disk(folder / "model"), ["inhibited"], PairSettings(updates=20))
        train, _, test = labelled()
        model.learn(train)
        found = model.predict(test)
        torch.manual_seed(5)
        turned = model.predict([Pair(pair.second, pair.first) for pair in test])
        np.testing.assert_allclose(found.probabilities, turned.probabilities, atol=1e-5)
        assert (found.uncertainties > 0).all() and found.known.all()
        assert not model.predict([Pair("G0", "new")]).known.any()

    def test_the_representation_stays(self, folder: Path) -> None:
        pretrained = Pretrained.from_disk(folder / "model")
        model = PairModel(pretrained, ["inhibited"], PairSettings(updates=20))
        model.learn(labelled()[0])
        for name, weight in model.representation.state_dict().items():
            torch.testing.assert_close(weight, pretrained.representation[name], rtol=0, atol=0)

    def test_mistakes(self, folder: Path, tmp_path: Path) -> None:
        train, validation, test = (
            write(tmp_path / f"{name}.tsv", pairs) for name, pairs in zip("abc", labelled(), strict=True)
        )
        assert "has no trained classifier" in command("relate-pairs", folder / "model", test, code=1)
        assert "--validation" in command("relate-pairs", folder / "model", test, "--train", train, code=1)
        for option, value in (("--validation", validation), ("--save", tmp_path / "x")):
            shown = command("relate-pairs", folder / "model", test, option, value, code=1)
            assert f"{option} is of no use without --train" in " ".join(shown.split())
        (tmp_path / "latin1.tsv").write_bytes("G0\tna\xefve\n".encode("latin1"))
        shown = command("relate-pairs", folder / "model", tmp_path / "latin1.tsv", code=1)
        assert "is not UTF-8" in " ".join(shown.split())
        (tmp_path / "bad.tsv").write_text("G0\n")
        assert "Line 1" in command("relate-pairs", folder / "model", tmp_path / "bad.tsv", code=1)
        shutil.copytree(folder / "model", tmp_path / "types")
        said = srsly.read_json(tmp_path / "types" / "pretrained.json")
        srsly.write_json(tmp_path / "types" / "pretrained.json", said | {"kind": "types"})
        words = ["--train", train, "--validation", validation]
        assert "pre-trained on concepts" in command("relate-pairs", tmp_path / "types", test, *words, code=1)
