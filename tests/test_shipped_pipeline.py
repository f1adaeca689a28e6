"""The trained pipeline in models/: what it is, what it finds, and a training that starts from it."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_keci.corpora.docbin import save_docs

from .commands import spacy_command as command
from .conftest import ROOT

pytest.importorskip("spacy_transformers")


@pytest.fixture(scope="module")
def nlp(shipped: Path) -> Language:
    return spacy.load(shipped)


def test_finds_mentions_relations_and_concepts(nlp: Language) -> None:
    doc = nlp("Tacrolimus binds FKBP12. Grb2 does not bind p53.")
    mentions = {span.text: span for span in doc.spans["entities"]}
    assert {"Tacrolimus", "FKBP12", "Grb2", "p53"} <= set(mentions)
    assert mentions["FKBP12"].label_ == "protein"
    assert mentions["Grb2"].kb_id_ == "HGNC:4566"
    bound = {(relation.head.text, relation.tail.text) for relation in doc._.relations if relation.label == "bind"}
    assert bound == {("Tacrolimus", "FKBP12")}


@pytest.mark.parametrize("dash", ["–", "‐", "\u2011", "−"])
def test_answers_do_not_depend_on_typography(nlp: Language, dash: str) -> None:
    text = "The EGFR-GRB2 complex binds 'SOS-1' (in HEK-293 cells) at 5 μM, and c-Src does not bind the 5'-end."
    other = text.replace("-", dash).replace("'", "’").replace("μ", "µ").replace("(", "（")
    doc, expected = nlp(other), nlp(text)
    assert doc.text == other and len(expected.spans["entities"]) > 3 and expected._.relations
    for key in ("entities", "concepts"):
        group, same = doc.spans[key], expected.spans[key]
        assert group.attrs == same.attrs
        places = [[(m.start_char, m.end_char, m.label_, m.kb_id_) for m in each] for each in (group, same)]
        assert places[0] == places[1]


@pytest.mark.parametrize("blank", ["\u00a0", "  "])
def test_answers_do_not_depend_on_white_space(nlp: Language, blank: str) -> None:
    text = "The EGFR receptor binds Grb2 and the SH2 domain of c-Src."
    doc, expected = nlp(text.replace(" ", blank)), nlp(text)
    assert len(expected.spans["entities"]) > 3 and expected._.relations
    found, same = (
        [(m.text.replace(blank, " "), m.label_, m.kb_id_) for m in d.spans["entities"]] for d in (doc, expected)
    )
    assert found == same
    rows, others = (d.spans["entities"].attrs["relations"] for d in (doc, expected))
    assert [row[:3] for row in rows] == [row[:3] for row in others]


def test_says_what_it_is(nlp: Language) -> None:
    keci = nlp.get_pipe("keci")
    assert list(nlp.meta["labels"]["keci"]) == list(keci.labels)  # type: ignore[attr-defined]
    result = json.loads((ROOT / "results" / "biorelex-release-minilm-0.json").read_text())
    assert nlp.meta["performance"]["biorelex_relations_f"] == pytest.approx(result["scores"]["biorelex_relations_f"])


def test_training_starts_from_it(shipped: Path, demo_docs: list[Doc], tmp_path: Path) -> None:
    save_docs(demo_docs[:4], tmp_path / "corpus.spacy")
    command(
        "train", ROOT / "configs" / "abstracts.cfg", "--output", tmp_path, "--paths.start", shipped,
        "--paths.train", tmp_path / "corpus.spacy", "--paths.dev", tmp_path / "corpus.spacy",
        "--training.max_steps", 1, "--training.eval_frequency", 1,
    )  # fmt: skip
    nlp = spacy.load(tmp_path / "model-last")
    assert nlp.get_pipe("keci").relation_labels != ()  # type: ignore[attr-defined]
