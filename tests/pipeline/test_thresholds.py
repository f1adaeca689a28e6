from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import load_config

from spacy_keci.pipeline.thresholds import as_setting, by_label

from .systems import make_examples, make_pipeline


def test_each_label_has_its_own(
    system: str, trained_one: Language, docs: list[Doc], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Predictions are those with the lowest thresholds that reach theirs."""
    pipe: Any = trained_one.get_pipe(system)
    mentions = {"protein": 0.9, "drug": 0.2, "*": 0.5}
    relations = {"binds": 0.01, "inhibits": 0.3}  # for all others, which exclude no other: 0.5
    monkeypatch.setattr(pipe, "threshold", 0.0)
    monkeypatch.setattr(pipe, "relation_threshold", 0.0)
    texts = [doc.text for doc in docs]
    expected = []
    for doc in trained_one.pipe(texts):
        group = doc.spans["entities"]
        kept = [i for i, s in enumerate(group.attrs["scores"]) if s >= mentions.get(group[i].label_, mentions["*"])]
        rows = [row[:3] for row in group.attrs["relations"] if row[3] >= relations.get(row[2], 0.5)]
        rows = [[kept.index(h), kept.index(t), label] for h, t, label in rows if h in kept and t in kept]
        expected.append(([(group[i].start, group[i].end, group[i].label_) for i in kept], rows))
    pipe.threshold, pipe.relation_threshold = mentions, [*relations.items()]
    for doc, (spans, rows) in zip(trained_one.pipe(texts), expected, strict=True):
        group = doc.spans["entities"]
        assert [(s.start, s.end, s.label_) for s in group] == spans
        assert [row[:3] for row in group.attrs["relations"]] == rows


def test_labels_without_a_threshold_are_the_most_probable(
    system: str, trained_one: Language, docs: list[Doc], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [doc.text for doc in docs]

    def mentions() -> tuple[list[str], list[str]]:
        found = [m for doc in trained_one.pipe(texts) for m in doc.spans["entities"]]
        return [str(m) for m in found if m.label_ == "drug"], [str(m) for m in found if m.label_ != "drug"]

    drugs, others = mentions()
    monkeypatch.setattr(trained_one.get_pipe(system), "threshold", {"drug": 0.0})
    assert len(mentions()[0]) > len(drugs)
    assert mentions()[1] == others


@pytest.mark.parametrize("threshold", [{"binds": 0.3, "*": 0.6}, [["CPR:3", 0.2], ["is = a", 1.0]]])
def test_through_configs(system: str, threshold: object, tmp_path: Path) -> None:
    nlp = make_pipeline(system, relation_threshold=threshold)
    nlp.config.to_disk(tmp_path / "config.cfg")
    assert load_config(tmp_path / "config.cfg")["components"][system]["relation_threshold"] == threshold
    nlp.to_disk(tmp_path / "model")
    assert spacy.load(tmp_path / "model").get_pipe(system).relation_threshold == threshold
    pairs = {f"components.{system}.relation_threshold": [["binds", 0.7]]}
    assert by_label(spacy.load(tmp_path / "model", config=pairs).get_pipe(system).relation_threshold) == {"binds": 0.7}


def test_the_shortest_setting() -> None:
    assert as_setting({}) is None
    assert as_setting({"*": 0.3}) == 0.3
    assert as_setting({"a": 0.2, "*": 0.3}) == [("a", 0.2), ("*", 0.3)]


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        (1.5, "must be a probability, but it is 1.5"),
        ({"drug": "0.5"}, "must be a probability, but it is '0.5' for 'drug'"),
        ({"drug": -1.0}, "must be a probability, but it is -1.0 for 'drug'"),
        ([["drug", "high"]], "must be a probability, but it is 'high' for 'drug'"),
        ([["drug", True]], "must be a probability, but it is True for 'drug'"),
        ([["drug", 0.1], ["*", 0.5], ["drug", 0.2]], "more than one value for 'drug': give only one"),
        ([["drug", 0.1, 0.2]], "pairs of a label and a number"),
        (["drug"], "pairs of a label and a number"),
        ({"CPR:3": 0.5}, r"cannot be a key in a config. Give pairs instead: threshold = \[\['CPR:3', 0.5\]\]"),
    ],
)
def test_what_is_no_threshold(system: str, threshold: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_pipeline(system, threshold=threshold)


def test_unknown_labels(system: str, trained_one: Language, docs: list[Doc], monkeypatch: pytest.MonkeyPatch) -> None:
    nlp = make_pipeline(system, relation_threshold={"binds": 0.4, "bindz": 0.3})
    with pytest.raises(
        ValueError, match=rf"relation_threshold of '{system}' has unknown labels: 'bindz'. Allowed: .*binds"
    ):
        nlp.initialize(lambda: make_examples(nlp, docs))
    monkeypatch.setattr(trained_one.get_pipe(system), "threshold", {"binds": 0.3})
    with pytest.raises(ValueError, match=f"threshold of '{system}' has unknown labels: 'binds'"):
        trained_one("FK506 binds FKBP12.")
