"""Thresholds are found by filtering, and confirmed by prediction."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner, Result

from spacy_keci.cli.load import find_extractor
from spacy_keci.cli.main import keci
from spacy_keci.cli.tune import UNSCALED, Trials, calibrated, choose_of_mentions, describe, fit_settings
from spacy_keci.pipeline.calibration import Scaling
from spacy_keci.pipeline.thresholds import Threshold, by_label
from spacy_keci.scoring.tuning import LOWEST, ScoredItems

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


def tuned_settings(nlp: Language, golds: list[Doc]) -> dict[str, Any]:
    _, pipe = find_extractor(nlp)
    trials = Trials(nlp, pipe, golds)
    return fit_settings(*trials.compare(trials.predict({"threshold": LOWEST, "relation_threshold": LOWEST})))


def mean_f(nlp: Language, golds: list[Doc], settings: dict[str, Any]) -> float:
    trials = Trials(nlp, find_extractor(nlp)[1], golds)
    scores = trials.score(trials.predict(settings))
    return sum(scores[f] for f in MEAN_OF) / 2


def test_the_best_are_found(nlp: Language, demo_docs: list[Doc]) -> None:
    """Thresholds that are computed from one prediction are those that score best where the pipeline predicts again."""
    best = mean_f(nlp, demo_docs, tuned_settings(nlp, demo_docs))
    others = [{"threshold": a, "relation_threshold": b} for a in (0.05, 0.3, 0.6, 0.9) for b in (0.05, 0.3, 0.6, 0.9)]
    assert best > min(scores := [mean_f(nlp, demo_docs, settings) for settings in others])
    assert best >= max(scores)
    present = {"threshold": None, "relation_threshold": None, **UNSCALED}
    assert Trials(nlp, find_extractor(nlp)[1], demo_docs).present == present


@pytest.mark.parametrize("label", ["", "unheard of"])
def test_what_nothing_depends_on_stays(nlp: Language, demo_docs: list[Doc], label: str) -> None:
    """No relation is to be found, or none that the model knows."""
    golds = []
    for doc in demo_docs:
        golds.append(doc.copy())
        group = golds[-1].spans["entities"]
        group.attrs["relations"] = [[0, 1, label, 1.0]] if label and len(group) > 1 else []
    assert tuned_settings(nlp, golds).keys() == {"threshold", "temperature", "bias"}


def test_thresholds_of_given_mentions_stay(
    nlp: Language, demo_docs: list[Doc], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, pipe = find_extractor(nlp)
    monkeypatch.setattr(pipe, "entities_from", "mine")
    ruler = nlp.add_pipe("span_ruler", config={"spans_key": "mine"}, before="keci")
    try:
        ruler.add_patterns([{"label": m.label_, "pattern": m.text} for doc in demo_docs for m in doc.spans["entities"]])
        found = tuned_settings(nlp, demo_docs)
        assert found.keys() == {"relation_threshold", "relation_temperature", "relation_bias"}
        _, pipe = find_extractor(nlp)
        trials = Trials(nlp, pipe, demo_docs)
        assert trials.present.keys() == found.keys() == choose_of_mentions(trials, False).keys()
        (now,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("now")]
        assert now.split()[:2] == ["now", "given"] and "0.50" in now  # several relations may hold, each from 0.5 on
    finally:
        nlp.remove_pipe("span_ruler")


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
            assert f"no component of this pipeline sets {place}. Add one" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("threshold", "default", "text"),
    [
        (None, None, "most probable"),
        (None, 0.5, "0.50"),
        (0.3, None, "0.30"),
        (0.3, 0.5, "0.30"),
        ([["a", 0.8]], None, "0.80, others most probable"),
        ([["a", 0.8]], 0.5, "0.50-0.80"),
        ({"a": 0.8, "b": 0.2}, None, "0.20-0.80, others most probable"),
        ([["a", 0.8], ["*", 0.5]], None, "0.50-0.80"),
    ],
)
def test_thresholds_in_a_table(threshold: Threshold, default: float | None, text: str) -> None:
    assert describe(threshold, default) == text


def test_new_pipeline(model: Path, corpus: Path, tmp_path: Path, demo_docs: list[Doc]) -> None:
    result = tune(model, corpus, "--output", tmp_path / "tuned")
    assert result.exit_code == 0, result.output
    tuned = spacy.load(tmp_path / "tuned")
    name, pipe = find_extractor(tuned)
    assert result.stdout.splitlines() == [
        f"components.{name}.threshold = {pipe.threshold}",
        f"components.{name}.relation_threshold = {pipe.relation_threshold}",
        *(f"components.{name}.{setting} = {getattr(pipe, setting)}" for setting in UNSCALED),
    ]
    assert (tmp_path / "tuned" / "training.json").exists()
    assert result.stderr.count("Calibration error of") == 2
    # thresholds of the table are those that are printed
    (row,) = (line.split() for line in result.stderr.splitlines() if line.startswith("tuned"))
    assert (row[1], row[5]) == (describe(pipe.threshold), describe(pipe.relation_threshold))
    before, after = (mean_f(each, demo_docs, {}) for each in (spacy.load(model), tuned))
    assert after > before
    # the lines are those of a config
    config = {key: json.loads(value) for key, value in (line.split(" = ") for line in result.stdout.splitlines())}
    assert mean_f(spacy.load(model, config=config), demo_docs, {}) == after
    again = tune(tmp_path / "tuned", corpus)
    assert "No thresholds are better" in again.stderr
    values, same = ([float(line.split(" = ")[1]) for line in each.stdout.splitlines()] for each in (result, again))
    assert same == pytest.approx(values, rel=0.25, abs=0.25)


def test_thresholds_may_be_kept(model: Path, corpus: Path) -> None:
    result = tune(model, corpus, "--keep-thresholds")
    assert result.exit_code == 0 and "No thresholds are better" not in result.stderr
    # with multi_label, relations have the default threshold 0.5
    assert "components.keci.threshold = null\ncomponents.keci.relation_threshold = 0.5\n" in result.stdout
    assert "components.keci.temperature = 1.0" not in result.stdout


@pytest.mark.parametrize("threshold", [None, {"binds": 0.3}, {"binds": 0.3, "*": 0.6}])
def test_the_same_relations_reach_the_moved_thresholds(threshold: Threshold) -> None:
    holds = np.arange(50) % 4 > 0
    found = ScoredItems(np.linspace(0.2, 0.9, 50), holds, np.zeros((50, 2), dtype="int64"), 50, holds)
    present = {"relation_threshold": threshold, "relation_temperature": 1.0, "relation_bias": 0.0}
    fitted = calibrated(present, {"relations": found}, 0.5)
    scaling = Scaling(fitted["relation_temperature"], fitted["relation_bias"])
    before, after = {"*": 0.5} | by_label(threshold), by_label(fitted["relation_threshold"])
    assert before != after and before.keys() == after.keys()
    for label, value in before.items():
        assert after[label] == pytest.approx(float(scaling(np.array([value]))[0]))


def test_what_is_read_is_not_replaced(model: Path, corpus: Path) -> None:
    for output, kept in ((model, model / "config.cfg"), (corpus.parent, corpus)):
        result = tune(model, corpus, "--output", output, "--force")
        assert result.exit_code == 1 and "would be lost" in " ".join(result.stderr.split()), result.output
        assert kept.exists()


def test_only_a_pipeline_outside_of_the_old_one_is_written_or_replaced(
    model: Path, corpus: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "kept.txt").touch()
    before = sorted(model.rglob("*"))
    for output, reason in (
        (model / "keci", "inside the pipeline"),
        (model / "keci" / "tuned", "inside the pipeline"),
        (tmp_path / "other", "not a pipeline"),
    ):
        result = tune(model, corpus, "--output", output, "--force")
        assert result.exit_code == 1 and reason in " ".join(result.stderr.split()), result.output
    assert sorted(model.rglob("*")) == before
    assert (tmp_path / "other" / "kept.txt").exists()


def test_mistakes(model: Path, corpus: Path, tmp_path: Path) -> None:
    DocBin().to_disk(tmp_path / "none.spacy")
    spacy.blank("en").to_disk(tmp_path / "blank")
    (tmp_path / "prose.txt").write_text("prose")
    for args, code, expected in [
        (("no_such_model", corpus), 1, "Cannot load the pipeline"),
        ((tmp_path / "blank", corpus), 1, "no component that predicts relations"),
        ((model, tmp_path / "nothing"), 2, "does not exist"),
        ((model, tmp_path / "prose.txt"), 1, "is neither .spacy nor .jsonl"),
        ((model, tmp_path / "none.spacy"), 1, "holds no documents"),
        ((model, corpus, "-o", tmp_path), 1, "already exists"),
        ((model, corpus, "-o", tmp_path / "prose.txt" / "tuned"), 1, "prose.txt: File exists"),
    ]:
        result = tune(*args)
        assert result.exit_code == code and expected in " ".join(result.stderr.split()), result.output
        assert isinstance(result.exception, SystemExit) and not result.stdout
