import re
import tarfile
import timeit
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from spacy.language import Language

from spacy_keci.corpora.annotation import AnnotatedText
from spacy_keci.corpora.biorelex import read_biorelex
from spacy_keci.corpora.spert import read_spert
from spacy_keci.reports import Report
from spacy_keci.tokenizer import _COMBINING, create_biomedical_tokenizer

from .corpora.strategies import TEXTS

NLP = spacy.blank("en", config={"nlp": {"tokenizer": {"@tokenizers": "spacy_keci.BiomedicalTokenizer.v1"}}})


def tokens(text: str) -> list[str]:
    return [token.text for token in NLP.make_doc(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("IκBα-p65", ["IκBα", "-", "p65"]),
        ("(TGF-β1)/Smad3.", ["(", "TGF", "-", "β1", ")", "/", "Smad3", "."]),
        ("don't", ["don", "'", "t"]),
        ("p53_wt", ["p53", "_", "wt"]),
        ("Na+, 5'-AMP", ["Na", "+", ",", "5", "'", "-", "AMP"]),
        ("e.g. http://x.org", ["e", ".", "g", ".", "http", ":", "/", "/", "x", ".", "org"]),
        ("can't U.S. :-)", ["can", "'", "t", "U", ".", "S", ".", ":", "-", ")"]),
        ("Mu\u0308llerian-IL-1\u0301", ["Mu\u0308llerian", "-", "IL", "-", "1\u0301"]),
        ("x\u0304\u0301y", ["x\u0304\u0301y"]),
        ("", []),
        ("word", ["word"]),
    ],
)
def test_splits_at_every_punctuation_mark(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@given(TEXTS)
def test_text_is_preserved(text: str) -> None:
    doc = NLP.make_doc(text)
    assert doc.text == text
    assert [text[token.idx : token.idx + len(token)] for token in doc] == [token.text for token in doc]


@given(TEXTS)
def test_boundaries(text: str) -> None:
    """A token is a run of letters (with combining marks) and digits, or one other character, or whitespace; runs are
    whole."""

    def is_word(character: str) -> bool:
        return character.isalnum() or bool(re.match(f"[{_COMBINING}]", character))

    doc = NLP.make_doc(text)
    for token in doc:
        assert all(map(is_word, token.text)) or len(token) == 1 or token.text.isspace()
    for left, right in pairwise(doc):
        if left.idx + len(left) == right.idx:
            assert not (is_word(left.text[-1]) and is_word(right.text[0]))


def test_settings_survive_saving(tmp_path: Path) -> None:
    NLP.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    text = "The IκBα-p65 complex (don't)."
    assert [t.text for t in loaded.make_doc(text)] == tokens(text)
    other = spacy.blank("en")
    other.tokenizer = create_biomedical_tokenizer()(other)
    other.tokenizer.from_bytes(NLP.tokenizer.to_bytes())
    assert [t.text for t in other.make_doc(text)] == tokens(text)


def test_time_grows_with_length_alone() -> None:
    """Long runs of punctuation, such as lines in a table, are no slower than words."""

    def seconds(text: str) -> float:
        return min(timeit.repeat(lambda: NLP.make_doc(text), number=1, repeat=3))

    assert seconds("-" * 20_000) < 20 * seconds("a-" * 10_000)


def unreachable(texts: list[AnnotatedText], nlp: Language) -> int:
    lost = 0
    for text in texts:
        doc = nlp.make_doc(text.text)
        lost += sum(doc.char_span(m.start, m.end) is None for m in text.mentions)
    return lost


def test_no_mention_of_biorelex_is_lost(data_dir: Path) -> None:
    for part, by_default in (("train", 141), ("dev", 11)):
        texts = list(read_biorelex(data_dir / "biorelex" / f"{part}.json", Report()))
        assert unreachable(texts, NLP) == 0
        assert unreachable(texts, spacy.blank("en")) == by_default


def test_no_mention_of_ade_is_lost(data_dir: Path, tmp_path: Path) -> None:
    with tarfile.open(data_dir / "ade" / "ade_10fold.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    sentences: dict[Any, AnnotatedText] = {}
    for fold in range(10):
        for part in ("train", "test"):
            path = next(tmp_path.rglob(f"ade_split_{fold}_{part}.json"))
            sentences |= {text.id: text for text in read_spert(path, Report())}
    assert len(sentences) == 4272
    assert unreachable(list(sentences.values()), NLP) == 0
