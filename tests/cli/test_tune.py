"""Thresholds are found by filtering, and confirmed by prediction."""

import json
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner, Result

from spacy_keci.cli.load import find_keci
from spacy_keci.cli.main import keci
from spacy_keci.cli.tune import GRID, Grid, Thresholds, Tuner, _mean_f, describe, evaluate_at
from spacy_keci.pipeline.thresholds import Threshold, by_label
from spacy_keci.scoring.counts import precision_recall_f

from ..pipeline.conftest import make_pipeline, train

MEAN_OF = ("entities_micro_f", "relations_micro_f")


@pytest.fixture(scope="module")
def nlp(demo_docs: list[Doc]) -> Language:
    """Trained a little, so that scores are all over the place."""
    return train(make_pipeline(), demo_docs, epochs=12)


@pytest.fixture
def model(nlp: Language, tmp_path: Path) -> Path:
    nlp.to_disk(tmp_path / "model")
    (tmp_path / "model" / "training.json").write_text("{}")
    return tmp_path / "model"


@pytest.fixture
def corpus(demo_docs: list[Doc], tmp_path: Path) -> Path:
    DocBin(docs=demo_docs, store_user_data=True).to_disk(tmp_path / "dev.spacy")
    return tmp_path / "dev.spacy"


def tune(*args: object) -> Result:
    return CliRunner().invoke(keci, ["tune", *map(str, args)])


@pytest.fixture(scope="module")
def tuner(nlp: Language, demo_docs: list[Doc]) -> Tuner:
    return Tuner(nlp, find_keci(nlp)[1], demo_docs)


def mean_f(nlp: Language, docs: list[Doc], thresholds: Thresholds) -> float:
    scores = evaluate_at(nlp, find_keci(nlp)[1], docs, thresholds)
    return sum(scores[f] for f in MEAN_OF) / 2


def test_filtering_is_predicting(nlp: Language, tuner: Tuner, demo_docs: list[Doc]) -> None:
    """Scores that are computed from one prediction are those of predictions with each of the thresholds."""
    _, pipe = find_keci(nlp)
    rng = np.random.default_rng(0)
    n_labels = len(pipe.labels), len(pipe.relation_labels)
    found = set()
    for i in range(6):
        # one for all labels, then one for each
        rows = [rng.integers(len(GRID), size=1 + n) if i > 2 else np.full(1 + n, rng.integers(95)) for n in n_labels]
        settings = [
            float(GRID[row[0]]) if i < 3 else [(label, float(GRID[r])) for label, r in zip(labels, row, strict=False)]
            for row, labels in zip(rows, (pipe.labels, pipe.relation_labels), strict=True)
        ]
        scores = evaluate_at(nlp, pipe, demo_docs, Thresholds(*settings))
        for counts, kind in zip(tuner.counts(Grid(*rows), tuner.folds >= 0), ("entities", "relations"), strict=True):
            assert precision_recall_f(counts).tolist() == pytest.approx([scores[f"{kind}_micro_{c}"] for c in "prf"])
            found.add(round(scores[f"{kind}_micro_f"], 3))
    assert len(found) > 6
    assert (pipe.threshold, pipe.relation_threshold) == (None, None)


def test_the_best_are_found(nlp: Language, tuner: Tuner, demo_docs: list[Doc]) -> None:
    common = mean_f(nlp, demo_docs, tuner.find_common())
    others = [Thresholds(a, b) for a in (0.05, 0.3, 0.6, 0.9) for b in (0.05, 0.3, 0.6, 0.9)]
    assert common >= max(mean_f(nlp, demo_docs, thresholds) for thresholds in others)
    assert mean_f(nlp, demo_docs, tuner.find_by_label(min_gold=4)) > common


def test_small_labels_keep_the_common_threshold(tuner: Tuner) -> None:
    assert tuner.find_by_label(min_gold=10_000) == tuner.find_common()
    found = tuner.find_by_label(min_gold=4)
    counts = [
        dict(zip(labels, predictions.gold.sum(axis=0).tolist(), strict=False))
        for labels, predictions in zip(tuner.labels, (tuner.mentions, tuner.relations), strict=True)
    ]
    own = [by_label(threshold).keys() - {"*"} for threshold in found]
    assert any(own)
    assert all(count[label] >= 4 for labels, count in zip(own, counts, strict=True) for label in labels)


def test_parts_held_out(tuner: Tuner, demo_docs: list[Doc]) -> None:
    """What is chosen on the corpus itself scores better there than what was chosen on the rest."""
    assert sorted(np.bincount(tuner.folds)) == [4] * 5
    common, own = tuner.cross_validate(min_gold=2)
    everything = tuner.folds >= 0
    best = tuner._refine(tuner._find_common(everything), everything, 2)
    assert common > 0 and 0 < own < _mean_f(tuner.counts(best, everything))


@pytest.mark.parametrize("label", ["", "unheard of"])
def test_what_nothing_depends_on_stays(nlp: Language, demo_docs: list[Doc], label: str) -> None:
    """No relation is to be found, or none that the model knows."""
    _, pipe = find_keci(nlp)
    golds = []
    for doc in demo_docs:
        golds.append(doc.copy())
        group = golds[-1].spans["entities"]
        group.attrs["relations"] = [[0, 1, label, 1.0]] if label and len(group) > 1 else []
    found = Tuner(nlp, pipe, golds).find_common()
    assert found.threshold is not None and found.relation_threshold is None


def test_thresholds_of_given_mentions_stay(
    nlp: Language, demo_docs: list[Doc], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, pipe = find_keci(nlp)
    monkeypatch.setattr(pipe, "entities_from", "mine")
    ruler = nlp.add_pipe("span_ruler", config={"spans_key": "mine"}, before="keci")
    try:
        ruler.add_patterns([{"label": m.label_, "pattern": m.text} for doc in demo_docs for m in doc.spans["entities"]])
        found = Tuner(nlp, pipe, demo_docs).find_common()
    finally:
        nlp.remove_pipe("span_ruler")
    assert found.threshold is None and found.relation_threshold is not None


def test_nobody_gives_mentions(model: Path, corpus: Path) -> None:
    """Scores of 0 would say nothing of the pipeline."""
    text = (model / "config.cfg").read_text()
    assert "\nentities_from = null" in text
    for source, place in (("mine", "doc.spans['mine']"), ("ents", "doc.ents")):
        (model / "config.cfg").write_text(text.replace("\nentities_from = null", f'\nentities_from = "{source}"', 1))
        for command in ("evaluate", "tune"):
            with pytest.warns(UserWarning, match="has no mentions to relate"):
                result = CliRunner().invoke(keci, [command, str(model), str(corpus)])
            assert result.exit_code == 1 and not result.stdout
            assert f"no component of this pipeline sets {place}. Put one" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("threshold", "text"),
    [
        (None, "most probable"),
        (0.3, "0.30"),
        ([["a", 0.8]], "0.80, others most probable"),
        ({"a": 0.8, "b": 0.2}, "0.20-0.80, others most probable"),
        ([["a", 0.8], ["*", 0.5]], "0.50-0.80"),
    ],
)
def test_thresholds_in_a_table(threshold: Threshold, text: str) -> None:
    assert describe(threshold) == text


def test_new_pipeline(model: Path, corpus: Path, tmp_path: Path, demo_docs: list[Doc]) -> None:
    result = tune(model, corpus, "--output", tmp_path / "tuned", "--common")
    assert result.exit_code == 0, result.output
    tuned = spacy.load(tmp_path / "tuned")
    name, pipe = find_keci(tuned)
    assert result.stdout.splitlines() == [
        f"components.{name}.threshold = {pipe.threshold}",
        f"components.{name}.relation_threshold = {pipe.relation_threshold}",
    ]
    assert (tmp_path / "tuned" / "training.json").exists()
    before, after = (
        evaluate_at(nlp, pipe, demo_docs, Thresholds(pipe.threshold, pipe.relation_threshold))
        for nlp, (_, pipe) in ((each, find_keci(each)) for each in (spacy.load(model), tuned))
    )
    assert sum(after[f] for f in MEAN_OF) > sum(before[f] for f in MEAN_OF)
    again = tune(tmp_path / "tuned", corpus, "--common")
    assert again.stdout == result.stdout and "No thresholds are better" in again.stderr


def test_by_label(
    model: Path, corpus: Path, tmp_path: Path, demo_docs: list[Doc], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are taken if they are better on parts of the corpus that they were not chosen on."""
    common = tune(model, corpus, "--common").stdout
    for held_out, same in (((0.5, 0.4), True), ((0.5, 0.6), False)):
        monkeypatch.setattr(Tuner, "cross_validate", lambda self, min_gold, held_out=held_out: held_out)
        result = tune(model, corpus, "--min-gold", 4, "--output", tmp_path / f"{same}")
        assert result.exit_code == 0 and "score 50.0% with one for all labels" in " ".join(result.stderr.split())
        assert (result.stdout == common) == same
        # the lines are those of a config
        config = {key: json.loads(value) for key, value in (line.split(" = ") for line in result.stdout.splitlines())}
        edited, saved = spacy.load(model, config=config), spacy.load(tmp_path / f"{same}")
        scores = [mean_f(nlp, demo_docs, Tuner(nlp, find_keci(nlp)[1], demo_docs).present) for nlp in (edited, saved)]
        assert scores[0] == scores[1]


def test_mistakes(model: Path, corpus: Path, tmp_path: Path) -> None:
    DocBin().to_disk(tmp_path / "none.spacy")
    spacy.blank("en").to_disk(tmp_path / "blank")
    (tmp_path / "prose.txt").write_text("prose")
    for args, code, expected in [
        (("no_such_model", corpus), 1, "Cannot load the pipeline"),
        ((tmp_path / "blank", corpus), 1, "no component keci"),
        ((model, tmp_path / "nothing"), 2, "does not exist"),
        ((model, tmp_path / "prose.txt"), 1, "is neither .spacy nor .jsonl"),
        ((model, tmp_path / "none.spacy"), 1, "holds no documents"),
        ((model, corpus, "-o", tmp_path), 1, "is there already"),
    ]:
        result = tune(*args)
        assert result.exit_code == code and expected in " ".join(result.stderr.split()), result.output
        assert isinstance(result.exception, SystemExit) and not result.stdout
