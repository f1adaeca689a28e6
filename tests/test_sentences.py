import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

from spacy_keci.sentences import break_tokens, parts_of_texts, sentences


@pytest.mark.parametrize(
    "parts",
    [
        ["At 0.5 mM (e.g. in vitro) FK506 binds.", "FKBP12 does not (Fig. 5)!", "α-Synuclein"],
        ["Title?\n", "The text, cf. above."],
        ["Chen et al. (2001) used 5 mg (approx. 2 mM), see Fig. S4.", "p53 binds it.", "mTOR does not, i.e. never."],
        ["R. G. Roeder et al. (U. S. A.) found vitamin C.", "[It binds.]", "Is it so (why?)?", "Yes"],
        ["One"],
        [],
    ],
)
def test_sentences_by_rule(nlp: Language, parts: list[str]) -> None:
    doc = nlp(" ".join(parts))
    assert [sentence.text.strip() for sentence in sentences(doc)] == [part.strip() for part in parts]
    assert doc.has_annotation("SENT_START") == (len(doc) < 2)  # spaCy says so of such documents


def test_sentences_of_the_pipeline(nlp: Language) -> None:
    doc = nlp("A binds. B not. C")
    for token in doc:
        token.is_sent_start = token.i == 3
    assert [sentence.text for sentence in sentences(doc)] == ["A binds.", "B not. C"]


def test_any_tokenizer() -> None:
    text = "It binds p53.[12] The rest\ndoes not (i.e. never). 5-HT does."
    for nlp in (spacy.blank("en"), spacy.blank("xx")):
        assert [sentence.text.strip() for sentence in sentences(nlp(text))] == [
            "It binds p53.[12]",
            "The rest",
            "does not (i.e. never).",
            "5-HT does.",
        ]


def test_tokens_with_line_breaks_or_tabs(nlp: Language) -> None:
    docs = [nlp(text) for text in ("", "a b\n\nc", "a  b\tc ", "\n")]
    tokens = [token.text for doc in docs for token in doc]
    assert [tokens[i] for i in np.flatnonzero(break_tokens(docs))] == ["\n\n", "\t", "\n"]
    assert not len(break_tokens([]))
    wrapped = nlp("The oncoprotein MDM2 (and its homologue MDMX)\nbinds p53.\nNot MDMX.")
    assert [token.i for token in wrapped if token.is_space] == [9, 13]
    assert np.flatnonzero(break_tokens([wrapped])).tolist() == [13]
    apart = Doc(nlp.vocab, ["A", "\n", "\n", "B"])
    assert break_tokens([apart]).tolist() == [False, True, True, False]


@given(st.lists(st.integers(1, 6), max_size=8), st.integers(1, 8))
def test_parts_are_whole_texts_and_as_long_as_they_may_be(lengths: list[int], limit: int) -> None:
    text = np.repeat(np.arange(len(lengths)), np.array(lengths, dtype="int64"))
    parts = list(parts_of_texts(text, limit, np.zeros(len(text), dtype=bool)))
    numbers = [np.unique(text[part]).tolist() for part in parts]
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(len(text)))
    assert [i for part in numbers for i in part] == list(range(len(lengths)))
    for here, following in zip(numbers, [*numbers[1:], []], strict=False):
        size = sum(lengths[i] for i in here)
        assert size <= limit or len(here) == 1
        assert not following or size + lengths[following[0]] > limit
