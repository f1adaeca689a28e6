"""Thresholds are found by filtering, and confirmed by prediction."""

from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner, Result

from spacy_keci.cli.load import find_keci
from spacy_keci.cli.main import keci
from spacy_keci.cli.tune import GRID, LOWEST, Thresholds, evaluate_at, find_thresholds, predict_at, score_predictions

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


def test_filtering_is_predicting(nlp: Language, demo_docs: list[Doc]) -> None:
    """Scores that are computed from one prediction are those of predictions with each of the thresholds."""
    _, pipe = find_keci(nlp)
    docs = predict_at(nlp, pipe, demo_docs, Thresholds(LOWEST, LOWEST))
    mentions, relations = score_predictions(docs, demo_docs, pipe.spans_key, pipe.symmetric)
    mention_f, relation_f = mentions.f_scores(), relations.f_scores()
    assert np.ptp(mention_f) > 0.05 and np.ptp(relation_f) > 0.02
    for i, j in ((0, 0), (5, 40), (45, 0), (45, 45), (30, 80), (94, 94)):
        scores = evaluate_at(nlp, pipe, demo_docs, Thresholds(float(GRID[i]), float(GRID[j])))
        assert mention_f[i] == pytest.approx(scores["entities_micro_f"])
        assert relation_f[i, j] == pytest.approx(scores["relations_micro_f"])
    assert (pipe.threshold, pipe.relation_threshold) == (None, None)


def test_the_best_are_found(nlp: Language, demo_docs: list[Doc]) -> None:
    _, pipe = find_keci(nlp)
    found = find_thresholds(nlp, pipe, demo_docs)

    def mean(thresholds: Thresholds) -> float:
        scores = evaluate_at(nlp, pipe, demo_docs, thresholds)
        return sum(scores[f] for f in MEAN_OF) / 2

    others = [Thresholds(a, b) for a in (0.05, 0.3, 0.6, 0.9) for b in (0.05, 0.3, 0.6, 0.9)]
    assert mean(found) >= max(map(mean, others))


def test_what_nothing_depends_on_stays(nlp: Language, demo_docs: list[Doc]) -> None:
    _, pipe = find_keci(nlp)
    golds = []
    for doc in demo_docs:
        golds.append(doc.copy())
        golds[-1].spans["entities"].attrs["relations"] = []
    found = find_thresholds(nlp, pipe, golds)
    assert found.threshold is not None and found.relation_threshold is None


def test_new_pipeline(model: Path, corpus: Path, tmp_path: Path, demo_docs: list[Doc]) -> None:
    result = tune(model, corpus, "--output", tmp_path / "tuned")
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
    again = tune(tmp_path / "tuned", corpus)
    assert again.stdout == result.stdout and "No thresholds are better" in again.stderr


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
