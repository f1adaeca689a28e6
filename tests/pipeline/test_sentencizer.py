"""The component ``biomedical_sentencizer``."""

import pickle
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.training import Example
from thinc.api import Config

TEXT = "Chen et al. (2001) found (Fig. 4A) that MDM2 binds p53 at 0.5 mM. FK506 does not. See R. G. Roeder, i.e. below."
SENTENCES = [
    "Chen et al. (2001) found (Fig. 4A) that MDM2 binds p53 at 0.5 mM.",
    "FK506 does not.",
    "See R. G. Roeder, i.e. below.",
]


@pytest.fixture
def sentencizer(nlp: Language) -> Language:
    nlp.add_pipe("biomedical_sentencizer")
    return nlp


def found(nlp: Language) -> list[str]:
    return [sentence.text for sentence in nlp(TEXT).sents]


def test_sets_sentences_and_reloads(sentencizer: Language, tmp_path: Path) -> None:
    assert found(sentencizer) == SENTENCES
    sentencizer.to_disk(tmp_path)
    assert found(spacy.load(tmp_path)) == SENTENCES
    assert found(pickle.loads(pickle.dumps(sentencizer))) == SENTENCES
    docs = list(sentencizer.pipe([TEXT, "", " ", "p53"], n_process=2))
    assert [len(list(doc.sents)) for doc in docs] == [3, 0, 1, 1]


@pytest.mark.parametrize("overwrite", [False, True])
def test_sentences_that_are_set_stay_unless_told(nlp: Language, overwrite: bool) -> None:
    component = nlp.add_pipe("biomedical_sentencizer", config={"overwrite": overwrite})
    doc = nlp.make_doc("A binds. B not.")
    for token in doc:
        token.is_sent_start = token.i == 1
    assert [sentence.start for sentence in component(doc).sents] == ([0, 3] if overwrite else [0, 1])


def test_overwrite_is_read_from_the_config(nlp: Language, tmp_path: Path) -> None:
    nlp.add_pipe("biomedical_sentencizer")
    nlp.to_disk(tmp_path)
    # earlier versions saved the settings in a file of the component as well
    srsly.write_json(tmp_path / "biomedical_sentencizer.json", {"punct_chars": ["."], "overwrite": False})
    config = Config().from_disk(tmp_path / "config.cfg")
    config["components"]["biomedical_sentencizer"]["overwrite"] = True
    config.to_disk(tmp_path / "config.cfg")
    loaded = spacy.load(tmp_path)
    assert loaded.get_pipe("biomedical_sentencizer").overwrite
    assert spacy.blank("en").from_config(loaded.config).from_bytes(loaded.to_bytes())(TEXT).has_annotation("SENT_START")


def test_scores(sentencizer: Language) -> None:
    gold = sentencizer.make_doc("A binds. B not. C does.")
    for token in gold:
        token.is_sent_start = token.i in (0, 3)
    scores = sentencizer.evaluate([Example(sentencizer.make_doc(gold.text), gold)])
    assert scores["sents_r"] == pytest.approx(1 / 2)
    assert scores["sents_p"] == pytest.approx(1 / 3)
